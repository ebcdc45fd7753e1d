//! Final hidden state and logits of the token after a prompt, from the ordinary forward pass.

use candle_core::Tensor;

use crate::{
    cancel::Cancel,
    error::Result,
    model::{Intervention, Model, Packed, PrefixCache, Probe},
};

/// Result of a prompt's last token.
pub(super) struct LastToken {
    /// Residual stream after the final norm, `[D]`.
    #[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check reads it"))]
    pub(super) hidden: Vec<f32>,
    /// Logits over the vocabulary, `[V]`, before a final soft-cap.
    pub(super) logits: Vec<f32>,
}

/// Passes `prompt`, which is not empty, through `model`.
pub(super) fn last_token(model: &Model, prompt: &[u32], cancel: &Cancel) -> Result<LastToken> {
    struct Last(Option<Tensor>);
    impl Probe for Last {
        fn residual(&mut self, x: &Tensor) -> Result<()> {
            self.0 = Some(x.clone());
            Ok(())
        }
    }
    let (decoder, mut last) = (&model.decoder, Last(None));
    let packed = Packed::new([prompt], 0, decoder.regime(prompt.len()));
    decoder.forward(packed, &PrefixCache::default(), &Intervention::none(), &mut last, cancel)?;
    let Some(residual) = last.0 else { return Ok(LastToken { hidden: Vec::new(), logits: Vec::new() }) };
    let hidden = decoder.norm.forward(&residual)?;
    let logits = (decoder.unembedding.forward(&hidden)? * decoder.logit_scale)?;
    Ok(LastToken { hidden: hidden.flatten_all()?.to_vec1()?, logits: logits.flatten_all()?.to_vec1()? })
}

/// Returns the largest difference; infinite if one is not a number, as of a model that computes none.
pub(super) fn difference(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let apart = |(a, b): (&f32, &f32)| f64::from((a - b).abs());
    a.iter().zip(b).map(apart).fold(0.0, |most, apart| if apart.is_nan() { f64::INFINITY } else { most.max(apart) })
}

/// Returns the largest magnitude.
pub(super) fn magnitude(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |most, value| most.max(f64::from(value.abs())))
}

/// Returns the ids of the five largest values, in the order of ids.
pub(super) fn best(values: &[f32]) -> Vec<usize> {
    let mut ids: Vec<usize> = (0..values.len()).collect();
    ids.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    ids.truncate(5);
    ids.sort_unstable();
    ids
}
