//! Qwen1.5-MoE and Qwen2-57B-A14B (Yang et al. 2024, arXiv 2407.10671), Qwen3's mixtures (arXiv 2505.09388).
//!
//! Qwen2's mixtures have an expert that every token uses, behind a gate. Some layers may have an ordinary MLP.

use serde_json::Value;

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, QueryKeyNorms, windows},
    experts::{ExpertNames, Experts},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const QWEN2: Architecture = Architecture {
    name: "qwen2_moe",
    architectures: &["Qwen2MoeForCausalLM"],
    model_types: &["qwen2_moe"],
    gguf: Some("qwen2moe"),
    positions: "rotary",
    special: "a mixture with an expert for every token; ordinary MLPs in some layers",
    users: "Qwen1.5-MoE, Qwen2-57B-A14B",
    build: qwen2,
};
pub(super) const QWEN3: Architecture = Architecture {
    name: "qwen3_moe",
    architectures: &["Qwen3MoeForCausalLM"],
    model_types: &["qwen3_moe"],
    gguf: Some("qwen3moe"),
    positions: "rotary",
    special: "a mixture of experts; a norm on each query and key head",
    users: "Qwen3-30B-A3B, Qwen3-235B-A22B",
    build: qwen3,
};

fn qwen2(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.flag_or("use_sliding_window", false)?;
    let most = config.number_or("max_window_layers", 28.0)?;
    let shared = config.size_or("shared_expert_intermediate_size", 5632)?;
    let spec = DecoderSpec {
        biases: Biases { input: config.flag_or("qkv_bias", true)?, ..Biases::default() },
        windows: windows(config, sizes.layers, |layer| slides && layer % 2 == 0 && (layer as f64) < most)?,
        experts: Some(Experts { shared: Some(shared), ..experts(config, &sizes, (60, 4, 1408))? }),
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}

fn qwen3(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.flag_or("use_sliding_window", false)?;
    let spec = DecoderSpec {
        query_key_norms: QueryKeyNorms::PerHead,
        windows: windows(config, sizes.layers, |_| slides)?,
        experts: Some(experts(config, &sizes, (128, 8, 768))?),
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}

/// Reads the mixtures; `defaults` are the numbers of experts and of chosen ones, and an expert's width.
fn experts(config: &Config, sizes: &Sizes, defaults: (usize, usize, usize)) -> Result<Experts> {
    let (count, chosen, inner) = defaults;
    let inner = config.size_or("moe_intermediate_size", inner)?;
    let name = if config.get("num_experts").is_some() { "num_experts" } else { "num_local_experts" };
    let experts = Experts::from_config(config, ExpertNames::QWEN, (name, count), chosen, inner, sizes.layers)?;
    let step = config.size_or("decoder_sparse_step", 1)?;
    let dense = config.get("mlp_only_layers").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_dense = |layer: usize| dense.iter().any(|own| own.as_u64() == Some(layer as u64));
    let layers = (0..sizes.layers).map(|layer| (layer + 1).is_multiple_of(step) && !is_dense(layer)).collect();
    Ok(Experts { rescaled: config.flag_or("norm_topk_prob", false)?, layers, ..experts })
}
