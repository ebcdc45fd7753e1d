//! Decoder description shared by all architectures: Llama's layout and tensor names, with a list of deviations.

use super::{
    Config,
    experts::Experts,
    names::Names,
    scaling,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{
        attention::PositionBias,
        layers::{Activation, NormKind},
        rope::Rope,
    },
};

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

/// Input of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residual {
    /// The residual stream after attention.
    Sequential,
    /// The layer's input, through the MLP's own norm.
    Parallel,
    /// The layer's input, through attention's norm.
    ParallelWithOneNorm,
}

/// Norms on queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryKeyNorms {
    None,
    /// Of each head, with the same weights.
    PerHead,
    /// Of each head, with weights of its own in one tensor `[heads, head_dim]`.
    OwnPerHead,
    /// Of each head, with weights of its own in a tensor `.norms.HEAD`.
    SeparatePerHead,
    /// Of all heads together.
    Whole,
}

/// How a checkpoint has several maps of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// In a tensor each.
    No,
    /// In one tensor, one map after the other.
    Whole,
    /// In one tensor, in groups: the queries of a key/value head, its key, its value.
    ByGroup,
}

/// Which linear maps have biases.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Biases {
    /// Queries, keys and values.
    pub(super) input: bool,
    /// Attention's output.
    pub(super) output: bool,
    /// All maps of the MLP.
    pub(super) mlp: bool,
    /// The unembedding.
    pub(super) unembedding: bool,
}

impl Biases {
    /// Biases of all maps inside layers.
    pub(super) const fn all(present: bool) -> Self {
        Self { input: present, output: present, mlp: present, unembedding: false }
    }
}

/// Kind and parameters of all norms.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormSpec {
    pub(super) kind: NormKind,
    /// Whether norms have weights; without them they are 1.
    pub(super) weight: bool,
    /// Added to the weights.
    pub(super) offset: f64,
    pub(super) bias: bool,
}

impl NormSpec {
    /// Root mean square, with weights.
    pub(super) const RMS: Self = Self { kind: NormKind::Rms, weight: true, offset: 0.0, bias: false };
    /// Standard deviation, with weights and biases.
    pub(super) const LAYER: Self = Self { kind: NormKind::Layer, weight: true, offset: 0.0, bias: true };
}

/// How an architecture deviates from Llama.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct DecoderSpec {
    pub(super) names: Names,
    pub(super) norms: Norms,
    pub(super) norm: NormSpec,
    pub(super) embedding_norm: bool,
    /// Rows of the table of learned positions before the first position; `None` if positions are not learned.
    pub(super) positions_from: Option<usize>,
    pub(super) residual: Residual,
    pub(super) query_key_norms: QueryKeyNorms,
    /// Norms of queries and keys, if they differ from the others.
    pub(super) query_key_norm: Option<NormSpec>,
    /// How queries, keys and values are stored.
    pub(super) projections: Joined,
    /// How gate and up are stored; never by group.
    pub(super) gate_and_up: Joined,
    /// Whether the MLP has a gate.
    pub(super) gated: bool,
    /// Whether maps inside layers are stored as `[in, out]`.
    pub(super) input_first: bool,
    /// Whether neighbouring dimensions are rotated together, not those half a head apart.
    pub(super) rotates_neighbours: bool,
    pub(super) biases: Biases,
    pub(super) activation: Activation,
    pub(super) embedding_scale: f64,
    pub(super) residual_scale: f64,
    pub(super) logit_scale: f64,
    pub(super) logit_softcap: Option<f64>,
    pub(super) attention_scale: f64,
    /// Whether scores are also divided by the layer's number, from 1.
    pub(super) divides_by_layer: bool,
    pub(super) softcap: Option<f64>,
    pub(super) clip: Option<f64>,
    pub(super) position_bias: Option<PositionBias>,
    pub(super) sinks: bool,
    /// Sliding window of each layer, in tokens.
    pub(super) windows: Vec<Option<usize>>,
    pub(super) ropes: Vec<Rope>,
    /// Index into `ropes` for each layer; `None` if it does not rotate.
    pub(super) layer_ropes: Vec<Option<usize>>,
    /// Mixtures of experts, in layers that have them.
    pub(super) experts: Option<Experts>,
    /// Default of `tie_word_embeddings`.
    pub(super) tied: bool,
}

