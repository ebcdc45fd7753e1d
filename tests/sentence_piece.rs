//! Folders with a `tokenizer.model` of SentencePiece give the ids of transformers (`tools/golden_sentence_piece.py`), or are
//! refused with a command that helps.

mod common;

use std::{fs, path::Path};

use common::{folder, golden};
use partscope::model::{LoadOptions, Source, Tokenizer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Bytes of a model, and the settings and ids of a case.
fn case(name: &str) -> (Vec<u8>, Value) {
    let facts: Value = serde_json::from_slice(&fs::read(golden("sentence_piece/ids.json")).unwrap()).unwrap();
    let case = facts["cases"][name].clone();
    let model = format!("sentence_piece/{}.model", case["model"].as_str().unwrap());
    (fs::read(golden(&model)).unwrap(), case)
}

/// A model of the golden ones with the tokenizer `bytes` and `config`.
fn with_tokenizer(bytes: &[u8], config: Option<&Value>) -> TempDir {
    let home = TempDir::new().unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(folder("llama").join(name), home.path().join(name)).unwrap();
    }
    fs::write(home.path().join("tokenizer.model"), bytes).unwrap();
    if let Some(config) = config {
        fs::write(home.path().join("tokenizer_config.json"), config.to_string()).unwrap();
    }
    home
}

fn read(folder: &Path) -> Result<Tokenizer, String> {
    let reader = Source::Folder(folder.to_owned()).reader(&LoadOptions::default());
    reader.map(|(tokenizer, _)| tokenizer).map_err(|error| {
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    })
}

#[test]
fn ids_are_those_of_transformers() {
    let facts: Value = serde_json::from_slice(&fs::read(golden("sentence_piece/ids.json")).unwrap()).unwrap();
    for name in facts["cases"].as_object().unwrap().keys() {
        let (bytes, case) = case(name);
        let home = with_tokenizer(&bytes, Some(&case["config"]));
        let tokenizer = read(home.path()).unwrap();
        for (text, expected) in facts["texts"].as_array().unwrap().iter().zip(case["ids"].as_array().unwrap()) {
            let ids = tokenizer.encode(text.as_str().unwrap()).unwrap();
            assert_eq!(json!(ids), *expected, "{name} {text}");
        }
    }
}

#[test]
fn what_is_not_read_is_refused_with_a_command() {
    let (bytes, own) = case("llama-first");
    let refused = |bytes: &[u8], config: Option<&Value>, expected: &str| {
        let home = with_tokenizer(bytes, config);
        let message = read(home.path()).unwrap_err();
        assert!(message.contains(expected) && message.contains("save_pretrained"), "{expected}: {message}");
    };
    refused(b"none", Some(&own["config"]), "this is no model of SentencePiece");
    refused(&bytes[..bytes.len() / 2], Some(&own["config"]), "");
    refused(&bytes, None, "the tokenizer class (none) is not read");
    for (field, value, expected) in [
        ("tokenizer_class", json!("T5Tokenizer"), "the tokenizer class T5Tokenizer"),
        ("add_bos_token", Value::Null, "does not say `add_bos_token`"),
        ("added_tokens_decoder", json!({"999": {"content": "<x>"}}), "adds the token 999"),
        ("added_tokens_decoder", json!({"5": {"content": "<x>", "rstrip": true}}), "takes spaces beside it"),
    ] {
        let mut config = own["config"].clone();
        config[field] = value;
        refused(&bytes, Some(&config), expected);
    }
}

/// Damaged models give an error or a tokenizer, never a panic.
#[test]
fn damaged_models_are_read_or_refused() {
    let (bytes, own) = case("llama-first");
    let home = with_tokenizer(&bytes, Some(&own["config"]));
    for at in 0..200 {
        let mut changed = bytes.clone();
        let place = at * 7919 % changed.len();
        changed[place] ^= 1 << (at % 8);
        fs::write(home.path().join("tokenizer.model"), changed).unwrap();
        let _ = read(home.path());
    }
}
