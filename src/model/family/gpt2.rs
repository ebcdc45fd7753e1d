//! GPT-2 (Radford et al. 2019): learned positions, layer norms, biases, and matrices stored as `[in, out]`.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, NormSpec, activation},
    names::Names,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gpt2",
    architectures: &["GPT2LMHeadModel"],
    model_types: &["gpt2"],
    gguf: Some("gpt2"),
    positions: "learned",
    special: "matrices stored as [in, out]",
    users: "GPT-2, DistilGPT-2, CodeParrot",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::from_fields(config, &SizeFields::GPT2, None)?;
    let plain = DecoderSpec::plain(&sizes, activation(config, "activation_function", "gelu_new")?);
    let scaled = config.flag_or("scale_attn_weights", true)?;
    let spec = DecoderSpec {
        names: Names::GPT2,
        norm: NormSpec::LAYER,
        positions_from: Some(0),
        projections: Joined::Whole,
        gated: false,
        input_first: true,
        biases: Biases::all(true),
        attention_scale: if scaled { plain.attention_scale } else { 1.0 },
        divides_by_layer: config.flag_or("scale_attn_by_inverse_layer_idx", false)?,
        tied: true,
        ..plain
    };
    spec.build(config, weights, &sizes)
}
