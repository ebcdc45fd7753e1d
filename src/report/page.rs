//! The HTML page: one self-contained file that opens without a network.

use minijinja::{Environment, value::Serde};
use serde::Serialize;

use super::{
    figures::Figure,
    pairs::Pair,
    run_report::RunReport,
    style::{kind_name, mark, percent},
    svg::escape,
};
use crate::{
    analysis::{ComponentStats, measures::Measured},
    attribution::F32_TOLERANCE,
    error::{Error, Result},
    run::TaskMeta,
};

const TEMPLATE: &str = include_str!("../../assets/report.html");

/// Rows in a ranking and in a list of flips.
const ROWS: usize = 10;

#[derive(Serialize)]
struct Page {
    version: &'static str,
    overview: Vec<ShownFigure>,
    runs: Vec<RunSection>,
    pairs: Vec<PairSection>,
}

#[derive(Serialize)]
struct RunSection {
    name: String,
    sentence: String,
    warning: Option<String>,
    facts: Vec<(&'static str, String)>,
    best: Vec<Vec<String>>,
    worst: Vec<Vec<String>>,
    methods: Vec<Vec<String>>,
    no_fit: Option<String>,
    figures: Vec<ShownFigure>,
}

#[derive(Serialize)]
struct PairSection {
    name: String,
    sentence: String,
    flips: Vec<Vec<String>>,
    more: usize,
    figures: Vec<ShownFigure>,
}

#[derive(Serialize)]
struct ShownFigure {
    caption: String,
    svg: String,
}

/// Renders the HTML page.
///
/// # Errors
/// Only if the built-in template is broken, which tests rule out.
pub(super) fn render(reports: &[RunReport<'_>], pairs: &[Pair<'_>], figures: &[Figure]) -> Result<String> {
    let wanted = |names: &[String]| -> Vec<ShownFigure> {
        let shown = |figure: &Figure| ShownFigure { caption: figure.caption.clone(), svg: figure.svg.clone() };
        figures.iter().filter(|figure| names.contains(&figure.name)).map(shown).collect()
    };
    let run_section = |report: &RunReport<'_>| {
        let names = ["accuracy", "lens", "weights", "path"].map(|kind| format!("{kind}-{}", report.slug));
        section(report, wanted(&names))
    };
    let pair_section = |pair: &Pair<'_>| {
        let names = ["scatter", "difference"].map(|kind| format!("{kind}-{}-{}", pair.a.slug, pair.b.slug));
        comparison_section(pair, wanted(&names))
    };
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        overview: wanted(&["methods".to_owned(), "agreement".to_owned()]),
        runs: reports.iter().map(run_section).collect(),
        pairs: pairs.iter().map(pair_section).collect(),
    };
    let mut environment = Environment::new();
    let failed = |error: minijinja::Error| Error::Model(format!("cannot render the report page: {error}"));
    environment.add_template("report.html", TEMPLATE).map_err(failed)?;
    let template = environment.get_template("report.html").map_err(failed)?;
    template.render(Serde(&page)).map_err(failed)
}

fn section(report: &RunReport<'_>, figures: Vec<ShownFigure>) -> RunSection {
    let (run, meta) = (report.run, &report.run.meta);
    let mut ranked: Vec<&ComponentStats> = report.components.iter().collect();
    ranked.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    let held_out = report.best.as_ref().map_or_else(String::new, |best| {
        format!(
            " Chosen on one half of the examples and scored on the other, the best component has an accuracy of {} %.",
            percent(best.accuracy)
        )
    });
    let exact = run.train.exactness().max_rel.max(run.test.exactness().max_rel);
    RunSection {
        name: escape(&report.name),
        sentence: format!(
            "The model predicts {} % of {} test examples correctly; {} alone gets {} %.{held_out}",
            percent(meta.accuracy.full),
            meta.examples.test,
            ranked[0].component,
            percent(ranked[0].accuracy)
        ),
        warning: (!meta.exactness.holds(F32_TOLERANCE)).then(|| {
            format!(
                "The contributions in this run do not add up to the model's logits: largest relative deviation {exact:.1e}."
            )
        }),
        facts: facts(report),
        best: ranked.iter().take(ROWS).map(|stats| ranking_row(stats)).collect(),
        worst: ranked.iter().rev().take(ROWS).map(|stats| ranking_row(stats)).collect(),
        methods: report
            .fits
            .as_ref()
            .map_or_else(|_| Vec::new(), |fits| fits.outcomes.iter().map(method_row).collect()),
        no_fit: report.fits.as_ref().err().map(|reason| escape(reason)),
        figures,
    }
}

