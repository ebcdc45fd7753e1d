//! Observers of a forward pass.
//!
//! Names follow TransformerLens: `z` is the per-head mix of values before the output projection.

use candle_core::Tensor;

use crate::error::Result;

/// An observer of a forward pass; each method defaults to doing nothing. Activations are those of each prompt's last
/// token unless stated otherwise; `B` is the number of prompts in the batch.
pub trait Probe {
    /// Receives the input of the first layer, `[B, d]`.
    fn embedding(&mut self, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Receives `z` of layer `layer`, `[B, H · head_dim]`, and, if a norm follows the block, the norm's realised scale,
    /// `[B, 1]`.
    fn attention(&mut self, _layer: usize, _z: &Tensor, _post_scale: Option<&Tensor>) -> Result<()> {
        Ok(())
    }

    /// Receives what the MLP of layer `layer` adds to the residual stream, `[B, d]`.
    fn mlp(&mut self, _layer: usize, _added: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Receives the residual stream before the final norm, `[B, d]`.
    fn residual(&mut self, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Whether [`Probe::resid_mid`] and [`Probe::resid_post`] are called.
    fn wants_stream(&self) -> bool {
        false
    }

    /// Receives the residual stream of layer `layer` after its attention is added, `[B, d]`; also where the MLP runs in
    /// parallel and does not read it.
    fn resid_mid(&mut self, _layer: usize, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Receives the residual stream after layer `layer`, `[B, d]`.
    fn resid_post(&mut self, _layer: usize, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Receives `z` of layer `layer` at every computed token, `[rows, H · head_dim]`.
    fn heads(&mut self, _layer: usize, _z: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Receives what the MLP of layer `layer` adds at every computed token, `[rows, d]`.
    fn mlp_everywhere(&mut self, _layer: usize, _added: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Whether [`Probe::pattern`] is called for layer `layer`.
    fn wants_pattern(&self, _layer: usize) -> bool {
        false
    }

    /// Receives the attention pattern of each prompt's last token over all its tokens, shared prefix included: one
    /// `[H, tokens]` per prompt.
    fn pattern(&mut self, _layer: usize, _weights: Vec<Tensor>) -> Result<()> {
        Ok(())
    }
}

/// Observes nothing: an ordinary forward pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}
