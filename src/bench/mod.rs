//! How fast the engine is on this machine, against the naive way and against plain forward passes.
//!
//! Rounds alternate between the ways, so that whatever else the machine does disturbs all of them alike; ratios are
//! medians over rounds.

mod cost;
mod workload;

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use serde::Serialize;

use crate::{
    cancel::Cancel,
    decompose::{BatchSize, Collector, LabelLogits, LabelProjection, Prepared, workers},
    error::{Error, InputError, Result},
    model::{Decoder, Intervention, Packed, PrefixCache},
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Prompts per round; `None` for as many as take about two seconds.
    pub examples: Option<usize>,
    /// Rounds.
    pub rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { shots: 4, examples: None, rounds: 5 }
    }
}

/// What was measured; its serialised form is `bench --json`.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Prompts attributed per second, the shared prefix included.
    pub examples_per_s: f64,
    /// The same with every prompt computed whole.
    pub naive_examples_per_s: f64,
    /// Median over rounds of the first over the second.
    pub speedup: f64,
    /// Median over rounds of the time of attribution over that of plain forward passes of the same batches, minus one.
    pub attribution_overhead: f64,
    /// Peak of f32 matrix products here, in 10⁹ operations per second.
    pub gemm_gflops: f64,
    /// Necessary operations over the time they took, in the same unit.
    pub achieved_gflops: f64,
    /// The second over the first.
    pub utilisation: f64,
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Prompts per round.
    pub examples: usize,
    /// Rounds.
    pub rounds: usize,
    /// Tokens that all prompts share.
    pub prefix_tokens: usize,
    /// Tokens of a prompt that it does not share, mean.
    pub suffix_tokens: f64,
}

/// Measures `decoder`, telling `observe` which round of how many begins.
///
/// # Errors
/// [`Error::Cancelled`], prompts that are longer than the model's context, or a failed computation.
pub fn measure(
    decoder: &Decoder,
    options: &Options,
    cancel: &Cancel,
    mut observe: impl FnMut(usize, usize),
) -> Result<Measured> {
    let vocabulary = decoder.vocabulary()?;
    let projection = LabelProjection::new(decoder, &[1, 2])?;
    let ways = |examples| {
        let prompts = workload::prompts(options.shots, examples, vocabulary, 0);
        Ways { decoder, projection: &projection, prompts, cancel }
    };
    let longest = ways(1).prompts[0].len() + 40;
    if longest > decoder.context {
        return Err(InputError::new(format!("prompts of {longest} tokens exceed the context of {}", decoder.context))
            .field("--shots")
            .cure("use fewer")
            .into());
    }
    let examples = match options.examples {
        Some(examples) => examples.max(1),
        None => as_many_as_fit(&ways(16))?,
    };
    let ways = ways(examples);
    let (mut ours, mut naive, mut plain, mut peaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds.max(1) {
        observe(round, options.rounds.max(1));
        peaks.push(gemm()?);
        ours.push(timed(|| ways.attribute())?);
        plain.push(timed(|| ways.plain())?);
        naive.push(timed(|| ways.naive())? * examples as f64 / ways.few().len() as f64);
    }
    let shared = ways.shared();
    let lengths: Vec<usize> = ways.prompts.iter().map(|prompt| prompt.len() - shared).collect();
    let achieved = cost::operations(decoder, shared, &lengths)? / median(&ours) / 1e9;
    let gemm_gflops = peaks.into_iter().fold(0.0, f64::max);
    let ratio = |a: &[f64], b: &[f64]| median(&a.iter().zip(b).map(|(a, b)| a / b).collect::<Vec<_>>());
    Ok(Measured {
        examples_per_s: examples as f64 / median(&ours),
        naive_examples_per_s: examples as f64 / median(&naive),
        speedup: ratio(&naive, &ours),
        attribution_overhead: ratio(&ours, &plain) - 1.0,
        gemm_gflops,
        achieved_gflops: achieved,
        utilisation: achieved / gemm_gflops,
        shots: options.shots,
        examples,
        rounds: options.rounds.max(1),
        prefix_tokens: shared,
        suffix_tokens: lengths.iter().sum::<usize>() as f64 / examples as f64,
    })
}

/// The ways that are compared, on the same prompts.
struct Ways<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    prompts: Vec<Vec<u32>>,
    cancel: &'a Cancel,
}

