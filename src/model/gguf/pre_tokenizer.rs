//! How texts are cut before byte-pair merges, by the names that llama.cpp gives to it.

use serde_json::{Value, json};

use super::config::Metadata;
use crate::error::Result;

/// One way to cut.
struct Pre {
    /// Values of `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// What is cut off first, each piece by itself.
    first: Option<&'static str>,
    /// The main expression; `None` means GPT-2's.
    main: Option<&'static str>,
    /// Whether texts are composed (NFC) first.
    composed: bool,
    /// Whether a word that is a token needs no merges.
    ignore_merges: bool,
    /// Whether a prompt starts with the first special token if the file does not say.
    add_bos: bool,
}

const GPT2: Pre =
    Pre { names: &["gpt-2", "mpt"], first: None, main: None, composed: false, ignore_merges: false, add_bos: false };
const CL100K: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const KNOWN: &[Pre] = &[
    GPT2,
    Pre { names: &["olmo"], composed: true, ..GPT2 },
    Pre {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
        first: Some(r"\p{N}"),
        ..GPT2
    },
    Pre {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"],
        main: Some(CL100K),
        ignore_merges: true,
        add_bos: true,
        ..GPT2
    },
    Pre { names: &["dbrx", "smaug-bpe", "chatglm-bpe"], main: Some(CL100K), ..GPT2 },
    Pre { names: &["qwen2", "stablelm2", "deepseek-r1-qwen"], main: Some(QWEN2), composed: true, ..GPT2 },
    Pre { names: &["tekken"], main: Some(TEKKEN), ignore_merges: true, add_bos: true, ..GPT2 },
    Pre { names: &["gpt-4o"], main: Some(O200K), ..GPT2 },
];

/// The parts of a tokenizer.json that depend on `tokenizer.ggml.pre`.
pub(super) struct Cut {
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) ignore_merges: bool,
    pub(super) add_bos: bool,
}

/// What the file asks for.
///
/// # Errors
/// If it names no way to cut, or an unknown one: guessing would change the tokens without a word.
pub(super) fn cut(metadata: &Metadata<'_>) -> Result<Cut> {
    let key = "tokenizer.ggml.pre";
    let known = || crate::text::list(KNOWN.iter().flat_map(|pre| pre.names.iter().copied()));
    let Some(name) = metadata.text(key) else {
        let problem = "the file does not say how texts are cut into words";
        return Err(metadata.wrong(key, problem).cure("convert the model anew with a current llama.cpp").into());
    };
    let Some(pre) = KNOWN.iter().find(|pre| pre.names.contains(&name)) else {
        let problem = format!("the pre-tokenizer `{name}` is not supported");
        let cure = format!("supported are {}; or use the model's Hugging Face folder", known());
        return Err(metadata.wrong(key, problem).cure(cure).into());
    };
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": pre.main.is_none()});
    let steps: Vec<Value> =
        pre.first.map(split).into_iter().chain(pre.main.map(split)).chain(std::iter::once(bytes)).collect();
    Ok(Cut {
        normalizer: if pre.composed { json!({"type": "NFC"}) } else { Value::Null },
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": steps}),
        ignore_merges: pre.ignore_merges,
        add_bos: pre.add_bos,
    })
}
