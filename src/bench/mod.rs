//! Benchmark of attribution on this machine, compared with a naive implementation and with plain forward passes.
//!
//! Rounds alternate between the variants, so that other load on the machine affects all of them equally; ratios are
//! medians over rounds.

mod cost;
mod workload;

use std::{collections::BTreeMap, time::Instant};

use candle_core::{DType, Tensor};
use serde::Serialize;

use crate::{
    cancel::Cancel,
    decompose::{BatchSize, Collector, LabelLogits, LabelProjection, Prepared, workers},
    error::{Error, InputError, Result},
    model::{Decoder, Intervention, Packed, PrefixCache, layer::Layer},
};

/// Options of the benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Prompts per round; `None` for about two seconds' worth.
    pub examples: Option<usize>,
    /// Number of rounds.
    pub rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { shots: 4, examples: None, rounds: 5 }
    }
}

/// Results of the benchmark; serialises to `bench --json`.
#[derive(Clone, Debug, Serialize)]
pub struct BenchResults {
    /// Prompts attributed per second, the shared prefix included.
    pub examples_per_s: f64,
    /// Prompts attributed per second without sharing the prefix.
    pub naive_examples_per_s: f64,
    /// Median over rounds of `examples_per_s` over `naive_examples_per_s`.
    pub speedup: f64,
    /// Median over rounds of the time for attribution over that for plain forward passes on the same batches, minus
    /// one.
    pub attribution_overhead: f64,
    /// Peak speed of matrix products, in 10⁹ operations per second; in f32 on the CPU, in the weights' dtype on a card.
    pub gemm_gflops: f64,
    /// Necessary operations over the time of attribution, in the same unit.
    pub achieved_gflops: f64,
    /// `achieved_gflops` over `gemm_gflops`.
    pub utilisation: f64,
    /// Tokens computed per second by attribution; shared tokens count once.
    pub tokens_per_s: f64,
    /// Tokens computed per second without sharing, as other programs process prompts.
    pub own_tokens_per_s: f64,
    /// Time for unpacking the weights, as often as attribution does, over the time of attribution.
    pub unpack_share: f64,
    /// Number formats of the layers' weights in memory, with their shares of the values, the largest first.
    pub weight_types: Vec<TypeShare>,
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Prompts per round.
    pub examples: usize,
    /// Number of rounds.
    pub rounds: usize,
    /// Tokens in the shared prefix.
    pub prefix_tokens: usize,
    /// Mean number of tokens per prompt after the shared prefix.
    pub suffix_tokens: f64,
}

/// Share of one number format in the weights of the layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeShare {
    /// Number format, e.g. `q4_k`.
    pub name: &'static str,
    /// Share of the values.
    pub share: f64,
}

/// Benchmarks `decoder`; calls `observe` with the index and the number of rounds before each round.
///
/// # Errors
/// [`Error::Cancelled`], or if prompts are longer than the model's context or a computation fails.
pub fn measure(
    decoder: &Decoder,
    options: &Options,
    cancel: &Cancel,
    mut observe: impl FnMut(usize, usize),
) -> Result<BenchResults> {
    let vocabulary = decoder.vocabulary()?;
    let projection = LabelProjection::new(decoder, &[1, 2])?.with_norms(decoder)?;
    let variants = |examples| {
        let prompts = workload::prompts(options.shots, examples, vocabulary, 0);
        Variants { decoder, projection: &projection, prompts, cancel }
    };
    let longest = variants(1).prompts[0].len() + 40;
    if longest > decoder.context {
        return Err(InputError::new(format!(
            "prompts of {longest} tokens exceed the context of {} tokens",
            decoder.context
        ))
        .field("--shots")
        .help("use fewer demonstrations")
        .into());
    }
    let examples = match options.examples {
        Some(examples) => examples.max(1),
        // A card takes about as long for a few as for many.
        None => examples_per_round(&variants(if decoder.is_on_card() { 1024 } else { 16 }))?,
    };
    let variants = variants(examples);
    let (mut ours, mut naive, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    let (mut peaks, mut unpacking) = (Vec::new(), Vec::new());
    for round in 0..options.rounds.max(1) {
        observe(round, options.rounds.max(1));
        peaks.push(gemm(decoder)?);
        ours.push(timed(|| variants.attribute())?);
        plain.push(timed(|| variants.plain())?);
        unpacking.push(timed(|| variants.unpack())?);
        naive.push(timed(|| variants.naive())? * examples as f64 / variants.naive_prompts().len() as f64);
        peaks.push(gemm(decoder)?);
    }
    let shared = variants.shared();
    let lengths: Vec<usize> = variants.prompts.iter().map(|prompt| prompt.len() - shared).collect();
    let achieved = cost::operations(decoder, shared, &lengths)? / median(&ours) / 1e9;
    let gemm_gflops = peaks.into_iter().fold(0.0, f64::max);
    let suffix_tokens = lengths.iter().sum::<usize>() as f64;
    let naive_examples_per_s = examples as f64 / median(&naive);
    let ratio = |a: &[f64], b: &[f64]| median(&a.iter().zip(b).map(|(a, b)| a / b).collect::<Vec<_>>());
    Ok(BenchResults {
        examples_per_s: examples as f64 / median(&ours),
        naive_examples_per_s,
        speedup: ratio(&naive, &ours),
        attribution_overhead: ratio(&ours, &plain) - 1.0,
        gemm_gflops,
        achieved_gflops: achieved,
        utilisation: achieved / gemm_gflops,
        tokens_per_s: (shared as f64 + suffix_tokens) / median(&ours),
        own_tokens_per_s: naive_examples_per_s * (shared as f64 + suffix_tokens / examples as f64),
        unpack_share: ratio(&unpacking, &ours),
        weight_types: weight_types(decoder)?,
        shots: options.shots,
        examples,
        rounds: options.rounds.max(1),
        prefix_tokens: shared,
        suffix_tokens: suffix_tokens / examples as f64,
    })
}

/// The variants to compare, on the same prompts.
struct Variants<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    prompts: Vec<Vec<u32>>,
    cancel: &'a Cancel,
}

