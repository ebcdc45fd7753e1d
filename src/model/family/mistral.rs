//! Mistral (Jiang et al. 2023, arXiv 2310.06825): Llama with a sliding window in every layer.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, Sizes, windows},
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
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.get("sliding_window").is_some();
    let windows = windows(config, sizes.layers, |_| slides)?;
    let spec = DecoderSpec { windows, ..DecoderSpec::llama(config, &sizes)? };
    spec.build(config, weights, &sizes)
}
