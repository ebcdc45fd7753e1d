//! GPT-Neo (Black et al. 2021): GPT-2 with scores that are not scaled, and a sliding window in every other layer.

use serde_json::Value;

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, NormSpec, activation},
    names::Names,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gpt_neo",
    architectures: &["GPTNeoForCausalLM"],
    model_types: &["gpt_neo"],
    gguf: None,
    positions: "learned",
    special: "scores that are not scaled; a window in every other layer",
    users: "GPT-Neo 125M to 2.7B",
    build,
};

const NAMES: Names = Names {
    query: "attn.attention.q_proj",
    key: "attn.attention.k_proj",
    value: "attn.attention.v_proj",
    output: "attn.attention.out_proj",
    ..Names::GPT2
};
const FIELDS: SizeFields = SizeFields {
    layers: "num_layers",
    hidden: "hidden_size",
    inner: "intermediate_size",
    inner_is_optional: true,
    heads: "num_heads",
    epsilon: "layer_norm_epsilon",
    ..SizeFields::LAYER_NORM
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::from_fields(config, &FIELDS, None)?;
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec::LAYER,
        positions_from: Some(0),
        gated: false,
        biases: Biases { input: false, ..Biases::all(true) },
        attention_scale: 1.0,
        windows: windows(config, sizes.layers)?,
        tied: true,
        ..DecoderSpec::plain(&sizes, activation(config, "activation_function", "gelu_new")?)
    };
    spec.build(config, weights, &sizes)
}

/// Returns each layer's window by `attention_types`: a list of patterns of `global` and `local` layers, each with the
/// number of its repetitions.
fn windows(config: &Config, layers: usize) -> Result<Vec<Option<usize>>> {
    let field = "attention_types";
    let window = config.size_or("window_size", 256)?;
    let Some(types) = config.get(field) else {
        return Ok((0..layers).map(|layer| (layer % 2 == 1).then_some(window)).collect());
    };
    let mut all = Vec::new();
    for pattern in types.as_array().into_iter().flatten() {
        let names = pattern.get(0).and_then(Value::as_array);
        let times = pattern.get(1).and_then(Value::as_u64).filter(|&times| times <= layers as u64);
        let (Some(names), Some(times)) = (names, times) else {
            return Err(config.error(field, format!("{pattern} is not a pattern and a number of repetitions")).into());
        };
        for name in (0..times).flat_map(|_| names) {
            all.push(match name.as_str() {
                Some("global") => None,
                Some("local") => Some(window),
                _ => return Err(config.error(field, format!("{name} is neither global nor local")).into()),
            });
        }
    }
    if all.len() == layers {
        return Ok(all);
    }
    Err(config.error(field, format!("{} entries for {layers} layers", all.len())).into())
}
