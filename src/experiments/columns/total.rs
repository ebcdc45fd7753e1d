//! The total effect of taking a component out.

use super::job::{ColumnJob, ColumnSpec, Found, RunSize};
use crate::{
    analysis::{Effects, atlas::Cell},
    error::Result,
    experiments::{Ablation, Fill, Positions, sweep},
    progress::Progress,
};

pub(super) const COLUMNS: &[ColumnSpec] = &[ColumnSpec {
    name: "total",
    unit: "nats",
    source: "mean change of the margin if the component's output is set to zero at the last token and later layers react, \
             as `partscope ablate --each`; the interval is that of a mean",
}];

/// Each component's layer and those above are computed again at the last token of every prompt.
pub(super) fn tokens(size: &RunSize) -> f64 {
    let passes = (size.shape.heads + 1) * (size.shape.layers + 1) / 2;
    (size.prefix_tokens + size.own_tokens + size.prompts * passes) as f64
}

pub(super) fn measure(
    job: &ColumnJob<'_>,
    _: &'static [ColumnSpec],
    observe: &mut dyn FnMut(Progress),
) -> Result<Found> {
    let ablation = Ablation { positions: Positions::Last, fill: Fill::Zero };
    let swept = sweep(job.context, ablation, job.cancel, &mut |_, progress| observe(progress))?;
    let cell = |effects: &Effects| {
        let (lo, hi) = effects.total_interval();
        Some(Cell { value: effects.total_effect().margin, lo, hi })
    };
    Ok(Found::Columns(vec![swept.effects.iter().map(cell).collect()]))
}
