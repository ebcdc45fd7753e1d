//! Ablated re-run: a mix applied inside the forward pass.

use super::{
    Ablation, Fill, RunContext,
    means::{Contributions, means},
};
use crate::{
    analysis::{
        Effects, Mix,
        mix::{add_offsets, word_offsets},
        predict::{margin_contributions, rivals},
    },
    attribution::Attribution,
    cancel::Cancel,
    component::Component,
    decompose::{BatchSize, Prepared},
    error::Result,
    model::Results,
    progress::{Meter, Progress},
};

/// Result of running the test prompts with a mix applied inside the forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Rerun {
    /// How components were ablated.
    pub ablation: Ablation,
    /// The mix.
    pub mix: Mix,
    /// Contributions in the changed network, where layers above a change react to it.
    pub table: Attribution,
    /// Label logits of the mixed sum, `[N, Y]`: the direct effect.
    pub direct: Vec<f64>,
    /// Label logits of the changed network, `[N, Y]`: the total effect. The weight of `rest` is applied to the logits
    /// only, because the layers read `rest`.
    pub total: Vec<f64>,
    /// Comparison of direct and total effects.
    pub effects: Effects,
    /// Change of each component's contribution to the mean margin (gold minus the strongest rival under the model)
    /// beyond the mix itself, largest first: the components behind the indirect effect.
    pub reactions: Vec<(Component, f64)>,
}

/// Runs the test prompts of `context` with `mix` applied inside the forward pass; `table` has the contributions of the
/// run itself.
///
/// A mix of ones gives bit-identical results, because the same passes run on the same batches.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn rerun(
    context: &RunContext<'_>,
    table: &Attribution,
    mix: &Mix,
    ablation: Ablation,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<Rerun> {
    let passes = if ablation.fill == Fill::Mean { 3 } else { 1 };
    let mut meter = Meter::start(passes * context.len());
    let fills = match ablation.fill {
        Fill::Zero => None,
        Fill::Mean => Some(means(context, ablation.positions, cancel)?),
    };
    let mut sum = Sum::new(mix, table);
    if let Some(fills) = &fills {
        observe(meter.advance(context.len()));
        sum.add_fills(context, fills, cancel)?;
        observe(meter.advance(context.len()));
    }
    let change = context.change(&mix.weights, ablation, fills.as_ref())?;
    let all = context.prompts.all();
    let prepared = Prepared::changed(context.decoder, &context.projection, &all, change, cancel)?;
    let mut changed = Attribution::with_classes(context.shape(), context.word_classes.clone(), context.gold.clone());
    prepared.attribute(&context.prompts.test, BatchSize::default(), cancel, |batch| {
        changed.push(&batch);
        observe(meter.advance(batch.examples));
    })?;
    let rest = |(&full, &rest): (&f32, &f32)| f64::from(full) + (mix.rest - 1.0) * f64::from(rest);
    let mut total: Vec<f64> = changed.words().full().iter().zip(changed.words().rest()).map(rest).collect();
    add_offsets(&mut total, &word_offsets(&mix.offsets, table));
    let model: Vec<f64> = table.full().iter().copied().map(f64::from).collect();
    let (reactions, direct, total) = (sum.reactions(&changed), table.by_class(sum.logits), table.by_class(total));
    let effects = Effects::new(table.gold(), context.labels(), &model, &direct, &total);
    Ok(Rerun { ablation, mix: mix.clone(), table: changed, direct, total, effects, reactions })
}

/// Returns the reactions if `changed` replaces the contributions that `mix` makes of `table`.
#[cfg(test)]
pub(crate) fn reactions(mix: &Mix, table: &Attribution, changed: &Attribution) -> Vec<(Component, f64)> {
    Sum::new(mix, table).reactions(changed)
}

/// Direct effect of the mix, in which the network does not react.
struct Sum<'a> {
    mix: &'a Mix,
    table: &'a Attribution,
    /// The strongest other label under the model, for every example.
    rivals: Vec<usize>,
    /// Logits of the label words, `[N, W]`.
    logits: Vec<f64>,
    /// Each component's contribution to the margins, summed over examples.
    margins: Vec<f64>,
}

impl<'a> Sum<'a> {
    fn new(mix: &'a Mix, table: &'a Attribution) -> Self {
        let mut sum = Self { mix, table, rivals: rivals(table), logits: mix.word_logits(table), margins: Vec::new() };
        let margins = mix.weights.iter().enumerate();
        sum.margins =
            margins.map(|(index, weight)| weight * sum.margin(0, table.words().contribution(index))).collect();
        sum
    }

    /// Returns the sum of margins of `values`, contributions to label words on the examples from `row` on.
    fn margin(&self, row: usize, values: &[f32]) -> f64 {
        let values = self.table.addends_of(row, values);
        margin_contributions(&values, &self.table.gold()[row..], &self.rivals[row..], self.table.labels()).sum()
    }

    /// Adds `(1 − w) · fill` for every component, with the norm scales of the unchanged run.
    fn add_fills(&mut self, context: &RunContext<'_>, fills: &Results, cancel: &Cancel) -> Result<()> {
        let (labels, mut row) = (context.shape().labels, 0);
        let probe = || Contributions::new(context.decoder, &context.projection, Some(fills));
        context.watch(probe, cancel, |probe, examples| {
            let values = probe.finish(examples)?.1.unwrap_or_default();
            for (index, values) in values.chunks_exact(examples * labels).enumerate() {
                let share = 1.0 - self.mix.weights[index];
                self.margins[index] += share * self.margin(row, values);
                let logits = &mut self.logits[row * labels..(row + examples) * labels];
                logits.iter_mut().zip(values).for_each(|(logit, &value)| *logit += share * f64::from(value));
            }
            row += examples;
            Ok(())
        })
    }

    /// Returns the change of each component's contribution to the mean margin from this sum to `changed`.
    fn reactions(&self, changed: &Attribution) -> Vec<(Component, f64)> {
        let (shape, examples) = (changed.shape(), changed.gold().len().max(1) as f64);
        let reaction = |(index, before): (usize, &f64)| {
            (shape.component(index), (self.margin(0, changed.words().contribution(index)) - before) / examples)
        };
        let mut reactions: Vec<_> = self.margins.iter().enumerate().map(reaction).collect();
        reactions.retain(|(_, delta)| delta.abs() > 1e-6);
        reactions.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        reactions
    }
}
