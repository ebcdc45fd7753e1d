//! LoRA adapters: low-rank changes to a model's matrices, as the Python package peft saves them.
//!
//! An adapter is merged while the model is loaded: W + s·B·A takes the place of W, in f32. What peft computes is in its
//! `peft/tuners/lora/layer.py` (`get_delta_weight` and `update_layer`, version 0.21): s is `lora_alpha` over the rank, or
//! over its square root with `use_rslora`. Settings that change more than that are refused by name.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::weights::Weights;
use crate::{
    data_memory::check_json,
    disk,
    error::{InputError, Result},
    size::format_size,
};

const HELP: &str = "merge the adapter with peft (merge_and_unload, then save_pretrained), and name that folder";
/// File with an adapter's settings.
pub(super) const SETTINGS: &str = "adapter_config.json";
/// Names of the file with its matrices, the first that exists counts.
pub(super) const MATRICES: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];
/// Start of the tensors' names.
const ROOT: &str = "base_model.model.";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";
/// Settings that say how an adapter was trained, or that are applied here.
const APPLIED: [&str; 19] = [
    "task_type",
    "peft_type",
    "auto_mapping",
    "peft_version",
    "base_model_name_or_path",
    "revision",
    "inference_mode",
    "r",
    "target_modules",
    "exclude_modules",
    "lora_alpha",
    "lora_dropout",
    "fan_in_fan_out",
    "init_lora_weights",
    "use_rslora",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
];
/// Modules of GPT-2 whose matrices are `[in, out]`; in GPT-Neo these names are other modules. `fan_in_fan_out` does not
/// decide, since peft corrects it for each module.
const CONV1D: [&str; 3] = ["c_attn", "c_fc", "c_proj"];
/// Values of `init_lora_weights` that leave the model's own matrices as they are.
const PLAIN_STARTS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// The settings of an adapter and its folder.
#[derive(Debug)]
pub(super) struct Adapter {
    folder: PathBuf,
    settings: Value,
}

/// The model that an adapter is merged into.
pub(super) struct Base<'a> {
    /// Gives the name of a tensor in its weights, or none if the part that is loaded does not have it.
    pub(super) rename: &'a dyn Fn(&str) -> Option<String>,
    /// Whether it is a GPT-2.
    pub(super) is_gpt2: bool,
    /// Free bytes of memory; `None` if unknown.
    pub(super) free: Option<u64>,
}

/// One change: the matrices `A` `[rank, in]` and `B` `[out, rank]`, and the scale s.
struct Change {
    rank: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    scale: f32,
}

