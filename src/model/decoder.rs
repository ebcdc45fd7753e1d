//! One forward pass for every architecture.
//!
//! A family file describes a model with the pieces below; the pass itself is written once. It works on packed suffixes
//! that continue a shared prefix, keeps only last positions in the last layer, and lets a [`Probe`] see what each
//! component adds there.

use candle_core::{Device, Tensor};

use super::{
    attention::{Attention, KeyValue, Queries},
    layers::{Linear, Norm},
    matrix::Matrix,
    mlp::Mlp,
    packed::Packed,
    probe::{NoProbe, Probe},
    rope::{Angles, Regime, Rope},
};
use crate::{cancel::Cancel, error::Result};

/// A decoder, ready to run. Shapes: `d` width, `V` vocabulary, `L` layers, `H` heads.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Token embeddings `[V, d]`.
    pub embedding: Matrix,
    /// Factor on token embeddings.
    pub embedding_scale: f64,
    /// Learned position embeddings `[context, d]`.
    pub positions: Option<Tensor>,
    /// Rotary embeddings that layers choose from.
    pub ropes: Vec<Rope>,
    /// The layers, from the embedding up.
    pub layers: Vec<Layer>,
    /// Final norm.
    pub norm: Norm,
    /// Unembedding `[V, d]`; shares the embedding's memory when tied.
    pub unembedding: Linear,
    /// Factor on the logits.
    pub logit_scale: f64,
    /// Longest prompt, in tokens, that the model was made for.
    pub context: usize,
}

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
    /// Whether the MLP reads the layer's input, beside attention, instead of what attention left.
    pub parallel: bool,
    /// Factor on what both blocks add to the residual stream.
    pub residual_scale: f64,
    /// Which of [`Decoder::ropes`] turns its queries and keys.
    pub rope: Option<usize>,
}

/// Keys and values of a shared prefix, per layer.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    tokens: usize,
    layers: Vec<KeyValue>,
}

impl Prefix {
    /// Number of tokens.
    pub const fn len(&self) -> usize {
        self.tokens
    }

    /// Whether there is no shared prefix.
    pub const fn is_empty(&self) -> bool {
        self.tokens == 0
    }
}

/// What all layers of one pass share.
struct Pass<'a> {
    packed: &'a Packed,
    prefix: &'a Prefix,
    angles: Vec<Angles>,
    last_rows: Tensor,
    cancel: &'a Cancel,
}

/// Prefix tokens per pass: bounds the score matrix of a long prefix.
const PREFIX_CHUNK: usize = 256;

impl Decoder {
    /// Where the weights live.
    pub fn device(&self) -> &Device {
        self.norm.weight.device()
    }

    /// Number of token ids `V`.
    pub fn vocabulary(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.0)
    }

    /// Width of the residual stream `d`.
    pub fn width(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.1)
    }

    /// The regime of a prompt of `tokens` tokens.
    pub fn regime(&self, tokens: usize) -> Regime {
        let long = self.ropes.iter().any(|rope| rope.regime(tokens) == Regime::Long);
        if long { Regime::Long } else { Regime::Short }
    }

    /// Computes keys and values of the tokens that all prompts of a regime share.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn prefix(&self, tokens: &[u32], regime: Regime, cancel: &Cancel) -> Result<Prefix> {
        let mut prefix = Prefix::default();
        for chunk in tokens.chunks(PREFIX_CHUNK) {
            let packed = Packed::new([chunk], prefix.len(), regime);
            let next = self.run(&packed, &prefix, &mut NoProbe, cancel)?;
            prefix.layers = if prefix.layers.is_empty() {
                next
            } else {
                prefix.layers.iter().zip(&next).map(|(seen, next)| seen.extend(next)).collect::<Result<_>>()?
            };
            prefix.tokens += chunk.len();
        }
        Ok(prefix)
    }

    /// Runs a batch of suffixes and shows `probe` what happens at each prompt's last token.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn forward(&self, packed: &Packed, prefix: &Prefix, probe: &mut dyn Probe, cancel: &Cancel) -> Result<()> {
        self.run(packed, prefix, probe, cancel).map(drop)
    }

    fn run(&self, packed: &Packed, prefix: &Prefix, probe: &mut dyn Probe, cancel: &Cancel) -> Result<Vec<KeyValue>> {
        let positions = packed.positions();
        let pass = Pass {
            packed,
            prefix,
            angles: self
                .ropes
                .iter()
                .map(|rope| rope.angles(&positions, packed.regime(), self.device()))
                .collect::<Result<_>>()?,
            last_rows: packed.last_rows(self.device())?,
            cancel,
        };
        let mut residual = self.embed(packed, &positions)?;
        probe.embedding(&residual.index_select(&pass.last_rows, 0)?)?;
        let mut key_values = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            pass.cancel.check()?;
            let last = index + 1 == self.layers.len();
            let (next, key_value) = layer.forward(index, last, &residual, &pass, probe)?;
            residual = next;
            key_values.push(key_value);
        }
        probe.residual(&residual)?;
        Ok(key_values)
    }

    fn embed(&self, packed: &Packed, positions: &[u32]) -> Result<Tensor> {
        let mut x = self.embedding.rows(&packed.tokens(self.device())?)?;
        #[allow(clippy::float_cmp)] // exactly one means: no factor
        if self.embedding_scale != 1.0 {
            x = (x * self.embedding_scale)?;
        }
        if let Some(table) = &self.positions {
            let positions = Tensor::from_slice(positions, positions.len(), self.device())?;
            x = (x + table.index_select(&positions, 0)?)?;
        }
        Ok(x)
    }
}

