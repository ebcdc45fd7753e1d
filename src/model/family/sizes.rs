//! Sizes of a decoder, under the names that an architecture's config.json gives them.

use super::Config;
use crate::error::Result;

/// Names of the fields with the sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeFields {
    pub(super) layers: &'static str,
    pub(super) hidden: &'static str,
    /// Width of the MLP; where the field may be absent, it is four times the hidden size.
    pub(super) inner: &'static str,
    pub(super) inner_is_optional: bool,
    pub(super) heads: &'static str,
    pub(super) kv_heads: &'static str,
    pub(super) epsilon: &'static str,
    pub(super) default_epsilon: f64,
    pub(super) context: &'static str,
    pub(super) default_context: usize,
}

impl SizeFields {
    /// Names in configurations of Llama.
    pub(super) const LLAMA: Self = Self {
        layers: "num_hidden_layers",
        hidden: "hidden_size",
        inner: "intermediate_size",
        inner_is_optional: false,
        heads: "num_attention_heads",
        kv_heads: "num_key_value_heads",
        epsilon: "rms_norm_eps",
        default_epsilon: 1e-6,
        context: "max_position_embeddings",
        default_context: 2048,
    };
    /// As Llama's, for architectures with layer norms.
    pub(super) const LAYER_NORM: Self = Self { epsilon: "layer_norm_eps", default_epsilon: 1e-5, ..Self::LLAMA };
    /// Names in configurations of GPT-2.
    pub(super) const GPT2: Self = Self {
        layers: "n_layer",
        hidden: "n_embd",
        inner: "n_inner",
        inner_is_optional: true,
        heads: "n_head",
        epsilon: "layer_norm_epsilon",
        default_epsilon: 1e-5,
        context: "n_positions",
        default_context: 1024,
        ..Self::LLAMA
    };
}

/// Sizes from config.json.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) layers: usize,
    pub(super) hidden: usize,
    pub(super) inner: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    pub(super) epsilon: f64,
    pub(super) context: usize,
}

impl Sizes {
    /// Reads the sizes under Llama's names. `head_dim` is the architecture's default head width; `None` means width / heads.
    pub(super) fn read(config: &Config, head_dim: Option<usize>) -> Result<Self> {
        Self::from_fields(config, &SizeFields::LLAMA, head_dim)
    }

    /// As [`Sizes::read`], under the names in `fields`.
    pub(super) fn from_fields(config: &Config, fields: &SizeFields, head_dim: Option<usize>) -> Result<Self> {
        let (hidden, heads) = (config.size(fields.hidden)?, config.count(fields.heads)?);
        let kv_heads = config.size_or(fields.kv_heads, heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let problem = format!("{kv_heads} key/value heads do not divide {heads} attention heads");
            return Err(config.error(fields.kv_heads, problem).into());
        }
        let head_dim = match head_dim {
            _ if config.get("head_dim").is_some() => config.count("head_dim")?,
            Some(head_dim) => head_dim,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let problem = format!("{heads} heads do not divide the hidden size {hidden}");
                return Err(config.error(fields.heads, problem).into());
            }
        };
        Ok(Self {
            layers: config.count(fields.layers)?,
            hidden,
            inner: if fields.inner_is_optional {
                config.size_or(fields.inner, 4 * hidden)?
            } else {
                config.size(fields.inner)?
            },
            heads,
            kv_heads,
            head_dim,
            epsilon: config.positive_or(fields.epsilon, fields.default_epsilon)?,
            context: config.size_or(fields.context, fields.default_context)?,
        })
    }
}
