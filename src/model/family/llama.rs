//! Llama 1, 2 and 3 (Touvron et al. 2023, arXiv 2302.13971), tied or untied, with grouped queries.

use super::{
    Config, Family,
    recipe::{Recipe, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const FAMILY: Family =
    Family { name: "llama", architectures: &["LlamaForCausalLM"], model_types: &["llama"], build };

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    Recipe::llama(config, &sizes)?.build(config, weights, &sizes)
}