impl Adapter {
    /// Returns the adapter in `folder`, if there is one.
    ///
    /// # Errors
    /// If its settings cannot be read, or ask for more than LoRA.
    pub(super) fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(SETTINGS);
        let Some(text) = disk::read_if_exists(&path)? else { return Ok(None) };
        check_json(&text).map_err(|error| error.path(&path))?;
        let settings: Value = serde_json::from_slice(&text)
            .map_err(|error| InputError::new(error.to_string()).path(&path).line(error.line().max(1)))?;
        let adapter = Self { folder: folder.to_owned(), settings };
        adapter.check()?;
        Ok(Some(adapter))
    }

    /// The model that it belongs to: a folder, or a name on the hub with its revision.
    ///
    /// # Errors
    /// If the settings do not say.
    pub(super) fn base(&self) -> Result<String> {
        let field = "base_model_name_or_path";
        let name = self.settings[field].as_str().filter(|name| !name.is_empty());
        let missing = || self.error(field, "the adapter does not say to which model it belongs").help(PUT_BESIDE);
        let name = name.ok_or_else(missing)?;
        let revision = self.settings["revision"].as_str().filter(|revision| !revision.is_empty());
        Ok(match revision {
            Some(revision) if !Path::new(name).is_dir() => format!("{name}@{revision}"),
            _ => name.to_owned(),
        })
    }

    /// Creates an error about the model that the adapter belongs to.
    pub(super) fn base_error(&self, problem: impl Into<String>) -> InputError {
        self.error("base_model_name_or_path", problem).help(PUT_BESIDE)
    }

    fn error(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(self.folder.join(SETTINGS)).field(field)
    }

    /// Refuses settings that change more than W + s·B·A.
    fn check(&self) -> Result<(), InputError> {
        let refuse = |field: &str, problem: String| Err(self.error(field, problem).help(HELP));
        match self.settings["peft_type"].as_str() {
            Some("LORA") => {}
            other => {
                let kind = other.unwrap_or("none");
                return refuse("peft_type", format!("adapters of the type {kind} are not supported, only LORA"));
            }
        }
        for (field, value) in self.settings.as_object().into_iter().flatten() {
            let unset = match value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty() || text == "none",
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            // Two settings of `use_qalora` and of Megatron have values where they are not used.
            let unused = ["qalora_group_size", "megatron_core", "runtime_config"].contains(&field.as_str());
            if !unset && !unused && !APPLIED.contains(&field.as_str()) {
                return refuse(field, format!("`{field}` is set, which partscope does not apply"));
            }
        }
        for (field, fits) in [
            ("use_rslora", Value::is_boolean as fn(&Value) -> bool),
            ("r", Value::is_u64),
            ("rank_pattern", Value::is_object),
            ("alpha_pattern", Value::is_object),
            ("init_lora_weights", |value| value.is_boolean() || value.is_string()),
        ] {
            if !(self.settings[field].is_null() || fits(&self.settings[field])) {
                return refuse(field, format!("{} is no value for `{field}`", self.settings[field]));
            }
        }
        match &self.settings["init_lora_weights"] {
            Value::String(start) if !PLAIN_STARTS.contains(&start.as_str()) => {
                let problem = format!("`{start}` changed the model's own matrices, which the adapter does not contain");
                refuse("init_lora_weights", problem)
            }
            _ => Ok(()),
        }
    }

    /// Returns s of the module `name` with matrices of `rank`.
    fn scale(&self, name: &str, rank: usize) -> Result<f32, InputError> {
        let field = "alpha_pattern";
        let mut alpha = &self.settings["lora_alpha"];
        for (pattern, own) in self.settings[field].as_object().into_iter().flatten() {
            if !pattern.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c)) {
                return Err(self.error(field, format!("`{pattern}` is a regular expression; only names are read")));
            }
            if matches(name, pattern) {
                alpha = own;
                break;
            }
        }
        let alpha = alpha.as_f64().filter(|alpha| alpha.is_finite());
        let alpha = alpha.ok_or_else(|| {
            let help = "write the number with which the adapter was trained";
            self.error("lora_alpha", "the adapter has no such number").help(help)
        })?;
        let by = if self.settings["use_rslora"] == true { (rank as f64).sqrt() } else { rank as f64 };
        Ok((alpha / by) as f32)
    }

    /// Returns `weights`, those of `base`, with the adapter merged.
    ///
    /// # Errors
    /// If its matrices are incomplete, do not fit those of the model, or the changed ones do not fit in memory.
    pub(super) fn merge(&self, weights: Weights, base: &Base<'_>) -> Result<Weights> {
        let mut own = None;
        for name in MATRICES.map(|name| self.folder.join(name)) {
            if own.is_none() && name.is_file() {
                own = Some((Weights::of_file(&name)?, name));
            }
        }
        let Some((own, path)) = own else {
            let problem = format!("the adapter has neither {} nor {}", MATRICES[0], MATRICES[1]);
            return Err(InputError::new(problem).path(&self.folder).into());
        };
        let mut names: Vec<String> = own.tensors().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        let wrong = |name: &str, problem: String| InputError::new(problem).path(&path).field(name);
        check_memory(&own, base.free)?;
        let mut merged = weights;
        let mut changed = 0;
        for name in &names {
            let module = name.strip_prefix(ROOT).and_then(|rest| rest.strip_suffix(A).or_else(|| rest.strip_suffix(B)));
            let Some(module) = module else {
                return Err(wrong(name, "this is no matrix of LoRA (lora_A, lora_B)".to_owned()).into());
            };
            let other = format!("{ROOT}{module}{}", if name.ends_with(A) { B } else { A });
            if names.binary_search(&other).is_err() {
                return Err(wrong(name, format!("the adapter lacks its partner {other}")).into());
            }
            if name.ends_with(A) {
                let change = self.change(&own, name, &other, module)?;
                if let Some(target) = (base.rename)(&format!("{module}.weight")) {
                    merged = self.apply(merged, &target, &change, base.is_gpt2)?;
                    changed += 1;
                }
            }
        }
        if changed == 0 {
            return Err(InputError::new("the adapter changes no matrix").path(&path).into());
        }
        Ok(merged.with_note(format!("{} is merged into {changed} matrices, which are then f32", self.name())))
    }

    /// What messages call it.
    pub(super) fn name(&self) -> String {
        let rank = self.settings["r"].as_u64().map_or_else(String::new, |rank| format!(" of rank {rank}"));
        format!("a LoRA adapter{rank}")
    }

    fn change(&self, own: &Weights, a: &str, b: &str, module: &str) -> Result<Change> {
        let shape = |name: &str| own.shape(name).unwrap_or_default().to_vec();
        let (&[rank, width], &[height, also]) = (&shape(a)[..], &shape(b)[..]) else {
            return Err(own.error(a, "the matrices of LoRA must have two dimensions").into());
        };
        if rank != also || rank == 0 {
            return Err(own.error(a, &format!("the rank is {rank}, but {also} in {b}")).into());
        }
        let stated =
            self.settings["r"].as_u64().filter(|_| self.settings["rank_pattern"].as_object().is_none_or(Map::is_empty));
        if let Some(stated) = stated.filter(|&stated| stated != rank as u64) {
            return Err(own
                .error(a, &format!("the rank is {rank}, but `r` of {SETTINGS} is {stated}"))
                .help(HELP)
                .into());
        }
        let values = |name: &str, shape: &[usize]| own.find(name, shape)?.values();
        let (a, b) = (values(a, &[rank, width])?, values(b, &[height, rank])?);
        Ok(Change { rank, a, b, scale: self.scale(module, rank)? })
    }

    fn apply(&self, weights: Weights, name: &str, change: &Change, is_gpt2: bool) -> Result<Weights> {
        let shape = [change.b.len() / change.rank, change.a.len() / change.rank];
        let input_first = is_gpt2 && name.rsplit('.').nth(1).is_some_and(|own| CONV1D.contains(&own));
        let stored = if input_first { [shape[1], shape[0]] } else { shape };
        let found = weights.find(name, &stored).map_err(|_| {
            let problem = format!("the model has no matrix {name} of shape {stored:?}, which the adapter changes");
            let help = "use the model that the adapter was trained on";
            self.error("base_model_name_or_path", problem).help(help)
        })?;
        let (mut values, added) = (found.values()?, change.product(shape));
        if input_first {
            let place = |at: usize| (at % shape[0]) * shape[1] + at / shape[0];
            values.iter_mut().enumerate().for_each(|(at, value)| *value += added[place(at)]);
        } else {
            values.iter_mut().zip(&added).for_each(|(value, added)| *value += added);
        }
        weights.replaced(name, &values)
    }
}

