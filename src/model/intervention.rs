//! Interventions in the forward pass: scale a component's result and fill in a replacement.
//!
//! Each component's `result` becomes `w · result + (1 − w) · fill`, where `fill` is zero (zero ablation) or a given
//! result, such as the component's mean (mean ablation) or its result on another prompt (activation patching). Later
//! layers read the changed residual stream, and their norms are recomputed. A head is changed at its `z`: its result is
//! linear in `z`, so both changes are equivalent, also with grouped-query attention. An MLP is changed at its output, just before the residual stream.

use std::borrow::Cow;

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
    /// Every token of the prompt. With a fill that is the same for all tokens, the first token stays unchanged: it
    /// attends only to itself, so its result equals its mean over prompts with the same first token.
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

/// Results of every component: one row `R` for all changed tokens, such as a mean over examples, or one row for each.
#[derive(Clone, Debug)]
pub struct Results {
    /// `z` of all heads in each layer, `[R, H · head_dim]`.
    pub heads: Vec<Tensor>,
    /// Output of each layer's MLP, `[R, d]`.
    pub mlps: Vec<Tensor>,
    /// Whether there is a row for each changed token in order: every prompt's last one, or all tokens of a batch or of a
    /// shared prefix.
    pub per_token: bool,
}

impl Results {
    /// Returns the results at `rows` if there is a row for each token.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn at(&self, rows: &Tensor) -> Result<Self> {
        if !self.per_token {
            return Ok(self.clone());
        }
        let select = |all: &[Tensor]| all.iter().map(|x| Ok(x.index_select(rows, 0)?)).collect::<Result<_>>();
        Ok(Self { heads: select(&self.heads)?, mlps: select(&self.mlps)?, per_token: true })
    }
}

/// Changes to make in one forward pass.
#[derive(Clone, Debug, Default)]
pub struct Intervention {
    positions: Positions,
    /// Whether the first token of a prompt stays unchanged.
    skips_first: bool,
    /// Whether every token has its own fill.
    per_token: bool,
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
    /// `[1, width]`, or one row for each changed token.
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
        let shift = fill.map(|fill| Ok::<_, crate::Error>(fill.broadcast_mul(&row(&|w| 1.0 - w)?)?)).transpose()?;
        Ok(Some(Self { scale: row(&|w| w)?, shift }))
    }

    /// Applies the map to `x`; its rows have the shifts at `fill_rows`, if given.
    fn apply(&self, x: &Tensor, fill_rows: Option<&Tensor>) -> Result<Tensor> {
        let x = x.broadcast_mul(&self.scale)?;
        Ok(match (&self.shift, fill_rows) {
            (Some(shift), Some(rows)) => (x + shift.index_select(rows, 0)?)?,
            (Some(shift), None) => x.broadcast_add(shift)?,
            (None, _) => x,
        })
    }

    /// Returns the map of `len` tokens from `start` on, if every token has its own shift.
    fn of_tokens(&self, start: usize, len: usize) -> Result<Self> {
        let shift = self.shift.as_ref().map(|shift| shift.narrow(0, start, len)).transpose()?;
        Ok(Self { scale: self.scale.clone(), shift })
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
        let per_token = fill.is_some_and(|fill| fill.per_token);
        Ok(Self { positions, skips_first: fill.is_some() && !per_token, per_token, layers })
    }

    /// Returns the part of an intervention in a prefix that changes the `len` tokens from `start` on.
    ///
    /// # Errors
    /// If the computation fails.
    pub(super) fn of_tokens(&self, start: usize, len: usize) -> Result<Cow<'_, Self>> {
        if !self.per_token {
            return Ok(Cow::Borrowed(self));
        }
        let part = |affine: &Option<Affine>| affine.as_ref().map(|affine| affine.of_tokens(start, len)).transpose();
        let layer = |change: &LayerChange| Ok(LayerChange { heads: part(&change.heads)?, mlp: part(&change.mlp)? });
        let layers = self.layers.iter().map(layer).collect::<Result<_>>()?;
        Ok(Cow::Owned(Self { layers, ..self.clone() }))
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
pub(super) struct ChangedRows {
    /// The rows; all if `None`.
    rows: Option<Tensor>,
    /// Rows of the fill that belong to them; all if `None`.
    fill_rows: Option<Tensor>,
}

impl ChangedRows {
    /// Selects among the rows of `packed`, or among its last rows if `last_only`.
    pub(super) fn new(change: &Intervention, packed: &Packed, last_only: bool, device: &Device) -> Result<Self> {
        let selects_fill = change.per_token && last_only && change.positions == Positions::All;
        Ok(Self {
            rows: Self::rows(change, packed, last_only, device)?,
            fill_rows: if selects_fill { Some(packed.last_rows(device)?) } else { None },
        })
    }

    fn rows(change: &Intervention, packed: &Packed, last_only: bool, device: &Device) -> Result<Option<Tensor>> {
        if change.layers.is_empty() || (last_only && !change.skips_first) {
            return Ok(None);
        }
        let rows: Vec<usize> = match change.positions {
            Positions::Last if last_only => return Ok(None),
            Positions::Last => return Ok(Some(packed.last_rows(device)?)),
            Positions::All if !change.skips_first || packed.start() > 0 => return Ok(None),
            Positions::All if last_only => {
                packed.spans().enumerate().filter(|(_, span)| span.len > 1).map(|(prompt, _)| prompt).collect()
            }
            Positions::All => packed.spans().flat_map(|span| span.at + 1..span.at + span.len).collect(),
        };
        let rows: Vec<u32> = rows.into_iter().map(|row| row as u32).collect();
        let count = rows.len();
        Ok(Some(Tensor::from_vec(rows, count, device)?))
    }

    fn change(&self, x: Tensor, affine: Option<&Affine>) -> Result<Tensor> {
        let Some(affine) = affine else { return Ok(x) };
        let fill_rows = self.fill_rows.as_ref();
        match &self.rows {
            None => affine.apply(&x, fill_rows),
            Some(rows) if rows.elem_count() == 0 => Ok(x),
            Some(rows) => {
                let before = x.index_select(rows, 0)?;
                Ok(x.index_add(rows, &(affine.apply(&before, fill_rows)? - before)?, 0)?)
            }
        }
    }
}
