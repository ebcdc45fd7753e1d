//! Reads the mixture of experts of a layer.

use super::{
    experts::Experts,
    packed_experts::PackedExperts,
    reader::{Part, Reader},
};
use crate::{
    error::Result,
    model::{
        layers::Linear,
        matrix::Matrix,
        mlp::{FeedForward, Mixture, SharedExpert},
    },
};

impl Experts {
    /// Reads the mixture of the layer at `at`.
    pub(super) fn read(&self, reader: &Reader<'_>, at: &str) -> Result<Mixture> {
        let shared = self.shared.map(|inner| -> Result<Box<SharedExpert>> {
            let map = self.expert(reader, &format!("{at}.mlp.shared_expert"), inner)?;
            Ok(Box::new(SharedExpert {
                map,
                gate: Some(dense(reader, &format!("{at}.mlp.shared_expert_gate"), 1, false)?),
            }))
        });
        let expert = |index: usize| self.expert(reader, &format!("{at}.{}.{index}", self.names.experts), self.inner);
        Ok(Mixture {
            router: dense(reader, &format!("{at}.{}", self.names.router), self.count, self.biases)?,
            experts: match PackedExperts::find(self, reader, at)? {
                Some(packed) => packed.read()?,
                None => (0..self.count).map(expert).collect::<Result<_>>()?,
            },
            chosen: self.chosen,
            rescaled: self.rescaled,
            shared: shared.transpose()?,
        })
    }

    fn expert(&self, reader: &Reader<'_>, at: &str, inner: usize) -> Result<FeedForward> {
        let hidden = reader.sizes.hidden;
        let linear = |name: &str, shape: (usize, usize)| {
            reader.linear(&format!("{at}.{name}"), shape, self.biases, &Part::default())
        };
        Ok(FeedForward {
            gate: Some(linear(self.names.gate, (inner, hidden))?),
            up: linear(self.names.up, (inner, hidden))?,
            down: linear(self.names.down, (hidden, inner))?,
            activation: reader.spec.activation,
        })
    }
}

/// Reads a small map to `out` values in f32: a rounded router would choose other experts.
fn dense(reader: &Reader<'_>, name: &str, out: usize, bias: bool) -> Result<Linear> {
    let weight = reader.weights.get(&format!("{name}.weight"), &[out, reader.sizes.hidden])?;
    let bias = bias.then(|| reader.weights.get(&format!("{name}.bias"), &[out])).transpose()?;
    Ok(Linear { weight: Matrix::Dense(weight), bias })
}
