//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in Hugging Face's half-rotation layout.

use candle_core::{D, Device, Tensor};

use super::kernels;
use crate::error::Result;

/// Frequencies of a rotary embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Radians per position for each rotated pair, `[rotated / 2]`.
    pub inverse_frequencies: Vec<f32>,
    /// Factor on cosine and sine (1 unless a scaling method sets one).
    pub magnitude: f32,
    /// Frequencies for long prompts, if they differ.
    pub long: Option<Long>,
    /// Factor on queries that grows with their position.
    pub query_growth: Option<QueryGrowth>,
}

/// Factor `1 + beta · ln(1 + ⌊position / length⌋)` on queries, so that attention stays sharp in long prompts (Llama 4's
/// attention temperature, in Ministral 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryGrowth {
    /// Weight of the logarithm.
    pub beta: f32,
    /// Number of positions with the same factor.
    pub length: usize,
}

/// Frequencies for prompts beyond a given length (LongRoPE; Ding et al. 2024, arXiv 2402.13753).
#[derive(Clone, Debug, PartialEq)]
pub struct Long {
    /// Length of the longest short prompt, in tokens.
    pub max_short: usize,
    /// Radians per position for each rotated pair, `[rotated / 2]`.
    pub inverse_frequencies: Vec<f32>,
}

/// Frequencies used for a whole prompt, including its shared prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Regime {
    /// Those of [`Rope`].
    #[default]
    Short,
    /// Those of [`Long`].
    Long,
}

/// Cosines and sines of the positions of one packed batch, `[ΣT, rotated / 2]` each.
#[derive(Clone, Debug)]
pub struct Angles {
    cos: Tensor,
    sin: Tensor,
    /// Factor on the queries, `[ΣT, 1]`.
    query_scale: Option<Tensor>,
}

impl Rope {
    /// Creates an unscaled rotary embedding of the first `rotated` dimensions of a head with base `theta`.
    pub fn plain(theta: f64, rotated: usize) -> Self {
        let frequency = |pair: usize| 1.0 / (theta as f32).powf(2.0 * pair as f32 / rotated as f32);
        let inverse_frequencies = (0..rotated / 2).map(frequency).collect();
        Self { inverse_frequencies, magnitude: 1.0, long: None, query_growth: None }
    }

    /// Returns the regime of a prompt of `tokens` tokens.
    pub fn regime(&self, tokens: usize) -> Regime {
        if self.long.as_ref().is_some_and(|long| tokens > long.max_short) { Regime::Long } else { Regime::Short }
    }

    /// Computes the angles of `positions`, in f32 as the reference implementations do.
    pub fn angles(&self, positions: &[u32], regime: Regime, device: &Device) -> Result<Angles> {
        let frequencies = match (&self.long, regime) {
            (Some(long), Regime::Long) => &long.inverse_frequencies,
            _ => &self.inverse_frequencies,
        };
        let pairs = frequencies.len();
        let angle = |position: u32| frequencies.iter().map(move |f| position as f32 * f);
        let (sin, cos): (Vec<f32>, Vec<f32>) = positions
            .iter()
            .flat_map(|&position| angle(position))
            .map(|angle| (angle.sin() * self.magnitude, angle.cos() * self.magnitude))
            .unzip();
        let shape = (positions.len(), pairs);
        let query_scale = self.query_growth.map(|growth| {
            let scale =
                |&position: &u32| growth.beta.mul_add((1.0 + (position as usize / growth.length) as f32).ln(), 1.0);
            Tensor::from_vec(positions.iter().map(scale).collect(), (positions.len(), 1), device)
        });
        Ok(Angles {
            cos: Tensor::from_vec(cos, shape, device)?,
            sin: Tensor::from_vec(sin, shape, device)?,
            query_scale: query_scale.transpose()?,
        })
    }
}

impl Angles {
    /// Rotates the leading dimensions of every head of `x` `[ΣT, heads · head_dim]` and keeps the others; `x` must not
    /// share its storage with another tensor, since it may be changed in place.
    pub fn rotate(&self, x: Tensor, head_dim: usize) -> Result<Tensor> {
        if kernels::supports(&x) {
            kernels::rotate(&x, head_dim, &self.cos, &self.sin)?;
            return Ok(x);
        }
        let (rows, width) = x.dims2()?;
        let heads = x.reshape((rows, width / head_dim, head_dim))?;
        Ok(self.rotate_heads(&heads)?.reshape((rows, width))?)
    }

    fn rotate_heads(&self, x: &Tensor) -> Result<Tensor> {
        let (rotated, width) = (2 * self.cos.dim(1)?, x.dim(D::Minus1)?);
        let rotate = |x: &Tensor| -> Result<Tensor> {
            let x = x.unsqueeze(0)?.contiguous()?;
            let (cos, sin) = (self.cos.to_dtype(x.dtype())?, self.sin.to_dtype(x.dtype())?);
            Ok(candle_nn::rotary_emb::rope_thd(&x, &cos, &sin)?.squeeze(0)?)
        };
        if rotated == width {
            return rotate(x);
        }
        let leading = rotate(&x.narrow(D::Minus1, 0, rotated)?)?;
        Ok(Tensor::cat(&[leading, x.narrow(D::Minus1, rotated, width - rotated)?], D::Minus1)?)
    }

    /// Selects the angles of `rows`, for queries at last positions only.
    pub fn select(&self, rows: &Tensor) -> Result<Self> {
        let select = |x: &Tensor| x.index_select(rows, 0);
        let query_scale = self.query_scale.as_ref().map(select).transpose()?;
        Ok(Self { cos: select(&self.cos)?, sin: select(&self.sin)?, query_scale })
    }

    /// Multiplies queries `[ΣT, H · head_dim]` by the factor of their position, if there is one.
    pub fn scale_queries(&self, queries: Tensor) -> Result<Tensor> {
        match &self.query_scale {
            Some(scale) => Ok(queries.broadcast_mul(&scale.to_dtype(queries.dtype())?)?),
            None => Ok(queries),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotated(rope: &Rope, position: u32, x: &[f32]) -> Vec<f32> {
        let head_dim = x.len();
        let x = Tensor::from_slice(x, (1, head_dim), &Device::Cpu).unwrap();
        let angles = rope.angles(&[position], Regime::Short, &Device::Cpu).unwrap();
        angles.rotate(x, head_dim).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn pairs_are_half_a_head_apart() {
        let y = rotated(&Rope::plain(10_000.0, 4), 2, &[1.0, 0.0, 0.0, 1.0]);
        let (fast, slow) = (2.0_f32, 2.0_f32 * 0.01);
        for (value, expected) in y.iter().zip([fast.cos(), -slow.sin(), fast.sin(), slow.cos()]) {
            assert!((value - expected).abs() < 1e-6, "{y:?}");
        }
    }

    #[test]
    fn partial_rotation_leaves_the_tail() {
        let y = rotated(&Rope::plain(10_000.0, 2), 3, &[1.0, 0.0, 5.0, 6.0]);
        assert_eq!(y[2..], [5.0, 6.0]);
        assert!((y[0] - 3.0_f32.cos()).abs() < 1e-6);
    }
}
