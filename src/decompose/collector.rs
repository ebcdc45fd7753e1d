//! Collects contributions during a forward pass.

use candle_core::Tensor;

use super::{LabelProjection, output_norms::head_norms};
use crate::{
    attribution::Batch,
    component::Shape,
    error::{Error, Result},
    model::{Decoder, Probe, kernels::product},
};

/// Probe that collects the contributions of one batch.
#[derive(Debug)]
pub struct Collector<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    /// Contributions per component `[B, Y]`, before the final norm's scale.
    components: Vec<Tensor>,
    rest: Option<Tensor>,
    residual: Option<Tensor>,
    /// Squared norms of outputs, `[H, B]` or `[1, B]`, before the final norm's scale.
    norms: Vec<Tensor>,
}

impl Probe for Collector<'_> {
    fn embedding(&mut self, x: &Tensor) -> Result<()> {
        self.rest = Some(product(x, &self.projection.residual, None)?);
        Ok(())
    }

    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        let z = self.projection.by_head(layer, z)?;
        self.components.push(self.projection.read_heads(layer, &z, post_scale)?);
        if self.projection.has_norms {
            self.norms.push(head_norms(&z, &self.decoder.head_grams()?[layer], post_scale)?);
        }
        if let (Some(bias), Some(rest)) = (&self.projection.biases[layer], &self.rest) {
            let bias = bias.broadcast_as(rest.shape())?;
            let bias = post_scale.map_or(Ok(bias.clone()), |scale| bias.broadcast_mul(scale))?;
            self.rest = Some((rest + bias)?);
        }
        Ok(())
    }

    fn mlp(&mut self, _: usize, added: &Tensor) -> Result<()> {
        self.components.push(product(added, &self.projection.residual, None)?.unsqueeze(0)?);
        if self.projection.has_norms {
            self.norms.push(added.sqr()?.sum_keepdim(1)?.t()?);
        }
        Ok(())
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.residual = Some(x.clone());
        Ok(())
    }
}

impl<'a> Collector<'a> {
    /// Makes an empty collector.
    pub fn new(decoder: &'a Decoder, projection: &'a LabelProjection) -> Self {
        let components = Vec::with_capacity(2 * projection.shape.layers);
        Self { decoder, projection, components, rest: None, residual: None, norms: Vec::new() }
    }

    /// Returns the contributions of a batch of `examples` after its pass.
    ///
    /// # Errors
    /// If the computation fails or gives values that are not finite; names the first such component.
    pub fn finish(self, examples: usize) -> Result<Batch> {
        let (Some(rest), Some(residual)) = (self.rest, self.residual) else {
            return Ok(Batch::default());
        };
        let (norm, factor) = (&self.decoder.norm, self.decoder.logit_scale);
        let scale = norm.realised_scale(&residual)?;
        let scales = scale.elem_count();
        let components = Tensor::cat(&self.components, 0)?.broadcast_mul(&scale)?;
        let rest = rest.broadcast_mul(&scale)?.broadcast_add(&self.projection.constant)?;
        let full = self.projection.logits(self.decoder, &residual)?;
        // One copy for all values, since each copy from a card waits for all work before it.
        let flat = |x: &Tensor| x.flatten_all();
        let (components, rest) = ((components * factor)?, (rest * factor)?);
        let mut parts = vec![flat(&components)?, flat(&rest)?, flat(&full)?, flat(&scale)?];
        if !self.norms.is_empty() {
            let factor = (scale * factor)?.sqr()?.t()?;
            parts.push(flat(&Tensor::cat(&self.norms, 0)?.broadcast_mul(&factor)?)?);
        }
        let lengths: Vec<usize> = parts.iter().map(Tensor::elem_count).collect();
        let mut components: Vec<f32> = Tensor::cat(&parts, 0)?.to_vec1()?;
        let norms = components.split_off(lengths[..4].iter().sum());
        check_scale(&components.split_off(components.len() - scales))?;
        let mut rest = components.split_off(components.len() - 2 * full.elem_count());
        let full = rest.split_off(full.elem_count());
        // Squares may overflow where the values do not; such a run has no norms.
        let norms = if norms.iter().all(|norm| norm.is_finite()) { norms } else { Vec::new() };
        let batch = Batch { examples, components, rest, full, norms };
        check_finite(&batch, self.projection.shape)?;
        Ok(batch)
    }
}

/// Probe for the model's own label logits at the end of a pass.
#[derive(Debug)]
pub(crate) struct LabelLogits<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    /// Label logits `[B, Y]`; empty until the end of the pass.
    pub(crate) logits: Vec<f64>,
}

impl<'a> LabelLogits<'a> {
    /// Makes an empty probe.
    pub(crate) const fn new(decoder: &'a Decoder, projection: &'a LabelProjection) -> Self {
        Self { decoder, projection, logits: Vec::new() }
    }
}

impl Probe for LabelLogits<'_> {
    fn residual(&mut self, x: &Tensor) -> Result<()> {
        final_scale(self.decoder, x)?;
        let logits = self.projection.logits(self.decoder, x)?.flatten_all()?.to_vec1::<f32>()?;
        self.logits = logits.into_iter().map(f64::from).collect();
        Ok(())
    }
}

/// Returns the scale that the final norm realises on `x` `[B, d]`: `[B, 1]`.
///
/// # Errors
/// If a residual stream overflows.
pub(crate) fn final_scale(decoder: &Decoder, x: &Tensor) -> Result<Tensor> {
    let scale = decoder.norm.realised_scale(x)?;
    check_scale(&scale.flatten_all()?.to_vec1()?)?;
    Ok(scale)
}

/// Checks the realised scales of the final norm. If the squares of a residual stream overflow, its scale is 0 and all
/// logits are 0, which would look like a tie, and exact.
pub(super) fn check_scale(scales: &[f32]) -> Result<()> {
    if scales.iter().all(|scale| scale.is_finite() && *scale > 0.0) {
        return Ok(());
    }
    let problem = "the residual stream overflows before the final norm: the squares of its values exceed the range of \
                   f32, so the logits mean nothing; check the weights, which are finite but far too large";
    Err(Error::Model(problem.to_owned()))
}

/// Checks that all values are finite, since weights may be finite but far too large; names the first bad component.
fn check_finite(batch: &Batch, shape: Shape) -> Result<()> {
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let rows = batch.examples * shape.labels;
    let bad = batch.components.chunks(rows.max(1)).position(|values| !finite(values));
    match bad {
        None if finite(&batch.rest) && finite(&batch.full) => Ok(()),
        None => Err(Error::Model("the model's logits are not finite numbers".to_owned())),
        Some(index) => {
            Err(Error::Model(format!("the contributions of {} are not finite numbers", shape.component(index))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_scale;

    /// The scale of an overflowing stream is 0: all its logits would be equal, and look exact.
    #[test]
    fn a_stream_that_overflows_is_an_error() {
        assert!(check_scale(&[0.5, 1e-20]).is_ok());
        let square_of_1e30 = 1e30_f32 * 1e30;
        for scale in [square_of_1e30.sqrt().recip(), f32::NAN, f32::INFINITY] {
            assert!(check_scale(&[0.5, scale]).is_err(), "{scale}");
        }
    }
}