impl DecoderSpec {
    /// Description of Llama itself.
    pub(super) fn llama(config: &Config, sizes: &Sizes) -> Result<Self> {
        let attention = config.flag_or("attention_bias", false)?;
        let biases = Biases { mlp: config.flag_or("mlp_bias", false)?, ..Biases::all(attention) };
        let rope = scaling::rope(config, sizes.head_dim, scaling::RopeDefaults::default())?;
        let plain = Self::plain(sizes, activation(config, "hidden_act", "silu")?);
        Ok(Self { biases, ..plain }.with_rope(rope))
    }

    /// Llama without biases and rotation.
    pub(super) fn plain(sizes: &Sizes, activation: Activation) -> Self {
        Self {
            names: Names::LLAMA,
            norms: Norms::Before,
            norm: NormSpec::RMS,
            embedding_norm: false,
            positions_from: None,
            residual: Residual::Sequential,
            query_key_norms: QueryKeyNorms::None,
            query_key_norm: None,
            projections: Joined::No,
            gate_and_up: Joined::No,
            gated: true,
            input_first: false,
            rotates_neighbours: false,
            biases: Biases::default(),
            activation,
            embedding_scale: 1.0,
            residual_scale: 1.0,
            logit_scale: 1.0,
            logit_softcap: None,
            attention_scale: 1.0 / (sizes.head_dim as f64).sqrt(),
            divides_by_layer: false,
            softcap: None,
            clip: None,
            position_bias: None,
            sinks: false,
            windows: vec![None; sizes.layers],
            ropes: Vec::new(),
            layer_ropes: vec![None; sizes.layers],
            experts: None,
            tied: false,
        }
    }

    /// Sets the rotary embedding of all layers.
    pub(super) fn with_rope(self, rope: Rope) -> Self {
        Self { ropes: vec![rope], layer_ropes: vec![Some(0); self.layer_ropes.len()], ..self }
    }

    /// Sets one rotary embedding for layers without a window and one for layers with one.
    pub(super) fn with_two_ropes(self, full: Rope, windowed: Rope) -> Self {
        let layer_ropes = self.windows.iter().map(|window| Some(usize::from(window.is_some()))).collect();
        Self { ropes: vec![full, windowed], layer_ropes, ..self }
    }
}

/// Returns the activation that `field` names.
pub(super) fn activation(config: &Config, field: &str, default: &str) -> Result<Activation> {
    match config.string(field).as_deref().unwrap_or(default) {
        "silu" | "swish" => Ok(Activation::Silu),
        "gelu_pytorch_tanh" | "gelu_new" | "gelu_fast" => Ok(Activation::GeluTanh),
        "gelu" => Ok(Activation::GeluErf),
        "relu" => Ok(Activation::Relu),
        other => {
            let problem = format!("the activation `{other}` is not supported");
            Err(config
                .error(field, problem)
                .help("supported activations: silu, gelu, gelu_new, gelu_pytorch_tanh and relu")
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

/// Creates the error for a variant whose residual stream is not a sum of outputs of components; `field` tells it apart.
pub(super) fn no_sum(config: &Config, field: &str, why: &str) -> crate::Error {
    let problem = format!("{why}, so the last residual stream is no sum of what heads and MLPs add");
    config
        .error(field, problem)
        .help("partscope cannot attribute logits in this variant; use another size of it")
        .into()
}

/// Returns whether `sliding_window` of a configuration sets a window in every layer.
pub(super) fn has_window(config: &Config) -> bool {
    config.get("sliding_window").is_some()
}

/// Sizes with layer norms under Llama's names otherwise.
pub(super) fn layer_norm_sizes(config: &Config) -> Result<Sizes> {
    Sizes::from_fields(config, &SizeFields::LAYER_NORM, None)
}
