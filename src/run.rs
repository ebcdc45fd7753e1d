//! A run: one attribution with all that made it.
//!
//! [`RunMeta`] is `run.json` and what `run --json` prints; its keys are a contract with scripts and only ever grow.

use serde::{Deserialize, Serialize};

use crate::{
    attribution::{Attribution, Exactness, Split, argmax},
    request::{Demonstration, Overflow, RunRequest},
};

/// Version of the files of a run.
pub const SCHEMA: u32 = 1;

/// Everything about a run that is not a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    /// Version of the files ([`SCHEMA`]).
    pub schema: u32,
    /// The model that was taken apart.
    pub model: ModelMeta,
    /// The task and how it was put into words.
    pub task: TaskMeta,
    /// What stood before every query.
    pub prompt: PromptMeta,
    /// How many examples each split has.
    pub examples: ExampleCounts,
    /// Accuracies on the test split.
    pub accuracy: AccuracyMeta,
    /// How well the parts add up, over both splits.
    pub exactness: Exactness,
    /// Where the time went. The only part of a run that differs between two equal runs.
    pub timing: Timing,
    /// What was asked for: with the task's data, it makes the same run again. `None` for explicit prompts.
    #[serde(default)]
    pub request: Option<RunRequest>,
}

impl RunMeta {
    /// A name for figures and tables: `task/template/demo seed`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.task.name, self.task.template, self.prompt.demo_seed)
    }
}

/// The model of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelMeta {
    /// What the user called it: `demo`, a path, or a hub id.
    pub id: String,
    /// Architecture family, e.g. `llama`.
    pub family: String,
    /// Layers `L`.
    pub layers: usize,
    /// Attention heads per layer `H`.
    pub heads: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Compute type, e.g. `f32`.
    pub dtype: String,
    /// Device, e.g. `cpu`.
    pub device: String,
    /// BLAKE3 of the weight files, in hexadecimal.
    pub weights_hash: String,
}

/// The task of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskMeta {
    /// Name of the task.
    pub name: String,
    /// Name of the template.
    pub template: String,
    /// The words that name the labels, as scored.
    pub label_words: Vec<String>,
    /// Their token ids.
    pub label_tokens: Vec<u32>,
    /// The texts of these tokens, where label words of several tokens are scored by the first that tells all apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scored: Vec<String>,
}

/// The demonstrations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptMeta {
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Seed that drew them.
    pub demo_seed: u64,
    /// Their ids, in prompt order.
    pub demo_ids: Vec<String>,
    /// What they say, in prompt order: as `Demos::Listed` of a request, they make the same prompt again.
    #[serde(default)]
    pub demos: Vec<Demonstration>,
    /// Tokens that all prompts of the run share and that were computed once.
    pub prefix_tokens: usize,
    /// Tokens of all prompts of the run, the shared prefix counted for each.
    #[serde(default)]
    pub tokens: usize,
    /// What became of prompts that were too long, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<OverflowMeta>,
}

impl PromptMeta {
    /// Ids of the examples that were left out.
    pub fn skipped(&self) -> &[String] {
        self.overflow.as_ref().map_or(&[], |overflow| &overflow.skipped)
    }
}

/// What became of prompts that are longer than the model's context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowMeta {
    /// What was asked for.
    pub policy: Overflow,
    /// Tokens that the model can take.
    pub context: usize,
    /// Tokens of the longest prompt.
    pub longest: usize,
    /// Ids of examples that were left out.
    pub skipped: Vec<String>,
    /// Examples whose prompts lost their first demonstrations, and how many.
    pub dropped: Vec<(String, usize)>,
}

/// Examples per split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleCounts {
    /// Training examples.
    pub train: usize,
    /// Test examples.
    pub test: usize,
}

/// Accuracies on the test split, as shares of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyMeta {
    /// The model itself.
    pub full: f64,
    /// Argmax of the sum of all heads and MLPs, without `rest`.
    pub components: f64,
    /// One over the number of labels.
    pub chance: f64,
    /// Share of the most frequent gold label.
    pub majority: f64,
}

impl AccuracyMeta {
    /// Accuracies on `test`; all zero but `chance` if it is empty.
    pub fn measure(test: &Attribution) -> Self {
        let labels = test.labels();
        let gold = test.gold();
        let n = gold.len().max(1) as f64;
        let share = |hits: usize| hits as f64 / n;
        let full = test.full().chunks_exact(labels).zip(gold).filter(|(row, y)| argmax(row) == **y).count();
        let sum = test.component_sum();
        let components = sum.chunks_exact(labels).zip(gold).filter(|(row, y)| argmax(row) == **y).count();
        let majority = (0..labels).map(|label| gold.iter().filter(|&&y| y == label).count()).max().unwrap_or(0);
        Self {
            full: share(full),
            components: share(components),
            chance: 1.0 / labels as f64,
            majority: share(majority),
        }
    }
}

/// Where the time of a run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds to load the model.
    pub load_s: f64,
    /// Seconds to attribute all prompts.
    pub attribute_s: f64,
    /// Prompts per second.
    pub examples_per_s: f64,
    /// Tokens of whole prompts per second, the shared prefix counted for each prompt.
    pub tokens_per_s: f64,
}

/// One example as a reader meets it; a line of `examples.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExampleRecord {
    /// Its id in the task's data.
    pub id: String,
    /// Which split it belongs to.
    pub split: Split,
    /// What it says, without the demonstrations.
    pub text: String,
    /// Gold label, an index into the label words.
    pub gold: usize,
    /// The model's own prediction.
    pub full: usize,
    /// The model's own label logits.
    pub logits: Vec<f32>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What made it.
    pub meta: RunMeta,
    /// Contributions on the training split.
    pub train: Attribution,
    /// Contributions on the test split.
    pub test: Attribution,
    /// All examples, training split first, in the order of the tables.
    pub examples: Vec<ExampleRecord>,
}

impl Run {
    /// The table of one split.
    pub const fn split(&self, split: Split) -> &Attribution {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
