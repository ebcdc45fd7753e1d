//! Pre-tokenizers, which split text before byte-pair merges, by llama.cpp's names.

use serde_json::{Value, json};

use super::metadata::Metadata;
use crate::error::Result;

/// A pre-tokenizer that llama.cpp knows.
struct PreTokenizer {
    /// Values of `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Expression whose matches are split off first.
    isolated: Option<&'static str>,
    /// Main expression; `None` means GPT-2's.
    main: Option<&'static str>,
    /// Whether text is normalised to NFC first.
    nfc: bool,
    /// Whether a word in the vocabulary becomes one token without merges.
    ignore_merges: bool,
    /// Default of `tokenizer.ggml.add_bos_token`.
    add_bos: bool,
}

const GPT2: PreTokenizer = PreTokenizer {
    names: &["gpt-2", "mpt"],
    isolated: None,
    main: None,
    nfc: false,
    ignore_merges: false,
    add_bos: false,
};
const CL100K: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const KNOWN: &[PreTokenizer] = &[
    GPT2,
    PreTokenizer { names: &["olmo"], nfc: true, ..GPT2 },
    PreTokenizer {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
        isolated: Some(r"\p{N}"),
        ..GPT2
    },
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"],
        main: Some(CL100K),
        ignore_merges: true,
        add_bos: true,
        ..GPT2
    },
    PreTokenizer { names: &["dbrx", "smaug-bpe", "chatglm-bpe"], main: Some(CL100K), ..GPT2 },
    PreTokenizer { names: &["qwen2", "stablelm2", "deepseek-r1-qwen"], main: Some(QWEN2), nfc: true, ..GPT2 },
    PreTokenizer { names: &["tekken"], main: Some(TEKKEN), ignore_merges: true, add_bos: true, ..GPT2 },
    PreTokenizer { names: &["gpt-4o"], main: Some(O200K), ..GPT2 },
];

/// Parts of tokenizer.json that depend on `tokenizer.ggml.pre`.
pub(super) struct PreTokenizerParts {
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) ignore_merges: bool,
    pub(super) add_bos: bool,
}

/// Returns the parts for the pre-tokenizer that the file names.
///
/// # Errors
/// If the file names none or an unknown one: a guess could silently change the tokens.
pub(super) fn parts(metadata: &Metadata<'_>) -> Result<PreTokenizerParts> {
    let key = "tokenizer.ggml.pre";
    let known = || crate::text::list(KNOWN.iter().flat_map(|pre| pre.names.iter().copied()));
    let Some(name) = metadata.text(key) else {
        let problem = "the file does not name its pre-tokenizer";
        return Err(metadata.error(key, problem).help("convert the model again with a current llama.cpp").into());
    };
    let Some(pre) = KNOWN.iter().find(|pre| pre.names.contains(&name)) else {
        let problem = format!("the pre-tokenizer `{name}` is not supported");
        let help = format!("supported: {}; or use the model's Hugging Face folder", known());
        return Err(metadata.error(key, problem).help(help).into());
    };
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": pre.main.is_none()});
    let steps: Vec<Value> =
        pre.isolated.map(split).into_iter().chain(pre.main.map(split)).chain(std::iter::once(bytes)).collect();
    Ok(PreTokenizerParts {
        normalizer: if pre.nfc { json!({"type": "NFC"}) } else { Value::Null },
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": steps}),
        ignore_merges: pre.ignore_merges,
        add_bos: pre.add_bos,
    })
}
