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

/// Window of a configuration that does not name one, as in transformers; null means none.
const WINDOW: usize = 4096;

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let own = config.clone();
    let config = &if config.names("sliding_window") { own } else { own.with_default("sliding_window", WINDOW.into()) };
    let sizes = Sizes::read(config, None)?;
    let slides = has_window(config);
    let windows = windows(config, sizes.layers, |_| slides)?;
    let spec = DecoderSpec { windows, ..DecoderSpec::llama(config, &sizes)? };
    spec.build(config, weights, &sizes)
}
