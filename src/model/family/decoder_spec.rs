//! Decoder description shared by most architectures: Llama's layout and tensor names, with a list of deviations.

use std::iter;

use super::{Config, scaling};
use crate::{
    error::Result,
    model::{
        attention::{Attention, QueryKeyNorm},
        decoder::{Decoder, Layer},
        layers::{Activation, Linear, Norm, NormKind},
        matrix::Matrix,
        mlp::{FeedForward, Mixture, Mlp},
        rope::Rope,
        weights::Weights,
    },
};

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
}

/// Position of the norms in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Norms {
    /// Before each block.
    Before,
    /// After each block.
    After,
    /// Before and after.
    Around,
}

/// Norms on queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryKeyNorms {
    None,
    PerHead,
    Whole,
}

/// Which linear maps have biases.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Biases {
    /// Queries, keys and values.
    pub(super) input: bool,
    /// Attention's output.
    pub(super) output: bool,
    /// All maps of the MLP.
    pub(super) mlp: bool,
}

/// How an architecture deviates from Llama.
#[derive(Clone, Debug)]
pub(super) struct DecoderSpec {
    pub(super) norms: Norms,
    /// Added to every norm's weights.
    pub(super) norm_offset: f64,
    pub(super) query_key_norms: QueryKeyNorms,
    /// Whether the file has queries, keys and values in one tensor, and gate and up in another.
    pub(super) fused: bool,
    pub(super) biases: Biases,
    pub(super) activation: Activation,
    pub(super) embedding_scale: f64,
    pub(super) residual_scale: f64,
    pub(super) logit_scale: f64,
    pub(super) attention_scale: f64,
    pub(super) softcap: Option<f64>,
    /// Sliding window of each layer, in tokens.
    pub(super) windows: Vec<Option<usize>>,
    pub(super) ropes: Vec<Rope>,
    /// Index into `ropes` for a layer with (`true`) or without a window.
    pub(super) rope_index: fn(windowed: bool) -> usize,
    /// Number of experts, and of experts per token.
    pub(super) experts: Option<(usize, usize)>,
    /// Default of `tie_word_embeddings`.
    pub(super) tied: bool,
}

impl Sizes {
    /// Reads the sizes. `head_dim` is the architecture's default head width; `None` means width / heads.
    pub(super) fn read(config: &Config, head_dim: Option<usize>) -> Result<Self> {
        let (hidden, heads) = (config.size("hidden_size")?, config.count("num_attention_heads")?);
        let kv_heads = config.size_or("num_key_value_heads", heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let problem = format!("{kv_heads} key/value heads do not divide {heads} attention heads");
            return Err(config.error("num_key_value_heads", problem).into());
        }
        let head_dim = match head_dim {
            _ if config.get("head_dim").is_some() => config.count("head_dim")?,
            Some(head_dim) => head_dim,
            None => head_width(config, "num_attention_heads", hidden, heads)?,
        };
        Ok(Self {
            layers: config.count("num_hidden_layers")?,
            hidden,
            inner: config.size("intermediate_size")?,
            heads,
            kv_heads,
            head_dim,
            epsilon: config.positive_or("rms_norm_eps", 1e-6)?,
        })
    }
}

/// Computes a head's width, `hidden / heads`.
pub(super) fn head_width(config: &Config, field: &str, hidden: usize, heads: usize) -> Result<usize> {
    if hidden.is_multiple_of(heads) {
        return Ok(hidden / heads);
    }
    Err(config.error(field, format!("{heads} heads do not divide the hidden size {hidden}")).into())
}

/// Returns the activation that `field` names.
pub(super) fn activation(config: &Config, field: &str, default: &str) -> Result<Activation> {
    match config.string(field).as_deref().unwrap_or(default) {
        "silu" | "swish" => Ok(Activation::Silu),
        "gelu_pytorch_tanh" | "gelu_new" | "gelu_fast" => Ok(Activation::GeluTanh),
        "gelu" => Ok(Activation::GeluErf),
        other => {
            let problem = format!("the activation `{other}` is not supported");
            Err(config
                .error(field, problem)
                .help("supported activations: silu, gelu, gelu_new and gelu_pytorch_tanh")
                .into())
        }
    }
}

