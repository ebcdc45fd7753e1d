//! Ablated re-run: a mix applied inside the forward pass.

use super::{
    Ablation, Positions, RunContext,
    context::{Prefixes, TestBatch},
    contributions::Contributions,
    fills::Fills,
};
use crate::{
    analysis::{
        Effects, Mix,
        mix::{add_offsets, word_offsets},
        predict::{margin_contributions, rivals},
    },
    attribution::{Attribution, Batch},
    cancel::Cancel,
    component::Component,
    decompose::Collector,
    error::Result,
    model::Intervention,
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
    let fills = Fills::new(context, ablation, cancel)?;
    let passes = Passes::new(context, mix, ablation, fills, cancel)?;
    let mut meter = Meter::start(context.len());
    let mut sum = Sum::new(mix, table);
    let mut changed = Attribution::with_classes(context.shape(), context.word_classes.clone(), context.gold.clone());
    context.in_batches(
        |batch| passes.batch(batch),
        |(filled, batch)| {
            if let Some(filled) = filled {
                sum.add_fills(changed.len(), batch.examples, &filled);
            }
            changed.push(&batch);
            observe(meter.advance(batch.examples));
            Ok(())
        },
    )?;
    let rest = |(&full, &rest): (&f32, &f32)| f64::from(full) + (mix.rest - 1.0) * f64::from(rest);
    let mut total: Vec<f64> = changed.words().full().iter().zip(changed.words().rest()).map(rest).collect();
    add_offsets(&mut total, &word_offsets(&mix.offsets, table));
    let model: Vec<f64> = table.full().iter().copied().map(f64::from).collect();
    let (reactions, direct, total) = (sum.reactions(&changed), table.by_class(sum.logits), table.by_class(total));
    let effects = Effects::new(table.gold(), context.labels(), &model, &direct, &total);
    Ok(Rerun { ablation, mix: mix.clone(), table: changed, direct, total, effects, reactions })
}

/// The passes of a re-run: with replacement values an unchanged one, which has their contributions, and the changed one.
struct Passes<'a> {
    context: &'a RunContext<'a>,
    weights: &'a [f64],
    positions: Positions,
    fills: Fills<'a>,
    /// The shared prefix in the unchanged and in the changed network.
    prefixes: [Prefixes; 2],
    cancel: &'a Cancel,
}

impl<'a> Passes<'a> {
    fn new(
        context: &'a RunContext<'_>,
        mix: &'a Mix,
        ablation: Ablation,
        fills: Fills<'a>,
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let (weights, positions) = (&mix.weights, ablation.positions);
        let unchanged = context.prefixes(|_| Ok(Intervention::none()), cancel)?;
        let changed = context.prefixes(|regime| context.change(weights, positions, fills.prefix(regime)), cancel)?;
        Ok(Self { context, weights, positions, fills, prefixes: [unchanged, changed], cancel })
    }

    /// Returns the contributions of the replacement values `[C, B, W]`, with the norm scales of the unchanged run, and
    /// those of all components in the changed network.
    fn batch(&self, batch: &TestBatch<'_>) -> Result<(Option<Vec<f32>>, Batch)> {
        let (decoder, projection) = (self.context.decoder, &self.context.projection);
        let [unchanged, changed] = self.prefixes.each_ref().map(|prefixes| prefixes.of(batch.regime));
        let fills = self.fills.batch(batch, self.cancel)?;
        let mut filled = None;
        if let Some(last) = &fills.last {
            let mut probe = Contributions::new(decoder, projection, Some(last));
            decoder.forward(batch.packed(), &unchanged, &Intervention::none(), &mut probe, self.cancel)?;
            filled = probe.finish(batch.len())?.1;
        }
        let change = self.context.change(self.weights, self.positions, fills.changed.as_ref())?;
        let mut collector = Collector::new(decoder, projection);
        decoder.forward(batch.packed(), &changed, &change, &mut collector, self.cancel)?;
        Ok((filled, collector.finish(batch.len())?))
    }
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

    /// Adds `(1 − w) · fill` for every component on the `examples` from `row` on; `filled` has the contributions
    /// `[C, B, W]` of the replacement values.
    fn add_fills(&mut self, row: usize, examples: usize, filled: &[f32]) {
        let words = self.table.words().shape().labels;
        for (index, values) in filled.chunks_exact(examples * words).enumerate() {
            let share = 1.0 - self.mix.weights[index];
            self.margins[index] += share * self.margin(row, values);
            let logits = &mut self.logits[row * words..(row + examples) * words];
            logits.iter_mut().zip(values).for_each(|(logit, &value)| *logit += share * f64::from(value));
        }
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
