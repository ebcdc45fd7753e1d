//! Re-runs the model with a mix, given as weights or as a file: direct and total effect, the components that reacted,
//! and the examples with another prediction.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write,
    path::Path,
    time::Instant,
};

use serde::Serialize;

use super::{
    super::{
        context::{LoadedRun, index_of},
        failure::Failure,
        output::{print, print_json, read_weights},
    },
    args::{AblationJob, Args},
    effects::{self, EffectReport},
    fill_source::{FillFrom, from},
};
use crate::{
    analysis::{Mix, predict::predictions, weights::weights_by_component},
    cancel::Cancel,
    component::Component,
    error::{InputError, Result},
    experiments::{Ablation, Rerun, rerun},
    text::printable,
};

/// What `ablate --set` and `ablate --mix` print and write.
#[derive(Serialize)]
struct MixReport<'a> {
    schema: u32,
    model_hash: &'a str,
    #[serde(flatten)]
    ablation: Ablation,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill_from: Option<FillFrom>,
    examples: usize,
    #[serde(flatten)]
    effects: EffectReport,
    seconds: f64,
    rest: f64,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    offsets: &'a [f64],
    weights: BTreeMap<Component, f64>,
    reacted: Vec<Reaction>,
    flipped: Vec<Flipped<'a>>,
}

/// Change of a component's contribution to the mean margin beyond the direct effect.
#[derive(Serialize)]
struct Reaction {
    name: Component,
    delta: f64,
}

/// An example whose prediction changed.
#[derive(Serialize)]
struct Flipped<'a> {
    id: &'a str,
    gold: usize,
    model: usize,
    direct: usize,
    total: usize,
}

pub(super) fn run(job: AblationJob<'_>) -> Result<(), Failure> {
    let (context, name, fill_from) = (job.context()?, job.file_name("mix"), job.fill_from());
    let AblationJob { args, loaded, ablation, attachments, mut line, .. } = job;
    let mix = requested_mix(args, loaded)?;
    let started = Instant::now();
    let outcome = rerun(&context, &loaded.run.test, &mix, ablation, &Cancel::default(), &mut |progress| {
        line.count(&progress, "prompts");
    })?;
    line.clear();
    let report = MixReport {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        ablation,
        fill_from,
        examples: outcome.effects.examples,
        effects: EffectReport::new(&outcome.effects),
        seconds: started.elapsed().as_secs_f64(),
        rest: mix.rest,
        offsets: &mix.offsets,
        weights: weights_by_component(&mix, loaded.plan.shape),
        reacted: outcome.reactions.iter().map(|&(name, delta)| Reaction { name, delta }).collect(),
        flipped: flipped(loaded, &outcome),
    };
    let path = attachments.write(&name, &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&table(&outcome, &report, &path))?;
    }
    Ok(())
}

fn requested_mix(args: &Args, loaded: &LoadedRun) -> Result<Mix> {
    if let Some(path) = &args.mix {
        return read_weights(path)?.mix(&loaded.plan.model, &loaded.plan.task);
    }
    let shape = loaded.plan.shape;
    let (mut mix, mut given) = (Mix::identity(shape), HashSet::new());
    for &(component, weight) in &args.set {
        mix.weights[index_of(shape, component)?] = weight;
        if !given.insert(component) {
            let problem = format!("{component} has two weights");
            return Err(InputError::new(problem).field("--set").help("list every component once").into());
        }
    }
    Ok(mix)
}

fn flipped<'a>(loaded: &'a LoadedRun, outcome: &Rerun) -> Vec<Flipped<'a>> {
    let labels = loaded.plan.shape.labels;
    let predicted = |logits: &[f64]| predictions(logits, labels);
    let model: Vec<f64> = loaded.run.test.full().iter().copied().map(f64::from).collect();
    let (model, direct, total) = (predicted(&model), predicted(&outcome.direct), predicted(&outcome.total));
    let rows = loaded.plan.test.iter().enumerate();
    rows.filter(|&(row, _)| model[row] != total[row] || model[row] != direct[row])
        .map(|(row, example)| Flipped {
            id: &example.id,
            gold: example.gold,
            model: model[row],
            direct: direct[row],
            total: total[row],
        })
        .collect()
}

fn table(outcome: &Rerun, report: &MixReport<'_>, path: &Path) -> String {
    let effects = &outcome.effects;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}{} · {} test examples · {:.2} s",
        outcome.ablation.describe(),
        from(report.fill_from.as_ref()),
        effects.examples,
        report.seconds
    );
    text += &effects::table(effects);
    let reacted: Vec<String> =
        report.reacted.iter().take(5).map(|reaction| format!("{} {:+.2}", reaction.name, reaction.delta)).collect();
    if !reacted.is_empty() {
        let _ = writeln!(text, "reacted most (change of the mean margin): {}", reacted.join("  "));
    }
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}
