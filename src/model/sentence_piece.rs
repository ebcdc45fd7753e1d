//! Reads a `tokenizer.model` of SentencePiece, for folders without tokenizer.json.
//!
//! Its tokens, scores and types are those that llama.cpp writes to GGUF files, so the tokenizer is built by the same code.
//! The file is a protocol buffer, of which a dozen fields matter: too few for a library and its code generator. The fields
//! are those of `sentencepiece_model.proto`; spaces are treated as in transformers 5 (`LlamaTokenizer`, `GemmaTokenizer`).
//! What the file or `tokenizer_config.json` asks for beyond that is refused, with the command that writes tokenizer.json.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value as Json;

use super::{
    gguf::{self, MetaspaceScheme, Value},
    tokenizer::Tokenizer,
};
use crate::{
    catch_panic,
    data_memory::check_json,
    disk,
    error::{InputError, Result},
};

const HELP: &str = "write tokenizer.json with transformers, sentencepiece and protobuf: python -c \"import sys; from \
                    transformers import AutoTokenizer as T; T.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1])\" \
                    FOLDER";
/// Type of a token that is matched before the text is split.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
/// `BPE` in `TrainerSpec.ModelType`.
const BPE: u64 = 2;

/// Reads `tokenizer.model` at `path`, and `tokenizer_config.json` beside it.
///
/// # Errors
/// If a file is damaged, or asks for more than is supported.
pub(super) fn read(path: &Path) -> Result<Tokenizer> {
    let refuse = |problem: String| InputError::new(problem).path(path).help(HELP);
    let bytes = disk::read(path)?;
    let model = SentencePiece::parse(&bytes).ok_or_else(|| refuse("this is no model of SentencePiece".to_owned()))?;
    model.check().map_err(&refuse)?;
    let config = config(&path.with_file_name("tokenizer_config.json"))?;
    let class = config["tokenizer_class"].as_str().unwrap_or("(none)");
    let scheme = match (class.trim_end_matches("Fast"), &config["legacy"]) {
        ("GemmaTokenizer", _) => MetaspaceScheme::Never,
        ("LlamaTokenizer", _) if !model.dummy_prefix => MetaspaceScheme::Never,
        ("LlamaTokenizer", Json::Bool(true)) => MetaspaceScheme::Always,
        ("LlamaTokenizer", _) => MetaspaceScheme::First,
        _ => return Err(refuse(format!("the tokenizer class {class} is not read from tokenizer.model")).into()),
    };
    if !config["add_bos_token"].is_boolean() {
        // Versions of transformers differ in what they do then.
        return Err(refuse("tokenizer_config.json does not say `add_bos_token`".to_owned()).into());
    }
    let values = model.metadata(&config).map_err(&refuse)?;
    let built = catch_panic::catch(|| gguf::sentence_piece(path, &values, scheme)).map_err(refuse)??;
    Tokenizer::checked(path, built)
}

fn config(path: &Path) -> Result<Json> {
    let Some(text) = disk::read_if_exists(path)? else { return Ok(Json::Null) };
    check_json(&text).map_err(|error| error.path(path))?;
    serde_json::from_slice(&text)
        .map_err(|error| InputError::new(error.to_string()).path(path).line(error.line().max(1)).into())
}

/// What a `ModelProto` says.
#[derive(Debug)]
struct SentencePiece {
    tokens: Vec<String>,
    scores: Vec<f32>,
    types: Vec<u64>,
    kind: u64,
    bos: i32,
    eos: i32,
    dummy_prefix: bool,
    extra_spaces_removed: bool,
    /// What it does that is not done here.
    unsupported: Option<&'static str>,
}

