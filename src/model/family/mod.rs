//! Model architectures: each file builds a [`Decoder`](super::decoder::Decoder) from a configuration and named tensors.
//!
//! To add one, write a file with an [`Architecture`] and list it in [`ARCHITECTURES`].

mod architecture;
mod bloom;
mod cohere;
mod config;
mod decoder_spec;
mod experts;
mod falcon;
mod gemma;
mod glm4;
mod gpt2;
mod gpt_neo;
mod gpt_neox;
mod gpt_oss;
mod gptj;
mod granite;
mod llama;
mod ministral3;
mod mistral;
mod mixtral;
mod mixture;
mod names;
mod olmo;
mod olmo2;
mod olmoe;
mod opt;
mod packed_experts;
mod phi;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen_moe;
mod reader;
mod scaling;
mod sizes;
mod smollm3;
mod stablelm;
mod table;
mod text_half;

pub use architecture::Architecture;
pub use config::Config;
pub use table::table;
pub(super) use text_half::{text_half, text_half_name};

use std::iter;

use crate::error::{InputError, Result};

/// Every supported architecture.
pub const ARCHITECTURES: &[Architecture] = &[
    llama::ARCHITECTURE,
    mistral::ARCHITECTURE,
    mixtral::ARCHITECTURE,
    ministral3::ARCHITECTURE,
    qwen2::ARCHITECTURE,
    qwen3::ARCHITECTURE,
    qwen_moe::QWEN2,
    qwen_moe::QWEN3,
    gemma::GEMMA,
    gemma::GEMMA2,
    gemma::GEMMA3,
    phi::ARCHITECTURE,
    phi3::ARCHITECTURE,
    olmo::ARCHITECTURE,
    olmo2::OLMO2,
    olmo2::OLMO3,
    olmoe::ARCHITECTURE,
    smollm3::ARCHITECTURE,
    stablelm::ARCHITECTURE,
    granite::ARCHITECTURE,
    cohere::COHERE,
    cohere::COHERE2,
    glm4::GLM,
    glm4::GLM4,
    falcon::ARCHITECTURE,
    bloom::ARCHITECTURE,
    opt::ARCHITECTURE,
    gptj::ARCHITECTURE,
    gpt_neo::ARCHITECTURE,
    gpt2::ARCHITECTURE,
    gpt_neox::ARCHITECTURE,
    gpt_oss::ARCHITECTURE,
];

/// Returns the architecture of `config`, looked up by `architectures`, or by `model_type` if that list is empty.
///
/// # Errors
/// If the architecture is not in [`ARCHITECTURES`]; the error names it and lists the supported ones.
pub fn choose(config: &Config) -> Result<&'static Architecture> {
    let named = config.strings("architectures");
    let model_type = config.string("model_type").unwrap_or_default();
    // A base model's checkpoint lacks the unembedding, unless it is tied.
    let base = |name: &String| {
        let base = name.strip_suffix("Model");
        base.into_iter()
            .flat_map(|base| [format!("{base}ForCausalLM"), format!("{base}LMHeadModel")])
            .collect::<Vec<_>>()
    };
    let full: Vec<String> = named.iter().flat_map(|name| iter::once(name.clone()).chain(base(name))).collect();
    let by_name =
        ARCHITECTURES.iter().find(|known| full.iter().any(|name| known.architectures.contains(&name.as_str())));
    let by_type =
        || ARCHITECTURES.iter().find(|known| named.is_empty() && known.model_types.contains(&model_type.as_str()));
    by_name.or_else(by_type).ok_or_else(|| {
        let requested = if named.is_empty() { model_type.clone() } else { named.join(", ") };
        let known = ARCHITECTURES.iter().flat_map(|known| known.architectures.iter().copied());
        let help = format!("supported architectures: {}", crate::text::list(known));
        let field = if named.is_empty() { "model_type" } else { "architectures" };
        InputError::new(format!("the architecture `{requested}` is not supported"))
            .path(config.path())
            .field(field)
            .help(help)
            .into()
    })
}
