//! What can be asked for: plain data, kept in `run.json` so that a run can be made again from its own words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What to attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Name of the task, or the path of its file.
    pub task: String,
    /// Name of the template; the task's first if `None`.
    pub template: Option<String>,
    /// Demonstrations to draw for every prompt `K'`; where they are listed, only the draw of training examples heeds it.
    pub shots: usize,
    /// Which demonstration set.
    pub demo_seed: u64,
    /// Labelled examples to fit on, besides the demonstrations.
    pub train_examples: usize,
    /// At most so many test examples.
    pub limit: Option<usize>,
    /// Where the demonstrations come from.
    #[serde(default)]
    pub demos: Demos,
    /// How examples become prompts, beyond the template.
    #[serde(default)]
    pub prompting: Prompting,
}

impl RunRequest {
    /// What the explorer opens with: demonstrations that leave the demo's model lost and many of its parts sure.
    pub fn opening() -> Self {
        Self { demo_seed: 2, ..Self::default() }
    }
}

/// The demo's topics with a hash between the examples, with the paper's 24 labels, 4 of them in the prompt.
impl Default for RunRequest {
    fn default() -> Self {
        let (task, template) = ("topic".to_owned(), Some("article-hash".to_owned()));
        Self {
            task,
            template,
            shots: 4,
            demo_seed: 0,
            train_examples: 20,
            limit: None,
            demos: Demos::Balanced,
            prompting: Prompting::default(),
        }
    }
}

/// Where the demonstrations of a run come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demos {
    /// Drawn from the pool by seed, as many of each label as of the others.
    #[default]
    Balanced,
    /// Drawn from the pool by seed, with the labels as they come.
    Unbalanced,
    /// These, in this order.
    Listed(Vec<Demonstration>),
}

/// One demonstration that was not drawn, or the record of one that was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demonstration {
    /// Its id in the task's pool; for one that is written out, what to call it.
    pub id: String,
    /// The label to show, one of the task's; the pool's own if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its fields, if it is written out; those of the pool's example `id` if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Map<String, Value>>,
}

impl Demonstration {
    /// The pool's example `id` as it is.
    pub fn of_pool(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }
}

/// How examples become prompts, beyond the template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompting {
    /// What to do about prompts that are longer than the model's context.
    pub on_overflow: Overflow,
    /// Demonstrations and query as turns of a conversation, in the model's own chat template.
    pub chat: bool,
    /// Label words may be several tokens; each is scored by the first token that tells all of them apart.
    pub first_token: bool,
}

/// What to do about prompts that are longer than the model's context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// Say so and do nothing.
    #[default]
    Error,
    /// Leave out the first demonstrations of such a prompt, as few as need be.
    DropDemos,
    /// Leave out the example.
    Skip,
}

impl Overflow {
    /// All of them, by the names of the command line.
    pub const NAMES: [(&'static str, Self); 3] =
        [("error", Self::Error), ("drop-demos", Self::DropDemos), ("skip", Self::Skip)];
}
