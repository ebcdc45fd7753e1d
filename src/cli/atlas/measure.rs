//! Measures that run the model: their prices, and the columns they add.

use std::{path::Path, time::Duration};

use serde_json::Value;

use crate::{
    analysis::atlas::Atlas,
    attribution::Split,
    cancel::Cancel,
    cli::{
        context::LoadedRun,
        failure::Failure,
        logit_lens,
        options::ModelOptions,
        output::{ProgressLine, human_time},
    },
    error::Result,
    experiments::{ColumnGroup, ColumnJob, GROUPS, RunSize},
    run::Run,
};

/// The label words by layer, which are no column.
const LENS: &str = "lens";
/// All of them.
const ALL: &str = "all";

/// Returns what `--with` takes.
pub(super) fn names() -> Vec<&'static str> {
    GROUPS.iter().map(|group| group.name).chain([LENS, ALL]).collect()
}

/// Measures what the options ask for and is not known yet, after its price.
///
/// # Errors
/// If the run cannot be computed again, or a computation fails. The inner error is that of a lens that does not end in the
/// run's own logits; everything else is measured.
pub(super) fn measure(
    (folder, model): (&Path, &ModelOptions),
    with: &[String],
    run: &Run,
    atlas: &mut Atlas,
) -> Result<Result<(), Failure>, Failure> {
    let asked = |name: &str| with.iter().any(|own| own == name || own == ALL);
    let missing: Vec<&ColumnGroup> = GROUPS.iter().filter(|group| asked(group.name) && lacks(atlas, group)).collect();
    let lens_missing = asked(LENS) && lens(folder, run).is_empty();
    if missing.is_empty() && !lens_missing {
        return Ok(Ok(()));
    }
    let mut line = ProgressLine::new();
    let loaded = LoadedRun::open(folder, model, &mut line)?;
    let (context, cancel) = (loaded.context()?, Cancel::default());
    let LoadedRun { model, plan, rebuilt, .. } = &loaded;
    let job = ColumnJob { context: &context, model, plan, rebuilt, cancel: &cancel };
    let prices: Vec<String> = missing.iter().map(|group| price(run, group)).collect();
    line.note(&format!("measuring {}", prices.join("; ")));
    for group in missing {
        atlas.add(group.measure(&job, &mut |progress| line.count(&progress, group.name))?);
    }
    Ok(if lens_missing { logit_lens::measure(folder, &loaded, &mut line)? } else { Ok(()) })
}

fn lacks(atlas: &Atlas, group: &ColumnGroup) -> bool {
    group.columns.iter().any(|spec| atlas.column(spec.name).is_none())
}

/// Returns what `--with` could add, with the price of each.
pub(super) fn offers(folder: &Path, run: &Run, atlas: &Atlas) -> Vec<String> {
    let groups = GROUPS.iter().filter(|group| lacks(atlas, group)).map(|group| price(run, group));
    let lens = lens(folder, run).is_empty().then(|| {
        let size = size(run);
        let tokens = (size.prefix_tokens + size.own_tokens) as f64;
        format!("{LENS}, label words by layer ({})", about(run, tokens))
    });
    groups.chain(lens).collect()
}

/// Names a group with its columns and its price.
fn price(run: &Run, group: &ColumnGroup) -> String {
    let columns: Vec<&str> = group.columns.iter().map(|spec| spec.name).collect();
    format!("{}: {} ({})", group.name, columns.join(", "), about(run, group.tokens(&size(run))))
}

/// Estimates the time that `tokens` tokens take, from the time that the run took.
fn about(run: &Run, tokens: f64) -> String {
    let computed: usize = run.examples.iter().map(|example| example.tokens.len()).sum();
    let computed = computed + run.meta.prompt.prefix_tokens;
    let seconds = run.meta.timing.attribute_s * tokens / computed.max(1) as f64;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if computed > run.meta.prompt.prefix_tokens => format!("about {}", human_time(time)),
        _ => "time unknown".to_owned(),
    }
}

fn size(run: &Run) -> RunSize {
    let own = run.examples.iter().filter(|example| example.split == Split::Test);
    RunSize {
        shape: run.test.shape(),
        prompts: run.test.len(),
        own_tokens: own.map(|example| example.tokens.len()).sum(),
        prefix_tokens: run.meta.prompt.prefix_tokens,
    }
}

/// Returns the label words by layer that `logit-lens` wrote beside the run; none if it did not, or for another run.
pub(super) fn lens(folder: &Path, run: &Run) -> Vec<Value> {
    logit_lens::kept(folder, &run.meta)
}