impl Ways<'_> {
    fn shared(&self) -> usize {
        crate::model::prompt::shared_prefix(&self.prompts)
    }

    /// As a run does it.
    fn attribute(&self) -> Result<()> {
        let prepared = Prepared::new(self.decoder, self.projection, &self.prompts, self.cancel)?;
        prepared.attribute(&self.prompts, BatchSize::default(), self.cancel, |_| {})
    }

    /// The same prefix and batches, and only the model's own label logits.
    fn plain(&self) -> Result<()> {
        let shared = self.shared();
        let none = Intervention::none();
        let regime = self.decoder.regime(self.prompts[0].len());
        let prefix = self.decoder.prefix(&self.prompts[0][..shared], regime, &none, self.cancel)?;
        self.batches(&self.prompts, shared, |packed| {
            let mut last = LabelLogits::new(self.decoder, self.projection);
            self.decoder.forward(packed, &prefix, &none, &mut last, self.cancel)
        })
    }

    /// Every prompt whole, as if the others were not there: a few of them, since it is slow.
    fn naive(&self) -> Result<()> {
        self.batches(self.few(), 0, |packed| {
            let (prompts, mut collector) = (packed.prompts(), Collector::new(self.decoder, self.projection));
            self.decoder.forward(
                packed,
                &PrefixCache::default(),
                &Intervention::none(),
                &mut collector,
                self.cancel,
            )?;
            collector.finish(prompts).map(drop)
        })
    }

    /// Does `work` on all batches, arranged as a run arranges them.
    fn batches(&self, prompts: &[Vec<u32>], shared: usize, work: impl Fn(Packed) -> Result<()> + Sync) -> Result<()> {
        let size = BatchSize::default().even(self.decoder, prompts, shared);
        let batches = size.batches(self.decoder, prompts, shared);
        let packed = |batch: &[&[u32]], regime| Packed::new(batch.iter().copied(), shared, regime);
        workers::run_in_order(self.decoder, &batches, |(regime, batch)| work(packed(batch, *regime)), |()| ())
    }

    fn few(&self) -> &[Vec<u32>] {
        &self.prompts[..self.prompts.len().div_ceil(8)]
    }
}

/// Prompts that take about two seconds a round.
fn as_many_as_fit(ways: &Ways<'_>) -> Result<usize> {
    ways.attribute()?;
    let each = timed(|| ways.attribute())? / ways.prompts.len() as f64;
    Ok(((2.0 / each) as usize).clamp(16, 1024))
}

/// Seconds that `work` takes.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

/// The best of a few products of square matrices, in 10⁹ operations per second.
fn gemm() -> Result<f64> {
    const SIDE: usize = 1024;
    let a = Tensor::ones((SIDE, SIDE), DType::F32, &Device::Cpu)?;
    let operations = 2.0 * (SIDE as f64).powi(3);
    let mut best = f64::INFINITY;
    for _ in 0..4 {
        best = best.min(timed(|| a.matmul(&a).map(drop).map_err(Error::from))?);
    }
    Ok(operations / best / 1e9)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LoadOptions, Model, Source};

    #[test]
    fn it_measures_and_keys_are_the_contract() {
        let decoder = Model::load(&Source::Demo, &LoadOptions::default()).unwrap().decoder;
        let options = Options { shots: 2, examples: Some(8), rounds: 2 };
        let mut rounds = 0;
        let measured = measure(&decoder, &options, &Cancel::default(), |_, _| rounds += 1).unwrap();
        assert_eq!((rounds, measured.examples), (2, 8));
        let json = serde_json::to_value(&measured).unwrap();
        for key in [
            "examples_per_s",
            "naive_examples_per_s",
            "speedup",
            "attribution_overhead",
            "gemm_gflops",
            "achieved_gflops",
        ] {
            assert!(json[key].as_f64().is_some_and(f64::is_finite), "{key}: {json}");
        }
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(matches!(measure(&decoder, &options, &cancel, |_, _| {}), Err(Error::Cancelled)));
        let long = Options { shots: 4000, ..options };
        assert!(measure(&decoder, &long, &Cancel::default(), |_, _| {}).unwrap_err().to_string().contains("context"));
    }

    #[test]
    fn medians() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0])), (2.0, 2.5));
    }
}
