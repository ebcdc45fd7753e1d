//! OLMo-2 (OLMo team 2024, arXiv 2501.00656): norms after each block, and over all heads of queries and keys. OLMo-3
//! (arXiv 2512.13961) adds a sliding window to three of four layers, which keep unscaled positions.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, Norms, QueryKeyNorms, windows},
    scaling::{RopeDefaults, rope},
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const OLMO2: Architecture = Architecture {
    name: "olmo2",
    architectures: &["Olmo2ForCausalLM"],
    model_types: &["olmo2"],
    gguf: Some("olmo2"),
    positions: "rotary",
    special: "norms after blocks, and over all query and key heads",
    users: "OLMo-2",
    build: olmo2,
};
pub(super) const OLMO3: Architecture = Architecture {
    name: "olmo3",
    architectures: &["Olmo3ForCausalLM"],
    model_types: &["olmo3"],
    gguf: None,
    positions: "rotary; with YaRN in layers without a window",
    special: "as OLMo-2, with a window in three of four layers",
    users: "OLMo-3",
    build: olmo3,
};

fn olmo2(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    common(config, &sizes)?.build(config, weights, &sizes)
}

fn olmo3(config: &Config, weights: &Weights) -> Result<Decoder> {
    let fields = SizeFields { default_epsilon: 1e-5, ..SizeFields::LLAMA };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    let windows = windows(config, sizes.layers, |layer| (layer + 1) % 4 != 0)?;
    let defaults =
        |layer_type| RopeDefaults { theta: 500_000.0, layer_type: Some(layer_type), ..RopeDefaults::default() };
    let full = rope(config, sizes.head_dim, defaults("full_attention"))?;
    let windowed = rope(config, sizes.head_dim, RopeDefaults { is_scaled: false, ..defaults("sliding_attention") })?;
    let spec = DecoderSpec { windows, ..common(config, &sizes)? };
    spec.with_two_ropes(full, windowed).build(config, weights, &sizes)
}

fn common(config: &Config, sizes: &Sizes) -> Result<DecoderSpec> {
    let llama = DecoderSpec::llama(config, sizes)?;
    Ok(DecoderSpec { norms: Norms::After, query_key_norms: QueryKeyNorms::Whole, ..llama })
}
