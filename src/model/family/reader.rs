//! Reads the tensors that a [`DecoderSpec`] describes.

use std::ops::Range;

use candle_core::{DType, Tensor};

use super::{
    Config,
    decoder_spec::{DecoderSpec, Joined, NormSpec, Norms, QueryKeyNorms, Residual},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{
        attention::{Attention, QueryKeyNorm},
        decoder::{Decoder, Layer},
        head_grams::HeadGrams,
        layers::{Linear, Norm},
        mlp::{FeedForward, Mlp},
        weights::{Reorder, TensorReader, Weights},
    },
};

impl DecoderSpec {
    /// Builds the decoder from its tensors.
    pub(super) fn build(&self, config: &Config, weights: &Weights, sizes: &Sizes) -> Result<Decoder> {
        Reader { spec: self, config, sizes, weights }.decoder()
    }
}

pub(super) struct Reader<'a> {
    pub(super) spec: &'a DecoderSpec,
    pub(super) config: &'a Config,
    pub(super) sizes: &'a Sizes,
    pub(super) weights: &'a Weights,
}

/// Part of a tensor that holds several maps, and how its rows are ordered in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// All output rows of the tensor, and those of the part; `None` for the whole tensor.
    rows: Option<(usize, Vec<Range<usize>>)>,
    order: Option<Reorder>,
}

impl Part {
    fn of<'a>(&self, tensor: TensorReader<'a>) -> TensorReader<'a> {
        let tensor = match &self.rows {
            Some((_, rows)) => tensor.rows(rows.clone()),
            None => tensor,
        };
        match self.order {
            Some(order) => tensor.ordered(order),
            None => tensor,
        }
    }
}

