//! Architectures: each file turns a configuration and named tensors into a [`Decoder`](super::decoder::Decoder).
//!
//! To add one, write a file with a [`Architecture`] and put its name into [`ARCHITECTURES`].

mod architecture;
mod config;
mod decoder_spec;
mod gemma;
mod gpt2;
mod gpt_neox;
mod granite;
mod llama;
mod mistral;
mod mixtral;
mod olmo2;
mod phi3;
mod qwen2;
mod qwen3;
mod scaling;

pub use architecture::Architecture;
pub use config::Config;

use crate::error::{InputError, Result};

/// Every supported architecture.
pub const ARCHITECTURES: &[Architecture] = &[
    llama::ARCHITECTURE,
    mistral::ARCHITECTURE,
    mixtral::ARCHITECTURE,
    qwen2::ARCHITECTURE,
    qwen3::ARCHITECTURE,
    gemma::GEMMA,
    gemma::GEMMA2,
    gemma::GEMMA3,
    phi3::ARCHITECTURE,
    olmo2::ARCHITECTURE,
    granite::ARCHITECTURE,
    gpt2::ARCHITECTURE,
    gpt_neox::ARCHITECTURE,
];

/// The family that `config` asks for, by `architectures` first and `model_type` second.
///
/// # Errors
/// If it is none of [`ARCHITECTURES`]; the error names it and lists them.
pub fn choose(config: &Config) -> Result<&'static Architecture> {
    let named = config.strings("architectures");
    let model_type = config.string("model_type").unwrap_or_default();
    let by_name =
        ARCHITECTURES.iter().find(|family| named.iter().any(|name| family.architectures.contains(&name.as_str())));
    let by_type =
        || ARCHITECTURES.iter().find(|family| named.is_empty() && family.model_types.contains(&model_type.as_str()));
    by_name.or_else(by_type).ok_or_else(|| {
        let asked = if named.is_empty() { model_type.clone() } else { named.join(", ") };
        let known = ARCHITECTURES.iter().flat_map(|family| family.architectures.iter().copied());
        let cure = format!("supported are {}", crate::text::list(known));
        let field = if named.is_empty() { "model_type" } else { "architectures" };
        InputError::new(format!("the architecture `{asked}` is not supported"))
            .path(config.path())
            .field(field)
            .cure(cure)
            .into()
    })
}