/// Returns each layer's window: according to `layer_types` if present, else to `slides(layer)`.
pub(super) fn windows(config: &Config, layers: usize, slides: impl Fn(usize) -> bool) -> Result<Vec<Option<usize>>> {
    let types = config.strings("layer_types");
    if !types.is_empty() && types.len() != layers {
        let problem = format!("{} entries for {layers} layers", types.len());
        return Err(config.error("layer_types", problem).into());
    }
    let window = |layer: usize| -> Result<Option<usize>> {
        let slides = match types.get(layer).map(String::as_str) {
            None => slides(layer),
            Some("sliding_attention") => true,
            Some("full_attention") => false,
            Some(other) => {
                return Err(config.error("layer_types", format!("`{other}` is not supported")).into());
            }
        };
        if slides { config.size("sliding_window").map(Some) } else { Ok(None) }
    };
    (0..layers).map(window).collect()
}

impl DecoderSpec {
    /// Description of Llama itself.
    pub(super) fn llama(config: &Config, sizes: &Sizes) -> Result<Self> {
        let attention = config.flag_or("attention_bias", false)?;
        Ok(Self {
            norms: Norms::Before,
            norm_offset: 0.0,
            query_key_norms: QueryKeyNorms::None,
            fused: false,
            biases: Biases { input: attention, output: attention, mlp: config.flag_or("mlp_bias", false)? },
            activation: activation(config, "hidden_act", "silu")?,
            embedding_scale: 1.0,
            residual_scale: 1.0,
            logit_scale: 1.0,
            attention_scale: 1.0 / (sizes.head_dim as f64).sqrt(),
            softcap: None,
            windows: vec![None; sizes.layers],
            ropes: vec![scaling::rope(config, sizes.head_dim, scaling::RopeDefaults::default())?],
            rope_index: |_| 0,
            experts: None,
            tied: false,
        })
    }

    /// Builds the decoder from its tensors.
    pub(super) fn build(&self, config: &Config, weights: &Weights, sizes: &Sizes) -> Result<Decoder> {
        let vocabulary = (config.size("vocab_size")?, sizes.hidden);
        let embedding = weights.matrix("model.embed_tokens.weight", vocabulary)?;
        let tied = config.flag_or("tie_word_embeddings", self.tied)?;
        let unembedding = if tied { embedding.clone() } else { weights.matrix("lm_head.weight", vocabulary)? };
        let reader = Reader { spec: self, sizes, weights };
        Ok(Decoder {
            embedding,
            embedding_scale: self.embedding_scale,
            positions: None,
            ropes: self.ropes.clone(),
            layers: (0..sizes.layers).map(|layer| reader.layer(layer)).collect::<Result<_>>()?,
            norm: reader.norm("model.norm.weight", sizes.hidden)?,
            unembedding: Linear { weight: unembedding, bias: None },
            logit_scale: self.logit_scale,
            context: config.size_or("max_position_embeddings", 2048)?,
        })
    }
}

/// Reads the tensors that a [`DecoderSpec`] describes.
struct Reader<'a> {
    spec: &'a DecoderSpec,
    sizes: &'a Sizes,
    weights: &'a Weights,
}

