//! Mistral (Jiang et al. 2023, arXiv 2310.06825): Llama with a sliding window in every layer.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, has_window, windows},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "mistral",
    architectures: &["MistralForCausalLM"],
    model_types: &["mistral"],
    gguf: None,
    positions: "rotary",
    special: "a sliding window in every layer, or none",
    users: "Mistral 7B, Mistral Nemo, Ministral 8B",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = has_window(config);
    let windows = windows(config, sizes.layers, |_| slides)?;
    let spec = DecoderSpec { windows, ..DecoderSpec::llama(config, &sizes)? };
    spec.build(config, weights, &sizes)
}
