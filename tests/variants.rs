//! Variants of the architectures: base models, text halves of larger models, and those that are refused by name.

mod common;

use std::{fs, path::Path};

use common::{Golden, folder};
use partscope::{
    decompose::BatchSize,
    model::{LoadOptions, Model, Source, inspect::inspect},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A copy of a golden model with a changed configuration.
fn copy(name: &str, change: impl FnOnce(&mut Value)) -> TempDir {
    let copy = TempDir::new().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(folder(name).join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(path, config.to_string()).unwrap();
    copy
}

/// Renames the tensors of a model, or leaves them out.
fn rename(folder: &Path, rename: impl Fn(&str) -> Option<String>) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let kept: Vec<_> = tensors.tensors().into_iter().filter_map(|(name, view)| Some((rename(&name)?, view))).collect();
    fs::write(path, safetensors::serialize(kept, None).unwrap()).unwrap();
}

fn refused(folder: &Path) -> String {
    let error = Model::load(&Source::Folder(folder.to_owned()), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
}

#[test]
fn a_base_model_loads_if_it_has_an_unembedding() {
    for (name, base, root) in [
        ("qwen3", "Qwen3Model", "model."),
        ("bloom", "BloomModel", "transformer."),
        ("gpt2", "GPT2Model", "transformer."),
        ("opt", "OPTModel", "model."),
    ] {
        let copy = copy(name, |config| config["architectures"] = json!([base]));
        rename(copy.path(), |tensor| Some(tensor.strip_prefix(root).unwrap_or(tensor).to_owned()));
        let golden = Golden::load_from(name, &Source::Folder(copy.path().to_owned()), &common::options());
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        let (worst, ..) = golden.errors(&table);
        assert!(worst < 1e-4, "{name}: {worst}");
    }
    let without = copy("llama", |config| config["architectures"] = json!(["LlamaModel"]));
    rename(without.path(), |tensor| tensor.strip_prefix("model.").map(str::to_owned));
    let message = refused(without.path());
    assert!(message.contains("`lm_head.weight`: the checkpoint has no unembedding"), "{message}");
}

#[test]
fn the_text_half_of_a_larger_model_loads_and_says_so() {
    let source = Source::Folder(folder("gemma3-vision"));
    let facts = inspect(&source, &LoadOptions::default()).unwrap();
    assert_eq!(facts.family, "gemma3");
    assert!(facts.notes[0].contains("the text half of Gemma3ForConditionalGeneration"), "{:?}", facts.notes);
    let text_only = facts.parameters;
    assert_eq!(
        text_only,
        97 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 40 + 5 * 32 + 2 * 8,
        "without the vision tower"
    );
    let broken = copy("gemma3-vision", |config| config["text_config"]["hidden_size"] = json!("wide"));
    assert!(refused(broken.path()).contains("`text_config.hidden_size`"), "{}", refused(broken.path()));
}

#[test]
fn residual_streams_that_are_no_sum_are_refused_by_name() {
    let post = "apply_residual_connection_post_layernorm";
    for (name, field, value) in [("opt", "do_layer_norm_before", json!(false)), ("bloom", post, json!(true))] {
        let copy = copy(name, |config| config[field] = value);
        let message = refused(copy.path());
        assert!(message.contains(&format!("`{field}`")) && message.contains("is no sum of what"), "{message}");
    }
}

#[test]
fn invalid_fields_of_variants_are_named() {
    for (name, field, value, expected) in [
        ("gptj", "rotary_dim", json!(7), "7 of 8 dimensions"),
        ("gpt-neo", "attention_types", json!([[["global", "far"], 1]]), "neither global nor local"),
        ("gpt-neo", "attention_types", json!([[["global"], 1]]), "1 entries for 2 layers"),
        ("gpt-neo", "attention_types", json!([[["global"], u64::MAX]]), "number of repetitions"),
        ("opt", "word_embed_proj_dim", json!(16), "another width"),
        ("smollm3", "no_rope_layers", json!([1]), "a list of 4 numbers"),
        ("olmoe", "num_experts_per_tok", json!(9), "9 experts cannot be chosen from 5"),
        ("falcon-40b", "num_kv_heads", json!(4), "do not divide"),
    ] {
        let copy = copy(name, |config| config[field] = value);
        let message = refused(copy.path());
        assert!(message.contains(&format!("`{field}`")) && message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn weights_of_other_quantisers_are_refused_by_name() {
    for (section, name) in [
        (json!({"quant_method": "gptq", "bits": 4}), "gptq"),
        (json!({"quant_method": "awq"}), "awq"),
        (json!({"quant_method": "fp8"}), "fp8"),
        (json!({"load_in_4bit": true}), "bitsandbytes"),
    ] {
        let copy = copy("llama", |config| config["quantization_config"] = section);
        let message = refused(copy.path());
        assert!(message.contains("`quantization_config.quant_method`"), "{message}");
        assert!(message.contains(&format!("quantised by {name}")) && message.contains("GGUF"), "{message}");
    }
}
