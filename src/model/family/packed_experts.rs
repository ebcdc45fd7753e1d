//! Experts of a layer that a checkpoint has in one tensor, as gpt-oss: gate and up alternate, stored as
//! `[experts, in, out]`, or as `[experts, out, in]` in MXFP4.

use std::iter;

use candle_core::Tensor;

use super::{experts::Experts, reader::Reader};
use crate::{
    error::Result,
    model::{layers::Linear, matrix::Matrix, mlp::FeedForward},
};

pub(super) struct PackedExperts<'a> {
    experts: &'a Experts,
    reader: &'a Reader<'a>,
    at: String,
    microscaled: bool,
}

impl<'a> PackedExperts<'a> {
    /// Finds the experts of the layer at `at`; `None` if the file has a tensor per expert.
    pub(super) fn find(experts: &'a Experts, reader: &'a Reader<'_>, at: &str) -> Result<Option<Self>> {
        let at = format!("{at}.{}", experts.names.experts);
        let (plain, microscaled) = (format!("{at}.gate_up_proj"), format!("{at}.gate_up_proj_blocks"));
        let microscaled = reader.weights.has(&microscaled);
        if !experts.packed || !(microscaled || reader.weights.has(&plain)) {
            return Ok(None);
        }
        if microscaled && !(reader.sizes.hidden.is_multiple_of(32) && experts.inner.is_multiple_of(32)) {
            let problem = "rows in MXFP4 must be multiples of 32 values";
            return Err(reader.config.error("hidden_size", problem).into());
        }
        Ok(Some(Self { experts, reader, at, microscaled }))
    }

    /// Reads all experts.
    pub(super) fn read(&self) -> Result<Vec<FeedForward>> {
        let (count, hidden, inner) = (self.experts.count, self.reader.sizes.hidden, self.experts.inner);
        let biases =
            |name: &str, width: usize| self.reader.weights.get(&format!("{}.{name}", self.at), &[count, width]);
        let (gate_up, down) = (biases("gate_up_proj_bias", 2 * inner)?, biases("down_proj_bias", hidden)?);
        let expert = |index: usize| -> Result<FeedForward> {
            let half = |from: usize| -> Result<Linear> {
                let rows: Vec<u32> = (0..inner).map(|row| (2 * row + from) as u32).collect();
                let rows = Tensor::from_vec(rows, inner, gate_up.device())?;
                let weight = self.weight("gate_up_proj", index, (2 * inner, hidden), from, 2)?;
                Ok(Linear { weight, bias: Some(gate_up.get(index)?.index_select(&rows, 0)?) })
            };
            Ok(FeedForward {
                gate: Some(half(0)?),
                up: half(1)?,
                down: Linear {
                    weight: self.weight("down_proj", index, (hidden, inner), 0, 1)?,
                    bias: Some(down.get(index)?.contiguous()?),
                },
                activation: self.reader.spec.activation,
            })
        };
        (0..count).map(expert).collect()
    }

    /// Reads every `step`th row from `from` on of expert `index`'s matrix of shape `(out, in)`.
    fn weight(&self, name: &str, index: usize, shape: (usize, usize), from: usize, step: usize) -> Result<Matrix> {
        let (name, count, weights) = (format!("{}.{name}", self.at), self.experts.count, self.reader.weights);
        let rows = (from..shape.0).step_by(step);
        if self.microscaled {
            return weights.microscaled(&name, (index, count), shape, rows);
        }
        let tensor = weights.find(&name, &[count, shape.1, shape.0])?.entry(index).input_first();
        if step == 1 { tensor.matrix() } else { tensor.rows(rows.flat_map(|row| iter::once(row..row + 1))).matrix() }
    }
}