/// Checks that the changed matrices fit in memory in f32.
fn check_memory(adapter: &Weights, free: Option<u64>) -> Result<()> {
    let height = |a: &str| adapter.shape(&format!("{}{B}", a.strip_suffix(A)?))?.first().copied();
    let bytes = |(name, width): (&str, usize)| 4 * height(name).unwrap_or(0) as u64 * width as u64;
    let widths = adapter.tensors().map(|(name, stored)| (name, stored.shape.last().copied().unwrap_or(0)));
    let need: u64 = widths.filter(|(name, _)| name.ends_with(A)).map(bytes).sum();
    let Some(free) = free.filter(|&free| need > free) else { return Ok(()) };
    let (need, free) = (format_size(need), format_size(free));
    let problem = format!("the matrices that the adapter changes take {need} of memory, but only {free} are free");
    Err(adapter.error("lora_A", &problem).help("free some memory, or merge the adapter with peft").into())
}

/// Returns whether peft takes `pattern`, in which a dot stands for any character, for the module `name`: the whole name, or
/// its end after a dot.
fn matches(name: &str, pattern: &str) -> bool {
    let Some(start) = name.len().checked_sub(pattern.len()) else { return false };
    let same = |(own, wanted): (u8, u8)| wanted == b'.' || own == wanted;
    name.bytes().skip(start).zip(pattern.bytes()).all(same)
        && (start == 0 || name.as_bytes().get(start - 1) == Some(&b'.'))
}

/// Advice for an adapter whose model is not found.
const PUT_BESIDE: &str = "copy config.json, tokenizer.json and the weights of its model into the adapter's folder";

impl Change {
    /// Computes s·B·A, `[out, in]`.
    fn product(&self, [height, width]: [usize; 2]) -> Vec<f32> {
        let mut product = vec![0.0; height * width];
        product.par_chunks_mut(width.max(1)).zip(self.b.par_chunks(self.rank)).for_each(|(row, factors)| {
            for (factor, a) in factors.iter().zip(self.a.chunks(width)) {
                row.iter_mut().zip(a).for_each(|(sum, a)| *sum += factor * a);
            }
            for sum in row {
                *sum *= self.scale;
            }
        });
        product
    }
}