fn facts(report: &RunReport<'_>) -> Vec<(&'static str, String)> {
    let meta = &report.run.meta;
    let (model, prompt) = (&meta.model, &meta.prompt);
    let shape = format!("{}, {} layers × {} heads, width {}", model.family, model.layers, model.heads, model.hidden);
    let facts = [
        ("Model", model.id.clone()),
        ("Architecture", shape),
        ("Weights (BLAKE3)", model.weights_hash.clone()),
        ("Computed in", format!("{} on {}", model.dtype, model.device)),
        ("Task and template", format!("{}, {}", meta.task.name, meta.task.template)),
        ("Label words", label_words(&meta.task)),
        (
            "Demonstrations",
            format!("{} shots, seed {}: {}", prompt.shots, prompt.demo_seed, prompt.demo_ids.join(", ")),
        ),
        ("Examples", format!("{} training, {} test", meta.examples.train, meta.examples.test)),
        (
            "Exactness",
            format!(
                "largest relative deviation {:.1e}, {} different predictions",
                meta.exactness.max_rel, meta.exactness.argmax_mismatches
            ),
        ),
    ];
    facts.map(|(name, value)| (name, escape(&value))).to_vec()
}

fn ranking_row(stats: &ComponentStats) -> Vec<String> {
    vec![
        stats.component.to_string(),
        percent(stats.accuracy),
        format!("{}–{}", percent(stats.ci.0), percent(stats.ci.1)),
        format!("{} {}", mark(stats.kind), kind_name(stats.kind)).trim().to_owned(),
        format!("{:.2}", stats.kappa),
    ]
}

fn method_row(outcome: &crate::analysis::baseline::Outcome) -> Vec<String> {
    let number =
        |measured: Option<Measured>| measured.map_or_else(|| "–".to_owned(), |own| format!("{:.3}", own.value));
    vec![
        outcome.method.name().to_owned(),
        percent(outcome.accuracy),
        format!("{}–{}", percent(outcome.ci.0), percent(outcome.ci.1)),
        format!("{:.3}", outcome.measures.macro_f1.value),
        number(outcome.measures.ece),
        number(outcome.measures.nll),
        format!("{:.3}", outcome.measures.share_sd.value),
        escape(outcome.method.about()),
    ]
}

/// Returns the label words, by class if classes have several.
fn label_words(task: &TaskMeta) -> String {
    let words = || task.label_words.join(" | ");
    task.word_classes.as_ref().map_or_else(words, |classes| classes.describe(&task.label_words))
}

fn comparison_section(pair: &Pair<'_>, figures: Vec<ShownFigure>) -> PairSection {
    let comparison = &pair.comparison;
    let word = |label: usize| {
        let words = pair.a.run.meta.task.class_names();
        escape(words.get(label).map_or("?", |word| word.trim()))
    };
    let row = |flip: &crate::analysis::compare::Flip| {
        let moved = flip.components.iter().map(|moved| format!("{} {:+.2}", moved.component, moved.delta));
        vec![escape(&flip.id), word(flip.gold), word(flip.a), word(flip.b), moved.collect::<Vec<_>>().join(", ")]
    };
    let r = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    PairSection {
        name: escape(&format!("{} and {}", pair.a.name, pair.b.name)),
        sentence: format!(
            "Component accuracies correlate at r = {} ({} on disjoint halves); the best five overlap at {:.2} (IoU). {} of {} shared test examples have different predictions.",
            r(comparison.agreement.pearson),
            r(comparison.agreement.pearson_disjoint),
            comparison.agreement.iou_top5,
            comparison.flips.len(),
            comparison.shared
        ),
        flips: comparison.flips.iter().take(ROWS).map(row).collect(),
        more: comparison.flips.len().saturating_sub(ROWS),
        figures,
    }
}
