//! Ablates each component in turn.
//!
//! A change in layer `l` does not affect the layers below, so every re-run starts at layer `l` from the residual stream
//! saved there ([`SweepBatch`]). Examples run in batches, one batch per thread.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Ablation, Fill, RunContext,
    answers::Answer,
    fills::Fills,
    sweep_batch::{BatchAnswer, Contrast, SweepBatch},
};
use crate::{
    analysis::{AnswerProbabilities, Effects},
    cancel::Cancel,
    decompose::workers,
    error::Result,
    progress::{Meter, Progress},
};

/// Time between two partial results; the end of a batch is reported at once.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// Effects of ablating each component alone, possibly on only some of the examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// How components are ablated.
    pub ablation: Ablation,
    /// Effects on the examples finished so far, one entry per component; lower layers are ahead of higher ones.
    pub effects: Vec<Effects>,
    /// Total number of examples.
    pub examples: usize,
    /// Probability of the right answer on the leading examples that are finished for every component. It is measured if
    /// means of another run replace outputs at the last position: for function vector scores.
    pub answers: Option<AnswerProbabilities>,
}

impl Sweep {
    /// Returns the number of examples finished for every component.
    pub fn done(&self) -> usize {
        self.effects.iter().map(|effects| effects.examples).min().unwrap_or(0)
    }

    /// Returns the number of examples finished for at least one component.
    pub fn begun(&self) -> usize {
        self.effects.iter().map(|effects| effects.examples).max().unwrap_or(0)
    }

    /// Returns whether all examples are finished for every component.
    pub fn is_complete(&self) -> bool {
        self.done() == self.examples
    }
}

/// Ablates each component of `context` in turn and reports partial results. Progress counts one for every layer
/// recomputed for an example.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation. Earlier reports remain valid.
pub fn sweep(
    context: &RunContext<'_>,
    ablation: Ablation,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Option<&Sweep>, Progress),
) -> Result<Sweep> {
    let shape = context.shape();
    let fills = Fills::new(context, ablation, cancel)?;
    let sweep_batch = SweepBatch { context, ablation, fills: &fills, cancel };
    let batches = sweep_batch.batches();
    let mut gathered = Gathered::new(context, ablation, batches.iter().map(|batch| batch.rows.end));
    let mut meter = Meter::start(context.len() * recomputed_layers(context));
    let mut reported = Instant::now();
    workers::run_unordered(
        context.decoder,
        &batches,
        |batch, emit| sweep_batch.batch(batch, emit),
        |index, answer| {
            let layers = answer.layers(shape);
            let progress = meter.advance(layers * batches[index].len());
            let ended = gathered.take(index, answer);
            if ended || reported.elapsed() >= REPORT_INTERVAL {
                reported = Instant::now();
                observe(Some(&gathered.so_far()), progress);
            } else {
                observe(None, progress);
            }
        },
    )?;
    Ok(gathered.so_far())
}

/// Returns the number of layers recomputed for one example in a sweep.
const fn recomputed_layers(context: &RunContext<'_>) -> usize {
    let shape = context.shape();
    (shape.heads + 1) * shape.layers * (shape.layers + 1) / 2
}

/// Estimates the duration of a sweep by timing the first batch unchanged and with one component ablated.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn price(context: &RunContext<'_>, ablation: Ablation, cancel: &Cancel) -> Result<Duration> {
    let sweep_batch = SweepBatch { context, ablation, fills: &Fills::Zero, cancel };
    let (batches, at_a_time) = (sweep_batch.batches(), workers::count(context.decoder));
    let Some(batch) = batches.first() else { return Ok(Duration::ZERO) };
    let measure = || sweep_batch.time_one(batch);
    let measured = (0..2).map(|_| if at_a_time == 1 { measure() } else { workers::alone(measure) });
    let [mut once, mut each] = [Duration::MAX; 2];
    for times in measured.collect::<Result<Vec<_>>>()? {
        (once, each) = (once.min(times.0), each.min(times.1));
    }
    let passes = recomputed_layers(context) as f64 / context.shape().layers as f64;
    let rounds = batches.len().div_ceil(at_a_time) as u32;
    let fills = once
        * match ablation.fill {
            Fill::Zero => 0,
            Fill::Mean => batches.len() as u32,
            Fill::Paired => rounds,
        };
    Ok(fills + (once + each.mul_f64(passes)) * rounds)
}