impl Reader<'_> {
    fn layer(&self, layer: usize) -> Result<Layer> {
        let at = format!("model.layers.{layer}");
        let norm = |wanted: &[Norms], name: &str| -> Result<Option<Norm>> {
            let wanted = wanted.contains(&self.spec.norms);
            wanted.then(|| self.norm(&format!("{at}.{name}.weight"), self.sizes.hidden)).transpose()
        };
        let before_mlp = match self.spec.norms {
            Norms::Before => "post_attention_layernorm",
            _ => "pre_feedforward_layernorm",
        };
        let window = self.spec.windows[layer];
        Ok(Layer {
            attention_norm: norm(&[Norms::Before, Norms::Around], "input_layernorm")?,
            attention: self.attention(&format!("{at}.self_attn"), window)?,
            attention_post_norm: norm(&[Norms::After, Norms::Around], "post_attention_layernorm")?,
            mlp_norm: norm(&[Norms::Before, Norms::Around], before_mlp)?,
            mlp: self.mlp(&at)?,
            mlp_post_norm: norm(&[Norms::After, Norms::Around], "post_feedforward_layernorm")?,
            parallel: false,
            residual_scale: self.spec.residual_scale,
            rope: Some((self.spec.rope_index)(window.is_some())),
        })
    }

    fn attention(&self, at: &str, window: Option<usize>) -> Result<Attention> {
        let &Sizes { hidden, heads, kv_heads, head_dim, .. } = self.sizes;
        let (queries, keys) = (heads * head_dim, kv_heads * head_dim);
        let fused = [queries, keys, keys];
        let input = |index: usize, name: &str| {
            self.linear_in(at, ["q_proj", "k_proj", "v_proj"][index], name, &fused, index, self.spec.biases.input)
        };
        let per_head = self.spec.query_key_norms == QueryKeyNorms::PerHead;
        let norms = |name: &str, whole: usize| {
            self.norm(&format!("{at}.{name}.weight"), if per_head { head_dim } else { whole })
        };
        let query_key_norm = match self.spec.query_key_norms {
            QueryKeyNorms::None => None,
            _ => Some(QueryKeyNorm { query: norms("q_norm", queries)?, key: norms("k_norm", keys)?, per_head }),
        };
        Ok(Attention {
            heads,
            kv_heads,
            head_dim,
            query: input(0, "qkv_proj")?,
            key: input(1, "qkv_proj")?,
            value: input(2, "qkv_proj")?,
            output: self.linear(&format!("{at}.o_proj"), (hidden, queries), self.spec.biases.output)?,
            query_key_norm,
            scale: self.spec.attention_scale,
            softcap: self.spec.softcap,
            window,
        })
    }

    fn mlp(&self, at: &str) -> Result<Mlp> {
        let &Sizes { hidden, inner, .. } = self.sizes;
        let (biases, activation) = (self.spec.biases.mlp, self.spec.activation);
        let Some((experts, chosen)) = self.spec.experts else {
            let at = format!("{at}.mlp");
            let input = |index: usize| {
                self.linear_in(&at, ["gate_proj", "up_proj"][index], "gate_up_proj", &[inner, inner], index, biases)
            };
            return Ok(Mlp::Dense(FeedForward {
                gate: Some(input(0)?),
                up: input(1)?,
                down: self.linear(&format!("{at}.down_proj"), (hidden, inner), biases)?,
                activation,
            }));
        };
        let at = format!("{at}.block_sparse_moe");
        let expert = |expert: usize| -> Result<FeedForward> {
            let at = |name: &str| format!("{at}.experts.{expert}.{name}");
            Ok(FeedForward {
                gate: Some(self.linear(&at("w1"), (inner, hidden), false)?),
                up: self.linear(&at("w3"), (inner, hidden), false)?,
                down: self.linear(&at("w2"), (hidden, inner), false)?,
                activation,
            })
        };
        let router = self.weights.get(&format!("{at}.gate.weight"), &[experts, hidden])?;
        Ok(Mlp::Mixture(Mixture {
            router: Linear { weight: Matrix::Dense(router), bias: None },
            experts: (0..experts).map(expert).collect::<Result<_>>()?,
            chosen,
        }))
    }

    /// Reads map `index` of several with one input; `sizes` are their output widths in the order of a fused tensor.
    fn linear_in(
        &self,
        at: &str,
        separate: &str,
        fused: &str,
        sizes: &[usize],
        index: usize,
        bias: bool,
    ) -> Result<Linear> {
        if !self.spec.fused {
            return self.linear(&format!("{at}.{separate}"), (sizes[index], self.sizes.hidden), bias);
        }
        let from: usize = sizes[..index].iter().sum();
        let name = format!("{at}.{fused}.weight");
        let tensor = self.weights.find(&name, &[sizes.iter().sum(), self.sizes.hidden])?;
        Ok(Linear { weight: tensor.rows(iter::once(from..from + sizes[index])).matrix()?, bias: None })
    }

    fn linear(&self, name: &str, shape: (usize, usize), bias: bool) -> Result<Linear> {
        let bias = bias.then(|| self.weights.get(&format!("{name}.bias"), &[shape.0])).transpose()?;
        Ok(Linear { weight: self.weights.matrix(&format!("{name}.weight"), shape)?, bias })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm> {
        let weight = (self.weights.get(name, &[width])? + self.spec.norm_offset)?;
        Ok(Norm { kind: NormKind::Rms, weight, bias: None, epsilon: self.sizes.epsilon })
    }
}
