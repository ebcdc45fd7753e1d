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
    cancel::Cancel,
    component::{Component, Shape},
    experiments::{Ablation, Sweep, price, sweep},
    text::{printable, signed},
};

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
    let report = |sweep: &Sweep| EachReport {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        ablation,
        fill_from: fill_from.clone(),
        examples: sweep.done(),
        of: sweep.examples,
        complete: sweep.is_complete(),
        estimate_s: estimate.as_secs_f64(),
        seconds: started.elapsed().as_secs_f64(),
        components: (shape.iter().zip(&sweep.effects))
            .filter(|(_, effects)| effects.examples > 0)
            .map(|(name, effects)| Entry { name, examples: effects.examples, effects: EffectReport::new(effects) })
            .collect(),
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
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}
