//! Damaged and crafted model folders give an error that names file and field, never a panic.

mod common;

use std::{fs, path::Path};

use partscope::{
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    model::{Dtype, LoadOptions, Model, Source},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A copy of a golden model, to be damaged.
struct Copy(TempDir);

impl Copy {
    fn new(name: &str) -> Self {
        let copy = Self(TempDir::new().unwrap());
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            fs::copy(common::folder(name).join(file), copy.path().join(file)).unwrap();
        }
        copy
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn json(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = self.path().join(file);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
    }

    /// Changes the header, and the bytes after it.
    fn weights(&self, change: impl FnOnce(&mut Value, &mut Vec<u8>)) {
        let path = self.path().join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut header: Value = serde_json::from_slice(&bytes[8..start]).unwrap();
        let mut data = bytes[start..].to_vec();
        change(&mut header, &mut data);
        let header = serde_json::to_vec(&header).unwrap();
        fs::write(path, [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()).unwrap();
    }

    fn load(&self, options: &LoadOptions) -> Result<Model, String> {
        Model::load(&Source::Folder(self.path().to_owned()), options).map_err(|error| {
            assert_eq!(error.exit_code(), 3, "{error}");
            error.to_string()
        })
    }

    #[track_caller]
    fn fails_with(&self, expected: &[&str]) {
        let message = self.load(&LoadOptions::default()).unwrap_err();
        for text in expected {
            assert!(message.contains(text), "`{text}` is not in: {message}");
        }
    }
}

const EMBEDDING: &str = "model.embed_tokens.weight";

/// First byte of a tensor's data.
fn start(header: &Value, name: &str) -> usize {
    header[name]["data_offsets"][0].as_u64().unwrap() as usize
}

#[test]
fn damaged_weights_are_named() {
    let cut = Copy::new("llama");
    cut.weights(|_, data| data.truncate(data.len() - 5));
    cut.fails_with(&["model.safetensors", "cut short"]);

    let short = Copy::new("llama");
    fs::write(short.path().join("model.safetensors"), b"abc").unwrap();
    short.fails_with(&["model.safetensors", "not a safetensors file"]);

    let long_header = Copy::new("llama");
    fs::write(long_header.path().join("model.safetensors"), u64::MAX.to_le_bytes()).unwrap();
    long_header.fails_with(&["model.safetensors", "`header`"]);

    let overlapping = Copy::new("llama");
    overlapping.weights(|header, _| {
        header["lm_head.weight"]["data_offsets"] = header[EMBEDDING]["data_offsets"].clone();
    });
    overlapping.fails_with(&["model.safetensors", "overlap"]);

    let backwards = Copy::new("llama");
    backwards.weights(|header, _| header[EMBEDDING]["data_offsets"] = json!([90, 4]));
    backwards.fails_with(&["model.safetensors", EMBEDDING]);

    let impossible = Copy::new("llama");
    impossible.weights(|header, _| header[EMBEDDING]["shape"] = json!([u64::MAX, 4, 4]));
    impossible.fails_with(&["model.safetensors", EMBEDDING, "in shape"]);

    let typeless = Copy::new("llama");
    typeless.weights(|header, _| header[EMBEDDING]["dtype"] = json!("I32"));
    typeless.fails_with(&["model.safetensors", EMBEDDING, "not supported"]);
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let missing = Copy::new("llama");
    missing.weights(|header, _| {
        let tensor = header.as_object_mut().unwrap().remove("model.norm.weight").unwrap();
        header["other"] = tensor;
    });
    missing.fails_with(&["model.safetensors", "model.norm.weight", "no such tensor"]);

    let misshapen = Copy::new("llama");
    misshapen.weights(|header, _| header[EMBEDDING]["shape"] = json!([42, 97]));
    misshapen.fails_with(&["model.safetensors", EMBEDDING, "[42, 97]", "[97, 42]"]);

    for number in [f32::NAN, f32::INFINITY] {
        let broken = Copy::new("llama");
        broken.weights(|header, data| {
            let at = start(header, "model.layers.1.mlp.up_proj.weight") + 40;
            data[at..at + 4].copy_from_slice(&number.to_le_bytes());
        });
        broken.fails_with(&["model.safetensors", "model.layers.1.mlp.up_proj.weight", "NaN or infinite"]);
    }
}

#[test]
fn a_residual_stream_that_overflows_is_named() {
    // Finite weights whose squares exceed f32: the norm's scale would be 0, and all logits equal and "exact".
    for name in ["llama", "gpt2"] {
        let huge = Copy::new(name);
        huge.weights(|header, data| {
            let embedding = if name == "gpt2" { "transformer.wte.weight" } else { EMBEDDING };
            let [from, to] = [0, 1].map(|end| header[embedding]["data_offsets"][end].as_u64().unwrap() as usize);
            for value in data[from..to].as_chunks_mut::<4>().0 {
                *value = (f32::from_le_bytes(*value) * 1e22).to_le_bytes();
            }
        });
        let model = huge.load(&LoadOptions::default()).unwrap();
        let projection = LabelProjection::new(&model.decoder, &[3, 50]).unwrap();
        let (prompts, cancel) = (vec![vec![1_u32, 2, 3], vec![1, 2, 4]], Cancel::default());
        let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
        let outcome = prepared.attribute(&prompts, BatchSize::default(), &cancel, |batch| panic!("{:?}", batch.full));
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("the residual stream overflows"), "{name}: {message}");
    }
}

#[test]
fn shards_are_checked() {
    let sharded = Copy::new("llama");
    let index = |file: &str| json!({"weight_map": {EMBEDDING: "model.safetensors", "lm_head.weight": file}});
    let write = |value: &Value| {
        fs::write(sharded.path().join("model.safetensors.index.json"), value.to_string()).unwrap();
    };
    write(&index("model.safetensors"));
    sharded.load(&LoadOptions::default()).unwrap();
    write(&index("model-00002-of-00002.safetensors"));
    sharded.fails_with(&["index.json", "weight_map", "model-00002-of-00002.safetensors", "missing"]);
    write(&index("../model.safetensors"));
    sharded.fails_with(&["index.json", "weight_map", "not the name of a file"]);
    write(&json!({"weight_map": 3}));
    sharded.fails_with(&["index.json", "weight_map"]);
    fs::remove_file(sharded.path().join("model.safetensors.index.json")).unwrap();
    fs::remove_file(sharded.path().join("model.safetensors")).unwrap();
    sharded.fails_with(&["neither model.safetensors nor"]);
}

#[test]
fn invalid_configuration_fields_are_named() {
    let cases = [
        ("num_attention_heads", json!(5), &["num_key_value_heads", "do not divide"][..]),
        ("num_key_value_heads", json!(4), &["num_key_value_heads", "do not divide"]),
        ("num_hidden_layers", json!(u32::MAX), &["num_hidden_layers"]),
        ("num_hidden_layers", json!(60_000), &["model.layers.3", "no such tensor"]),
        ("num_hidden_layers", json!("three"), &["num_hidden_layers"]),
        ("head_dim", json!(7), &["head_dim"]),
        ("head_dim", json!(1_u64 << 30), &["head_dim"]),
        ("hidden_size", json!(0), &["hidden_size"]),
        ("hidden_size", json!(1_u64 << 62), &["hidden_size"]),
        ("hidden_size", Value::Null, &["hidden_size", "missing"]),
        ("rms_norm_eps", json!("small"), &["rms_norm_eps"]),
        ("rms_norm_eps", json!(1e-60), &["rms_norm_eps", "not greater than zero"]),
        ("rope_parameters", json!({"rope_theta": 1e300}), &["rope_parameters.rope_theta", "not a finite number"]),
        ("hidden_act", json!("tanh"), &["hidden_act", "`tanh`"]),
        ("vocab_size", json!(98), &[EMBEDDING]),
        ("architectures", json!(["MambaForCausalLM"]), &["`MambaForCausalLM` is not supported", "GPTNeoXForCausalLM"]),
    ];
    for (field, value, expected) in cases {
        let copy = Copy::new("llama");
        copy.json("config.json", |config| config[field] = value);
        copy.fails_with(expected);
    }
    let text = Copy::new("llama");
    fs::write(text.path().join("config.json"), "[1]").unwrap();
    text.fails_with(&["config.json", "JSON object"]);
}

#[test]
fn unusable_tokenizers_are_named() {
    let beyond = Copy::new("llama");
    beyond.json("tokenizer.json", |file| file["model"]["vocab"]["w96"] = json!(97));
    beyond.fails_with(&["tokenizer.json", "model.vocab", "`w96` has the id 97", "97 ids"]);

    let undefined = Copy::new("llama");
    undefined.json("tokenizer.json", |file| file["post_processor"]["special_tokens"] = json!({}));
    undefined.fails_with(&["tokenizer.json", "post_processor", "`w1`"]);

    for field in ["normalizer", "pre_tokenizer"] {
        let long = Copy::new("llama");
        let pattern = json!({"Regex": "a|".repeat(40_000)});
        let split = json!({"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false});
        let replace = json!({"type": "Replace", "pattern": pattern, "content": ""});
        let part = json!([if field == "normalizer" { replace } else { split }]);
        let list = if field == "normalizer" { "normalizers" } else { "pretokenizers" };
        long.json("tokenizer.json", |file| file[field] = json!({"type": "Sequence", list: part}));
        long.fails_with(&["tokenizer.json", field, "80000 bytes"]);
    }

    let panics = Copy::new("llama");
    panics.json("tokenizer.json", |file| {
        file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"});
    });
    panics.fails_with(&["tokenizer.json"]);

    let text = Copy::new("llama");
    fs::write(text.path().join("tokenizer.json"), "{").unwrap();
    text.fails_with(&["tokenizer.json"]);
}

/// Special tokens beyond the vocabulary, such as Gemma 3's image tokens, are an error only when used.
#[test]
fn added_tokens_beyond_the_vocabulary_fail_when_used() {
    let copy = Copy::new("llama");
    copy.json("tokenizer.json", |file| {
        file["added_tokens"] = json!([{"id": 99, "content": "<image>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true}]);
    });
    let model = copy.load(&LoadOptions::default()).unwrap();
    assert_eq!(model.tokenizer.encode("w5 w6").unwrap(), [1, 5, 6]);
    let message = model.tokenizer.encode("w5 <image>").unwrap_err().to_string();
    assert!(message.contains("`<image>`"), "{message}");
}

/// Stored truncation and padding would silently change prompts.
#[test]
fn stored_truncation_and_padding_are_cleared() {
    let copy = Copy::new("llama");
    copy.json("tokenizer.json", |file| {
        file["truncation"] = json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
        file["padding"] = json!({"strategy": {"Fixed": 20}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "w0"});
    });
    let model = copy.load(&LoadOptions::default()).unwrap();
    assert_eq!(model.tokenizer.encode("w5 w6 w7").unwrap(), [1, 5, 6, 7]);
}

#[test]
fn too_little_memory_is_refused_unless_enough_is_free() {
    let copy = Copy::new("qwen2");
    let message = copy.load(&LoadOptions { memory: Some(1000), ..LoadOptions::default() }).unwrap_err();
    assert!(
        message.contains("the model takes about 10") && message.contains(" MB of memory, but only 1 kB are free"),
        "{message}"
    );
    let model = copy.load(&LoadOptions { memory: Some(120 << 20), ..LoadOptions::default() }).unwrap();
    assert_eq!(model.meta.dtype, "f32");
}

#[test]
fn a_device_that_is_not_built_in_is_refused() {
    for (name, expected) in [("cuda", "built without cuda"), ("cpu:1", "names no device"), ("tpu", "names no device")] {
        let message = LoadOptions::device(name).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert!("int3".parse::<Dtype>().unwrap_err().to_string().contains("q8_0"));
}
