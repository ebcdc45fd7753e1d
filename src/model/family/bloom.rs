//! BLOOM (BigScience 2022, arXiv 2211.05100): ALiBi instead of positions, and a norm of the embeddings.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, NormSpec, no_sum},
    names::Names,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{attention::PositionBias, decoder::Decoder, layers::Activation, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "bloom",
    architectures: &["BloomForCausalLM"],
    model_types: &["bloom"],
    gguf: Some("bloom"),
    positions: "ALiBi",
    special: "a norm of the embeddings",
    users: "BLOOM, BLOOMZ",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let hidden = if config.get("hidden_size").is_some() { "hidden_size" } else { "n_embed" };
    // BLOOM has no longest prompt; 2048 tokens is the length that it was trained on.
    let fields = SizeFields { hidden, context: "seq_length", default_context: 2048, ..SizeFields::GPT2 };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    if config.flag_or("apply_residual_connection_post_layernorm", false)? {
        let field = "apply_residual_connection_post_layernorm";
        return Err(no_sum(config, field, "each layer continues with the normalised residual stream"));
    }
    let spec = DecoderSpec {
        names: Names::BLOOM,
        norm: NormSpec::LAYER,
        embedding_norm: true,
        projections: Joined::ByGroup,
        gated: false,
        biases: Biases::all(true),
        position_bias: Some(PositionBias::alibi(sizes.heads)),
        tied: true,
        ..DecoderSpec::plain(&sizes, Activation::GeluTanh)
    };
    spec.build(config, weights, &sizes)
}
