//! Ablates every component alone. Estimates the time first, and writes partial results in case of an interruption.

use std::{fmt::Write, path::Path, time::Instant};

use serde::Serialize;

use super::{
    super::{
        failure::Failure,
        output::{human_time, print, print_json},
    },
    args::AblationJob,
    effects::EffectReport,
    fill_source::{FillFrom, from},
};
use crate::{
    analysis::measures::Measured,
    cancel::Cancel,
    component::{Component, Shape},
    experiments::{Ablation, Sweep, price, sweep},
    text::{printable, signed},
};

/// Number of function vector scores in the text.
const LARGEST: usize = 10;

/// What `ablate --each` prints and writes.
#[derive(Serialize)]
struct EachReport<'a> {
    schema: u32,
    model_hash: &'a str,
    #[serde(flatten)]
    ablation: Ablation,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill_from: Option<FillFrom>,
    examples: usize,
    of: usize,
    complete: bool,
    estimate_s: f64,
    seconds: f64,
    components: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: Component,
    /// Number of examples on which its effects are measured.
    examples: usize,
    #[serde(flatten)]
    effects: EffectReport,
    #[serde(flatten)]
    answers: Option<AnswerReport>,
}

/// Probability of the right answer over the whole vocabulary.
#[derive(Clone, Serialize)]
struct AnswerReport {
    probability: Probability,
    /// Mean rise of the probability.
    function_vector_score: Measured,
}

#[derive(Clone, Serialize)]
struct Probability {
    model: f64,
    total: f64,
}

impl AnswerReport {
    /// Reports every component of a complete sweep, if the probabilities are measured.
    fn all(sweep: &Sweep) -> Option<Vec<Self>> {
        let answers = sweep.answers.as_ref().filter(|_| sweep.is_complete())?;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let report = |(total, score): (&Vec<f64>, Measured)| Self {
            probability: Probability { model: mean(&answers.model), total: mean(total) },
            function_vector_score: score,
        };
        Some(answers.changed.iter().zip(answers.scores()).map(report).collect())
    }
}

pub(super) fn run(job: AblationJob<'_>) -> Result<(), Failure> {
    let (context, name, fill_from) = (job.context()?, job.file_name("each"), job.fill_from());
    let AblationJob { args, loaded, ablation, attachments, mut line, .. } = job;
    let (shape, cancel) = (loaded.plan.shape, Cancel::default());
    line.stage("measuring…");
    let estimate = price(&context, ablation, &cancel)?;
    line.note(&format!(
        "{} of each of {} components on {} examples: about {} (measured on the first batch)",
        ablation.describe(),
        shape.components(),
        context.len(),
        human_time(estimate)
    ));
    let started = Instant::now();
    let report = |sweep: &Sweep| {
        let answers = AnswerReport::all(sweep);
        let answers_of = |index: usize| answers.as_ref().map(|answers| answers[index].clone());
        EachReport {
            schema: 1,
            model_hash: &loaded.plan.model.weights_hash,
            ablation,
            fill_from: fill_from.clone(),
            examples: sweep.done(),
            of: sweep.examples,
            complete: sweep.is_complete(),
            estimate_s: estimate.as_secs_f64(),
            seconds: started.elapsed().as_secs_f64(),
            components: (shape.iter().zip(&sweep.effects).enumerate())
                .filter(|(_, (_, effects))| effects.examples > 0)
                .map(|(index, (name, effects))| Entry {
                    name,
                    examples: effects.examples,
                    effects: EffectReport::new(effects),
                    answers: answers_of(index),
                })
                .collect(),
        }
    };
    let mut write_error = None;
    let swept = sweep(&context, ablation, &cancel, &mut |partial, progress| {
        line.count(&progress, "layers");
        if let Some(Err(error)) =
            partial.filter(|sweep| !sweep.is_complete()).map(|s| attachments.write(&name, &report(s)))
        {
            write_error.get_or_insert(error);
            cancel.cancel();
        }
    });
    if let Some(error) = write_error {
        return Err(error.into());
    }
    let swept = swept?;
    line.clear();
    let report = report(&swept);
    let path = attachments.write(&name, &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&table(&swept, shape, &report, &path))?;
    }
    Ok(())
}

fn table(swept: &Sweep, shape: Shape, report: &EachReport<'_>, path: &Path) -> String {
    let mut text = String::new();
    let first = swept.effects.first().copied().unwrap_or_default();
    let _ = writeln!(
        text,
        "{} of each component{} · {} test examples · {:.1} s\nmodel: accuracy {:.1} %, mean margin {:.2} nats",
        swept.ablation.describe(),
        from(report.fill_from.as_ref()),
        swept.done(),
        report.seconds,
        100.0 * first.model.accuracy,
        first.model.margin
    );
    let _ = writeln!(
        text,
        "{:<10}{:>26}{:>10}{:>24}{:>18}",
        "", "margin: direct   indirect", "total", "accuracy: direct  total", "flips"
    );
    for (component, effects) in shape.iter().zip(&swept.effects) {
        let (direct, indirect, total) = (effects.direct_effect(), effects.indirect_effect(), effects.total_effect());
        let _ = writeln!(
            text,
            "{component:<10}{:>15}{:>11}{:>10}{:>17}{:>7}{:>18}",
            signed(direct.margin, 3),
            signed(indirect.margin, 3),
            signed(total.margin, 3),
            signed(100.0 * direct.accuracy, 1),
            signed(100.0 * total.accuracy, 1),
            format!("{} → {}", effects.direct_flips.count(), effects.total_flips.count())
        );
    }
    let most = (0..swept.effects.len()).max_by(|&a, &b| {
        let gap = |index: usize| swept.effects[index].indirect_effect().margin.abs();
        gap(a).total_cmp(&gap(b))
    });
    if let Some(index) = most {
        let effects = &swept.effects[index];
        let _ = writeln!(
            text,
            "direct and total effect differ most for {}: {:+.2} direct, {:+.2} total",
            shape.component(index),
            effects.direct_effect().margin,
            effects.total_effect().margin
        );
    }
    text += &scores(&report.components);
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}

/// Lists the largest function vector scores, if they are measured.
fn scores(components: &[Entry]) -> String {
    let score = |entry: &Entry| Some((entry.name, entry.answers.as_ref()?.function_vector_score));
    let mut scores: Vec<_> = components.iter().filter_map(score).collect();
    let Some(model) = components.iter().find_map(|entry| Some(entry.answers.as_ref()?.probability.model)) else {
        return String::new();
    };
    scores.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    let mut text = format!(
        "function vector scores: rise of the right answer's probability among all tokens, from {model:.4} · 95% intervals\n"
    );
    for (name, score) in scores.iter().take(LARGEST) {
        let (value, low, high) = (signed(score.value, 4), signed(score.ci.0, 4), signed(score.ci.1, 4));
        let _ = writeln!(text, "{:<10}{value:>10} ({low}, {high})", name.to_string());
    }
    text
}
