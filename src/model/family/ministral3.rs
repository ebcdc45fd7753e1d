//! Ministral 3 (Mistral AI 2025): Mistral with YaRN, and queries that grow with their position.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, has_window, windows},
    scaling::{RopeDefaults, rope},
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "ministral3",
    architectures: &["Ministral3ForCausalLM"],
    model_types: &["ministral3"],
    gguf: Some("mistral3"),
    positions: "rotary with YaRN",
    special: "queries grow with their position",
    users: "Ministral 3",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let fields = SizeFields { default_epsilon: 1e-5, ..SizeFields::LLAMA };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    let slides = has_window(config);
    let rope = rope(config, sizes.head_dim, RopeDefaults { theta: 1e6, ..RopeDefaults::default() })?;
    let windows = windows(config, sizes.layers, |_| slides)?;
    let spec = DecoderSpec { windows, ..DecoderSpec::llama(config, &sizes)? };
    spec.with_rope(rope).build(config, weights, &sizes)
}
