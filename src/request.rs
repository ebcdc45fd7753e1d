//! Requests for runs: plain data, stored in `run.json` so that a run can be repeated.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Name of the task, or the path of its file.
    pub task: String,
    /// Name of the template; `None` for the task's first.
    pub template: Option<String>,
    /// Number of demonstrations to draw, `K'`. If they are listed, it only affects which training examples are drawn.
    pub shots: usize,
    /// Seed of the demonstration set.
    pub demo_seed: u64,
    /// Number of labelled examples to fit on, besides the demonstrations.
    pub train_examples: usize,
    /// Largest number of test examples; `None` for all.
    pub limit: Option<usize>,
    /// How the test examples are chosen and checked. `None`, as in runs of older versions: the first `limit` ones,
    /// unchecked.
    #[serde(default)]
    pub selection: Option<Selection>,
    /// How the demonstrations are chosen.
    #[serde(default)]
    pub demos: Demos,
    /// How examples become prompts, beyond the template.
    #[serde(default)]
    pub prompting: Prompting,
    /// Whether every labelled example, training examples included, is a demonstration, and the training split is each of
    /// them behind the others (leave-one-out). Listed demonstrations are then all labelled examples.
    #[serde(default, skip_serializing_if = "is_false")]
    pub loo: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl RunRequest {
    /// Returns the number of demonstrations in a test prompt.
    pub fn shown(&self) -> usize {
        match &self.demos {
            Demos::Listed(listed) => listed.len(),
            _ if self.loo => self.shots + self.train_examples,
            _ => self.shots,
        }
    }

    /// Returns the request that the explorer opens with. With these demonstrations the demo model predicts poorly,
    /// while many of its components predict well.
    pub fn opening() -> Self {
        Self { demo_seed: 2, ..Self::default() }
    }
}

/// The demo's topic task with a hash between examples and the paper's budget of 24 labels, 4 of them in the prompt.
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
            selection: Some(Selection::default()),
            demos: Demos::Balanced,
            prompting: Prompting::default(),
            loo: false,
        }
    }
}

/// How the test examples of a run are chosen from the data, and what is done about leaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Seed of the sample that a limit draws; a smaller sample is part of a larger one with the same seed.
    pub seed: u64,
    /// Whether the sample has equal numbers per label instead of the data's shares.
    pub balanced: bool,
    /// Ids of the test examples; `None` for no restriction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// What to do about test examples that are also in the prompt or in the training split.
    pub on_leak: OnLeak,
}

/// What to do about test examples that are demonstrations or training examples word for word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLeak {
    /// Report an error.
    #[default]
    Error,
    /// Leave them out; `run.json` names them.
    Drop,
}

impl OnLeak {
    /// All policies by their names on the command line.
    pub const NAMES: [(&'static str, Self); 2] = [("error", Self::Error), ("drop", Self::Drop)];
}

/// How the demonstrations of a run are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demos {
    /// Drawn from the pool by seed, with equal numbers per label.
    #[default]
    Balanced,
    /// Drawn from the pool by seed, regardless of labels.
    Unbalanced,
    /// The given demonstrations, in this order.
    Listed(Vec<Demonstration>),
}

/// One demonstration: listed in a request, or recorded after drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demonstration {
    /// Id in the task's pool; for a demonstration with its own fields, any name.
    pub id: String,
    /// Label to show, one of the task's; `None` for the one in the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Fields of the example; `None` for those of the pool's example `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Map<String, Value>>,
}

impl Demonstration {
    /// Returns the pool's example `id`, unchanged.
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
    /// Whether to format demonstrations and query as turns of a conversation, with the model's chat template.
    pub chat: bool,
    /// Whether label words may have several tokens; each is then scored by the first token at which all of them differ.
    pub first_token: bool,
    /// Whether special tokens, such as the beginning-of-text token, are added to prompts.
    pub bos: Bos,
}

/// When special tokens are added to a prompt, if the tokenizer adds any: most often one token at the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bos {
    /// Add them, except to the beginning of a text that already begins with them, and never to conversations, which
    /// contain their own.
    #[default]
    Auto,
    /// Add them to every text.
    Always,
    /// Add none.
    Never,
}

impl Bos {
    /// All policies by their names on the command line.
    pub const NAMES: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];

    /// Returns the policy for the texts of conversations, if `chat`, or for plain texts.
    #[must_use]
    pub const fn for_chat(self, chat: bool) -> Self {
        match self {
            Self::Auto if chat => Self::Never,
            policy => policy,
        }
    }
}

/// What to do about prompts that are longer than the model's context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// Report an error.
    #[default]
    Error,
    /// Leave out the first demonstrations of such a prompt, as few as necessary.
    DropDemos,
    /// Leave out the example.
    Skip,
}

impl Overflow {
    /// All policies by their names on the command line.
    pub const NAMES: [(&'static str, Self); 3] =
        [("error", Self::Error), ("drop-demos", Self::DropDemos), ("skip", Self::Skip)];
}