impl Reader<'_> {
    /// Reads the whole decoder.
    pub(super) fn decoder(&self) -> Result<Decoder> {
        let Self { spec, sizes, weights, config } = *self;
        let vocabulary = (config.size("vocab_size")?, sizes.hidden);
        let embedding = weights.matrix(&format!("{}.weight", spec.names.embedding), vocabulary)?;
        let tied = config.flag_or("tie_word_embeddings", spec.tied)?;
        let unembedding = spec.names.unembedding;
        if !tied && !weights.has(&format!("{unembedding}.weight")) {
            let problem = "the checkpoint has no unembedding (it is a base model), so it gives no logits";
            let help = format!("use a checkpoint with {unembedding}.weight: the model for causal language modelling");
            return Err(weights.error(&format!("{unembedding}.weight"), problem).help(help).into());
        }
        let weight =
            if tied { embedding.clone() } else { weights.matrix(&format!("{unembedding}.weight"), vocabulary)? };
        let bias = spec.biases.unembedding.then(|| weights.get(&format!("{unembedding}.bias"), &[vocabulary.0]));
        Ok(Decoder {
            embedding,
            embedding_scale: spec.embedding_scale,
            embedding_norm: spec.embedding_norm.then(|| self.norm(spec.names.embedding_norm)).transpose()?,
            positions: spec.positions_from.map(|from| self.positions(from)).transpose()?,
            ropes: spec.ropes.clone(),
            layers: (0..sizes.layers).map(|layer| self.layer(layer)).collect::<Result<_>>()?,
            norm: self.norm(spec.names.norm)?,
            unembedding: Linear { weight, bias: bias.transpose()? },
            logit_scale: spec.logit_scale,
            logit_softcap: spec.logit_softcap,
            context: sizes.context,
            head_grams: HeadGrams::default(),
        })
    }

    /// Reads the table of learned positions without its first `from` rows.
    fn positions(&self, from: usize) -> Result<Tensor> {
        let (context, hidden) = (self.sizes.context, self.sizes.hidden);
        let name = format!("{}.weight", self.spec.names.positions);
        let table = self.weights.find(&name, &[from + context, hidden])?;
        table.rows(std::iter::once(from..from + context)).tensor()
    }

    fn layer(&self, index: usize) -> Result<Layer> {
        let DecoderSpec { names, norms, residual, .. } = self.spec;
        let at = format!("{}.{index}", names.layers);
        let norm = |wanted: bool, name: &str| wanted.then(|| self.norm(&format!("{at}.{name}"))).transpose();
        let (before, after) = (*norms != Norms::After, *norms != Norms::Before);
        let one = *residual == Residual::ParallelWithOneNorm;
        let attention_norm = norm(before, names.attention_norm)?;
        Ok(Layer {
            mlp_norm: if one { attention_norm.clone() } else { norm(before, names.mlp_norm)? },
            attention_norm,
            attention: self.attention(&at, index)?,
            attention_post_norm: norm(after, names.attention_post_norm)?,
            mlp: self.mlp(&at, index)?,
            mlp_post_norm: norm(after, names.mlp_post_norm)?,
            parallel: *residual != Residual::Sequential,
            residual_scale: self.spec.residual_scale,
            rope: self.spec.layer_ropes[index],
        })
    }

    fn attention(&self, at: &str, index: usize) -> Result<Attention> {
        let &Sizes { hidden, heads, kv_heads, head_dim, .. } = self.sizes;
        let DecoderSpec { names, attention_scale, divides_by_layer, .. } = self.spec;
        let output = (hidden, heads * head_dim);
        let sinks =
            || -> Result<Vec<f32>> { Ok(self.weights.get(&format!("{at}.{}", names.sinks), &[heads])?.to_vec1()?) };
        Ok(Attention {
            heads,
            kv_heads,
            head_dim,
            query: self.projection(at, names.query, 0)?,
            key: self.projection(at, names.key, 1)?,
            value: self.projection(at, names.value, 2)?,
            output: self.linear(
                &format!("{at}.{}", names.output),
                output,
                self.spec.biases.output,
                &Part::default(),
            )?,
            query_key_norm: self.query_key_norm(at)?,
            clip: self.spec.clip,
            scale: if *divides_by_layer { attention_scale / (index + 1) as f64 } else { *attention_scale },
            softcap: self.spec.softcap,
            position_bias: self.spec.position_bias.clone(),
            sinks: self.spec.sinks.then(sinks).transpose()?,
            window: self.spec.windows[index],
        })
    }

    /// Reads queries, keys or values, which are `part` 0, 1 and 2; `name` is that of their own tensor.
    fn projection(&self, at: &str, name: &str, part: usize) -> Result<Linear> {
        let &Sizes { hidden, heads, kv_heads, head_dim, .. } = self.sizes;
        let widths = [heads * head_dim, kv_heads * head_dim, kv_heads * head_dim];
        let joined: usize = widths.iter().sum();
        let rows = match self.spec.projections {
            Joined::No => None,
            Joined::Whole => {
                let from: usize = widths[..part].iter().sum();
                Some((joined, std::iter::once(from..from + widths[part]).collect()))
            }
            Joined::ByGroup => {
                let group = joined / kv_heads;
                let inside = [0, group - 2 * head_dim, group - head_dim, group];
                let of_group = |head: usize| head * group + inside[part]..head * group + inside[part + 1];
                Some((joined, (0..kv_heads).map(of_group).collect()))
            }
        };
        let name = if rows.is_some() { self.spec.names.joined } else { name };
        let order = self.neighbours(if part == 0 { heads } else { kv_heads }).filter(|_| part < 2);
        self.linear(&format!("{at}.{name}"), (widths[part], hidden), self.spec.biases.input, &Part { rows, order })
    }

    /// Returns the order of rows of queries or keys in the file, if neighbouring dimensions are rotated together.
    fn neighbours(&self, heads: usize) -> Option<Reorder> {
        let rotated = self.spec.ropes.first().map(|rope| 2 * rope.inverse_frequencies.len());
        self.spec.rotates_neighbours.then_some(Reorder::Pairs { heads, rotated })
    }

    fn query_key_norm(&self, at: &str) -> Result<Option<QueryKeyNorm>> {
        let Sizes { heads, kv_heads, .. } = *self.sizes;
        if self.spec.query_key_norms == QueryKeyNorms::None {
            return Ok(None);
        }
        let norm = |name: &str, heads: usize| self.norm_of_heads(&format!("{at}.{name}"), heads);
        let (query, key) = (norm(self.spec.names.query_norm, heads)?, norm(self.spec.names.key_norm, kv_heads)?);
        Ok(Some(QueryKeyNorm { query, key }))
    }

    /// Reads the norm of queries or keys of `heads` heads.
    fn norm_of_heads(&self, name: &str, heads: usize) -> Result<Norm> {
        let head_dim = self.sizes.head_dim;
        let spec = self.spec.query_key_norm.unwrap_or(self.spec.norm);
        let whole = heads * head_dim;
        if self.spec.query_key_norms == QueryKeyNorms::Whole {
            return self.norm_with(spec, name, whole, 1, |name| self.weights.get(name, &[whole]));
        }
        let read = |name: &str| -> Result<Tensor> {
            let vector = match self.spec.query_key_norms {
                QueryKeyNorms::OwnPerHead => self.weights.get(name, &[heads, head_dim])?.flatten_all()?,
                QueryKeyNorms::SeparatePerHead => {
                    let (at, part) = name.rsplit_once('.').unwrap_or((name, "weight"));
                    let of_head = |head: usize| self.weights.get(&format!("{at}.norms.{head}.{part}"), &[head_dim]);
                    Tensor::cat(&(0..heads).map(of_head).collect::<Result<Vec<_>>>()?, 0)?
                }
                _ => self.weights.get(name, &[head_dim])?.repeat(heads)?,
            };
            let Some(order) = self.neighbours(heads) else { return Ok(vector) };
            let rows: Vec<u32> = (0..whole).map(|row| order.row_in_file(row, whole) as u32).collect();
            Ok(vector.index_select(&Tensor::from_vec(rows, whole, vector.device())?, 0)?)
        };
        self.norm_with(spec, name, whole, heads, read)
    }

    fn mlp(&self, at: &str, index: usize) -> Result<Mlp> {
        if let Some(experts) = &self.spec.experts
            && experts.layers[index]
        {
            return experts.read(self, at).map(Mlp::Mixture);
        }
        self.feed_forward(at, self.sizes.inner).map(Mlp::Dense)
    }

    fn feed_forward(&self, at: &str, inner: usize) -> Result<FeedForward> {
        let (names, biases, hidden) = (&self.spec.names, self.spec.biases.mlp, self.sizes.hidden);
        let input = |index: usize| {
            let joined = self.spec.gate_and_up != Joined::No;
            let rows = joined.then(|| (2 * inner, std::iter::once(index * inner..(index + 1) * inner).collect()));
            let name = if joined { names.gate_up } else { [names.gate, names.up][index] };
            self.linear(&format!("{at}.{name}"), (inner, hidden), biases, &Part { rows, order: None })
        };
        Ok(FeedForward {
            gate: self.spec.gated.then(|| input(0)).transpose()?,
            up: input(1)?,
            down: self.linear(&format!("{at}.{}", names.down), (hidden, inner), biases, &Part::default())?,
            activation: self.spec.activation,
        })
    }

    /// Reads a map of shape `(out, in)`, which may be a part of a tensor.
    pub(super) fn linear(&self, name: &str, shape: (usize, usize), bias: bool, part: &Part) -> Result<Linear> {
        let out = part.rows.as_ref().map_or(shape.0, |(all, _)| *all);
        let weight = format!("{name}.weight");
        let weight = if self.spec.input_first {
            part.of(self.weights.find(&weight, &[shape.1, out])?).input_first().matrix()?
        } else {
            part.of(self.weights.find(&weight, &[out, shape.1])?).matrix()?
        };
        let bias = bias.then(|| part.of(self.weights.find(&format!("{name}.bias"), &[out])?).tensor());
        Ok(Linear { weight, bias: bias.transpose()? })
    }

    /// Reads a norm of the residual stream.
    pub(super) fn norm(&self, name: &str) -> Result<Norm> {
        let hidden = self.sizes.hidden;
        self.norm_with(self.spec.norm, name, hidden, 1, |name| self.weights.get(name, &[hidden]))
    }

    /// Creates a norm of rows of `width` values in `groups`; `read` reads its weight or bias.
    fn norm_with(
        &self,
        spec: NormSpec,
        name: &str,
        width: usize,
        groups: usize,
        read: impl Fn(&str) -> Result<Tensor>,
    ) -> Result<Norm> {
        let weight = if spec.weight {
            (read(&format!("{name}.weight"))? + spec.offset)?
        } else {
            Tensor::ones(width, DType::F32, self.weights.device())?
        };
        let bias = spec.bias.then(|| read(&format!("{name}.bias"))).transpose()?;
        Ok(Norm { kind: spec.kind, weight, bias, epsilon: self.sizes.epsilon, groups })
    }
}
