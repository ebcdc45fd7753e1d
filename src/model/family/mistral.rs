//! Mistral (Jiang et al. 2023, arXiv 2310.06825): Llama with a sliding window in every layer.

use super::{
    Config, Family,
    recipe::{Recipe, Sizes, windows},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const FAMILY: Family =
    Family { name: "mistral", architectures: &["MistralForCausalLM"], model_types: &["mistral"], build };

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.get("sliding_window").is_some();
    let windows = windows(config, sizes.layers, |_| slides)?;
    let recipe = Recipe { windows, ..Recipe::llama(config, &sizes)? };
    recipe.build(config, weights, &sizes)
}
