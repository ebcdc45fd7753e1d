//! Estimates the work and time of a request.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use super::{planned_run::PlannedRun, requests, summary};
use crate::{
    cli::{
        failure::Failure,
        output::{ProgressLine, human_time, print, print_json},
    },
    model::Model,
    store::Store,
    text::printable,
};

/// Amount of work.
#[derive(Default, Serialize)]
pub(super) struct Workload {
    runs: usize,
    /// Runs that are already in the store.
    kept: usize,
    prompts: usize,
    tokens: usize,
    computed_tokens: usize,
    /// Examples skipped because their prompts are too long.
    skipped: usize,
    /// Prompts that lose demonstrations because they are too long.
    shortened: usize,
    /// Leave-one-out prompts, and the tokens to compute for them beyond the shared prefix.
    loo_prompts: usize,
    loo_tokens: usize,
}

impl Workload {
    /// Adds up the work of `runs`; those for which `is_stored` is true need no computation.
    pub(super) fn new(runs: &[PlannedRun], is_stored: impl Fn(&PlannedRun) -> bool) -> Self {
        let mut workload = Self { runs: runs.len(), ..Self::default() };
        for run in runs {
            let (stored, overflow) = (is_stored(run), run.plan.prompt.overflow.as_ref());
            workload.kept += usize::from(stored);
            workload.prompts += run.prompts.all().len();
            workload.tokens += run.plan.prompt.tokens;
            workload.computed_tokens += if stored { 0 } else { run.computed_tokens() };
            workload.skipped += overflow.map_or(0, |overflow| overflow.skipped.len());
            workload.shortened += overflow.map_or(0, |overflow| overflow.dropped.len());
            if let Some(loo) = &run.plan.prompt.loo {
                workload.loo_prompts += run.prompts.train.len();
                workload.loo_tokens += if stored { 0 } else { loo.tokens };
            }
        }
        workload
    }

    /// Describes the work on `runs` and the prompts that are too long.
    pub(super) fn text(&self, runs: &[PlannedRun]) -> String {
        let Self { kept, prompts, tokens, computed_tokens, .. } = self;
        let count = if self.runs > 1 { format!("{} runs, ", self.runs) } else { String::new() };
        let mut text = format!(
            "{count}{prompts} prompts of {tokens} tokens, {computed_tokens} to compute (the shared prefix once)"
        );
        if self.loo_prompts > 0 {
            let _ = write!(text, "; {} of them for {} leave-one-out prompts", self.loo_tokens, self.loo_prompts);
        }
        if *kept > 0 {
            let _ = write!(text, "; {kept} of {} runs are in the store", self.runs);
        }
        let mut remarks: Vec<String> = runs.iter().flat_map(|run| run.plan.remarks()).collect();
        remarks.dedup();
        for remark in remarks {
            let _ = write!(text, "\n{}", printable(&remark));
        }
        for overflow in runs.iter().filter_map(|run| run.plan.prompt.overflow.as_ref()) {
            let _ = write!(text, "\n{}", summary::overflow_line(overflow));
        }
        text
    }
}

/// What `run --dry-run --json` prints.
#[derive(Serialize)]
struct Estimate {
    #[serde(flatten)]
    workload: Workload,
    seconds: Option<f64>,
}

/// Times the first batches of the first run that is not stored, and prints the estimated time of all runs, in
/// proportion to their tokens.
pub(super) fn estimate(
    json: bool,
    model: &Model,
    store: &Store,
    workload: Workload,
    runs: Vec<PlannedRun>,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    line.stage("measuring…");
    let text = workload.text(&runs);
    let mut estimate = Estimate { workload, seconds: Some(0.0) };
    if let Some(first) = runs.into_iter().find(|run| !run.is_stored(model, store)) {
        let share = estimate.workload.computed_tokens as f64 / first.computed_tokens().max(1) as f64;
        let prompts = first.prompts.all().len() as f64;
        let rate = requests::prompts_per_second(model, first.plan, &first.prompts)?;
        estimate.seconds = rate.map(|rate| prompts / rate * share);
    }
    line.clear();
    if json {
        return Ok(print_json(&estimate)?);
    }
    let time = estimate.seconds.filter(|&seconds| seconds > 0.0).map_or_else(String::new, |seconds| {
        format!(
            "about {} on this machine, measured on the first batches\n",
            human_time(Duration::from_secs_f64(seconds))
        )
    });
    Ok(print(&format!("{text}\n{time}"))?)
}
