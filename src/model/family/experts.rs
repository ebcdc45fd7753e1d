//! Mixtures of experts: how many, and under which names.

use super::Config;
use crate::error::Result;

/// Names of a mixture's tensors in a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpertNames {
    pub(super) router: &'static str,
    /// Prefix of the experts, which an expert's number follows.
    pub(super) experts: &'static str,
    pub(super) gate: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
}

impl ExpertNames {
    /// Names in checkpoints of Mixtral.
    pub(super) const MIXTRAL: Self =
        Self { router: "block_sparse_moe.gate", experts: "block_sparse_moe.experts", gate: "w1", up: "w3", down: "w2" };
    /// Names in checkpoints of Qwen and OLMoE.
    pub(super) const QWEN: Self =
        Self { router: "mlp.gate", experts: "mlp.experts", gate: "gate_proj", up: "up_proj", down: "down_proj" };
}

/// The mixtures of a model.
#[derive(Clone, Debug)]
pub(super) struct Experts {
    pub(super) names: ExpertNames,
    pub(super) count: usize,
    /// Number of experts per token.
    pub(super) chosen: usize,
    /// Width of an expert.
    pub(super) inner: usize,
    /// Whether the weights of the chosen experts are scaled to sum to 1.
    pub(super) rescaled: bool,
    /// Whether router and experts have biases.
    pub(super) biases: bool,
    /// Whether the file may have all experts of a layer in one tensor, as gpt-oss.
    pub(super) packed: bool,
    /// Width of the expert that every token uses, behind a gate of its own.
    pub(super) shared: Option<usize>,
    /// Whether each layer has a mixture; the others have an ordinary MLP.
    pub(super) layers: Vec<bool>,
}

impl Experts {
    /// Reads the numbers of experts in the fields `count` and `num_experts_per_tok`, for all of `layers` layers.
    pub(super) fn from_config(
        config: &Config,
        names: ExpertNames,
        count: (&str, usize),
        chosen: usize,
        inner: usize,
        layers: usize,
    ) -> Result<Self> {
        let (count, chosen) = (config.count_or(count.0, count.1)?, config.count_or("num_experts_per_tok", chosen)?);
        if chosen > count {
            let problem = format!("{chosen} experts cannot be chosen from {count}");
            return Err(config.error("num_experts_per_tok", problem).into());
        }
        Ok(Self {
            names,
            count,
            chosen,
            inner,
            rescaled: true,
            biases: false,
            packed: false,
            shared: None,
            layers: vec![true; layers],
        })
    }
}
