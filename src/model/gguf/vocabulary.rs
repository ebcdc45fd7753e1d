//! Builds a tokenizer that gives the same ids as a GGUF file's own.
//!
//! The vocabulary and the merges, which can be hundreds of megabytes as JSON, go to the tokenizers crate as they are; the
//! steps around them are described as in a tokenizer.json.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::{Map, Value as Json, json};
use tokenizers::{
    AddedToken,
    models::bpe::{BPE, BpeBuilder, Merges, Vocab},
};

use super::{metadata::Metadata, pre_tokenizer, reader::Value};
use crate::error::Result;

/// Values of `tokenizer.ggml.token_type`.
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const BYTE: u64 = 6;

/// Tokens and their types.
struct Vocabulary<'a> {
    tokens: Vec<&'a str>,
    /// Types in the order of `tokens`; empty if the file has none.
    types: Vec<u64>,
}

/// Steps around the model, as in a tokenizer.json without `model`, and the model.
type Description = (Json, BpeBuilder);

/// Where transformers puts a space that is not in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum MetaspaceScheme {
    Always,
    First,
    Never,
}

/// Builds the tokenizer of a SentencePiece vocabulary as transformers does.
///
/// # Errors
/// If a part is missing or inconsistent.
pub(super) fn metaspace(metadata: &Metadata<'_>, scheme: MetaspaceScheme) -> Result<tokenizers::Tokenizer> {
    let vocabulary = vocabulary(metadata)?;
    let (mut steps, model) = sentence_piece(metadata, &vocabulary)?;
    let scheme = match scheme {
        MetaspaceScheme::Always => "always",
        MetaspaceScheme::First => "first",
        MetaspaceScheme::Never => "never",
    };
    steps["normalizer"] = Json::Null;
    steps["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false});
    build(metadata, &vocabulary, (steps, model))
}

/// Builds the tokenizer of `metadata`.
///
/// # Errors
/// If a part is missing or inconsistent, or the vocabulary type or pre-tokenizer is not supported.
pub(super) fn tokenizer(metadata: &Metadata<'_>) -> Result<tokenizers::Tokenizer> {
    let key = "tokenizer.ggml.model";
    let vocabulary = vocabulary(metadata)?;
    let description = match metadata.text(key) {
        Some("gpt2") => byte_level(metadata, &vocabulary)?,
        Some("llama") => sentence_piece(metadata, &vocabulary)?,
        other => {
            let problem = format!("the vocabulary `{}` is not supported", other.unwrap_or("(none)"));
            return Err(metadata.error(key, problem).help("supported vocabularies: gpt2 and llama").into());
        }
    };
    build(metadata, &vocabulary, description)
}

fn build(
    metadata: &Metadata<'_>,
    vocabulary: &Vocabulary<'_>,
    (mut steps, model): Description,
) -> Result<tokenizers::Tokenizer> {
    let invalid = |error: tokenizers::Error| metadata.error("tokenizer.ggml", error.to_string());
    steps["model"] = json!({"type": "BPE", "vocab": {}, "merges": []});
    let text = serde_json::to_vec(&steps).unwrap_or_default();
    let mut tokenizer = tokenizers::Tokenizer::from_bytes(&text).map_err(invalid)?;
    tokenizer.with_model(model.build().map_err(invalid)?);
    tokenizer.add_tokens(vocabulary.added()).map_err(invalid)?;
    Ok(tokenizer)
}

fn vocabulary<'a>(metadata: &'a Metadata<'_>) -> Result<Vocabulary<'a>> {
    let key = "tokenizer.ggml.tokens";
    let list = metadata.list(key).ok_or_else(|| metadata.error(key, "the list is missing"))?;
    let tokens: Vec<&str> = list.iter().filter_map(text).collect();
    if tokens.len() < list.len() {
        return Err(metadata.error(key, "a token is not a string").into());
    }
    let key = "tokenizer.ggml.token_type";
    let types: Vec<u64> = metadata.list(key).unwrap_or_default().iter().filter_map(whole).collect();
    if !types.is_empty() && types.len() != tokens.len() {
        return Err(metadata.error(key, format!("{} types for {} tokens", types.len(), tokens.len())).into());
    }
    Ok(Vocabulary { tokens, types })
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn whole(value: &Value) -> Option<u64> {
    match *value {
        Value::Unsigned(number) => Some(number),
        Value::Signed(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

impl Vocabulary<'_> {
    fn kind(&self, id: usize) -> u64 {
        self.types.get(id).copied().unwrap_or(1)
    }

    fn ids(&self) -> Vocab {
        self.tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect()
    }

    /// Returns added tokens, which are matched before normalisation and pre-tokenization.
    fn added(&self) -> Vec<AddedToken> {
        let is_added = |id: &usize| matches!(self.kind(*id), UNKNOWN | CONTROL | USER_DEFINED);
        let token =
            |id: usize| AddedToken::from(self.tokens[id].to_owned(), self.kind(id) != USER_DEFINED).normalized(false);
        (0..self.tokens.len()).filter(is_added).map(token).collect()
    }
}

/// Describes a byte-level BPE tokenizer, as GPT-2's.
fn byte_level(metadata: &Metadata<'_>, vocabulary: &Vocabulary<'_>) -> Result<Description> {
    let key = "tokenizer.ggml.merges";
    let list = metadata.list(key).ok_or_else(|| metadata.error(key, "the list is missing"))?;
    let pair = |merge: &Value| {
        let (left, right) = text(merge)?.split_once(' ').filter(|(_, right)| !right.contains(' '))?;
        Some((left.to_owned(), right.to_owned()))
    };
    let merges: Merges = list.iter().filter_map(pair).collect();
    if merges.len() < list.len() {
        return Err(metadata.error(key, "a merge is not two tokens with a space between them").into());
    }
    let parts = pre_tokenizer::parts(metadata)?;
    let steps = json!({
        "normalizer": parts.normalizer,
        "pre_tokenizer": parts.pre_tokenizer,
        "post_processor": post_processor(metadata, vocabulary, parts.add_bos)?,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
    });
    let model = BPE::builder().vocab_and_merges(vocabulary.ids(), merges).ignore_merges(parts.ignore_merges);
    Ok((steps, model))
}

/// Describes a SentencePiece BPE tokenizer, which first merges the neighbours that form the token with the highest score.
/// The file has no list of merges, so they are all splits of a token into two tokens, highest score first.
fn sentence_piece(metadata: &Metadata<'_>, vocabulary: &Vocabulary<'_>) -> Result<Description> {
    let key = "tokenizer.ggml.scores";
    let scores = metadata.list(key).unwrap_or_default();
    let scores: Vec<f64> =
        scores.iter().filter_map(|x| if let Value::Float(x) = x { Some(*x) } else { None }).collect();
    if scores.len() != vocabulary.tokens.len() {
        let problem = format!("{} scores for {} tokens", scores.len(), vocabulary.tokens.len());
        return Err(metadata.error(key, problem).into());
    }
    let unknown = (0..vocabulary.tokens.len()).find(|&id| vocabulary.kind(id) == UNKNOWN);
    let bytes = (0..vocabulary.tokens.len()).any(|id| vocabulary.kind(id) == BYTE);
    let prefix = metadata.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
    let underline = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let mut normalizers = vec![underline];
    if prefix {
        normalizers.insert(0, json!({"type": "Prepend", "prepend": "▁"}));
    }
    let steps = json!({
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": null,
        "post_processor": post_processor(metadata, vocabulary, true)?,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
        ]},
    });
    let model = BPE::builder().vocab_and_merges(vocabulary.ids(), merges(vocabulary, &scores));
    let model = match unknown {
        Some(id) => model.unk_token(vocabulary.tokens[id].to_owned()),
        None => model,
    };
    Ok((steps, model.fuse_unk(true).byte_fallback(bytes)))
}

/// Returns all splits of a token into two tokens, highest score first.
fn merges(vocabulary: &Vocabulary<'_>, scores: &[f64]) -> Merges {
    let ids: HashMap<&str, usize> = vocabulary.tokens.iter().enumerate().map(|(id, token)| (*token, id)).collect();
    let of_token = |(id, token): (usize, &&str)| -> Vec<(usize, usize, usize)> {
        let split = |(at, _): (usize, char)| {
            let (left, right) = token.split_at(at);
            Some((*ids.get(left)?, *ids.get(right)?, id))
        };
        token.char_indices().skip(1).filter_map(split).collect()
    };
    let mut splits: Vec<(usize, usize, usize)> =
        vocabulary.tokens.par_iter().enumerate().flat_map_iter(of_token).collect();
    splits.par_sort_unstable_by(|a, b| scores[b.2].total_cmp(&scores[a.2]).then(a.cmp(b)));
    let token = |id: usize| vocabulary.tokens[id].to_owned();
    splits.into_iter().map(|(left, right, _)| (token(left), token(right))).collect()
}

/// Builds the post-processor, which adds special tokens around every prompt.
fn post_processor(metadata: &Metadata<'_>, vocabulary: &Vocabulary<'_>, bos_by_default: bool) -> Result<Json> {
    let special_token = |flag: &str, default: bool, key: &str| -> Result<Option<(usize, &str)>> {
        if !metadata.flag(flag).unwrap_or(default) {
            return Ok(None);
        }
        let id = metadata.size(key).filter(|&id| id < vocabulary.tokens.len());
        let id = id.ok_or_else(|| metadata.error(key, "the id is not in the vocabulary"))?;
        Ok(Some((id, vocabulary.tokens[id])))
    };
    let bos = special_token("tokenizer.ggml.add_bos_token", bos_by_default, "tokenizer.ggml.bos_token_id")?;
    let eos = special_token("tokenizer.ggml.add_eos_token", false, "tokenizer.ggml.eos_token_id")?;
    if bos.is_none() && eos.is_none() {
        return Ok(Json::Null);
    }
    let piece = |(_, token): (usize, &str)| json!({"SpecialToken": {"id": token, "type_id": 0}});
    let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    let surround =
        |inner: Vec<Json>| -> Vec<Json> { bos.map(piece).into_iter().chain(inner).chain(eos.map(piece)).collect() };
    let special = bos
        .iter()
        .chain(&eos)
        .map(|&(id, token)| (token.to_owned(), json!({"id": token, "ids": [id], "tokens": [token]})));
    Ok(json!({
        "type": "TemplateProcessing",
        "single": surround(vec![text("A")]),
        "pair": surround(vec![text("A"), text("B")]),
        "special_tokens": special.collect::<Map<_, _>>(),
    }))
}
