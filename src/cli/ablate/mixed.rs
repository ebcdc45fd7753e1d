//! One re-run under a mix, given as weights or as a file of them: whether what the sum promises survives the network's
//! reaction, which components reacted, and which examples are answered otherwise.

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
        output::{ProgressLine, print, print_json, read_text},
    },
    args::{Args, file_name},
    effects::{self, EffectReport},
};
use crate::{
    analysis::{Mix, WeightsFile, predict::predictions, weights::weights_by_component},
    cancel::Cancel,
    component::Component,
    error::{InputError, Result},
    experiments::{Ablation, Rerun, rerun},
    store::Attachments,
    text::printable,
};

/// What is stated about a change of all components at once.
#[derive(Serialize)]
struct MixReport<'a> {
    schema: u32,
    model_hash: &'a str,
    #[serde(flatten)]
    ablation: Ablation,
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

/// How much more a component adds to the mean margin than the sum says.
#[derive(Serialize)]
struct Reaction {
    name: Component,
    delta: f64,
}

/// An example that the change answers otherwise.
#[derive(Serialize)]
struct Flipped<'a> {
    id: &'a str,
    gold: usize,
    model: usize,
    direct: usize,
    total: usize,
}

pub(super) fn run(
    args: &Args,
    loaded: &LoadedRun,
    ablation: Ablation,
    attachments: &Attachments,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    let mix = mix_of(args, loaded)?;
    let started = Instant::now();
    let outcome = rerun(&loaded.context()?, &loaded.run.test, &mix, ablation, &Cancel::default(), &mut |progress| {
        line.count(&progress, "prompts");
    })?;
    line.clear();
    let report = MixReport {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        ablation,
        examples: outcome.effects.examples,
        effects: EffectReport::of(&outcome.effects),
        seconds: started.elapsed().as_secs_f64(),
        rest: mix.rest,
        offsets: &mix.offsets,
        weights: weights_by_component(&mix, loaded.plan.shape),
        reacted: outcome.reactions.iter().map(|&(name, delta)| Reaction { name, delta }).collect(),
        flipped: flipped(loaded, &outcome),
    };
    let path = attachments.write(&file_name("mix", ablation), &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&table(&outcome, &report, &path))?;
    }
    Ok(())
}

fn mix_of(args: &Args, loaded: &LoadedRun) -> Result<Mix> {
    if let Some(path) = &args.mix {
        return WeightsFile::parse(&read_text(path)?)?.mix(&loaded.plan.model, &loaded.plan.task);
    }
    let shape = loaded.plan.shape;
    let (mut mix, mut given) = (Mix::identity(shape), HashSet::new());
    for &(component, weight) in &args.set {
        mix.weights[index_of(shape, component)?] = weight;
        if !given.insert(component) {
            let problem = format!("{component} is given two weights");
            return Err(InputError::new(problem).field("--set").cure("name every component once").into());
        }
    }
    Ok(mix)
}

fn flipped<'a>(loaded: &'a LoadedRun, outcome: &Rerun) -> Vec<Flipped<'a>> {
    let labels = loaded.plan.shape.labels;
    let said = |logits: &[f64]| predictions(logits, labels);
    let model: Vec<f64> = loaded.run.test.full().iter().copied().map(f64::from).collect();
    let (model, direct, total) = (said(&model), said(&outcome.direct), said(&outcome.total));
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
        "{} · {} test examples · {:.2} s",
        outcome.ablation.describe(),
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
