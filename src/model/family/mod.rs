//! Model architectures: each file builds a [`Decoder`](super::decoder::Decoder) from a configuration and named tensors.
//!
//! To add one, write a file with an [`Architecture`] and list it in [`ARCHITECTURES`].

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

/// Returns the architecture of `config`, looked up by `architectures`, or by `model_type` if that list is empty.
///
/// # Errors
/// If the architecture is not in [`ARCHITECTURES`]; the error names it and lists the supported ones.
pub fn choose(config: &Config) -> Result<&'static Architecture> {
    let named = config.strings("architectures");
    let model_type = config.string("model_type").unwrap_or_default();
    let by_name =
        ARCHITECTURES.iter().find(|known| named.iter().any(|name| known.architectures.contains(&name.as_str())));
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
