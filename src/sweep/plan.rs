//! Plans a sweep: its cells and what they will cost.

use super::{
    manifest::{Manifest, PlannedModel, PlannedTask, SweepCell},
    spec::{SweepSpec, Templates},
};
use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
    model::Model,
    protocol::{CellSettings, ProtocolCell, choose_templates, shots},
    task::{Library, Task, Template},
};

/// Loads the model with this name.
pub type LoadModel<'a> = dyn FnMut(&str) -> Result<Model> + 'a;

/// Examples over which the length of texts is averaged.
const SAMPLE: usize = 200;

/// Plans the cells of `spec`. With `load` every model is loaded, and one of its runs measured on a few examples; without,
/// costs are relative.
///
/// # Errors
/// If a task, a template or a model cannot be used, or there are too few labelled examples for a budget.
pub fn plan(spec: &SweepSpec, mut load: Option<&mut LoadModel<'_>>, cancel: &Cancel) -> Result<Manifest> {
    let tasks = spec.tasks.iter().map(|name| Library.task(name)).collect::<Result<Vec<_>>>()?;
    let of_model = of_one_model(spec, &tasks)?;
    let (mut models, mut cells) = (Vec::new(), Vec::new());
    for (model, name) in spec.models.iter().enumerate() {
        cancel.check()?;
        let measured =
            load.as_mut().map(|load| measure(spec, &tasks, &of_model[0], &load(name)?, cancel)).transpose()?;
        let (rate, weights_hash) = measured.map_or((1.0, None), |(rate, hash)| (rate, Some(hash)));
        models.push(PlannedModel { name: name.clone(), measured: weights_hash.is_some(), weights_hash });
        cells.extend(of_model.iter().map(|cell| SweepCell { model, cost: cell.cost * rate, ..cell.clone() }));
    }
    let described = |(source, task): (&String, &Task)| PlannedTask {
        source: source.clone(),
        name: task.name.clone(),
        hash: task_hash(task),
    };
    let tasks = spec.tasks.iter().zip(&tasks).map(described).collect();
    Manifest::new(spec.common.clone(), models, tasks, cells)
}

/// Returns the cells of one model, without ids, and with their cost in characters.
fn of_one_model(spec: &SweepSpec, tasks: &[Task]) -> Result<Vec<SweepCell>> {
    let templates = tasks.iter().map(|task| templates(&spec.templates, task)).collect::<Result<Vec<_>>>()?;
    let shots: Vec<Option<usize>> =
        if spec.shots.is_empty() { vec![None] } else { spec.shots.iter().copied().map(Some).collect() };
    let seeds = spec.seeds.list();
    let mut cells = Vec::new();
    for (&budget, &shots) in spec.budgets.iter().flat_map(|budget| shots.iter().map(move |shots| (budget, shots))) {
        let settings = spec.common.settings(budget, shots);
        for (at, (task, templates)) in tasks.iter().zip(&templates).enumerate() {
            let length = text_length(task);
            for &(template, counted) in templates {
                let planned = |seed| ProtocolCell { task, template, seed, counted };
                check(&planned(seeds[seeds.len() - 1]), &settings)?;
                cells.extend(seeds.iter().map(|&seed| SweepCell {
                    id: String::new(),
                    model: 0,
                    task: at,
                    template: template.name.clone(),
                    seed,
                    budget,
                    shots,
                    counted,
                    cost: work(&planned(seed), &settings, length),
                }));
            }
        }
    }
    Ok(cells)
}

/// Measures `cell` with `model`; returns the seconds for a character, and the checksum of the weights.
fn measure(
    spec: &SweepSpec,
    tasks: &[Task],
    cell: &SweepCell,
    model: &Model,
    cancel: &Cancel,
) -> Result<(f64, String)> {
    let task = &tasks[cell.task];
    let planned =
        ProtocolCell { task, template: task.template(Some(&cell.template))?, seed: cell.seed, counted: cell.counted };
    let seconds = planned.seconds(&spec.common.settings(cell.budget, cell.shots), model, cancel)?;
    Ok((seconds / cell.cost, model.meta.weights_hash.clone()))
}

fn templates<'t>(wanted: &Templates, task: &'t Task) -> Result<Vec<(&'t Template, bool)>> {
    match wanted {
        Templates::Count(count) => Ok(choose_templates(task, *count)),
        Templates::Names(names) => names.iter().map(|name| Ok((task.template(Some(name))?, true))).collect(),
    }
}

/// Checks that the examples of a cell can be chosen.
fn check(cell: &ProtocolCell<'_>, settings: &CellSettings) -> Result<()> {
    let name = format!("task {}, template {}", cell.task.name, cell.template.name);
    let shown = settings.shots.unwrap_or_else(|| shots(cell.task.labels.len()));
    if settings.budget < shown {
        let problem = format!("{name}: a budget of {} labels is less than {shown} demonstrations", settings.budget);
        return Err(InputError::new(problem).field("budgets").help("raise the budget, or lower shots").into());
    }
    let (trained, labels) = (settings.budget - shown, cell.task.labels.len());
    if trained < labels {
        let problem = format!(
            "{name}: a budget of {} labels leaves {trained} training examples beside {shown} demonstrations, too few for \
             {labels} labels",
            settings.budget
        );
        return Err(InputError::new(problem).field("budgets").help("raise the budget, or lower shots").into());
    }
    cell.check(settings).map_err(|error| match error {
        Error::Input(error) if error.path.is_none() => {
            InputError { problem: format!("{name}: {}", error.problem), ..*error }.into()
        }
        other => other,
    })
}

/// Estimates the work of a cell in characters of prompts: its test prompts after the shared demonstrations, those behind
/// the whole budget, those with the nearest demonstrations, and leave-one-out prompts.
fn work(cell: &ProtocolCell<'_>, settings: &CellSettings, length: f64) -> f64 {
    let scored = cell.scored(settings) as f64;
    let shown = settings.shots.unwrap_or_else(|| shots(cell.task.labels.len())) as f64;
    let budget = settings.budget as f64;
    length * (scored * (3.0 + shown) + budget * budget + 1.0)
}

/// Returns the mean length of the test examples.
fn text_length(task: &Task) -> f64 {
    let lengths: Vec<usize> = task.test.iter().take(SAMPLE).map(|example| example.summary().len()).collect();
    lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64 + 1.0
}

/// Returns the checksum of all that a run takes from a task.
pub(super) fn task_hash(task: &Task) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(&task.name);
    task.labels.iter().for_each(|label| add(label));
    for template in &task.templates {
        add(&template.name);
        add(template.hash());
        add(&format!("{:?}", template.contrast));
    }
    add(&format!("{:?} {}", task.pools, task.keeps_empty));
    for part in [&task.pool, &task.dev, &task.test] {
        add(&part.len().to_string());
        for example in part {
            add(&example.id);
            add(&example.label.to_string());
            add(&serde_json::Value::Object(example.fields.clone()).to_string());
        }
    }
    hasher.finalize().to_hex().to_string()
}
