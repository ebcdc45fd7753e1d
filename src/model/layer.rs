//! One layer: attention and MLP with the norms around them.

use candle_core::Tensor;

use super::{
    attention::{Attention, KvCache, Queries},
    intervention::{ChangedRows, Intervention},
    kernels,
    layers::{Linear, Norm},
    mlp::Mlp,
    packed::Packed,
    probe::Probe,
    rope::Angles,
};
use crate::{cancel::Cancel, error::Result};

/// Attention and MLP with the norms around them.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Norm before attention.
    pub attention_norm: Option<Norm>,
    /// The attention heads.
    pub attention: Attention,
    /// Norm after attention.
    pub attention_post_norm: Option<Norm>,
    /// Norm before the MLP.
    pub mlp_norm: Option<Norm>,
    /// The MLP.
    pub mlp: Mlp,
    /// Norm after the MLP.
    pub mlp_post_norm: Option<Norm>,
    /// Whether the MLP reads the layer's input, in parallel with attention, not the residual stream after attention.
    pub parallel: bool,
    /// Factor on the outputs that both blocks add to the residual stream.
    pub residual_scale: f64,
    /// Index in [`Decoder::ropes`](super::Decoder::ropes) of the embedding that rotates queries and keys.
    pub rope: Option<usize>,
}

/// Context of the tokens that a layer computes.
pub(super) struct Flow<'a> {
    /// The prompts.
    pub(super) packed: &'a Packed,
    /// Packed row of every prompt's last token, `[B]`.
    pub(super) last_rows: &'a Tensor,
    /// Angles of the input rows, per rotary embedding.
    pub(super) angles: &'a [Angles],
    /// Keys and values of the shared prefix in this layer.
    pub(super) prefix: Option<&'a KvCache>,
    /// If the input has only last tokens: unchanged keys and values of the whole prompts in this layer.
    pub(super) cached: Option<&'a KvCache>,
    /// Whether the layer reduces all tokens to the last ones.
    pub(super) selects_last: bool,
    /// Output rows that the intervention changes.
    pub(super) changed_rows: &'a ChangedRows,
    /// The intervention.
    pub(super) change: &'a Intervention,
    pub(super) cancel: &'a Cancel,
}

impl Flow<'_> {
    /// Whether every output row is a prompt's last token.
    const fn is_last_only(&self) -> bool {
        self.selects_last || self.cached.is_some()
    }

    /// Selects the last tokens' rows of `x`, which has the output rows.
    fn at_last(&self, x: &Tensor) -> Result<Tensor> {
        if self.is_last_only() { Ok(x.clone()) } else { Ok(x.index_select(self.last_rows, 0)?) }
    }
}

impl Layer {
    /// Computes the residual stream after this layer (`[ΣT, d]`, or `[B, d]` for last tokens only) and the layer's keys
    /// and values.
    pub(super) fn forward(
        &self,
        index: usize,
        residual: &Tensor,
        flow: &Flow<'_>,
        probe: &mut dyn Probe,
    ) -> Result<(Tensor, KvCache)> {
        let (residual, mix, own) = self.attend(index, residual, flow, probe)?;
        let mix = flow.change.heads(index, mix, flow.changed_rows)?;
        probe.heads(index, &mix)?;
        let output = &self.attention.output;
        let raw = exact_at_last(flow, output, &mix)?;
        let scale =
            self.attention_post_norm.as_ref().map(|norm| norm.realised_scale(&flow.at_last(&raw)?)).transpose()?;
        probe.attention(index, &flow.at_last(&mix)?, scale.as_ref())?;
        let attended = add(&residual, &self.added(self.attention_post_norm.as_ref(), &raw)?)?;
        if probe.wants_stream() {
            probe.resid_mid(index, &flow.at_last(&attended)?)?;
        }
        flow.cancel.check()?;
        let input = if self.parallel { &residual } else { &attended };
        let input = normalise(self.mlp_norm.as_ref(), input)?;
        let added = self.added(self.mlp_post_norm.as_ref(), &self.mlp.forward(&input)?)?;
        let added = flow.change.mlp(index, added, flow.changed_rows)?;
        probe.mlp_everywhere(index, &added)?;
        probe.mlp(index, &flow.at_last(&added)?)?;
        let after = add(&attended, &added)?;
        if probe.wants_stream() {
            probe.resid_post(index, &flow.at_last(&after)?)?;
        }
        Ok((after, own))
    }

