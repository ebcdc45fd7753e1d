//! Ablate each component in turn.
//!
//! A change in layer `l` leaves the layers below untouched, so that every re-run starts at layer `l` from a residual
//! stream that is kept there ([`SweepBatch`]). Examples go through in batches, as many at a time as there are threads.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Ablation, Fill, RunContext,
    means::means,
    sweep_batch::{BatchAnswer, Contrast, SweepBatch},
};
use crate::{
    analysis::Effects,
    cancel::Cancel,
    decompose::workers,
    error::Result,
    model::{Intervention, Packed},
    progress::{Meter, Progress},
};

/// Time between two partial results, unless a batch ends before.
const PACE: Duration = Duration::from_millis(250);

/// Effects of ablating each component alone, as far as they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// How components are ablated.
    pub ablation: Ablation,
    /// Effects over the examples that are in, one entry a component; lower layers are ahead of higher ones.
    pub effects: Vec<Effects>,
    /// Examples in all.
    pub examples: usize,
}

impl Sweep {
    /// Examples that every component's effects are stated on so far.
    pub fn done(&self) -> usize {
        self.effects.iter().map(|effects| effects.examples).min().unwrap_or(0)
    }

    /// Examples that some component's effects are stated on so far.
    pub fn begun(&self) -> usize {
        self.effects.iter().map(|effects| effects.examples).max().unwrap_or(0)
    }

    /// Whether all examples are in.
    pub fn is_complete(&self) -> bool {
        self.done() == self.examples
    }
}

/// Ablates each component of `context` in turn and hands out what is known as it comes. Progress counts layers: one for
/// every layer that an example goes through anew.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation. What was handed out before stands.
pub fn sweep(
    context: &RunContext<'_>,
    ablation: Ablation,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Option<&Sweep>, Progress),
) -> Result<Sweep> {
    let shape = context.shape();
    let fills = match ablation.fill {
        Fill::Zero => None,
        Fill::Mean => Some(means(context, ablation.positions, cancel)?),
    };
    let changes = (0..shape.components()).map(|index| context.ablate(index, ablation, fills.as_ref()));
    let changes: Vec<Intervention> = changes.collect::<Result<_>>()?;
    let bench = SweepBatch { context, ablation, fills: fills.as_ref(), changes: &changes, cancel };
    let batches = bench.batches();
    let mut gathered = Gathered::new(context, ablation, batches.iter().map(|(_, batch)| batch.len()));
    let mut meter = Meter::start(context.len() * layers_anew(context));
    let mut shown = Instant::now();
    workers::as_they_come(
        context.decoder,
        &batches,
        |(regime, batch), say| bench.batch(Packed::new(batch.iter().copied(), context.shared, *regime), *regime, say),
        |index, answer| {
            let layers = answer.layers(shape);
            let progress = meter.advance(layers * batches[index].1.len());
            let ended = gathered.take(index, answer);
            if ended || shown.elapsed() >= PACE {
                shown = Instant::now();
                observe(Some(&gathered.so_far()), progress);
            } else {
                observe(None, progress);
            }
        },
    )?;
    Ok(gathered.so_far())
}

/// Layers that one example goes through anew in a sweep.
const fn layers_anew(context: &RunContext<'_>) -> usize {
    let shape = context.shape();
    (shape.heads + 1) * shape.layers * (shape.layers + 1) / 2
}

/// How long a sweep will take, measured on the first batch: as it is, and with one component changed.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn price(context: &RunContext<'_>, ablation: Ablation, cancel: &Cancel) -> Result<Duration> {
    let changes = [context.ablate(0, Ablation { fill: Fill::Zero, ..ablation }, None)?];
    let bench = SweepBatch { context, ablation, fills: None, changes: &changes, cancel };
    let (batches, at_a_time) = (bench.batches(), workers::count(context.decoder));
    let Some((regime, batch)) = batches.first() else { return Ok(Duration::ZERO) };
    let measure = || bench.time_one(&Packed::new(batch.iter().copied(), context.shared, *regime), *regime);
    let measured = (0..2).map(|_| if at_a_time == 1 { measure() } else { workers::alone(measure) });
    let [mut once, mut each] = [Duration::MAX; 2];
    for times in measured.collect::<Result<Vec<_>>>()? {
        (once, each) = (once.min(times.0), each.min(times.1));
    }
    let anew = layers_anew(context) as f64 / context.shape().layers as f64;
    let turns = batches.len().div_ceil(at_a_time) as u32;
    let before = if ablation.fill == Fill::Mean { once * batches.len() as u32 } else { Duration::ZERO };
    Ok(before + (once + each.mul_f64(anew)) * turns)
}

/// What batches have answered. Examples are counted in their order, so that sums do not depend on who was quicker.
struct Gathered<'a> {
    context: &'a RunContext<'a>,
    /// Over the batches that have ended, from the first one on.
    settled: Sweep,
    /// First row of every batch, and the number of rows in all.
    rows: Vec<usize>,
    /// The batches after those, as far as they are.
    open: BTreeMap<usize, Vec<Contrast>>,
    /// The model's own label logits for these.
    models: BTreeMap<usize, Vec<f64>>,
    due: usize,
}

impl<'a> Gathered<'a> {
    fn new(context: &'a RunContext<'a>, ablation: Ablation, sizes: impl Iterator<Item = usize>) -> Self {
        let effects = vec![Effects::default(); context.shape().components()];
        let mut rows = vec![0];
        rows.extend(sizes.scan(0, |row, size| {
            *row += size;
            Some(*row)
        }));
        let settled = Sweep { ablation, effects, examples: context.len() };
        Self { context, settled, rows, open: BTreeMap::new(), models: BTreeMap::new(), due: 0 }
    }

    /// Takes an answer in; whether it was the last one of its batch.
    fn take(&mut self, batch: usize, answer: BatchAnswer) -> bool {
        match answer {
            BatchAnswer::Model(logits) => {
                self.models.insert(batch, logits);
                return false;
            }
            BatchAnswer::Changed(contrast) => self.open.entry(batch).or_default().push(contrast),
        }
        let all = self.settled.effects.len();
        let ended = |open: &Vec<Contrast>| open.len() == all;
        let now = self.open.get(&batch).is_some_and(ended);
        while self.open.get(&self.due).is_some_and(ended) {
            let contrasts = self.open.remove(&self.due).unwrap_or_default();
            let mut effects = std::mem::take(&mut self.settled.effects);
            self.count(self.due, &contrasts, &mut effects);
            self.settled.effects = effects;
            self.models.remove(&self.due);
            self.due += 1;
        }
        now
    }

    /// All that is known, the batches under way included.
    fn so_far(&self) -> Sweep {
        let mut sweep = self.settled.clone();
        for (&batch, contrasts) in &self.open {
            self.count(batch, contrasts, &mut sweep.effects);
        }
        sweep
    }

    fn count(&self, batch: usize, contrasts: &[Contrast], effects: &mut [Effects]) {
        let Some(model) = self.models.get(&batch) else { return };
        let gold = &self.context.gold[self.rows[batch]..self.rows[batch + 1]];
        for contrast in contrasts {
            let labels = self.context.shape().labels;
            effects[contrast.component].extend(gold, labels, model, &contrast.direct, &contrast.total);
        }
    }
}
