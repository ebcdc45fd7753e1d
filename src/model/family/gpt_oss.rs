//! gpt-oss (OpenAI 2025, arXiv 2508.10925): a mixture of experts with biases and clamped gates, attention sinks, a sliding
//! window in every other layer, weights of experts in MXFP4.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, windows},
    experts::{ExpertNames, Experts},
    names::Names,
    scaling::{RopeDefaults, rope},
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, layers::Activation, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gpt_oss",
    architectures: &["GptOssForCausalLM"],
    model_types: &["gpt_oss"],
    gguf: Some("gpt-oss"),
    positions: "rotary with YaRN",
    special: "attention sinks; a mixture with biases and clamped gates; weights in MXFP4",
    users: "gpt-oss-20b, gpt-oss-120b",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let fields = SizeFields { default_epsilon: 1e-5, ..SizeFields::LLAMA };
    let sizes = Sizes::from_fields(config, &fields, Some(64))?;
    let names = ExpertNames { router: "mlp.router", ..ExpertNames::QWEN };
    let experts = Experts::from_config(config, names, ("num_local_experts", 128), 4, sizes.inner, sizes.layers)?;
    let activation = Activation::Clamped {
        alpha: config.positive_or("swiglu_alpha", 1.702)? as f32,
        limit: config.positive_or("swiglu_limit", 7.0)? as f32,
    };
    let attention = config.flag_or("attention_bias", true)?;
    let spec = DecoderSpec {
        names: Names { sinks: "self_attn.sinks", ..Names::LLAMA },
        biases: Biases { mlp: false, ..Biases::all(attention) },
        sinks: true,
        windows: windows(config, sizes.layers, |layer| layer % 2 == 0)?,
        experts: Some(Experts { biases: true, packed: true, ..experts }),
        ..DecoderSpec::plain(&sizes, activation)
    };
    let rope = rope(config, sizes.head_dim, RopeDefaults { theta: 150_000.0, ..RopeDefaults::default() })?;
    spec.with_rope(rope).build(config, weights, &sizes)
}