impl Layer {
    /// The residual stream after this layer (`[ΣT, d]`, or `[B, d]` after the last one), and its keys and values.
    fn forward(
        &self,
        index: usize,
        last: bool,
        residual: &Tensor,
        pass: &Pass<'_>,
        probe: &mut dyn Probe,
    ) -> Result<(Tensor, KeyValue)> {
        let angles = self.rope.map(|rope| &pass.angles[rope]);
        let normed = normalise(self.attention_norm.as_ref(), residual)?;
        let own = self.attention.key_value(&normed, angles)?;
        let prefix = pass.prefix.layers.get(index);
        let rows = |x: &Tensor| x.index_select(&pass.last_rows, 0);
        let (residual, mix) = if last {
            let angles = angles.map(|angles| angles.select(&pass.last_rows)).transpose()?;
            let queries = Queries::Last(&pass.last_rows);
            let mix = self.attention.mix(&rows(&normed)?, angles.as_ref(), pass.packed, prefix, &own, queries)?;
            (rows(residual)?, mix)
        } else {
            (residual.clone(), self.attention.mix(&normed, angles, pass.packed, prefix, &own, Queries::All)?)
        };
        let at_last = |x: &Tensor| if last { Ok(x.clone()) } else { rows(x) };
        let output = &self.attention.output;
        let raw = keep_exact(
            last,
            output.weight.is_quantised(),
            &pass.last_rows,
            &mix,
            |x| output.forward(x),
            |x| output.forward_exact(x),
        )?;
        let scale = self.attention_post_norm.as_ref().map(|norm| norm.realised_scale(&at_last(&raw)?)).transpose()?;
        probe.attention(index, &at_last(&mix)?, scale.as_ref())?;
        let attended = (&residual + self.added(self.attention_post_norm.as_ref(), &raw)?)?;
        pass.cancel.check()?;
        let input = if self.parallel { &residual } else { &attended };
        let input = normalise(self.mlp_norm.as_ref(), input)?;
        let mlp = |exact: bool| move |x: &Tensor| self.mlp.forward(x, exact);
        let raw = keep_exact(last, self.mlp.rounds(), &pass.last_rows, &input, mlp(false), mlp(true))?;
        let added = self.added(self.mlp_post_norm.as_ref(), &raw)?;
        probe.mlp(index, &at_last(&added)?)?;
        Ok(((attended + added)?, own))
    }

    /// What a block adds to the residual stream, given what it computed.
    fn added(&self, post_norm: Option<&Norm>, raw: &Tensor) -> Result<Tensor> {
        let x = normalise(post_norm, raw)?;
        #[allow(clippy::float_cmp)] // exactly one means: no factor
        Ok(if self.residual_scale == 1.0 { x } else { (x * self.residual_scale)? })
    }
}

/// Applies `quick` to every row of `x`, but `exact` to the rows that are taken apart: quantised products round their
/// inputs, and then a block's output would not be the sum of its heads. `all_last` says that every row is such a row.
fn keep_exact(
    all_last: bool,
    rounds: bool,
    last_rows: &Tensor,
    x: &Tensor,
    quick: impl Fn(&Tensor) -> Result<Tensor>,
    exact: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if all_last {
        return exact(x);
    }
    let rounded = quick(x)?;
    if !rounds {
        return Ok(rounded);
    }
    let kept = exact(&x.index_select(last_rows, 0)?)?;
    let correction = (kept - rounded.index_select(last_rows, 0)?)?;
    Ok(rounded.index_add(last_rows, &correction, 0)?)
}

fn normalise(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor> {
    norm.map_or_else(|| Ok(x.clone()), |norm| norm.forward(x))
}
