//! Activation patching of the residual stream by layer and position, in one prompt.
//!
//! The residual stream before one layer at one position is replaced by that of a paired prompt of equal length, and the rest
//! of the model runs on (Meng et al. 2022, arXiv 2202.05262; Zhang & Nanda 2023, arXiv 2309.16042). Only the tokens from that
//! position on are computed again, with the keys and values of those before it.

use candle_core::Tensor;

use super::{RunContext, context::NO_FILL_SOURCE};
use crate::{
    cancel::Cancel,
    decompose::{LabelLogits, workers},
    error::{Error, Result},
    model::{Intervention, Packed, PrefixCache, Prompt, Regime, Stream, Tokens, attention::KvCache},
    progress::{Meter, Progress},
};

/// Label logits of one prompt with its residual stream patched, by layer and position.
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualPatching {
    /// Tokens of the prompt, `[T]`.
    pub tokens: Vec<u32>,
    /// Tokens of the paired prompt, `[T]`.
    pub other_tokens: Vec<u32>,
    /// Label logits of the prompt, `[Y]`.
    pub logits: Vec<f64>,
    /// Label logits of the paired prompt, `[Y]`.
    pub other_logits: Vec<f64>,
    /// Label logits with the input of a layer patched at a position, `[L][T]` times `[Y]`.
    pub patched: Vec<Vec<Vec<f64>>>,
}

impl ResidualPatching {
    /// Returns the first position at which the prompts differ; their number of tokens if they do not. Patches before it
    /// change nothing.
    pub fn first_difference(&self) -> usize {
        self.tokens.iter().zip(&self.other_tokens).take_while(|(own, other)| own == other).count()
    }
}

/// Patches the residual stream of test prompt `example` before each layer at each position with that of the paired prompt of
/// the run that [`RunContext::fill_from`] names. Progress counts positions.
///
/// # Errors
/// If there is no such run, the two prompts differ in length, [`Error::Cancelled`], or a failed computation.
pub fn patch_residual(
    context: &RunContext<'_>,
    example: usize,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<ResidualPatching> {
    let source = context.fill_source.as_deref().ok_or_else(|| Error::Model(NO_FILL_SOURCE.to_owned()))?;
    let there = source.rows[example];
    context.check_lengths(&source.context, [(example, there)])?;
    let own = Pass::new(context, &context.prompts.test[example], cancel)?;
    let other = Pass::new(context, &source.context.prompts.test[there], cancel)?;
    let (layers, tokens) = (context.shape().layers, own.tokens.len());
    let mut found = ResidualPatching {
        patched: vec![vec![own.logits.clone(); tokens]; layers],
        tokens: own.tokens.clone(),
        other_tokens: other.tokens.clone(),
        logits: own.logits.clone(),
        other_logits: other.logits.clone(),
    };
    let positions: Vec<usize> = (found.first_difference()..tokens).collect();
    let mut meter = Meter::start(positions.len());
    let mut at = positions.iter();
    let work = |&position: &usize| own.patched(context, &other, position, cancel);
    workers::run_in_order(context.decoder, &positions, work, |column: Vec<Vec<f64>>| {
        if let Some(&position) = at.next() {
            found.patched.iter_mut().zip(column).for_each(|(row, logits)| row[position] = logits);
        }
        observe(meter.advance(1));
    })?;
    Ok(found)
}

/// An unchanged pass of a whole prompt.
struct Pass {
    tokens: Vec<u32>,
    regime: Regime,
    /// The residual stream before every layer, `[T, d]`.
    residuals: Vec<Tensor>,
    /// Keys and values of every layer.
    caches: Vec<KvCache>,
    logits: Vec<f64>,
}

impl Pass {
    fn new(context: &RunContext<'_>, prompt: &Tokens, cancel: &Cancel) -> Result<Self> {
        let tokens: Vec<u32> = prompt.tokens().collect();
        let regime = context.decoder.regime(tokens.len());
        let mut stream = Stream::begin(context.decoder, Packed::new([&tokens[..]], 0, regime))?;
        let (mut residuals, mut caches) = (Vec::new(), Vec::new());
        let mut probe = LabelLogits::new(context.decoder, &context.projection);
        while !stream.is_done() {
            residuals.push(stream.residual().clone());
            caches.push(stream.step(None, &Intervention::none(), &mut probe, cancel)?);
        }
        let logits = context.by_class(probe.logits);
        Ok(Self { tokens, regime, residuals, caches, logits })
    }

    /// Returns the label logits with the input of each layer patched at `position`.
    fn patched(
        &self,
        context: &RunContext<'_>,
        other: &Self,
        position: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<f64>>> {
        let (decoder, none) = (context.decoder, Intervention::none());
        let before = PrefixCache::new(self.tokens.len(), self.caches.clone()).first(position)?;
        let logits = |layer: usize| -> Result<Vec<f64>> {
            let after = self.tokens.len() - position - 1;
            let patch = other.residuals[layer].narrow(0, position, 1)?;
            let residual = Tensor::cat(&[&patch, &self.residuals[layer].narrow(0, position + 1, after)?], 0)?;
            let packed = Packed::new([&self.tokens[position..]], position, self.regime);
            let mut probe = LabelLogits::new(decoder, &context.projection);
            Stream::begin_at(decoder, packed, layer, residual)?.finish(&before, &none, &mut probe, cancel)?;
            Ok(context.by_class(probe.logits))
        };
        (0..self.residuals.len()).map(logits).collect()
    }
}
