//! What a model's files say, without loading the weights.

use serde::Serialize;

use super::{
    family,
    memory::{self, gigabytes},
    source::{Dtype, LoadOptions, Source},
    weights::Precision,
};
use crate::error::Result;

/// Facts about a model that need only the headers of its files.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// What the user called it.
    pub id: String,
    /// Architecture family.
    pub family: String,
    /// Numbers in all tensors.
    pub parameters: u64,
    /// What most of them are in the files.
    pub stored_as: String,
    /// Bytes that can be used, if the system says.
    pub free: Option<u64>,
    /// What `--dtype auto` would take; `None` if it would refuse.
    pub auto: Option<String>,
    /// Memory by dtype.
    pub memory: Vec<Need>,
    /// The tokenizer.
    pub tokenizer: TokenizerFacts,
    /// What would go wrong, or surprise.
    pub notes: Vec<String>,
}

/// The memory that one choice of `--dtype` takes.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// The choice.
    pub dtype: String,
    /// Bytes.
    pub bytes: u64,
    /// Whether they are free; `None` if the system does not say.
    pub fits: Option<bool>,
}

/// What a tokenizer does to a text.
#[derive(Clone, Debug, Serialize)]
pub struct TokenizerFacts {
    /// Number of ids, added tokens included.
    pub ids: usize,
    /// The largest id.
    pub largest: u32,
    /// Tokens it puts around every prompt.
    pub around: Vec<String>,
    /// An example, cut into tokens.
    pub example: Vec<String>,
}

const EXAMPLE: &str = "Review: a fine film. Sentiment: positive";

/// Opens the files that `source` names and reads their headers.
///
/// # Errors
/// If a file is missing or unsound, or the architecture is not supported.
pub fn inspect(source: &Source, options: &LoadOptions) -> Result<Inspection> {
    let files = source.open(options)?;
    let family = family::choose(&files.config)?;
    let free = options.free_memory();
    let need = |name: &str, precision: Precision| {
        let bytes = memory::need(&files.weights, precision);
        Need { dtype: name.to_owned(), bytes, fits: free.map(|free| bytes <= free) }
    };
    let choices = Dtype::NAMES.iter().filter_map(|(name, dtype)| Some(need(name, dtype.precision()?)));
    let stored_as = files.weights.own_numbers();
    let own = files.weights.has_blocks().then(|| need(&stored_as, Precision::Own));
    let memory: Vec<Need> = choices.chain(own).collect();
    let auto = memory::choose(&files.weights, Dtype::Auto, free);
    let tokenizer = &files.tokenizer;
    let (bare, example) = (tokenizer.encode("")?, tokenizer.encode(EXAMPLE)?);
    let tokenizer = TokenizerFacts {
        ids: tokenizer.vocabulary(),
        largest: tokenizer.largest_id(),
        around: tokenizer.pieces(&bare),
        example: tokenizer.pieces(&example),
    };
    let mut notes = Vec::new();
    if let Some(vocabulary) = files.config.get("vocab_size").and_then(serde_json::Value::as_u64)
        && u64::from(tokenizer.largest) >= vocabulary
    {
        notes.push(format!(
            "the tokenizer knows ids up to {}, the model only {vocabulary}: prompts with the tokens beyond are refused",
            tokenizer.largest
        ));
    }
    if files.config.get("final_logit_softcapping").is_some() {
        notes.push("logits are shown before the final soft-cap, which changes no prediction".to_owned());
    }
    for need in memory.iter().filter(|need| need.fits == Some(false)) {
        notes.push(format!("--dtype {} takes {}, more than is free", need.dtype, gigabytes(need.bytes)));
    }
    Ok(Inspection {
        id: source.to_string(),
        family: family.name.to_owned(),
        parameters: files.weights.tensors().map(|(_, stored)| stored.elements() as u64).sum(),
        stored_as,
        free,
        auto: auto.ok().map(|precision| files.weights.with_precision(precision).kept_as()),
        memory,
        tokenizer,
        notes,
    })
}
