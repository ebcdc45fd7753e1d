//! What the model computed, kept by content: the same prompts are never asked twice.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::Model,
    run::{Run, SCHEMA},
    runner::{Plan, Prompts, execute, score},
    store::{self, Destination},
};

/// A folder of runs and label logits, named by a hash of all that determines them.
///
/// An entry that cannot be read back is computed again. Entries are written whole or not at all, so an interrupted
/// reproduction loses at most the run it was at.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// Keeps entries in `folder`, which is made when needed.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()) }
    }

    /// Keeps nothing.
    pub const fn none() -> Self {
        Self { folder: None }
    }

    /// The run of `plan`, from the cache or the model.
    ///
    /// # Errors
    /// As [`execute`], or if the cache cannot be written.
    pub fn run(&self, model: &Model, plan: Plan, prompts: &Prompts, cancel: &Cancel) -> Result<Run> {
        let Some(folder) = self.entry("run", &plan, prompts) else {
            return execute(model, plan, prompts, cancel, &mut |_| {});
        };
        if let Ok(run) = store::open(&folder) {
            return Ok(run);
        }
        let run = execute(model, plan, prompts, cancel, &mut |_| {})?;
        let aside = folder.with_extension("new");
        let _ = fs::remove_dir_all(&aside);
        Destination::prepare(&aside)?.write(&run)?;
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&aside, &folder).map_err(|source| Error::Write { path: folder, source })?;
        Ok(run)
    }

    /// Whether the run of `plan` has been kept.
    pub fn holds(&self, plan: &Plan, prompts: &Prompts) -> bool {
        self.entry("run", plan, prompts).is_some_and(|folder| folder.is_dir())
    }

    /// The model's label logits `[N, Y]` on the test prompts of `plan`, from the cache or the model.
    ///
    /// # Errors
    /// As [`score`], or if the cache cannot be written.
    pub fn logits(&self, model: &Model, plan: &Plan, prompts: &Prompts, cancel: &Cancel) -> Result<Vec<f32>> {
        let Some(file) = self.entry("logits", plan, prompts) else {
            return score(model, plan, prompts, cancel);
        };
        if let Some(logits) = read_logits(&file, prompts.test.len() * plan.shape.labels) {
            return Ok(logits);
        }
        let logits = score(model, plan, prompts, cancel)?;
        let write = || -> std::io::Result<()> {
            let folder = file.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut entry = NamedTempFile::new_in(folder)?;
            for logit in &logits {
                entry.write_all(&logit.to_le_bytes())?;
            }
            entry.persist(&file).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| Error::Write { path: file.clone(), source })?;
        Ok(logits)
    }

    /// Where an entry lives: named by the weights, how they compute, every token and the gold labels.
    fn entry(&self, kind: &str, plan: &Plan, prompts: &Prompts) -> Option<PathBuf> {
        let mut hasher = blake3::Hasher::new();
        let mut text = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        text(kind);
        text(env!("CARGO_PKG_VERSION"));
        text(&format!("{SCHEMA} {:?} {:?}", plan.shape, plan.task.label_tokens));
        text(&format!("{} {} {}", plan.model.weights_hash, plan.model.dtype, plan.model.device));
        text(&format!("{:?} {:?}", plan.prompt, plan.task.label_words));
        for example in plan.train.iter().chain(&plan.test) {
            text(&format!("{} {}", example.id, example.gold));
        }
        for prompt in prompts.all() {
            hasher.update(&(prompt.len() as u64).to_le_bytes());
            for token in prompt {
                hasher.update(&token.to_le_bytes());
            }
        }
        Some(self.folder.as_ref()?.join(format!("{kind}-{}", &hasher.finalize().to_hex()[..32])))
    }
}

fn read_logits(file: &Path, expected: usize) -> Option<Vec<f32>> {
    let bytes = fs::read(file).ok()?;
    let (values, rest) = bytes.as_chunks::<4>();
    (rest.is_empty() && values.len() == expected)
        .then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
