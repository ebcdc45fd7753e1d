//! How much a request is to compute, and how long that will take here.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use super::{order::Order, requests, summary};
use crate::{
    cli::{
        failure::Failure,
        output::{ProgressLine, human_time, print, print_json},
    },
    model::Model,
    store::Store,
};

/// How much there is to do.
#[derive(Default, Serialize)]
pub(super) struct Amount {
    runs: usize,
    /// Runs that the store holds.
    kept: usize,
    prompts: usize,
    tokens: usize,
    computed_tokens: usize,
    /// Examples that are left out, and prompts that lose demonstrations, because they are too long.
    skipped: usize,
    shortened: usize,
}

impl Amount {
    /// Of `orders`; nothing is computed of those that `kept` finds.
    pub(super) fn of(orders: &[Order], kept: impl Fn(&Order) -> bool) -> Self {
        let mut amount = Self { runs: orders.len(), ..Self::default() };
        for order in orders {
            let (kept, overflow) = (kept(order), order.plan.prompt.overflow.as_ref());
            amount.kept += usize::from(kept);
            amount.prompts += order.prompts.all().len();
            amount.tokens += order.plan.prompt.tokens;
            amount.computed_tokens += if kept { 0 } else { order.computed_tokens() };
            amount.skipped += overflow.map_or(0, |overflow| overflow.skipped.len());
            amount.shortened += overflow.map_or(0, |overflow| overflow.dropped.len());
        }
        amount
    }

    pub(super) fn text(&self, orders: &[Order]) -> String {
        let Self { runs, kept, prompts, tokens, computed_tokens, .. } = self;
        let runs = if *runs > 1 { format!("{runs} runs, ") } else { String::new() };
        let mut text = format!(
            "{runs}{prompts} prompts of {tokens} tokens, {computed_tokens} to compute (the shared beginning once)"
        );
        if *kept > 0 {
            let _ = write!(text, "; {kept} of {} runs kept from before", self.runs);
        }
        for overflow in orders.iter().filter_map(|order| order.plan.prompt.overflow.as_ref()) {
            let _ = write!(text, "\n{}", summary::overflow_line(overflow));
        }
        text
    }
}

/// What `run --dry-run --json` prints.
#[derive(Serialize)]
struct Estimate {
    #[serde(flatten)]
    amount: Amount,
    seconds: Option<f64>,
}

/// Measures the first batches of the first run that is not kept, and says how long all of them will take: as much longer
/// as they have more tokens to compute.
pub(super) fn estimate(
    json: bool,
    model: &Model,
    store: &Store,
    amount: Amount,
    orders: Vec<Order>,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    line.stage("measuring…");
    let text = amount.text(&orders);
    let mut estimate = Estimate { amount, seconds: Some(0.0) };
    if let Some(first) = orders.into_iter().find(|order| !order.is_kept(model, store)) {
        let share = estimate.amount.computed_tokens as f64 / first.computed_tokens().max(1) as f64;
        let prompts = first.prompts.all().len() as f64;
        let rate = requests::measured(model, first.plan, &first.prompts)?;
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
