//! The implementations of candle-transformers, by family.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{
    falcon, gemma, gemma2, gemma3, glm4_new, granite, llama, mistral, mixtral, olmo, olmo2, phi, phi3, qwen2,
    qwen2_moe, qwen3, qwen3_moe, smol::smollm3, stable_lm,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an implementation computes for the last token of a prompt.
pub(super) struct Output {
    /// Logits over the vocabulary.
    pub(super) logits: Tensor,
    /// Residual stream after the final norm, where the implementation gives it.
    pub(super) hidden: Option<Tensor>,
}

/// Computes the output for a prompt's token ids, `[1, T]`. Each call begins with an empty cache of keys and values.
pub(super) type Forward = Box<dyn Fn(&Tensor) -> Result<Output>>;

/// Builds an implementation from a configuration in its layout.
pub(super) type Build = fn(Value, VarBuilder) -> Result<Forward>;

/// An implementation of a family.
pub(super) struct Implementation {
    /// Name of the family in this program.
    pub(super) family: &'static str,
    /// Module of `candle_transformers::models`.
    pub(super) module: &'static str,
    /// Name of the embedding.
    pub(super) embedding: &'static str,
    pub(super) build: Build,
}

const fn implementation(family: &'static str, module: &'static str, build: Build) -> Implementation {
    Implementation { family, module, embedding: "model.embed_tokens.weight", build }
}

/// All implementations of families that this program knows.
pub(super) const IMPLEMENTATIONS: &[Implementation] = &[
    implementation("llama", "llama", llama),
    implementation("mistral", "mistral", mistral),
    implementation("mixtral", "mixtral", mixtral),
    implementation("qwen2", "qwen2", qwen2),
    implementation("qwen3", "qwen3", qwen3),
    implementation("qwen2_moe", "qwen2_moe", qwen2_moe),
    implementation("qwen3_moe", "qwen3_moe", qwen3_moe),
    implementation("gemma", "gemma", gemma),
    implementation("gemma2", "gemma2", gemma2),
    implementation("gemma3", "gemma3", gemma3),
    implementation("phi", "phi", phi),
    implementation("phi3", "phi3", phi3),
    implementation("olmo", "olmo", olmo),
    implementation("olmo2", "olmo2", olmo2),
    implementation("smollm3", "smol::smollm3", smollm3),
    implementation("stablelm", "stable_lm", stablelm),
    implementation("granite", "granite", granite),
    implementation("glm4", "glm4_new", glm4),
    Implementation { embedding: "transformer.word_embeddings.weight", ..implementation("falcon", "falcon", falcon) },
];

fn parse<C: DeserializeOwned>(config: Value) -> Result<C> {
    serde_json::from_value(config).map_err(candle_core::Error::wrap)
}

fn logits(logits: Tensor) -> Output {
    Output { logits, hidden: None }
}

/// Models with `new(config, tensors)` and `forward(ids, offset)`, which returns logits.
macro_rules! with_logits {
    ($($name:ident: $module:ident),* $(,)?) => {$(
        fn $name(config: Value, tensors: VarBuilder) -> Result<Forward> {
            let model = $module::Model::new(&parse(config)?, tensors)?;
            Ok(Box::new(move |ids| Ok(logits(model.clone().forward(ids, 0)?))))
        }
    )*};
}

/// Models with `new(use_flash_attn, config, tensors)`.
macro_rules! with_flash {
    ($($name:ident),* $(,)?) => {$(
        fn $name(config: Value, tensors: VarBuilder) -> Result<Forward> {
            let model = $name::Model::new(false, &parse(config)?, tensors)?;
            Ok(Box::new(move |ids| Ok(logits(model.clone().forward(ids, 0)?))))
        }
    )*};
}

/// Models whose base gives the hidden states; their models with an unembedding multiply the last one by it.
macro_rules! with_hidden {
    ($($name:ident: $module:ident, ($($more:expr),*)),* $(,)?) => {$(
        fn $name(config: Value, tensors: VarBuilder) -> Result<Forward> {
            let config: $module::Config = parse(config)?;
            let unembedding = tensors.get((config.vocab_size, config.hidden_size), "lm_head.weight")?;
            let model = $module::Model::new(&config, tensors)?;
            Ok(Box::new(move |ids| {
                let states = model.clone().forward(ids, 0 $(, $more)*)?;
                let hidden = states.narrow(1, ids.dim(1)? - 1, 1)?.squeeze(1)?.contiguous()?;
                Ok(Output { logits: hidden.matmul(&unembedding.t()?)?, hidden: Some(hidden) })
            }))
        }
    )*};
}

with_logits! { mistral: mistral, mixtral: mixtral, qwen2_moe: qwen2_moe, phi3: phi3, olmo: olmo, olmo2: olmo2 }
with_flash! { gemma, gemma2, gemma3 }
with_hidden! { qwen2: qwen2, (None), qwen3: qwen3, (), qwen3_moe: qwen3_moe, (), smollm3: smollm3, (), glm4: glm4_new, () }

fn llama(config: Value, tensors: VarBuilder) -> Result<Forward> {
    let config = parse::<llama::LlamaConfig>(config)?.into_config(false);
    let (device, dtype) = (tensors.device().clone(), tensors.dtype());
    let model = llama::Llama::load(tensors, &config)?;
    Ok(Box::new(move |ids| {
        let mut cache = llama::Cache::new(false, dtype, &config, &device)?;
        Ok(logits(model.forward(ids, 0, &mut cache)?))
    }))
}

fn granite(config: Value, tensors: VarBuilder) -> Result<Forward> {
    let config = parse::<granite::GraniteConfig>(config)?.into_config(false);
    let (device, dtype) = (tensors.device().clone(), tensors.dtype());
    let model = granite::Granite::load(tensors, &config)?;
    Ok(Box::new(move |ids| {
        let mut cache = granite::Cache::new(false, dtype, &config, &device)?;
        Ok(logits(model.forward(ids, 0, &mut cache)?))
    }))
}

fn phi(config: Value, tensors: VarBuilder) -> Result<Forward> {
    let model = phi::Model::new(&parse(config)?, tensors)?;
    Ok(Box::new(move |ids| Ok(logits(model.clone().forward(ids)?))))
}

fn stablelm(config: Value, tensors: VarBuilder) -> Result<Forward> {
    let model = std::sync::Mutex::new(stable_lm::Model::new(&parse(config)?, tensors)?);
    Ok(Box::new(move |ids| {
        let mut model = model.lock().map_err(|_| candle_core::Error::msg("an earlier prompt failed"))?;
        Ok(logits(model.forward(ids, 0)?))
    }))
}

fn falcon(config: Value, tensors: VarBuilder) -> Result<Forward> {
    let config: falcon::Config = parse(config)?;
    config.validate()?;
    let model = falcon::Falcon::load(tensors, config)?;
    Ok(Box::new(move |ids| Ok(logits(model.clone().forward(ids)?))))
}
