//! What an observer sees of a forward pass, at the last token of each prompt.
//!
//! Names follow TransformerLens: `z` is the per-head mix of values before the output projection.

use candle_core::Tensor;

use crate::error::Result;

/// An observer of a forward pass. `B` is the number of prompts in the batch. What it does not implement, it does not look at.
pub trait Probe {
    /// What enters the first layer, `[B, d]`.
    fn embedding(&mut self, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Attention of layer `layer`: `z` `[B, H · head_dim]`, and, if a norm follows the block, the factor it realised,
    /// `[B, 1]`.
    fn attention(&mut self, _layer: usize, _z: &Tensor, _post_scale: Option<&Tensor>) -> Result<()> {
        Ok(())
    }

    /// What the MLP of layer `layer` added to the residual stream, `[B, d]`.
    fn mlp(&mut self, _layer: usize, _added: &Tensor) -> Result<()> {
        Ok(())
    }

    /// The residual stream before the final norm, `[B, d]`.
    fn residual(&mut self, _x: &Tensor) -> Result<()> {
        Ok(())
    }

    /// `z` of layer `layer` at every row that flows, `[rows, H · head_dim]`.
    fn heads(&mut self, _layer: usize, _z: &Tensor) -> Result<()> {
        Ok(())
    }

    /// What the MLP of layer `layer` added at every row that flows, `[rows, d]`.
    fn mlp_everywhere(&mut self, _layer: usize, _added: &Tensor) -> Result<()> {
        Ok(())
    }

    /// Whether [`Probe::pattern`] is to be told about layer `layer`.
    fn wants_pattern(&self, _layer: usize) -> bool {
        false
    }

    /// Attention from each prompt's last token over all its tokens, the shared prefix first: one `[H, tokens]` a prompt.
    fn pattern(&mut self, _layer: usize, _weights: Vec<Tensor>) -> Result<()> {
        Ok(())
    }
}

/// Looks at nothing: an ordinary forward pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}
