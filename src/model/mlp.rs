//! Feed-forward blocks: one, or a mixture of experts.

use candle_core::{D, Tensor};

use super::layers::{Activation, Linear};
use crate::error::Result;

/// MLP of a layer; a single component in either case.
#[derive(Clone, Debug)]
pub enum Mlp {
    /// The same map for every token.
    Dense(FeedForward),
    /// A mixture of experts, of which each token uses a few (Jiang et al. 2024, arXiv 2401.04088).
    Mixture(Mixture),
}

/// A feed-forward map.
#[derive(Clone, Debug)]
pub struct FeedForward {
    /// Gate (Shazeer 2020, arXiv 2002.05202), `[inner, d]`; without one the activation acts on `up`.
    pub gate: Option<Linear>,
    /// `[inner, d]`.
    pub up: Linear,
    /// `[d, inner]`.
    pub down: Linear,
    /// The non-linearity.
    pub activation: Activation,
}

/// Experts and the router that chooses among them.
#[derive(Clone, Debug)]
pub struct Mixture {
    /// `[experts, d]`.
    pub router: Linear,
    /// All experts.
    pub experts: Vec<FeedForward>,
    /// Number of experts per token.
    pub chosen: usize,
    /// Whether the softmax weights of the chosen experts are scaled to sum to 1.
    pub rescaled: bool,
    /// An expert for every token.
    pub shared: Option<Box<SharedExpert>>,
}

/// An expert that every token uses.
#[derive(Clone, Debug)]
pub struct SharedExpert {
    /// The expert.
    pub map: FeedForward,
    /// `[1, d]`: the sigmoid of its output is the factor on the expert's.
    pub gate: Option<Linear>,
}

impl Mlp {
    /// Maps `x` `[n, d]` to `[n, d]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(map) => map.forward(x),
            Self::Mixture(mixture) => mixture.forward(x),
        }
    }

    /// Returns its large linear maps.
    pub(super) fn maps(&self) -> impl Iterator<Item = &Linear> {
        let (experts, shared) = match self {
            Self::Dense(map) => (std::slice::from_ref(map), None),
            Self::Mixture(mixture) => (mixture.experts.as_slice(), mixture.shared.as_ref().map(|shared| &shared.map)),
        };
        experts.iter().chain(shared).flat_map(|map| map.gate.iter().chain([&map.up, &map.down]))
    }
}

impl FeedForward {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = &self.up.weight.to_product_dtype(x)?;
        let up = self.up.forward_in_product_dtype(x)?;
        let inner = match &self.gate {
            Some(gate) => self.activation.forward(gate.forward_in_product_dtype(x)?, Some(&up))?,
            None => self.activation.forward(up, None)?,
        };
        self.down.forward(&inner)
    }
}

impl Mixture {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let shares = candle_nn::ops::softmax(&self.router.forward(x)?, D::Minus1)?.to_vec2::<f32>()?;
        let mut assigned = vec![(Vec::new(), Vec::new()); self.experts.len()];
        for (row, shares) in shares.iter().enumerate() {
            let best = largest(shares, self.chosen);
            let total = if self.rescaled { best.iter().map(|&expert| shares[expert]).sum() } else { 1.0 };
            for expert in best {
                assigned[expert].0.push(row as u32);
                assigned[expert].1.push(shares[expert] / total);
            }
        }
        let mut sum = match &self.shared {
            Some(shared) => shared.forward(x)?,
            None => x.zeros_like()?,
        };
        for (expert, (rows, shares)) in self.experts.iter().zip(assigned).filter(|(_, (rows, _))| !rows.is_empty()) {
            let count = rows.len();
            let rows = Tensor::from_vec(rows, count, x.device())?;
            let shares = Tensor::from_vec(shares, (count, 1), x.device())?;
            let out = expert.forward(&x.index_select(&rows, 0)?)?.broadcast_mul(&shares)?;
            sum = sum.index_add(&rows, &out, 0)?;
        }
        Ok(sum)
    }
}

impl SharedExpert {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let out = self.map.forward(x)?;
        Ok(match &self.gate {
            Some(gate) => out.broadcast_mul(&candle_nn::ops::sigmoid(&gate.forward(x)?)?)?,
            None => out,
        })
    }
}

/// Returns the indices of the `count` largest values; ties go to the first.
fn largest(values: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(count);
    order
}
