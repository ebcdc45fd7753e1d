//! UniBias, its part for attention heads (Zhou et al., NeurIPS 2024, arXiv 2405.20612): heads that push every prompt
//! towards the same labels are weighted down inside the model.
//!
//! The rule is that of the authors' code (`attention_manipulate.py` of hzzhou01/UniBias). A head of the upper half of the
//! layers is biased if three things hold for the label logits that its output gives by itself, without the final norm,
//! on validation prompts: they are large beside those of the stream that the layer reads, they differ between labels, and
//! they vary little from prompt to prompt. Every grid of the three thresholds gives a set of heads. Each set is silenced,
//! the validation prompts are run again, and the set with the most even label probabilities wins, unless the labels
//! together lose more than a twentieth of their probability. If the best is still uneven, negative weights are tried for
//! the five best sets.
//!
//! Its masks of single MLP neurons are left out. Three things are ours: the upper half stands for the authors' layers 16 to
//! 31 of 32; the validation prompts are the training split, as large as the label budget, where the authors take 20
//! examples a label; and a label has the tokens that the run scores, where the authors take every token that begins its
//! word.

use std::collections::BTreeSet;

use crate::{component::Shape, error::Result};

/// Least sum of absolute mean label logits of a biased head.
const LEAST: f64 = 0.2;

/// Keeps divisions finite, as the authors do.
const TINY: f64 = 1e-10;

/// Share of the labels' probability that must remain.
const KEPT: f64 = 0.95;

/// Bias above which negative weights are tried.
const UNEVEN: f64 = 0.1;

/// Sets for which negative weights are tried.
const RETRIED: usize = 5;

/// The negative weights.
const NEGATIVE: [f64; 4] = [-0.1, -0.25, -0.5, -1.0];

/// Label logits of every head's output and of the stream that every layer reads, without the final norm, at the last
/// token of validation prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadReadings {
    /// Numbers of layers, heads and labels.
    pub shape: Shape,
    /// Number of prompts.
    pub examples: usize,
    /// Of the heads, `[L, H, N, Y]`.
    pub heads: Vec<f64>,
    /// Of the streams, `[L, N, Y]`.
    pub streams: Vec<f64>,
}

/// Heads to weight down.
#[derive(Clone, Debug, PartialEq)]
pub struct BiasedHeads {
    /// The heads, `layer · H + head`, in order.
    pub heads: Vec<usize>,
    /// Their weight; 0 or negative.
    pub weight: f64,
    /// Unevenness of the label probabilities on the validation prompts: the mean over labels of
    /// `|log mean p − log p|`, in nats.
    pub bias: f64,
}

/// What decides whether a head is biased.
struct HeadBias {
    /// Sum of absolute mean label logits, of the head and of the stream.
    sums: (f64, f64),
    /// Mean deviation of the label logits from their mean, relative to it.
    bias: f64,
    /// Variation over prompts, relative to the means.
    variation: f64,
}

impl HeadReadings {
    /// Returns the sets of heads that any combination of thresholds gives, each once; the empty one is among them.
    pub fn candidates(&self) -> Vec<Vec<usize>> {
        let Shape { layers, heads, .. } = self.shape;
        let upper = (layers / 2).max(1)..layers;
        let measured: Vec<(usize, HeadBias)> =
            upper.flat_map(|layer| layer * heads..(layer + 1) * heads).map(|head| (head, self.measure(head))).collect();
        let mut sets = BTreeSet::from([Vec::new()]);
        for bias in (0..5).map(|step| 0.1 + 0.1 * f64::from(step)) {
            for share in [0.02, 0.05, 0.1, 0.15, 0.2] {
                for variation in (0..4).map(|step| 0.1 + 0.05 * f64::from(step)) {
                    let biased = measured.iter().filter(|(_, own)| own.exceeds(bias, share, variation));
                    sets.insert(biased.map(|(head, _)| *head).collect());
                }
            }
        }
        sets.into_iter().collect()
    }

    /// Measures the bias of one head.
    fn measure(&self, head: usize) -> HeadBias {
        let (labels, size) = (self.shape.labels, self.examples * self.shape.labels);
        let layer = head / self.shape.heads;
        let means = |rows: &[f64]| (0..labels).map(|label| mean(column(rows, labels, label))).collect::<Vec<_>>();
        let (own, stream) = (&self.heads[head * size..][..size], &self.streams[layer * size..][..size]);
        let averages = means(own);
        let sum = |values: &[f64]| values.iter().map(|value| value.abs()).sum::<f64>();
        let center = mean(averages.iter().copied());
        let deviation = |average: &f64| ((center - average) / center).abs();
        let variation = |(label, &average): (usize, &f64)| {
            let share = average.abs() / (sum(&averages) + TINY);
            share * ((spread(column(own, labels, label)) + TINY) / (average + TINY)).abs()
        };
        HeadBias {
            sums: (sum(&averages), sum(&means(stream))),
            bias: mean(averages.iter().map(deviation)),
            variation: if self.examples > 1 { averages.iter().enumerate().map(variation).sum() } else { 0.0 },
        }
    }
}

impl HeadBias {
    fn exceeds(&self, bias: f64, share: f64, variation: f64) -> bool {
        let (own, stream) = self.sums;
        let is_related = own > share * stream && own > LEAST;
        is_related && self.bias > bias && self.variation > 0.0 && self.variation < variation
    }
}

