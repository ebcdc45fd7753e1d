//! Interventions in the forward pass: scale a component's result and fill in a replacement.
//!
//! Each component's `result` becomes `w · result + (1 − w) · fill`, where `fill` is zero (zero ablation) or a given
//! result, such as the component's mean (mean ablation). Later layers read the changed residual stream, and their norms
//! are recomputed. A head is changed at its `z`: its result is linear in `z`, so both changes are equivalent, also with
//! grouped-query attention. An MLP is changed at its output, just before the residual stream.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::packed::Packed;
use crate::error::Result;

/// Tokens at which components are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    /// Each prompt's last token, where label logits are read; all other tokens stay unchanged.
    #[default]
    Last,
    /// Every token of the prompt. With a fill, the first token stays unchanged: it attends only to itself, so its
    /// result equals its mean over prompts with the same first token.
    All,
}

impl Positions {
    /// Name in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::All => "all",
        }
    }
}

/// One result per component, such as its mean over examples.
#[derive(Clone, Debug)]
pub struct Results {
    /// `z` of all heads in each layer, `[1, H · head_dim]`.
    pub heads: Vec<Tensor>,
    /// Output of each layer's MLP, `[1, d]`.
    pub mlps: Vec<Tensor>,
}

/// Changes to make in one forward pass.
#[derive(Clone, Debug, Default)]
pub struct Intervention {
    positions: Positions,
    /// Whether the first token of a prompt stays unchanged.
    skips_first: bool,
    layers: Vec<LayerChange>,
}

#[derive(Clone, Debug, Default)]
struct LayerChange {
    heads: Option<Affine>,
    mlp: Option<Affine>,
}

/// Affine map `x ↦ scale ⊙ x + shift`.
#[derive(Clone, Debug)]
struct Affine {
    /// `[1, width]`.
    scale: Tensor,
    /// `[1, width]`.
    shift: Option<Tensor>,
}

impl Affine {
    /// Creates the map for one weight per `width / weights.len()` columns; `None` if all weights are 1.
    fn new(weights: &[f64], width: usize, fill: Option<&Tensor>, device: &Device) -> Result<Option<Self>> {
        #[allow(clippy::float_cmp)] // exactly 1 means no change
        if weights.iter().all(|&weight| weight == 1.0) {
            return Ok(None);
        }
        let each = width / weights.len();
        let row = |value: &dyn Fn(f64) -> f64| -> Result<Tensor> {
            let values: Vec<f32> = weights.iter().flat_map(|&w| std::iter::repeat_n(value(w) as f32, each)).collect();
            Ok(Tensor::from_vec(values, (1, width), device)?)
        };
        let shift = fill.map(|fill| Ok::<_, crate::Error>((row(&|w| 1.0 - w)? * fill)?)).transpose()?;
        Ok(Some(Self { scale: row(&|w| w)?, shift }))
    }

    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.broadcast_mul(&self.scale)?;
        Ok(match &self.shift {
            Some(shift) => x.broadcast_add(shift)?,
            None => x,
        })
    }
}

impl Intervention {
    /// Creates an intervention without changes: an ordinary forward pass.
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates an intervention with weight `weights[c]` for component `c` (order of [`Shape`](crate::Shape)) of a model
    /// with `heads` heads per layer; a weight of 1 changes nothing.
    ///
    /// `widths` are the widths of `z` over all heads and of the residual stream.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn new(
        weights: &[f64],
        heads: usize,
        widths: (usize, usize),
        positions: Positions,
        fill: Option<&Results>,
        device: &Device,
    ) -> Result<Self> {
        let layer = |(index, weights): (usize, &[f64])| -> Result<LayerChange> {
            let (heads, mlp) = weights.split_at(heads);
            Ok(LayerChange {
                heads: Affine::new(heads, widths.0, fill.map(|fill| &fill.heads[index]), device)?,
                mlp: Affine::new(mlp, widths.1, fill.map(|fill| &fill.mlps[index]), device)?,
            })
        };
        let layers = weights.chunks_exact(heads + 1).enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { positions, skips_first: fill.is_some(), layers })
    }

    /// Tokens at which components are changed.
    pub const fn positions(&self) -> Positions {
        self.positions
    }

    /// Changes `z` of all heads, `[rows, H · head_dim]`.
    pub(super) fn heads(&self, layer: usize, z: Tensor, changed_rows: &ChangedRows) -> Result<Tensor> {
        changed_rows.change(z, self.layers.get(layer).and_then(|change| change.heads.as_ref()))
    }

    /// Changes an MLP's output, `[rows, d]`.
    pub(super) fn mlp(&self, layer: usize, added: Tensor, changed_rows: &ChangedRows) -> Result<Tensor> {
        changed_rows.change(added, self.layers.get(layer).and_then(|change| change.mlp.as_ref()))
    }
}

/// Rows that an intervention changes.
#[derive(Debug)]
pub(super) enum ChangedRows {
    Everything,
    Rows(Tensor),
}

impl ChangedRows {
    /// Selects among the rows of `packed`, or among its last rows if `last_only`.
    pub(super) fn new(change: &Intervention, packed: &Packed, last_only: bool, device: &Device) -> Result<Self> {
        if change.layers.is_empty() || (last_only && !change.skips_first) {
            return Ok(Self::Everything);
        }
        let rows: Vec<usize> = match change.positions {
            Positions::Last if last_only => return Ok(Self::Everything),
            Positions::Last => return Ok(Self::Rows(packed.last_rows(device)?)),
            Positions::All if !change.skips_first || packed.start() > 0 => return Ok(Self::Everything),
            Positions::All if last_only => {
                packed.spans().enumerate().filter(|(_, span)| span.len > 1).map(|(prompt, _)| prompt).collect()
            }
            Positions::All => packed.spans().flat_map(|span| span.at + 1..span.at + span.len).collect(),
        };
        let rows: Vec<u32> = rows.into_iter().map(|row| row as u32).collect();
        let count = rows.len();
        Ok(Self::Rows(Tensor::from_vec(rows, count, device)?))
    }

    fn change(&self, x: Tensor, affine: Option<&Affine>) -> Result<Tensor> {
        let Some(affine) = affine else { return Ok(x) };
        match self {
            Self::Everything => affine.apply(&x),
            Self::Rows(rows) if rows.elem_count() == 0 => Ok(x),
            Self::Rows(rows) => {
                let before = x.index_select(rows, 0)?;
                Ok(x.index_add(rows, &(affine.apply(&before)? - before)?, 0)?)
            }
        }
    }
}
