//! SmolLM3 (Hugging Face 2025): Llama in which every fourth layer has no positions.

use serde_json::Value;

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, windows},
    scaling::{RopeDefaults, rope},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "smollm3",
    architectures: &["SmolLM3ForCausalLM"],
    model_types: &["smollm3"],
    gguf: Some("smollm3"),
    positions: "rotary in three of four layers",
    special: "every fourth layer has no positions",
    users: "SmolLM3",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let rotates = rotating_layers(config, sizes.layers)?;
    let slides = config.flag_or("use_sliding_window", false)?;
    let windows =
        if slides { windows(config, sizes.layers, |layer| !rotates[layer])? } else { vec![None; sizes.layers] };
    let rope = rope(config, sizes.head_dim, RopeDefaults { theta: 2e6, ..RopeDefaults::default() })?;
    let spec = DecoderSpec {
        windows,
        ropes: vec![rope],
        layer_ropes: rotates.into_iter().map(|rotates| rotates.then_some(0)).collect(),
        tied: true,
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}

/// Returns whether each layer rotates queries and keys.
fn rotating_layers(config: &Config, layers: usize) -> Result<Vec<bool>> {
    let field = "no_rope_layers";
    let Some(list) = config.get(field) else {
        let interval = config.size_or("no_rope_layer_interval", 4)?;
        return Ok((0..layers).map(|layer| (layer + 1) % interval != 0).collect());
    };
    let flags: Vec<bool> =
        list.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|flag| flag != 0).collect();
    if flags.len() >= layers {
        return Ok(flags[..layers].to_vec());
    }
    Err(config.error(field, format!("the field must be a list of {layers} numbers")).into())
}
