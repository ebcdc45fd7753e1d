//! LoRA adapters are merged into their models, and what is more than LoRA is refused. The golden models `llama-lora` and
//! `gpt2-lora` (tests/families.rs) compare the values with peft.

mod common;

use std::{fs, path::Path};

use common::{Golden, folder, options};
use partscope::{
    decompose::BatchSize,
    model::{LoadOptions, Model, Source, inspect::inspect},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const ADAPTER: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

/// A copy of the adapter of `llama-lora` without its model, whose settings are changed by `change`.
fn adapter(change: impl FnOnce(&mut Value)) -> TempDir {
    let home = TempDir::new().unwrap();
    for name in ADAPTER {
        fs::copy(folder("llama-lora").join(name), home.path().join(name)).unwrap();
    }
    let path = home.path().join(ADAPTER[0]);
    let mut settings: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    settings["base_model_name_or_path"] = bare().to_str().unwrap().into();
    change(&mut settings);
    fs::write(path, settings.to_string()).unwrap();
    home
}

/// The model of `llama-lora` without the adapter.
fn bare() -> &'static Path {
    static FOLDER: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let home = TempDir::new().unwrap();
            for name in ["config.json", "tokenizer.json", "model.safetensors"] {
                fs::copy(folder("llama-lora").join(name), home.path().join(name)).unwrap();
            }
            home
        })
        .path()
}

fn load(folder: &Path) -> Result<Model, String> {
    Model::load(&Source::Folder(folder.to_owned()), &options()).map_err(|error| {
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    })
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), expected: &str) {
    let home = adapter(change);
    let message = load(home.path()).unwrap_err();
    assert!(message.contains(expected) && message.contains("; "), "{expected}: {message}");
}

#[test]
fn an_adapter_finds_its_model_and_changes_its_identity() {
    let home = adapter(|_| {});
    let alone = Golden::load_from("llama-lora", &Source::Folder(home.path().to_owned()), &options());
    let beside = Golden::load("llama-lora");
    let table = |golden: &Golden| golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
    assert_eq!(table(&alone).full(), table(&beside).full());
    assert_eq!(alone.model.meta.weights_hash, beside.model.meta.weights_hash);
    assert_eq!(alone.model.notes, ["a LoRA adapter of rank 3 is merged into 12 matrices, which are then f32"]);
    let inspected = inspect(&Source::Folder(home.path().to_owned()), &options()).unwrap();
    assert!(inspected.notes.iter().any(|note| note.contains("a LoRA adapter of rank 3 is merged")));
    let plain = load(bare()).unwrap();
    assert!(plain.notes.is_empty() && plain.meta.weights_hash != alone.model.meta.weights_hash);
    let stronger = adapter(|settings| settings["lora_alpha"] = 9.into());
    assert_ne!(load(stronger.path()).unwrap().identity, alone.model.identity);
}

#[test]
fn what_is_more_than_lora_is_refused_by_name() {
    refused(|settings| settings["peft_type"] = "IA3".into(), "adapters of the type IA3");
    for (field, value) in [
        ("use_dora", json!(true)),
        ("bias", json!("lora_only")),
        ("modules_to_save", json!(["lm_head"])),
        ("a_setting_of_the_future", json!({"x": 1})),
    ] {
        refused(|settings| settings[field] = value, &format!("`{field}` is set"));
    }
    refused(|settings| settings["init_lora_weights"] = "pissa".into(), "`pissa` changed the model's own matrices");
    for (field, value) in [
        ("use_rslora", json!("true")),
        ("init_lora_weights", json!(["pissa"])),
        ("alpha_pattern", json!(["q_proj"])),
        ("r", json!("x")),
    ] {
        refused(|settings| settings[field] = value, &format!("is no value for `{field}`"));
    }
    refused(|settings| settings["rank_pattern"] = json!({}), "the rank is 5, but `r`");
    refused(|settings| settings["alpha_pattern"] = json!({".*proj": 3}), "is a regular expression");
    refused(|settings| settings["lora_alpha"] = Value::Null, "`lora_alpha`: the adapter has no such number");
}

/// A tensor that the model does not use would be changed without effect.
#[test]
fn a_change_of_a_tensor_that_is_not_used_is_refused() {
    let home = adapter(|_| {});
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(folder("llama-lora").join(name), home.path().join(name)).unwrap();
    }
    let path = home.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["num_hidden_layers"] = 2.into();
    fs::write(path, config.to_string()).unwrap();
    let message = load(home.path()).unwrap_err();
    assert!(message.contains("model.layers.2.") && message.contains("does not use"), "{message}");
}

#[test]
fn dots_of_alpha_pattern_stand_for_any_character() {
    let hash = |pattern: &str| {
        let home = adapter(|settings| settings["alpha_pattern"] = json!({pattern: 20}));
        load(home.path()).unwrap().meta.weights_hash
    };
    assert_eq!(hash("layers.1.mlp.down_proj"), hash("layers.1.mlp.down.proj"));
    assert_eq!(hash("q_proj"), hash("._proj".replace('.', "q").as_str()));
    assert_ne!(hash("._proj"), hash("q_proj"));
}

#[test]
fn the_changed_matrices_must_fit_in_memory() {
    let home = adapter(|_| {});
    let little = LoadOptions { memory: Some(10_000), ..options() };
    let error = Model::load(&Source::Folder(home.path().to_owned()), &little).unwrap_err().to_string();
    assert!(error.contains("the matrices that the adapter changes take"), "{error}");
}

#[test]
fn wrong_models_and_incomplete_adapters_are_refused() {
    let other = folder("gpt2").to_str().unwrap().to_owned();
    refused(|settings| settings["base_model_name_or_path"] = other.into(), "the model has no matrix model.layers.0.");
    refused(|settings| settings["base_model_name_or_path"] = "/nowhere".into(), "there is no model `/nowhere`");
    refused(|settings| settings["base_model_name_or_path"] = Value::Null, "does not say to which model it belongs");
    let home = adapter(|_| {});
    fs::remove_file(home.path().join(ADAPTER[1])).unwrap();
    assert!(load(home.path()).unwrap_err().contains("the adapter has neither adapter_model.safetensors nor"));
    for (from, to, expected) in [
        ("0.self_attn.q_proj.lora_B", "0.self_attn.q_proj.lora_C", "the adapter lacks its partner"),
        ("0.self_attn.q_proj.lora_B", "0.self_attn.x_proj.lora_B", "the adapter lacks its partner"),
        ("base_model.model.model", "aase_model.model.model", "is no matrix of LoRA"),
    ] {
        let home = adapter(|_| {});
        let path = home.path().join(ADAPTER[1]);
        let bytes = fs::read(&path).unwrap();
        let text = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let changed = [&bytes[..text], to.as_bytes(), &bytes[text + from.len()..]].concat();
        fs::write(&path, changed).unwrap();
        let message = load(home.path()).unwrap_err();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