/// Chooses the heads to weight down, and their weight. `measure` runs the validation prompts with a weight for these heads
/// inside the model and returns the mean probability of every label among all tokens.
///
/// # Errors
/// Those of `measure`.
pub fn biased_heads<M>(candidates: &[Vec<usize>], measure: &mut M) -> Result<BiasedHeads>
where
    M: FnMut(&[usize], f64) -> Result<Vec<f64>>,
{
    let model = measure(&[], 1.0)?;
    let whole: f64 = model.iter().sum();
    let mut tried = vec![(BiasedHeads { heads: Vec::new(), weight: 0.0, bias: unevenness(&model) }, whole)];
    for heads in candidates.iter().filter(|heads| !heads.is_empty()) {
        tried.extend(silenced(heads, 0.0, whole, measure)?);
    }
    tried.sort_by(|(a, _), (b, _)| a.bias.total_cmp(&b.bias));
    let (mut best, sum) = tried[0].clone();
    if best.bias <= UNEVEN {
        return Ok(best);
    }
    let again = tried.iter().take(RETRIED).filter(|(own, _)| !own.heads.is_empty()).collect::<Vec<_>>();
    let mut negative = Vec::new();
    for weight in NEGATIVE {
        for (own, _) in &again {
            negative.extend(silenced(&own.heads, weight, whole.max(sum), measure)?);
        }
    }
    if let Some((found, _)) = negative.into_iter().min_by(|(a, _), (b, _)| a.bias.total_cmp(&b.bias)) {
        best = if found.bias < best.bias { found } else { best };
    }
    Ok(best)
}

/// Measures one set of heads with one weight; `None` if the labels lose too much of their probability `whole`.
fn silenced<M>(heads: &[usize], weight: f64, whole: f64, measure: &mut M) -> Result<Option<(BiasedHeads, f64)>>
where
    M: FnMut(&[usize], f64) -> Result<Vec<f64>>,
{
    let probabilities = measure(heads, weight)?;
    let sum: f64 = probabilities.iter().sum();
    let found = BiasedHeads { heads: heads.to_vec(), weight, bias: unevenness(&probabilities) };
    Ok((sum > KEPT * whole && found.bias.is_finite()).then_some((found, sum)))
}

/// Returns the mean over labels of `|log mean p − log p|`.
fn unevenness(probabilities: &[f64]) -> f64 {
    let average = mean(probabilities.iter().copied());
    mean(probabilities.iter().map(|own| (average.ln() - own.ln()).abs()))
}

fn column(rows: &[f64], labels: usize, label: usize) -> impl Iterator<Item = f64> + Clone {
    rows.iter().skip(label).step_by(labels).copied()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}

/// Returns the standard deviation of a sample.
fn spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let center = mean(values.clone());
    let (squares, count) =
        values.fold((0.0, 0_usize), |(sum, count), value| (sum + (value - center).powi(2), count + 1));
    (squares / (count - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::analysis::golden::golden;

    /// A case of `tools/reference_arena.py`. The probabilities are `softmax(Σ (1 − weight) · effect + base) · scale`.
    #[derive(Deserialize)]
    struct Golden {
        shape: [usize; 3],
        examples: usize,
        heads: Vec<f64>,
        streams: Vec<f64>,
        base: Vec<f64>,
        effects: Vec<Vec<f64>>,
        candidates: Vec<Vec<usize>>,
        chosen: Vec<usize>,
        weight: f64,
        bias: f64,
    }

    impl Golden {
        fn readings(&self) -> HeadReadings {
            let [layers, heads, labels] = self.shape;
            let shape = Shape { layers, heads, labels };
            HeadReadings { shape, examples: self.examples, heads: self.heads.clone(), streams: self.streams.clone() }
        }

        /// Label probabilities of a model in which every head has a fixed effect on label logits.
        fn probabilities(&self, heads: &[usize], weight: f64) -> Vec<f64> {
            let mut logits = self.base.clone();
            for &head in heads {
                logits.iter_mut().zip(&self.effects[head]).for_each(|(own, effect)| *own -= (1.0 - weight) * effect);
            }
            let others = 1.0;
            let sum: f64 = logits.iter().map(|logit| logit.exp()).sum::<f64>() + others;
            logits.iter().map(|logit| logit.exp() / sum).collect()
        }
    }

    #[test]
    fn candidates_and_choice_match_the_reference() {
        let cases = golden::<Vec<Golden>>("unibias_heads");
        for case in &cases {
            let candidates = case.readings().candidates();
            assert_eq!(candidates, case.candidates);
            let found = biased_heads(&candidates, &mut |heads, weight| Ok(case.probabilities(heads, weight))).unwrap();
            assert_eq!((&found.heads, found.weight), (&case.chosen, case.weight));
            assert!((found.bias - case.bias).abs() < 1e-9, "{} {}", found.bias, case.bias);
        }
        assert!(cases.iter().any(|case| case.weight < 0.0) && cases.iter().any(|case| case.weight == 0.0));
        assert!(cases.iter().any(|case| case.candidates.len() > 5));
    }

    #[test]
    fn a_set_that_takes_the_labels_probability_away_is_not_chosen() {
        let mut measure = |heads: &[usize], _| Ok(if heads.is_empty() { vec![0.6, 0.2] } else { vec![0.1, 0.1] });
        let found = biased_heads(&[Vec::new(), vec![3]], &mut measure).unwrap();
        assert!(found.heads.is_empty() && (found.bias - unevenness(&[0.6, 0.2])).abs() < 1e-12);
    }
}
