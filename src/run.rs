//! A run: one attribution with its model, task, prompts and examples.
//!
//! [`RunMeta`] is the content of `run.json` and of `run --json`. Scripts rely on its keys: keys may be added, not
//! changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    attribution::{Attribution, Exactness, Split, WordClasses, argmax},
    hidden::{Hidden, HiddenMeta},
    request::{Bos, Demonstration, Overflow, RunRequest},
};

/// Version of the file format of a run.
pub const SCHEMA: u32 = 1;

/// Metadata of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    /// BLAKE3 of `run.json` without the line of this key, in hexadecimal; `None` before the run is saved. It must be
    /// the first key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Version of the file format ([`SCHEMA`]).
    pub schema: u32,
    /// The model.
    pub model: ModelMeta,
    /// The task and template.
    pub task: TaskMeta,
    /// The demonstrations.
    pub prompt: PromptMeta,
    /// Number of examples per split.
    pub examples: ExampleCounts,
    /// Accuracies on the test split.
    pub accuracy: AccuracyMeta,
    /// Exactness of the attribution, over both splits.
    pub exactness: Exactness,
    /// Timing, the only part of a run that differs between two equal runs.
    pub timing: Timing,
    /// How the test examples were chosen from the data; `None` in runs of older versions.
    #[serde(default)]
    pub selection: Option<SelectionMeta>,
    /// The request, which repeats the run together with the task's data. `None` for explicit prompts.
    #[serde(default)]
    pub request: Option<RunRequest>,
    /// Sizes of the hidden states in `hidden.safetensors`; `None` if they were not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenMeta>,
    /// BLAKE3 of the other files by name, in hexadecimal; empty before the run is saved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub file_checksums: BTreeMap<String, String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl RunMeta {
    /// Returns whether later damage to the files of this saved run can be noticed.
    pub fn has_checksums(&self) -> bool {
        self.checksum.is_some() && !self.file_checksums.is_empty()
    }

    /// A name for figures and tables: `task/template/demo seed`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.task.name, self.task.template, self.prompt.demo_seed)
    }
}

/// The model of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelMeta {
    /// The name that the user gave: `demo`, a path or a hub id.
    pub id: String,
    /// Architecture family, e.g. `llama`.
    pub family: String,
    /// Number of layers `L`.
    pub layers: usize,
    /// Number of attention heads per layer `H`.
    pub heads: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Data type, e.g. `f32`.
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
    /// Label words, as scored.
    pub label_words: Vec<String>,
    /// Token ids of the label words.
    pub label_tokens: Vec<u32>,
    /// The class of every label word and the rule for class logits; `None` if every class has one word, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_classes: Option<WordClasses>,
    /// Texts of the scored tokens, if label words with several tokens are scored by the first token at which all
    /// differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scored: Vec<String>,
    /// Hash of the template's text and of all else that it adds to prompts; empty in runs of older versions and on
    /// explicit prompts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template_hash: String,
}

impl TaskMeta {
    /// Returns the texts that name the classes: their label words, or with several words per class the task's labels.
    pub fn class_names(&self) -> &[String] {
        self.word_classes.as_ref().map_or(&self.label_words, WordClasses::names)
    }
}

/// The demonstrations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptMeta {
    /// Demonstrations in every prompt.
    pub shots: usize,
    /// Seed with which they were drawn.
    pub demo_seed: u64,
    /// Their ids, in prompt order.
    pub demo_ids: Vec<String>,
    /// The demonstrations, in prompt order; as [`Demos::Listed`](crate::request::Demos::Listed) in a request they give
    /// the same prompt.
    #[serde(default)]
    pub demos: Vec<Demonstration>,
    /// Number of tokens in the shared prefix of all prompts, which was computed once.
    pub prefix_tokens: usize,
    /// Token ids of the shared prefix; with the `tokens` of an example they are its prompt. Empty in runs of older
    /// versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix: Vec<u32>,
    /// When special tokens were added to prompts. `None`, as in runs of older versions: always, but never to
    /// conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos: Option<Bos>,
    /// Number of prompts whose text begins with the tokenizer's special tokens; 0 if none are ever added.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub begin_with_bos: usize,
    /// Number of tokens in all prompts, with the shared prefix counted for each.
    #[serde(default)]
    pub tokens: usize,
    /// How prompts that were too long were handled, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow: Option<OverflowMeta>,
    /// Leave-one-out: the training split is every demonstration behind the others, the last one first, and the shared
    /// prefix is that of the test prompts. `None` if the training examples are not demonstrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loo: Option<LooMeta>,
}

/// The training split of a leave-one-out run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LooMeta {
    /// Number of tokens that were computed for the training split, beyond what it shares with the test prompts.
    pub tokens: usize,
    /// Ids of demonstrations that are no training examples: another demonstration shows their text, so that their own
    /// prompt would give their label away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<String>,
}

