//! One ablated re-run: a mix applied inside the forward pass.

use super::{
    Ablation, Fill, Subject,
    means::{Contributions, means},
};
use crate::{
    analysis::{Effects, Mix, mix::add_offsets, predict::rivals},
    attribution::Attribution,
    cancel::Cancel,
    component::Component,
    decompose::{BatchSize, Prepared},
    error::Result,
    model::Results,
    progress::{Meter, Progress},
};

/// What became of a run when a mix was applied inside the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Rerun {
    /// How it was applied.
    pub ablation: Ablation,
    /// The mix.
    pub mix: Mix,
    /// The contributions as they are now: layers above a change have reacted to it.
    pub table: Attribution,
    /// Label logits of the mixed sum, `[N, Y]`: the direct effect.
    pub direct: Vec<f64>,
    /// Label logits of the changed network, `[N, Y]`: the total effect. The weight of `rest`, which the layers read and
    /// which is therefore never taken from them, is applied where the logits are read off.
    pub total: Vec<f64>,
    /// The two beside each other.
    pub effects: Effects,
}

impl Rerun {
    /// How much more each component adds to the mean margin (gold minus the strongest rival under the model) than it
    /// adds in `table` with its weight applied, the largest reaction first: who makes the indirect effect.
    pub fn reactions(&self, table: &Attribution) -> Vec<(Component, f64)> {
        let (labels, gold) = (table.labels(), table.gold());
        let rivals = rivals(table);
        let mean = |values: &[f32]| {
            let rows = values.chunks_exact(labels).zip(gold.iter().zip(&rivals));
            rows.map(|(row, (&gold, &rival))| f64::from(row[gold]) - f64::from(row[rival])).sum::<f64>()
                / gold.len().max(1) as f64
        };
        let shape = table.shape();
        let mut reactions: Vec<(Component, f64)> = (0..shape.components())
            .map(|index| {
                let before = self.mix.weights[index] * mean(table.contribution(index));
                (shape.component(index), mean(self.table.contribution(index)) - before)
            })
            .filter(|(_, delta)| delta.abs() > 1e-9)
            .collect();
        reactions.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        reactions
    }
}

/// Runs the test prompts of `subject` with `mix` applied inside the forward pass; `table` holds the contributions of the
/// run itself.
///
/// A mix of ones changes nothing, to the bit: the same passes are made on the same batches.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn rerun(
    subject: &Subject<'_>,
    table: &Attribution,
    mix: &Mix,
    ablation: Ablation,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<Rerun> {
    let passes = if ablation.fill == Fill::Mean { 3 } else { 1 };
    let mut meter = Meter::start(passes * subject.len());
    let fills = match ablation.fill {
        Fill::Zero => None,
        Fill::Mean => Some(means(subject, ablation.positions, cancel)?),
    };
    let mut direct = mix.logits(table);
    if let Some(fills) = &fills {
        observe(meter.advance(subject.len()));
        add_fills(subject, mix, fills, &mut direct, cancel)?;
        observe(meter.advance(subject.len()));
    }
    let change = subject.change(&mix.weights, ablation, fills.as_ref())?;
    let all = subject.prompts.all();
    let prepared = Prepared::changed(subject.decoder, &subject.projection, &all, change, cancel)?;
    let mut changed = Attribution::new(subject.shape(), subject.gold.clone());
    prepared.attribute(&subject.prompts.test, BatchSize::default(), cancel, |batch| {
        changed.push(&batch);
        observe(meter.advance(batch.examples));
    })?;
    let rest = |(&full, &rest): (&f32, &f32)| f64::from(full) + (mix.rest - 1.0) * f64::from(rest);
    let mut total: Vec<f64> = changed.full().iter().zip(changed.rest()).map(rest).collect();
    add_offsets(&mut total, &mix.offsets);
    let model: Vec<f64> = table.full().iter().copied().map(f64::from).collect();
    let effects = Effects::of(table.gold(), subject.shape().labels, &model, &direct, &total);
    Ok(Rerun { ablation, mix: mix.clone(), table: changed, direct, total, effects })
}

/// Adds `(1 − w) · fill` to the mixed sum, every fill read off under the norms that the run realised.
fn add_fills(subject: &Subject<'_>, mix: &Mix, fills: &Results, direct: &mut [f64], cancel: &Cancel) -> Result<()> {
    let (labels, mut row) = (subject.shape().labels, 0);
    let probe = || Contributions::new(subject.decoder, &subject.projection, Some(fills));
    subject.watch(probe, cancel, |probe, examples| {
        let values = probe.finish(examples)?.1.unwrap_or_default();
        let logits = &mut direct[row * labels..(row + examples) * labels];
        for (&weight, values) in mix.weights.iter().zip(values.chunks_exact(examples * labels)) {
            logits.iter_mut().zip(values).for_each(|(logit, &value)| *logit += (1.0 - weight) * f64::from(value));
        }
        row += examples;
        Ok(())
    })
}