/// Collects the answers of batches. Batches are added up in order, so that sums do not depend on timing.
struct Gathered<'a> {
    context: &'a RunContext<'a>,
    /// Effects on the leading batches that are complete.
    complete: Sweep,
    /// First row of every batch, and the total number of rows.
    rows: Vec<usize>,
    /// Answers for the other batches.
    open: BTreeMap<usize, Vec<Contrast>>,
    /// The model's own label logits, and its probabilities of the right answer, for the open batches.
    models: BTreeMap<usize, Answer>,
    /// First batch that is not complete.
    due: usize,
}

impl<'a> Gathered<'a> {
    fn new(context: &'a RunContext<'a>, ablation: Ablation, ends: impl Iterator<Item = usize>) -> Self {
        let effects = vec![Effects::default(); context.shape().components()];
        let rows = [0].into_iter().chain(ends).collect();
        let changed = vec![Vec::new(); effects.len()];
        let answers = context.measures_answers(ablation).then(|| AnswerProbabilities { model: Vec::new(), changed });
        let complete = Sweep { ablation, effects, examples: context.len(), answers };
        Self { context, complete, rows, open: BTreeMap::new(), models: BTreeMap::new(), due: 0 }
    }

    /// Adds an answer; returns whether it was the last one of its batch.
    fn take(&mut self, batch: usize, answer: BatchAnswer) -> bool {
        match answer {
            BatchAnswer::Model(Answer { logits, right }) => {
                self.models.insert(batch, Answer { logits: self.context.by_class(logits), right });
                return false;
            }
            BatchAnswer::Changed(Contrast { component, direct, total }) => {
                let total = Answer { logits: self.context.by_class(total.logits), ..total };
                let direct = self.context.by_class(direct);
                self.open.entry(batch).or_default().push(Contrast { component, direct, total });
            }
        }
        let all = self.complete.effects.len();
        let ended = |open: &Vec<Contrast>| open.len() == all;
        let batch_ended = self.open.get(&batch).is_some_and(ended);
        while self.open.get(&self.due).is_some_and(ended) {
            let contrasts = self.open.remove(&self.due).unwrap_or_default();
            let mut effects = std::mem::take(&mut self.complete.effects);
            self.count(self.due, &contrasts, &mut effects);
            self.complete.effects = effects;
            let model = self.models.remove(&self.due).unwrap_or_default();
            if let Some(answers) = &mut self.complete.answers {
                answers.model.extend(model.right);
                for own in contrasts {
                    answers.changed[own.component].extend(own.total.right);
                }
            }
            self.due += 1;
        }
        batch_ended
    }

    /// Returns the effects on all answers so far, including incomplete batches.
    fn so_far(&self) -> Sweep {
        let mut sweep = self.complete.clone();
        for (&batch, contrasts) in &self.open {
            self.count(batch, contrasts, &mut sweep.effects);
        }
        sweep
    }

    fn count(&self, batch: usize, contrasts: &[Contrast], effects: &mut [Effects]) {
        let Some(model) = self.models.get(&batch) else { return };
        let gold = &self.context.gold[self.rows[batch]..self.rows[batch + 1]];
        for contrast in contrasts {
            let rows = [&model.logits, &contrast.direct, &contrast.total.logits];
            effects[contrast.component].extend(gold, self.context.labels(), rows[0], rows[1], rows[2]);
        }
    }
}
