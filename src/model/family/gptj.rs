//! GPT-J (Wang & Komatsuzaki 2021): attention and MLP read the same input through one norm; the first dimensions of each
//! head are rotated, neighbours together.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, NormSpec, Residual, activation},
    names::Names,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, rope::Rope, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gptj",
    architectures: &["GPTJForCausalLM"],
    model_types: &["gptj"],
    gguf: None,
    positions: "rotary on the first dimensions, neighbours together",
    special: "attention and MLP in parallel behind one norm; a bias on logits",
    users: "GPT-J 6B",
    build,
};

const NAMES: Names = Names {
    query: "attn.q_proj",
    key: "attn.k_proj",
    value: "attn.v_proj",
    output: "attn.out_proj",
    up: "mlp.fc_in",
    down: "mlp.fc_out",
    ..Names::GPT2
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let fields = SizeFields { default_context: 2048, ..SizeFields::GPT2 };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    let rotated = config.count_or("rotary_dim", 64)?;
    if rotated > sizes.head_dim || !rotated.is_multiple_of(2) {
        let problem = format!("{rotated} of {} dimensions cannot be rotated in pairs", sizes.head_dim);
        return Err(config.error("rotary_dim", problem).into());
    }
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec::LAYER,
        residual: Residual::ParallelWithOneNorm,
        gated: false,
        rotates_neighbours: true,
        biases: Biases { mlp: true, unembedding: true, ..Biases::default() },
        ..DecoderSpec::plain(&sizes, activation(config, "activation_function", "gelu_new")?)
    };
    spec.with_rope(Rope::plain(10_000.0, rotated)).build(config, weights, &sizes)
}
