//! Inspects a model from its files' headers, without loading the weights.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    family,
    files::Files,
    memory,
    source::{LoadOptions, Source},
    tokenizer::Tokenizer,
    weights::{Dtype, Precision, Weights},
};
use crate::{error::Result, size::format_size};

/// Facts about a model that need only the headers of its files.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Model as the user named it.
    pub id: String,
    /// Architecture.
    pub family: String,
    /// Number of values in all tensors.
    pub parameters: u64,
    /// Number format of most of them in the files.
    pub stored_as: String,
    /// All number formats in the files, those with most values first.
    pub types: Vec<TypeCount>,
    /// Free memory in bytes, if known.
    pub free: Option<u64>,
    /// Dtype that `--dtype auto` chooses; `None` if no dtype fits in memory.
    pub auto: Option<String>,
    /// Memory needed for each dtype.
    pub memory: Vec<MemoryNeed>,
    /// Facts about the tokenizer.
    pub tokenizer: TokenizerFacts,
    /// Warnings.
    pub notes: Vec<String>,
}

/// Tensors of one number format.
#[derive(Clone, Debug, Serialize)]
pub struct TypeCount {
    /// Number format, e.g. `q4_k`.
    pub name: String,
    /// Number of tensors.
    pub tensors: usize,
    /// Number of values in them.
    pub values: u64,
}

/// Memory needed for one dtype.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryNeed {
    /// Dtype, as `--dtype` names it.
    pub dtype: String,
    /// Memory in bytes.
    pub bytes: u64,
    /// Whether that much is free; `None` if unknown.
    pub fits: Option<bool>,
}

/// Facts about a tokenizer.
#[derive(Clone, Debug, Serialize)]
pub struct TokenizerFacts {
    /// Number of ids, including added tokens.
    pub ids: usize,
    /// Largest id.
    pub largest: u32,
    /// Special tokens added to every prompt.
    pub around: Vec<String>,
    /// Tokens of an example text.
    pub example: Vec<String>,
}

const EXAMPLE: &str = "Review: a fine film. Sentiment: positive";

/// Opens the files of `source` and reads their headers.
///
/// # Errors
/// If a file is missing or invalid, or the architecture is not supported.
pub fn inspect(source: &Source, options: &LoadOptions) -> Result<Inspection> {
    inspect_files(source, &source.open(options)?, options)
}

/// As [`inspect`], from the opened `files` of `source`.
pub(crate) fn inspect_files(source: &Source, files: &Files, options: &LoadOptions) -> Result<Inspection> {
    let architecture = family::choose(&files.config)?;
    let free = options.free_memory();
    let stored_as = files.weights.stored_format();
    let memory = needs(&files.weights, free);
    let auto = match memory::choose(&files.weights, Dtype::Auto, free) {
        Ok(Precision::F32) => Some("f32".to_owned()),
        Ok(Precision::F16) => Some("f16".to_owned()),
        Ok(_) if files.weights.has_blocks() => Some(as_stored(&stored_as)),
        Ok(_) => Some(stored_as.clone()),
        Err(_) => None,
    };
    let tokenizer = tokenizer_facts(&files.tokenizer)?;
    let notes = notes(files, &tokenizer, &memory);
    Ok(Inspection {
        id: source.to_string(),
        family: architecture.name.to_owned(),
        parameters: files.weights.tensors().map(|(_, stored)| stored.elements() as u64).sum(),
        types: types(&files.weights),
        stored_as,
        free,
        auto,
        memory,
        tokenizer,
        notes,
    })
}

/// Counts the tensors of each number format.
fn types(weights: &Weights) -> Vec<TypeCount> {
    let mut counts: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for (_, stored) in weights.tensors() {
        let (tensors, values) = counts.entry(stored.numbers.name()).or_default();
        (*tensors, *values) = (*tensors + 1, *values + stored.elements() as u64);
    }
    let mut types: Vec<TypeCount> =
        counts.into_iter().map(|(name, (tensors, values))| TypeCount { name, tensors, values }).collect();
    types.sort_by_key(|count| std::cmp::Reverse(count.values));
    types
}

/// Computes the memory needed for each dtype, and for the stored format of quantised files.
fn needs(weights: &Weights, free: Option<u64>) -> Vec<MemoryNeed> {
    let need = |dtype: String, precision: Precision| {
        let bytes = memory::need(weights, precision);
        MemoryNeed { dtype, bytes, fits: free.map(|free| bytes <= free) }
    };
    let choices = Dtype::NAMES.iter().filter_map(|(name, dtype)| Some(((*name).to_owned(), dtype.precision()?)));
    let stored = weights.has_blocks().then(|| (as_stored(&weights.stored_format()), Precision::Stored));
    choices.chain(stored).map(|(name, precision)| need(name, precision)).collect()
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

fn notes(files: &Files, tokenizer: &TokenizerFacts, memory: &[MemoryNeed]) -> Vec<String> {
    let config = &files.config;
    let mut notes = Vec::new();
    if let Some(adapter) = &files.adapter {
        notes.push(format!("{} is merged into the weights when they are loaded", adapter.name()));
    }
    if let Some(whole) = config.whole() {
        notes.push(format!("this is the text half of {whole}; its other halves are not loaded"));
    }
    let largest = tokenizer.largest;
    let vocabulary = config.get("vocab_size").and_then(serde_json::Value::as_u64);
    if let Some(known) = vocabulary.filter(|&known| u64::from(largest) >= known) {
        notes.push(format!(
            "the tokenizer has ids up to {largest}, the model has {known} ids: prompts with larger ids are rejected"
        ));
    }
    if config.get("final_logit_softcapping").is_some() {
        notes.push("logits are shown before the final soft-cap, which changes no prediction".to_owned());
    }
    let too_big = memory.iter().filter(|need| need.fits == Some(false));
    notes.extend(
        too_big.map(|need| format!("{} takes {}, more than the free memory", need.dtype, format_size(need.bytes))),
    );
    notes
}
