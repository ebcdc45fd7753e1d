//! Tiny models with random weights, made by `tools/golden_models.py` with Hugging Face transformers.

#![allow(dead_code, unreachable_pub)] // each test file uses only some items

pub mod facts;

use std::path::PathBuf;

use partscope::{
    Attribution, Shape,
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    model::{LoadOptions, Model, Source},
    run::{PromptMeta, TaskMeta},
    runner::{Plan, PlannedExample},
};
use safetensors::SafeTensors;

/// Golden model with the values that transformers computed for it.
pub struct Golden {
    pub name: String,
    pub model: Model,
    pub prompts: Vec<Vec<u32>>,
    pub labels: Vec<u32>,
    /// Contributions `[C, N, Y]` in the order of `Shape`.
    pub components: Vec<Vec<f32>>,
    pub rest: Vec<f32>,
    pub full: Vec<f32>,
}

/// Returns the path of a golden file. Set `PARTSCOPE_ROOT` to the repository if the test program was built on another
/// machine.
pub fn golden(path: &str) -> PathBuf {
    let root = std::env::var_os("PARTSCOPE_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    root.join("tests/golden").join(path)
}

pub fn folder(name: &str) -> PathBuf {
    golden("models").join(name)
}

/// Whether this is the test program `card`, which computes everything as a graphics card does.
pub const ON_CARD: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"card");

/// Returns options with the device of this test program. `card` uses the one in `PARTSCOPE_CARD`, or else a CPU that
/// computes as a card does.
pub fn options() -> LoadOptions {
    let card = std::env::var("PARTSCOPE_CARD").unwrap_or_else(|_| "as-card".to_owned());
    let device = LoadOptions::device(if ON_CARD { &card } else { "cpu" }).unwrap();
    LoadOptions { device, ..LoadOptions::default() }
}

/// Returns the names of all golden models, sorted.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl Golden {
    pub fn load(name: &str) -> Self {
        Self::load_from(name, &Source::Folder(folder(name)), &options())
    }

    /// Loads the golden values of `name` with a model from another source.
    pub fn load_from(name: &str, source: &Source, options: &LoadOptions) -> Self {
        let model = Model::load(source, options).unwrap();
        let golden: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder(name).join("golden.json")).unwrap()).unwrap();
        let bytes = std::fs::read(folder(name).join("golden.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let read = |tensor: &str| -> Vec<f32> {
            let data = tensors.tensor(tensor).unwrap().data().to_vec();
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        let prompts: Vec<Vec<u32>> = serde_json::from_value(golden["prompts"].clone()).unwrap();
        let labels: Vec<u32> = serde_json::from_value(golden["labels"].clone()).unwrap();
        let (heads, mlps) = (read("heads"), read("mlps"));
        let rows = prompts.len() * labels.len();
        let shape = Shape { layers: model.meta.layers, heads: model.meta.heads, labels: labels.len() };
        let mut components = Vec::new();
        for layer in 0..shape.layers {
            let layer_heads = &heads[layer * shape.heads * rows..(layer + 1) * shape.heads * rows];
            components.extend(layer_heads.chunks_exact(rows).map(<[f32]>::to_vec));
            components.push(mlps[layer * rows..(layer + 1) * rows].to_vec());
        }
        let (rest, full) = (read("rest"), read("full"));
        Self { name: name.to_owned(), model, prompts, labels, components, rest, full }
    }

    /// Returns the plan of a run on explicit test `prompts`, which all share `prefix_tokens`; the gold label is 0.
    pub fn plan(&self, prompts: &[Vec<u32>], prefix_tokens: usize) -> Plan {
        let example = |id: usize| PlannedExample { id: id.to_string(), text: String::new(), gold: 0, prompt: None };
        Plan {
            request: None,
            selection: None,
            kept: None,
            label_gram: None,
            model: self.model.meta.clone(),
            task: TaskMeta {
                name: self.name.clone(),
                label_words: vec![String::new(); self.labels.len()],
                label_tokens: self.labels.clone(),
                ..TaskMeta::default()
            },
            prompt: PromptMeta { prefix_tokens, ..PromptMeta::default() },
            shape: self.projection().shape(),
            train: Vec::new(),
            test: (0..prompts.len()).map(example).collect(),
        }
    }

    pub fn projection(&self) -> LabelProjection {
        LabelProjection::new(&self.model.decoder, &self.labels).unwrap()
    }

    /// Returns the largest relative error over components with its component, and the errors of `rest` and `full`.
    pub fn errors(&self, table: &Attribution) -> (f32, String, f32, f32) {
        let shape = table.shape();
        let mut worst = (0.0, String::new());
        for (index, expected) in self.components.iter().enumerate() {
            let error = relative_error(table.contribution(index), expected);
            if error >= worst.0 {
                worst = (error, shape.component(index).to_string());
            }
        }
        (worst.0, worst.1, relative_error(table.rest(), &self.rest), relative_error(table.full(), &self.full))
    }

    /// Computes the attribution of `prompts`.
    pub fn attribute(&self, projection: &LabelProjection, prompts: &[Vec<u32>], size: BatchSize) -> Attribution {
        let cancel = Cancel::default();
        let prepared = Prepared::new(&self.model.decoder, projection, prompts, &cancel).unwrap();
        let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
        prepared.attribute(prompts, size, &cancel, |batch| table.push(&batch)).unwrap();
        table
    }
}

/// Returns the largest difference, relative to the largest magnitude of `expected`.
pub fn relative_error(actual: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(actual.len(), expected.len());
    let scale = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    actual.iter().zip(expected).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / scale.max(f32::MIN_POSITIVE)
}
