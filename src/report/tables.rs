//! The tables of a report.

use super::{
    atlas::atlas_table,
    pairs::{Pair, matrix},
    run_report::RunReport,
    table::{Table, Values},
};
use crate::{
    analysis::{Mix, atlas::Atlas},
    attribution::Split,
};

/// Returns all tables with rows, by file name.
pub(super) fn all(reports: &[RunReport<'_>], pairs: &[Pair<'_>]) -> Vec<(&'static str, Table)> {
    let each = |table: fn(&RunReport<'_>) -> Table| {
        reports.iter().fold(Table::new(), |mut all, report| {
            all.append(table(report));
            all
        })
    };
    let tables = [
        ("runs", runs(reports)),
        ("components", each(components)),
        ("atlas", each(atlas)),
        ("examples", each(examples)),
        ("methods", each(methods)),
        ("path", each(path)),
        ("labels", each(labels)),
        ("agreement", agreement(reports)),
        ("flips", flips(pairs)),
    ];
    tables.into_iter().filter(|(_, table)| table.rows() > 0).collect()
}

fn runs(reports: &[RunReport<'_>]) -> Table {
    let metas = || reports.iter().map(|report| &report.run.meta);
    let best = |report: &RunReport<'_>| report.best.as_ref().map(|best| best.component.to_string());
    Table::new()
        .text("run", reports.iter().map(|report| &report.name))
        .text("model", metas().map(|meta| &meta.model.id))
        .text("weights_hash", metas().map(|meta| &meta.model.weights_hash))
        .text("dtype", metas().map(|meta| &meta.model.dtype))
        .text("task", metas().map(|meta| &meta.task.name))
        .text("template", metas().map(|meta| &meta.task.template))
        .text("label_words", metas().map(|meta| meta.task.label_words.join("|")))
        .count("shots", metas().map(|meta| meta.prompt.shots))
        .count("demo_seed", metas().map(|meta| meta.prompt.demo_seed as usize))
        .text("demo_ids", metas().map(|meta| meta.prompt.demo_ids.join("|")))
        .count("train", metas().map(|meta| meta.examples.train))
        .count("test", metas().map(|meta| meta.examples.test))
        .number("full", metas().map(|meta| Some(meta.accuracy.full)))
        .number("components", metas().map(|meta| Some(meta.accuracy.components)))
        .number("chance", metas().map(|meta| Some(meta.accuracy.chance)))
        .number("majority", metas().map(|meta| Some(meta.accuracy.majority)))
        .push("best_component", Values::Text(reports.iter().map(best).collect()))
        .number("best_component_held_out", reports.iter().map(|report| report.best.as_ref().map(|best| best.accuracy)))
        .number("exactness_max_rel", metas().map(|meta| Some(meta.exactness.max_rel)))
        .count("exactness_argmax_mismatches", metas().map(|meta| meta.exactness.argmax_mismatches))
}

fn components(report: &RunReport<'_>) -> Table {
    let stats = &report.components;
    let weight = |index: usize| report.fits.as_ref().ok().map(|fits| fits.fit.mix.weights[index]);
    let number = |of: fn(&crate::analysis::ComponentStats) -> f64| stats.iter().map(move |stats| Some(of(stats)));
    Table::new()
        .text("run", stats.iter().map(|_| &report.name))
        .text("component", stats.iter().map(|stats| stats.component.to_string()))
        .count("layer", stats.iter().map(|stats| stats.component.layer))
        .count("n", stats.iter().map(|stats| stats.n))
        .number("accuracy", number(|stats| stats.accuracy))
        .number("ci_low", number(|stats| stats.ci.0))
        .number("ci_high", number(|stats| stats.ci.1))
        .text("kind", stats.iter().map(|stats| stats.kind.name()))
        .text("beats_full", stats.iter().map(|stats| stats.beats_full.to_string()))
        .number("bias", number(|stats| stats.bias))
        .number("kappa", number(|stats| stats.kappa))
        .number("p", number(|stats| stats.p))
        .number("q", number(|stats| stats.q))
        .number("weight", (0..stats.len()).map(weight))
}

/// Returns the columns of the atlas that follow from the run's tables alone.
fn atlas(report: &RunReport<'_>) -> Table {
    let own = atlas_table(&Atlas::new(&report.run.test));
    let mut table = Table::new().text("run", (0..own.rows()).map(|_| &report.name));
    table.columns.extend(own.columns);
    table
}

fn examples(report: &RunReport<'_>) -> Table {
    let run = report.run;
    let mix = report.fits.as_ref().map_or_else(|_| Mix::identity(run.test.shape()), |fits| fits.fit.mix.clone());
    let words = run.meta.task.class_names();
    let word = |label: usize| words.get(label).map_or_else(|| label.to_string(), |word| word.trim().to_owned());
    let both = |of: &dyn Fn(Split) -> Vec<f64>| Split::ALL.map(of).concat();
    let mixed: Vec<usize> = Split::ALL.map(|split| mix.predictions(run.split(split))).concat();
    let model = Mix::identity(run.test.shape());
    Table::new()
        .text("run", run.examples.iter().map(|_| &report.name))
        .text("id", run.examples.iter().map(|example| &example.id))
        .text("split", run.examples.iter().map(|example| example.split.name()))
        .text("gold", run.examples.iter().map(|example| word(example.gold)))
        .text("full", run.examples.iter().map(|example| word(example.full)))
        .text("mixed", mixed.into_iter().map(word))
        .number("margin_full", both(&|split| model.margins(run.split(split))).into_iter().map(Some))
        .number("margin_mixed", both(&|split| mix.margins(run.split(split))).into_iter().map(Some))
        .text("text", run.examples.iter().map(|example| &example.text))
}

fn methods(report: &RunReport<'_>) -> Table {
    let outcomes = report.fits.as_ref().map_or(&[][..], |fits| &fits.outcomes);
    Table::new()
        .text("run", outcomes.iter().map(|_| &report.name))
        .text("method", outcomes.iter().map(|outcome| outcome.method.name()))
        .number("accuracy", outcomes.iter().map(|outcome| Some(outcome.accuracy)))
        .number("ci_low", outcomes.iter().map(|outcome| Some(outcome.ci.0)))
        .number("ci_high", outcomes.iter().map(|outcome| Some(outcome.ci.1)))
        .number("macro_f1", outcomes.iter().map(|outcome| Some(outcome.measures.macro_f1.value)))
        .number("ece", outcomes.iter().map(|outcome| outcome.measures.ece.map(|own| own.value)))
        .number("nll", outcomes.iter().map(|outcome| outcome.measures.nll.map(|own| own.value)))
        .number("share_sd", outcomes.iter().map(|outcome| Some(outcome.measures.share_sd.value)))
        .number("difference", outcomes.iter().map(|outcome| outcome.measures.difference.map(|own| own.value)))
        .number("difference_low", outcomes.iter().map(|outcome| outcome.measures.difference.map(|own| own.ci.0)))
        .number("difference_high", outcomes.iter().map(|outcome| outcome.measures.difference.map(|own| own.ci.1)))
        .text("leakage", outcomes.iter().map(|outcome| outcome.leakage.to_string()))
        .text("transductive", outcomes.iter().map(|outcome| outcome.transductive.to_string()))
}

/// Returns the path of the default fit, one row per strength and component.
fn path(report: &RunReport<'_>) -> Table {
    let steps = report.fits.as_ref().map_or(&[][..], |fits| &fits.path);
    let rows = || {
        steps.iter().flat_map(|step| step.fit.mix.weights.iter().enumerate().map(move |(index, w)| (step, index, *w)))
    };
    let shape = report.run.test.shape();
    Table::new()
        .text("run", rows().map(|_| &report.name))
        .number("lambda", rows().map(|(step, _, _)| Some(step.fit.lambda)))
        .number("accuracy_train", rows().map(|(step, _, _)| Some(step.train)))
        .number("accuracy_test", rows().map(|(step, _, _)| Some(step.test)))
        .text("component", rows().map(|(_, index, _)| shape.component(index).to_string()))
        .number("weight", rows().map(|(_, _, weight)| Some(weight)))
}

/// Returns the learning curve, one row per method and number of training labels.
fn labels(report: &RunReport<'_>) -> Table {
    let points = report.fits.as_ref().map_or(&[][..], |fits| &fits.curve);
    Table::new()
        .text("run", points.iter().map(|_| &report.name))
        .text("method", points.iter().map(|point| point.method.name()))
        .count("training_labels", points.iter().map(|point| point.labels))
        .number("accuracy", points.iter().map(|point| Some(point.accuracy)))
        .number("lowest", points.iter().map(|point| Some(point.range.0)))
        .number("highest", points.iter().map(|point| Some(point.range.1)))
}

fn agreement(reports: &[RunReport<'_>]) -> Table {
    let matrix = matrix(reports);
    let pairs: Vec<(usize, usize)> = (0..reports.len())
        .flat_map(|i| (i + 1..reports.len()).map(move |j| (i, j)))
        .filter(|&(i, j)| matrix[i][j].is_some())
        .collect();
    let cells = || pairs.iter().map(|&(i, j)| matrix[i][j]);
    Table::new()
        .text("run_a", pairs.iter().map(|&(i, _)| &reports[i].name))
        .text("run_b", pairs.iter().map(|&(_, j)| &reports[j].name))
        .number("pearson", cells().map(|cell| cell.and_then(|cell| cell.pearson)))
        .number("spearman", cells().map(|cell| cell.and_then(|cell| cell.spearman)))
        .number("iou_top5", cells().map(|cell| cell.map(|cell| cell.iou_top5)))
}

/// Returns the flipped examples, one row per example and component that changed its margin.
fn flips(pairs: &[Pair<'_>]) -> Table {
    let rows: Vec<_> = pairs
        .iter()
        .flat_map(|pair| pair.comparison.flips.iter().map(move |flip| (pair, flip)))
        .flat_map(|(pair, flip)| flip.components.iter().map(move |moved| (pair, flip, moved)))
        .collect();
    let word = |pair: &Pair<'_>, label: usize| {
        pair.a.run.meta.task.class_names().get(label).map_or_else(|| label.to_string(), |word| word.trim().to_owned())
    };
    Table::new()
        .text("run_a", rows.iter().map(|(pair, ..)| &pair.a.name))
        .text("run_b", rows.iter().map(|(pair, ..)| &pair.b.name))
        .text("id", rows.iter().map(|(_, flip, _)| &flip.id))
        .text("gold", rows.iter().map(|(pair, flip, _)| word(pair, flip.gold)))
        .text("a", rows.iter().map(|(pair, flip, _)| word(pair, flip.a)))
        .text("b", rows.iter().map(|(pair, flip, _)| word(pair, flip.b)))
        .number("margin_a", rows.iter().map(|(_, flip, _)| Some(flip.margin[0])))
        .number("margin_b", rows.iter().map(|(_, flip, _)| Some(flip.margin[1])))
        .text("component", rows.iter().map(|(.., moved)| moved.component.to_string()))
        .number("delta", rows.iter().map(|(.., moved)| Some(moved.delta)))
}
