//! OPT (Zhang et al. 2022, arXiv 2205.01068) and Galactica: learned positions with an offset of two, ReLU.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, NormSpec, activation, no_sum},
    names::Names,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "opt",
    architectures: &["OPTForCausalLM"],
    model_types: &["opt"],
    gguf: None,
    positions: "learned, with an offset of two",
    special: "ReLU; OPT-350m is refused, since its residual stream is no sum",
    users: "OPT, Galactica",
    build,
};

const NAMES: Names = Names {
    embedding: "model.decoder.embed_tokens",
    positions: "model.decoder.embed_positions",
    norm: "model.decoder.final_layer_norm",
    layers: "model.decoder.layers",
    attention_norm: "self_attn_layer_norm",
    output: "self_attn.out_proj",
    mlp_norm: "final_layer_norm",
    up: "fc1",
    down: "fc2",
    ..Names::LLAMA
};
/// First row of the table of positions that a token uses.
const OFFSET: usize = 2;

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    // Norms of OPT have PyTorch's default epsilon.
    let fields = SizeFields { inner: "ffn_dim", epsilon: "layer_norm_eps", ..SizeFields::LAYER_NORM };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    if !config.flag_or("do_layer_norm_before", true)? {
        return Err(no_sum(
            config,
            "do_layer_norm_before",
            "each layer normalises the residual stream itself (as in OPT-350m)",
        ));
    }
    if config.flag_or("_remove_final_layer_norm", false)? {
        return Err(config.error("_remove_final_layer_norm", "OPT without its final norm is not supported").into());
    }
    if config.size_or("word_embed_proj_dim", sizes.hidden)? != sizes.hidden {
        let problem = "embeddings of another width than the residual stream are not supported";
        return Err(config.error("word_embed_proj_dim", problem).into());
    }
    let weighted = config.flag_or("layer_norm_elementwise_affine", true)?;
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec { weight: weighted, bias: weighted, ..NormSpec::LAYER },
        positions_from: Some(OFFSET),
        gated: false,
        biases: Biases::all(config.flag_or("enable_bias", true)?),
        tied: true,
        ..DecoderSpec::plain(&sizes, activation(config, "activation_function", "relu")?)
    };
    spec.build(config, weights, &sizes)
}