    /// Returns all large linear maps.
    pub(crate) fn maps(&self) -> impl Iterator<Item = &Linear> {
        let Attention { query, key, value, output, .. } = &self.attention;
        [query, key, value, output].into_iter().chain(self.mlp.maps())
    }

    /// Returns the output rows of the residual stream, the heads' value mixes there, and the keys and values of the
    /// prompts' own tokens.
    fn attend(
        &self,
        index: usize,
        residual: &Tensor,
        flow: &Flow<'_>,
        probe: &mut dyn Probe,
    ) -> Result<(Tensor, Tensor, KvCache)> {
        let angles = self.rope.map(|rope| &flow.angles[rope]);
        let normed = normalise(self.attention_norm.as_ref(), residual)?;
        let normed = self.attention.key.weight.to_product_dtype(&normed)?;
        let own = self.attention.key_value(&normed, angles)?;
        let own = match flow.cached {
            Some(cached) => cached.replace(flow.packed, &own)?,
            None => own,
        };
        let last_rows = |x: &Tensor| x.index_select(flow.last_rows, 0);
        let last_angles = || angles.map(|angles| angles.select(flow.last_rows)).transpose();
        let (query_rows, angles, residual, queries) = match (flow.selects_last, flow.cached) {
            (_, Some(_)) => (normed, angles.cloned(), residual.clone(), Queries::Last),
            (true, None) => (last_rows(&normed)?, last_angles()?, last_rows(residual)?, Queries::Last),
            (false, None) => (normed, angles.cloned(), residual.clone(), Queries::All),
        };
        if probe.wants_pattern(index) {
            let (rows, angles) = match queries {
                Queries::Last => (query_rows.clone(), angles.clone()),
                Queries::All => (last_rows(&query_rows)?, last_angles()?),
            };
            probe.pattern(index, self.attention.pattern(&rows, angles.as_ref(), flow.packed, flow.prefix, &own)?)?;
        }
        let mix = self.attention.mix(&query_rows, angles.as_ref(), flow.packed, flow.prefix, &own, queries)?;
        Ok((residual, mix, own))
    }

    /// Computes the term that a block adds to the residual stream from its `raw` output.
    fn added(&self, post_norm: Option<&Norm>, raw: &Tensor) -> Result<Tensor> {
        let x = normalise(post_norm, raw)?;
        #[allow(clippy::float_cmp)] // exactly 1 means no factor
        Ok(if self.residual_scale == 1.0 { x } else { (x * self.residual_scale)? })
    }
}

/// Applies `map` to every row of `x`; exactly to the last tokens' rows, which are attributed. Products in half precision
/// round their inputs, so attention's output would not be the sum of its heads.
fn exact_at_last(flow: &Flow<'_>, map: &Linear, x: &Tensor) -> Result<Tensor> {
    if !map.weight.multiplies_in_half() {
        return map.forward(x);
    }
    if flow.is_last_only() {
        return map.forward_exact(x);
    }
    let rounded = map.forward(x)?;
    let exact_rows = map.forward_exact(&x.index_select(flow.last_rows, 0)?)?;
    let correction = (exact_rows - rounded.index_select(flow.last_rows, 0)?)?;
    Ok(rounded.index_add(flow.last_rows, &correction, 0)?)
}

fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if kernels::supports(a) { kernels::add(a, b) } else { Ok((a + b)?) }
}

fn normalise(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor> {
    norm.map_or_else(|| Ok(x.clone()), |norm| norm.forward(x))
}
