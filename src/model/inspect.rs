//! What a model's files say, without loading the weights.

use serde::Serialize;

use super::{
    family::{self, Config},
    memory::{self, gigabytes},
    source::{LoadOptions, Source},
    tokenizer::Tokenizer,
    weights::{Dtype, Precision, Weights},
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
    let stored_as = files.weights.own_numbers();
    let memory = needs(&files.weights, free);
    let auto = match memory::choose(&files.weights, Dtype::Auto, free) {
        Ok(Precision::F32) => Some("f32".to_owned()),
        Ok(_) if files.weights.has_blocks() => Some(as_stored(&stored_as)),
        Ok(_) => Some(stored_as.clone()),
        Err(_) => None,
    };
    let tokenizer = tokenizer_facts(&files.tokenizer)?;
    let notes = notes(&files.config, &tokenizer, &memory);
    Ok(Inspection {
        id: source.to_string(),
        family: family.name.to_owned(),
        parameters: files.weights.tensors().map(|(_, stored)| stored.elements() as u64).sum(),
        stored_as,
        free,
        auto,
        memory,
        tokenizer,
        notes,
    })
}

/// What every choice of dtype takes; for quantised files also what they take as they are.
fn needs(weights: &Weights, free: Option<u64>) -> Vec<Need> {
    let need = |dtype: String, precision: Precision| {
        let bytes = memory::need(weights, precision);
        Need { dtype, bytes, fits: free.map(|free| bytes <= free) }
    };
    let choices = Dtype::NAMES.iter().filter_map(|(name, dtype)| Some(((*name).to_owned(), dtype.precision()?)));
    let own = weights.has_blocks().then(|| (as_stored(&weights.own_numbers()), Precision::Own));
    choices.chain(own).map(|(name, precision)| need(name, precision)).collect()
}

fn as_stored(numbers: &str) -> String {
    format!("{numbers} as stored")
}

fn tokenizer_facts(tokenizer: &Tokenizer) -> Result<TokenizerFacts> {
    let (bare, example) = (tokenizer.encode("")?, tokenizer.encode(EXAMPLE)?);
    Ok(TokenizerFacts {
        ids: tokenizer.vocabulary(),
        largest: tokenizer.largest_id(),
        around: tokenizer.pieces(&bare),
        example: tokenizer.pieces(&example),
    })
}

fn notes(config: &Config, tokenizer: &TokenizerFacts, memory: &[Need]) -> Vec<String> {
    let mut notes = Vec::new();
    let largest = tokenizer.largest;
    let vocabulary = config.get("vocab_size").and_then(serde_json::Value::as_u64);
    if let Some(known) = vocabulary.filter(|&known| u64::from(largest) >= known) {
        notes.push(format!(
            "the tokenizer has ids up to {largest}, the model knows {known}: prompts with tokens beyond are refused"
        ));
    }
    if config.get("final_logit_softcapping").is_some() {
        notes.push("logits are shown before the final soft-cap, which changes no prediction".to_owned());
    }
    let too_big = memory.iter().filter(|need| need.fits == Some(false));
    notes.extend(too_big.map(|need| format!("{} takes {}, more than is free", need.dtype, gigabytes(need.bytes))));
    notes
}
