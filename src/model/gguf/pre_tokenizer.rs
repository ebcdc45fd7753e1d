//! Pre-tokenizers, which split text before byte-pair merges, by llama.cpp's names.
//!
//! Names and expressions are those of `llama-vocab.cpp` in llama.cpp, in the form of the models' tokenizer.json.

use serde_json::{Value, json};

use super::metadata::Metadata;
use crate::error::Result;

/// A pre-tokenizer that llama.cpp knows.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
struct PreTokenizer {
    /// Values of `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Expressions that split the text one after the other; matches and what is between them become pieces.
    splits: &'static [&'static str],
    /// Whether GPT-2's expression splits the pieces in the end.
    gpt2: bool,
    /// Whether text is normalised to NFC first.
    nfc: bool,
    /// Whether a word in the vocabulary becomes one token without merges.
    ignore_merges: bool,
    /// Default of `tokenizer.ggml.add_bos_token`.
    add_bos: bool,
}

const GPT2: PreTokenizer = PreTokenizer {
    names: &[
        "gpt-2",
        "mpt",
        "phi-2",
        "jais",
        "gigachat",
        "a.x-4.0",
        "mellum",
        "exaone4",
        "trillion",
        "granite-docling",
    ],
    splits: &[],
    gpt2: true,
    nfc: false,
    ignore_merges: false,
    add_bos: false,
};
/// The steps of other vocabularies, without GPT-2's expression at the end.
const OTHER: PreTokenizer = PreTokenizer { names: &[], gpt2: false, ..GPT2 };
/// GPT-2's expression, for vocabularies that split on after it.
const GPT2_WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
/// Words of BLOOM and of vocabularies made after it.
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";
const FALCON: &[&str] = &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2_WORDS, r"[0-9][0-9][0-9]"];
#[allow(clippy::unicode_not_nfc, reason = "the expression of the models' own files")]
const DEEPSEEK_LLM: &[&str] = &[
    r"[\r\n]",
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+",
    r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
    r"\s+$",
    r"[一-龥ࠀ-一가-퟿]+",
    r"\p{N}+",
];
const DEEPSEEK_CODER: &[&str] = &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}"];
const DEEPSEEK_V3: &[&str] = &[
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];
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
        splits: &[r"\p{N}"],
        ..GPT2
    },
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
        splits: &[CL100K],
        ignore_merges: true,
        add_bos: true,
        ..OTHER
    },
    PreTokenizer { names: &["dbrx", "smaug-bpe", "chatglm-bpe"], splits: &[CL100K], ..OTHER },
    PreTokenizer { names: &["glm4"], splits: &[CL100K], ignore_merges: true, ..OTHER },
    PreTokenizer { names: &["qwen2", "stablelm2", "deepseek-r1-qwen"], splits: &[QWEN2], nfc: true, ..OTHER },
    PreTokenizer { names: &["megrez", "kormo", "hunyuan"], splits: &[QWEN2], ..OTHER },
    PreTokenizer { names: &["tekken"], splits: &[TEKKEN], ignore_merges: true, add_bos: true, ..OTHER },
    PreTokenizer { names: &["gpt-4o", "llama4", "kanana2"], splits: &[O200K], ..OTHER },
    PreTokenizer { names: &["falcon"], splits: FALCON, ..OTHER },
    PreTokenizer { names: &["deepseek-llm"], splits: DEEPSEEK_LLM, ..OTHER },
    PreTokenizer { names: &["deepseek-coder"], splits: DEEPSEEK_CODER, ..OTHER },
    PreTokenizer { names: &["deepseek-v3"], splits: DEEPSEEK_V3, ..OTHER },
    PreTokenizer { names: &["bloom", "gpt3-finnish", "poro-chat"], splits: &[BLOOM], ..OTHER },
    PreTokenizer { names: &["viking"], splits: &[BLOOM, r"\p{N}"], ..OTHER },
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
    let help = || {
        format!(
            "write the right one with llama.cpp's gguf_new_metadata.py --pre-tokenizer NAME, or use the model's Hugging \
             Face folder; known: {}",
            known()
        )
    };
    let Some(name) = metadata.text(key).filter(|&name| name != "default") else {
        let problem = "the file does not name its pre-tokenizer, which decides about tokens";
        return Err(metadata.error(key, problem).help(help()).into());
    };
    let Some(pre) = KNOWN.iter().find(|pre| pre.names.contains(&name)) else {
        let problem = format!("the pre-tokenizer `{name}` is not supported");
        return Err(metadata.error(key, problem).help(help()).into());
    };
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": pre.gpt2});
    let steps: Vec<Value> = pre.splits.iter().copied().map(split).chain(std::iter::once(bytes)).collect();
    Ok(PreTokenizerParts {
        normalizer: if pre.nfc { json!({"type": "NFC"}) } else { Value::Null },
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": steps}),
        ignore_merges: pre.ignore_merges,
        add_bos: pre.add_bos,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper};

    use super::{
        super::{metadata::Metadata, reader::Value},
        *,
    };

    const TEXT: &str =
        "Hello there, world's 12345 (x+=1)…\n\n  ¿Qué? Ünï 你好，世界 かな 한국어 ½ $9.99 tab\there 100000  ";
    /// Pieces of [`TEXT`], by the Python library of Hugging Face, which has another engine of expressions, from the
    /// expressions in llama.cpp's source. With these, the library gave the ids of all 47 texts in llama.cpp's `models/`
    /// for falcon, deepseek-llm, deepseek-coder, qwen2, gpt-2, mpt, starcoder, refact, command-r and llama-bpe.
    const PIECES: &[(&str, &str)] = &[
        (
            "falcon",
            "Hello¦ there¦,¦ world¦'¦s¦ ¦123¦45¦ ¦(¦x¦+=¦1¦)…¦\n\n  ¦¿¦Qué¦?¦ Ünï¦ 你好¦，¦世界¦ かな¦ 한국어¦ ½¦ ¦$¦9¦.¦99¦ tab¦\t¦here¦ ¦100¦000¦  ",
        ),
        (
            "deepseek-llm",
            "Hello¦ there¦,¦ world¦'¦s¦ ¦12345¦ (¦x¦+=¦1¦)¦…¦\n¦\n¦  ¿¦Qu¦é¦?¦ Ü¦n¦ï¦ ¦你好¦，¦世界¦ ¦かな¦ ¦한국어¦ ¦½¦ $¦9¦.¦99¦ tab¦\there¦ ¦100000¦  ",
        ),
        (
            "deepseek-coder",
            "Hello¦ there¦,¦ world¦'¦s¦ ¦1¦2¦3¦4¦5¦ (¦x¦+=¦1¦)¦…¦\n¦\n¦ ¦ ¿¦Qué¦?¦ Ünï¦ ¦你好¦，¦世界¦ ¦かな¦ ¦한국어¦ ¦½¦ $¦9¦.¦9¦9¦ tab¦\there¦ ¦1¦0¦0¦0¦0¦0¦  ",
        ),
        (
            "deepseek-v3",
            "Hello¦ there¦,¦ world¦'s¦ ¦123¦45¦ (¦x¦+=¦1¦)…\n\n¦ ¦ ¿¦Qué¦?¦ Ünï¦ ¦你好¦，¦世界¦ ¦かな¦ 한국어¦ ¦½¦ $¦9¦.¦99¦ tab¦\there¦ ¦100¦000¦  ",
        ),
        (
            "bloom",
            "Hello¦ there¦,¦ world's¦ 12345¦ (¦x+=1¦)…\n\n ¦ ¿Qué¦?¦ Ünï¦ 你好¦，¦世界¦ かな¦ 한국어¦ ½¦ $9¦.¦99¦ tab¦\t¦here¦ 100000¦  ",
        ),
        (
            "viking",
            "Hello¦ there¦,¦ world's¦ ¦1¦2¦3¦4¦5¦ (¦x+=¦1¦)…\n\n ¦ ¿Qué¦?¦ Ünï¦ 你好¦，¦世界¦ かな¦ 한국어¦ ¦½¦ $¦9¦.¦9¦9¦ tab¦\t¦here¦ ¦1¦0¦0¦0¦0¦0¦  ",
        ),
        (
            "phi-2",
            "Hello¦ there¦,¦ world¦'s¦ 12345¦ (¦x¦+=¦1¦)…¦\n\n ¦ ¿¦Qué¦?¦ Ünï¦ 你好¦，¦世界¦ かな¦ 한국어¦ ½¦ $¦9¦.¦99¦ tab¦\t¦here¦ 100000¦  ",
        ),
        (
            "megrez",
            "Hello¦ there¦,¦ world¦'s¦ ¦1¦2¦3¦4¦5¦ (¦x¦+=¦1¦)…\n\n¦ ¦ ¿¦Qué¦?¦ Ünï¦ 你好¦，世界¦ かな¦ 한국어¦ ¦½¦ $¦9¦.¦9¦9¦ tab¦\there¦ ¦1¦0¦0¦0¦0¦0¦  ",
        ),
    ];

    fn parts_of(name: Option<&str>) -> Result<PreTokenizerParts> {
        let value = name.map(|name| ("tokenizer.ggml.pre".to_owned(), Value::Text(name.to_owned())));
        parts(&Metadata { path: Path::new("m.gguf"), values: &BTreeMap::from_iter(value) })
    }

    #[test]
    fn texts_are_split_as_by_another_engine() {
        for (name, expected) in PIECES {
            let pre: PreTokenizerWrapper = serde_json::from_value(parts_of(Some(name)).unwrap().pre_tokenizer).unwrap();
            let mut text = PreTokenizedString::from(TEXT);
            pre.pre_tokenize(&mut text).unwrap();
            let splits = text.get_splits(OffsetReferential::Original, OffsetType::Byte);
            let pieces: Vec<&str> = splits.iter().map(|(_, (from, to), _)| &TEXT[*from..*to]).collect();
            assert_eq!(pieces.join("¦"), *expected, "{name}");
        }
    }

    #[test]
    fn a_file_without_a_name_is_refused_with_the_choices() {
        for name in [None, Some("default"), Some("other")] {
            let error = parts_of(name).err().unwrap().to_string();
            assert!(error.contains("--pre-tokenizer NAME") && error.contains("gpt-2, mpt, phi-2"), "{error}");
        }
    }
}
