//! OLMo-2 (OLMo team 2024, arXiv 2501.00656): norms after the blocks, and over whole queries and keys.

use super::{
    Config, Family,
    recipe::{Norms, QueryKeyNorms, Recipe, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const FAMILY: Family =
    Family { name: "olmo2", architectures: &["Olmo2ForCausalLM"], model_types: &["olmo2"], build };

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let llama = Recipe::llama(config, &sizes)?;
    let recipe = Recipe { norms: Norms::After, query_key_norms: QueryKeyNorms::Whole, ..llama };
    recipe.build(config, weights, &sizes)
}
