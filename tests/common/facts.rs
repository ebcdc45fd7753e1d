//! Files of values that transformers gave with hooks (`tools/golden_ablation.py`, `tools/golden_patching.py`).

use std::path::PathBuf;

use partscope::{analysis::Mix, experiments::Ablation, runner::Prompts};
use serde_json::{Value, json};

use super::{Golden, golden};

/// Returns the models that have a file in the folder `name` of golden values, with the file's contents.
pub fn all(name: &str) -> Vec<(Golden, Value)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(golden(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let load = |file: PathBuf| {
        let golden = Golden::load(file.file_stem().unwrap().to_str().unwrap());
        let facts: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!(facts["prompts"], json!(golden.prompts));
        (golden, facts)
    };
    files.into_iter().map(load).collect()
}

pub fn prompts(tokens: &[Vec<u32>]) -> Prompts {
    Prompts { train: Vec::new(), test: tokens.iter().cloned().map(Into::into).collect() }
}

pub fn mix(facts: &Value) -> Mix {
    Mix { weights: serde_json::from_value(facts["mix"].clone()).unwrap(), rest: 1.0, offsets: Vec::new() }
}

pub fn ablation(setting: &Value) -> Ablation {
    serde_json::from_value(json!({"positions": setting["positions"], "fill": setting["fill"]})).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

pub fn narrow(logits: &[f64]) -> Vec<f32> {
    logits.iter().map(|&logit| logit as f32).collect()
}