impl Variants<'_> {
    fn shared(&self) -> usize {
        crate::model::prompt::shared_prefix(&self.prompts)
    }

    /// Attributes all prompts as a run does.
    fn attribute(&self) -> Result<()> {
        let prepared = Prepared::new(self.decoder, self.projection, &self.prompts, self.cancel)?;
        prepared.attribute(&self.prompts, BatchSize::default(), self.cancel, |_| {})
    }

    /// Computes only the model's own label logits, with the same prefix and batches.
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

    /// Unpacks the weights of all layers, once per batch.
    fn unpack(&self) -> Result<()> {
        let size = BatchSize::default().even(self.decoder, &self.prompts, self.shared());
        let batches = size.batches(self.decoder, &self.prompts, self.shared());
        let unpack = |_: &(_, _)| {
            let maps = self.decoder.layers.iter().flat_map(Layer::maps);
            maps.for_each(|map| map.weight.unpack_panels());
            Ok(())
        };
        workers::run_in_order(self.decoder, &batches, unpack, |()| ())
    }

    /// Attributes each prompt without a shared prefix; only an eighth of them, since it is slow.
    fn naive(&self) -> Result<()> {
        self.batches(self.naive_prompts(), 0, |packed| {
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

    /// Calls `work` on all batches, split as in a run.
    fn batches(&self, prompts: &[Vec<u32>], shared: usize, work: impl Fn(Packed) -> Result<()> + Sync) -> Result<()> {
        let size = BatchSize::default().even(self.decoder, prompts, shared);
        let batches = size.batches(self.decoder, prompts, shared);
        let packed = |batch: &[&[u32]], regime| Packed::new(batch.iter().copied(), shared, regime);
        workers::run_in_order(self.decoder, &batches, |(regime, batch)| work(packed(batch, *regime)), |()| ())
    }

    fn naive_prompts(&self) -> &[Vec<u32>] {
        &self.prompts[..self.prompts.len().div_ceil(8)]
    }
}

/// Returns the share of each number format in the weights of the layers.
fn weight_types(decoder: &Decoder) -> Result<Vec<TypeShare>> {
    let mut values: BTreeMap<&'static str, f64> = BTreeMap::new();
    for map in decoder.layers.iter().flat_map(Layer::maps) {
        let (rows, columns) = map.weight.shape()?;
        *values.entry(map.weight.format()).or_default() += rows as f64 * columns as f64;
    }
    let total: f64 = values.values().sum();
    let mut shares: Vec<TypeShare> =
        values.into_iter().map(|(name, values)| TypeShare { name, share: values / total }).collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(shares)
}

/// Returns the number of prompts that take about two seconds per round.
fn examples_per_round(variants: &Variants<'_>) -> Result<usize> {
    variants.attribute()?;
    let each = timed(|| variants.attribute())? / variants.prompts.len() as f64;
    let most = if variants.decoder.is_on_card() { 1 << 14 } else { 1 << 10 };
    Ok(((2.0 / each) as usize).clamp(16, most))
}

/// Returns the seconds that `work` takes.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Measures the speed of the fastest of several square matrix products, in 10⁹ operations per second: the machine's
/// peak, which other load hides from a single product.
fn gemm(decoder: &Decoder) -> Result<f64> {
    let device = decoder.device();
    let (side, repeats) = if device.is_cpu() { (1024, 1) } else { (8192, 8) };
    let a = if device.is_cpu() {
        Tensor::ones((side, side), DType::F32, device)?
    } else {
        // Random values, since cards multiply zeros and ones faster.
        Tensor::randn(0.0_f32, 1.0, (side, side), device)?.to_dtype(decoder.product_dtype())?
    };
    let products = || {
        for _ in 0..repeats {
            a.matmul(&a)?;
        }
        device.synchronize()
    };
    products()?;
    let mut best = f64::INFINITY;
    let measurements = if device.is_cpu() { 16 } else { 4 };
    for _ in 0..measurements {
        best = best.min(timed(|| products().map_err(Error::from))?);
    }
    Ok(2.0 * (side as f64).powi(3) * f64::from(repeats) / best / 1e9)
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
    fn results_have_the_documented_keys() {
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
            "tokens_per_s",
            "own_tokens_per_s",
            "unpack_share",
        ] {
            assert!(json[key].as_f64().is_some_and(f64::is_finite), "{key}: {json}");
        }
        assert_eq!(measured.weight_types, [TypeShare { name: "f16", share: 1.0 }]);
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(matches!(measure(&decoder, &options, &cancel, |_, _| {}), Err(Error::Cancelled)));
        let long = Options { shots: 4000, ..options };
        assert!(measure(&decoder, &long, &Cancel::default(), |_, _| {}).unwrap_err().to_string().contains("context"));
    }

    #[test]
    fn median_of_odd_and_even_numbers_of_values() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0])), (2.0, 2.5));
    }
}