impl PromptMeta {
    /// Returns the ids of examples that were left out because their prompts were too long.
    pub fn skipped(&self) -> &[String] {
        self.overflow.as_ref().map_or(&[], |overflow| &overflow.skipped)
    }
}

/// How prompts that are longer than the model's context were handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowMeta {
    /// The requested policy.
    pub policy: Overflow,
    /// Length of the model's context, in tokens.
    pub context: usize,
    /// Length of the longest prompt, in tokens.
    pub longest: usize,
    /// Ids of examples that were left out.
    pub skipped: Vec<String>,
    /// Ids of examples whose prompts lost their first demonstrations, with the number lost.
    pub dropped: Vec<(String, usize)>,
}

/// How the test examples of a run were chosen from the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionMeta {
    /// Number of examples in the test part of the data.
    pub of: usize,
    /// The requested number; `None` for all.
    pub limit: Option<usize>,
    /// Seed of the sample.
    pub seed: u64,
    /// Whether the sample has equal numbers per label instead of the data's shares.
    pub balanced: bool,
    /// Whether the examples were named by id.
    pub by_id: bool,
    /// Ids of examples that were left out because they are demonstrations or training examples word for word, each with
    /// the id of that one.
    pub leaked: Vec<(String, String)>,
    /// Number of chosen examples with the content of an earlier one.
    pub duplicates: usize,
}

/// Number of examples per split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleCounts {
    /// Number of training examples.
    pub train: usize,
    /// Number of test examples.
    pub test: usize,
}

/// Accuracies on the test split, as shares of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyMeta {
    /// Accuracy of the model itself.
    pub full: f64,
    /// Accuracy of the argmax of the sum of all heads and MLPs, without `rest`.
    pub components: f64,
    /// One over the number of labels.
    pub chance: f64,
    /// Share of the most frequent gold label.
    pub majority: f64,
    /// Number of examples on which several labels have the model's largest logit; the first of them counts as
    /// predicted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ties: usize,
    /// Whether the model's label logits are the same on all of several examples.
    #[serde(default, skip_serializing_if = "is_false")]
    pub constant: bool,
}

impl AccuracyMeta {
    /// Computes the accuracies on `test`; if it is empty, all but `chance` are 0.
    pub fn measure(test: &Attribution) -> Self {
        let labels = test.labels();
        let gold = test.gold();
        let n = gold.len().max(1) as f64;
        let share = |hits: usize| hits as f64 / n;
        let full = test.full().chunks_exact(labels).zip(gold).filter(|(row, y)| argmax(row) == **y).count();
        let sum = test.component_sum();
        let components = sum.chunks_exact(labels).zip(gold).filter(|(row, y)| argmax(row) == **y).count();
        let mut rows = test.full().chunks_exact(labels);
        let tied = |row: &[f32]| row[argmax(row) + 1..].contains(&row[argmax(row)]);
        let ties = rows.clone().filter(|row| tied(row)).count();
        let constant = rows.len() > 1 && rows.next().is_some_and(|first| rows.all(|row| row == first));
        let majority = (0..labels).map(|label| gold.iter().filter(|&&y| y == label).count()).max().unwrap_or(0);
        Self {
            full: share(full),
            components: share(components),
            chance: 1.0 / labels as f64,
            majority: share(majority),
            ties,
            constant,
        }
    }
}

/// Timing of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds to load the model.
    pub load_s: f64,
    /// Seconds to attribute all prompts.
    pub attribute_s: f64,
    /// Prompts per second.
    pub examples_per_s: f64,
    /// Tokens per second, with the shared prefix counted for each prompt.
    pub tokens_per_s: f64,
}

/// One example; serialises to a line of `examples.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExampleRecord {
    /// Id in the task's data.
    pub id: String,
    /// Split of the example.
    pub split: Split,
    /// Text of the example, without the demonstrations.
    pub text: String,
    /// Gold label, the index of a class.
    pub gold: usize,
    /// The model's own prediction, the index of a class.
    pub full: usize,
    /// The model's own logits of the label words, `[W]`.
    pub logits: Vec<f32>,
    /// Token ids of its prompt after the shared prefix; empty in runs of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<u32>,
    /// Number of tokens of the shared prefix that its prompt begins with; `None` for all of them. Only training examples
    /// of leave-one-out runs begin with fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<usize>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Metadata.
    pub meta: RunMeta,
    /// Contributions on the training split.
    pub train: Attribution,
    /// Contributions on the test split.
    pub test: Attribution,
    /// All examples, training split first, in the order of the tables.
    pub examples: Vec<ExampleRecord>,
    /// Hidden states, in the order of the tables, if they were asked for.
    pub hidden: Option<Hidden>,
}

impl Run {
    /// Returns the table of one split.
    pub const fn split(&self, split: Split) -> &Attribution {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