impl SentencePiece {
    /// Returns `None` if `bytes` are no such message.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut model = Self {
            tokens: Vec::new(),
            scores: Vec::new(),
            types: Vec::new(),
            kind: 1,
            bos: 1,
            eos: 2,
            dummy_prefix: true,
            extra_spaces_removed: true,
            unsupported: None,
        };
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(piece)) => model.add_piece(piece)?,
                (2, Field::Bytes(trainer)) => model.read_trainer(trainer)?,
                (3, Field::Bytes(normalizer)) => model.read_normalizer(normalizer)?,
                _ => {}
            }
        }
        (!model.tokens.is_empty()).then_some(model)
    }

    fn add_piece(&mut self, bytes: &[u8]) -> Option<()> {
        let (mut token, mut score, mut kind) = ("", 0.0, 1);
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(text)) => token = str::from_utf8(text).ok()?,
                (2, Field::Word(bits)) => score = f32::from_bits(bits),
                (3, Field::Number(number)) => kind = number,
                _ => {}
            }
        }
        self.tokens.push(token.to_owned());
        self.scores.push(score);
        self.types.push(kind);
        Some(())
    }

    fn read_trainer(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (3, Field::Number(kind)) => self.kind = kind,
                (24, Field::Number(1..)) => self.unsupported = Some("the model puts spaces behind words"),
                // Negative numbers take ten bytes.
                (41, Field::Number(id)) => self.bos = id as i32,
                (42, Field::Number(id)) => self.eos = id as i32,
                _ => {}
            }
        }
        Some(())
    }

    fn read_normalizer(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (2, Field::Bytes([_, ..])) => self.unsupported = Some("the model normalises texts by a table"),
                (3, Field::Number(flag)) => self.dummy_prefix = flag != 0,
                (4, Field::Number(flag)) => self.extra_spaces_removed = flag != 0,
                _ => {}
            }
        }
        Some(())
    }

    /// Refuses what changes ids and is not done here.
    fn check(&self) -> Result<(), String> {
        let distinct: BTreeSet<&str> = self.tokens.iter().map(String::as_str).collect();
        let problem = match () {
            () if self.kind != BPE => Some("the model is not of the type BPE"),
            () if self.extra_spaces_removed => Some("the model removes spaces from texts"),
            () if distinct.len() < self.tokens.len() => Some("the model has a token twice"),
            () if !self.scores.iter().all(|score| score.is_finite()) => Some("a score is not finite"),
            () => self.unsupported,
        };
        problem.map_or(Ok(()), |problem| Err(problem.to_owned()))
    }

    /// Returns the values of a GGUF file with this vocabulary and the added tokens of `config`.
    fn metadata(&self, config: &Json) -> Result<BTreeMap<String, Value>, String> {
        let (mut tokens, mut scores, mut types) = (self.tokens.clone(), self.scores.clone(), self.types.clone());
        for (id, added) in added_tokens(config)? {
            if id > tokens.len() {
                return Err(format!(
                    "tokenizer_config.json adds the token {id}, but the vocabulary ends at {}",
                    tokens.len()
                ));
            }
            if id == tokens.len() {
                tokens.push(String::new());
                scores.push(0.0);
                types.push(0);
            }
            (tokens[id], types[id]) = (added.0, if added.1 { CONTROL } else { USER_DEFINED });
        }
        let flag = |name: &str| Value::Flag(config[name] == true);
        let mut values = BTreeMap::from([
            ("tokens", Value::List(tokens.into_iter().map(Value::Text).collect())),
            ("scores", Value::List(scores.into_iter().map(|score| Value::Float(score.into())).collect())),
            ("token_type", Value::List(types.into_iter().map(Value::Unsigned).collect())),
            ("add_bos_token", flag("add_bos_token")),
            ("add_eos_token", flag("add_eos_token")),
        ]);
        for (name, id) in [("bos_token_id", self.bos), ("eos_token_id", self.eos)] {
            if let Ok(id) = u64::try_from(id) {
                values.insert(name, Value::Unsigned(id));
            }
        }
        Ok(values.into_iter().map(|(name, value)| (format!("tokenizer.ggml.{name}"), value)).collect())
    }
}

/// Returns the added tokens of a tokenizer_config.json by id: their texts, and whether they are special.
fn added_tokens(config: &Json) -> Result<BTreeMap<usize, (String, bool)>, String> {
    let mut tokens = BTreeMap::new();
    for (id, token) in config["added_tokens_decoder"].as_object().into_iter().flatten() {
        let (Ok(id), Some(content)) = (id.parse::<usize>(), token["content"].as_str()) else {
            return Err(format!("`added_tokens_decoder` of tokenizer_config.json has no token at {id}"));
        };
        if ["lstrip", "rstrip", "single_word"].iter().any(|flag| token[flag] == true) {
            return Err(format!("the added token `{content}` of tokenizer_config.json takes spaces beside it"));
        }
        tokens.insert(id, (content.to_owned(), token["special"] == true));
    }
    Ok(tokens)
}

/// Value of a field of a protocol buffer.
enum Field<'a> {
    Number(u64),
    Word(u32),
    Bytes(&'a [u8]),
}

/// Returns the numbers and values of the fields in a message; `None` where it is damaged.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Field<'_>)>> {
    let mut broken = false;
    std::iter::from_fn(move || {
        if bytes.is_empty() || broken {
            return None;
        }
        let field = field(&mut bytes);
        broken = field.is_none();
        Some(field)
    })
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = number(bytes)?;
    let value = match key & 7 {
        0 => Field::Number(number(bytes)?),
        1 => {
            take(bytes, 8)?;
            Field::Number(0)
        }
        2 => {
            let length = usize::try_from(number(bytes)?).ok()?;
            Field::Bytes(take(bytes, length)?)
        }
        5 => Field::Word(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?)),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Reads a number of variable length, the lowest seven bits first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
