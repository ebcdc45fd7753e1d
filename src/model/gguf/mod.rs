//! Reader for GGUF files: llama.cpp's format, with metadata, tokenizer and tensors in one file.
//!
//! A file is converted to the contents of a Hugging Face folder (configuration, tokenizer, tensors under their usual
//! names), so that each architecture is written only once.

mod config;
mod metadata;
mod names;
mod pre_tokenizer;
mod reader;
mod rope;
mod special;
mod split;
mod type_name;
mod vocabulary;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use candle_core::Device;
use metadata::Metadata;
pub(super) use reader::{Value, is_gguf};
pub(super) use vocabulary::MetaspaceScheme;

use super::{chat::ChatTemplate, family::Config, files::Files, tokenizer::Tokenizer, weights::Weights};
use crate::{
    catch_panic,
    error::{InputError, Result},
    text::list,
};

/// Opens the file at `path` and converts its header; tensors are read later.
pub(super) fn open(path: &Path, device: &Device) -> Result<Files> {
    let header = reader::read(path)?;
    let metadata = Metadata { path, values: &header.metadata };
    let mut paths = vec![path.to_owned()];
    let mut stored = header.tensors;
    for part in split::other_parts(&metadata)? {
        let tensors = reader::read(&part)?.tensors.into_iter();
        stored.extend(tensors.map(|(name, stored)| (name, stored.in_file(paths.len()))));
        paths.push(part);
    }
    let architecture = metadata.architecture()?;
    let count = |name: &str| metadata.size(&format!("{architecture}.attention.{name}"));
    let heads = count("head_count").unwrap_or(1);
    let model = names::ModelFacts {
        architecture,
        heads,
        kv_heads: count("head_count_kv").unwrap_or(heads),
        two_norms: stored.iter().any(|(name, _)| name == "blk.0.attn_norm_2.weight"),
    };
    let embedding = stored.iter().find(|(name, _)| name == "token_embd.weight");
    let vocabulary = embedding.and_then(|(_, stored)| stored.shape.first().copied()).unwrap_or(0);
    let tensors = stored.into_iter().flat_map(|(name, stored)| names::translate(name, stored, &model));
    let weights = Weights::from_files(&paths, tensors.collect(), device)?;
    let config = config::config(&metadata, &weights, vocabulary)?;
    let tokenizer = catch_panic::catch(|| vocabulary::tokenizer(&metadata))
        .map_err(|problem| metadata.error("tokenizer.ggml", problem))??;
    Ok(Files {
        config: Config::new(path, config),
        tokenizer: Tokenizer::checked(path, tokenizer)?,
        tokenizer_path: path.to_owned(),
        chat: chat(&metadata)?,
        weights,
        adapter: None,
    })
}

/// Builds the tokenizer of a SentencePiece vocabulary, given as `values` of a GGUF file; errors name `path`.
///
/// # Errors
/// If a part is missing or inconsistent.
pub(super) fn sentence_piece(
    path: &Path,
    values: &BTreeMap<String, Value>,
    scheme: MetaspaceScheme,
) -> Result<tokenizers::Tokenizer> {
    vocabulary::metaspace(&Metadata { path, values }, scheme)
}

/// Returns the error for a folder without config.json that has GGUF files, and lists them; `None` if it has none.
pub(super) fn only_in(folder: &Path) -> Option<InputError> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = entries.filter(|path| is_gguf(path)).collect();
    files.sort();
    let names = files.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let problem = format!("the folder has no config.json, but GGUF models: {}", list(names));
    let help = format!("name one of the files: -m {}", files.first()?.display());
    Some(InputError::new(problem).path(folder).help(help))
}

/// Returns the file's chat template, if it has one.
fn chat(metadata: &Metadata<'_>) -> Result<Option<ChatTemplate>> {
    let Some(source) = metadata.text("tokenizer.chat_template") else { return Ok(None) };
    let tokens = metadata.list("tokenizer.ggml.tokens").unwrap_or_default();
    let special = |name: &str| {
        let id = metadata.size(&format!("tokenizer.ggml.{name}_token_id"))?;
        match tokens.get(id)? {
            reader::Value::Text(token) => Some(token.clone()),
            _ => None,
        }
    };
    let names = [("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("pad_token", "padding")];
    let found = names.into_iter().filter_map(|(name, key)| Some((name.to_owned(), special(key)?.into())));
    ChatTemplate::new(metadata.path, Some("tokenizer.chat_template"), source, found.collect()).map(Some)
}
