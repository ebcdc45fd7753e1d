//! From a request to a run: prompts are made, the model is asked, the table is filled.
//!
//! The command line and the explorer's worker both go through [`Event`], so that what one prints the other draws.

mod ask;
mod beginning;
mod draft;
mod execute;
mod nearest;
mod overflow;
mod plan;
mod prompt_text;
mod rebuild;
mod stored;

pub use ask::{Answer, Ask, answer};
pub use beginning::preview;
pub use draft::Draft;
pub use execute::{execute, score};
pub use plan::{Prompts, of_turn, plan, plan_explicit};
pub use prompt_text::PromptText;
pub use rebuild::{Rebuilt, find_example, rebuild};
pub use stored::{obtain, obtain_logits, run_key};

pub use crate::request::{Demonstration, Demos, Overflow, Prompting, RunRequest};

use std::fmt;

use crate::{
    attribution::{Batch, Split},
    component::Shape,
    progress::Progress,
    run::{ModelMeta, PromptMeta, RunMeta, TaskMeta},
};

/// An example before the model has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedExample {
    /// Its id in the task's data.
    pub id: String,
    /// What it says, without the demonstrations.
    pub text: String,
    /// Gold label, an index into the label words.
    pub gold: usize,
    /// The whole prompt, as the model reads it; runs from disk do not keep it.
    pub prompt: Option<PromptText>,
}

/// Everything about a run that is known before the model works: enough to lay out the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What was asked for; `None` for explicit prompts.
    pub request: Option<RunRequest>,
    /// The model.
    pub model: ModelMeta,
    /// The task, template and label words.
    pub task: TaskMeta,
    /// The demonstrations.
    pub prompt: PromptMeta,
    /// Layers, heads and labels.
    pub shape: Shape,
    /// Training examples, in table order.
    pub train: Vec<PlannedExample>,
    /// Test examples, in table order.
    pub test: Vec<PlannedExample>,
}

impl Plan {
    /// The examples of one split.
    pub fn split(&self, split: Split) -> &[PlannedExample] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Gold labels of one split.
    pub fn gold(&self, split: Split) -> Vec<usize> {
        self.split(split).iter().map(|example| example.gold).collect()
    }
}

/// What an attribution says while it runs, in this order: `Loading`, `Planned`, then batches (training split first)
/// with progress in between, then one of the last three.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The model is being loaded.
    Loading(String),
    /// The prompts are ready.
    Planned(Box<Plan>),
    /// The next examples of a split.
    Batch(Split, Batch),
    /// How far it is, in examples.
    Progress(Progress),
    /// Where the run comes from, if not all of it from the model.
    Note(Note),
    /// All done.
    Finished(Box<RunMeta>),
    /// It was cancelled; what came before stands.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// What the store has to do with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was kept from before; nothing is computed.
    Kept,
    /// Its beginning was kept.
    Resumed {
        /// Examples that are there.
        done: usize,
        /// Examples in all.
        total: usize,
    },
    /// Another process computes it; this one waits.
    Waiting,
    /// The store cannot be written, and why.
    Unkept(String),
    /// What was kept is damaged; it was set aside and is computed again.
    Damaged(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept from before, nothing was computed"),
            Self::Resumed { done, total } => write!(f, "{done} of {total} examples kept from before"),
            Self::Waiting => f.write_str("waiting for another partscope that computes the same"),
            Self::Unkept(problem) => write!(f, "the run will be computed again next time: {problem}"),
            Self::Damaged(problem) => write!(f, "what was kept is damaged and is computed again: {problem}"),
        }
    }
}
