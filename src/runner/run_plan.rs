//! Everything known about a run before the model computes.

use super::{prompt_text::PromptText, prompts::Prompts};
use crate::{
    attribution::Split,
    component::Shape,
    request::RunRequest,
    run::{ModelMeta, PromptMeta, SelectionMeta, TaskMeta},
};

/// An example of a planned run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedExample {
    /// Its id in the task's data.
    pub id: String,
    /// Its text, without the demonstrations.
    pub text: String,
    /// Gold label, an index into the label words.
    pub gold: usize,
    /// The whole prompt; `None` for runs from disk, which do not store it.
    pub prompt: Option<PromptText>,
}

/// Everything known about a run before the model computes; enough to lay out the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The request; `None` for explicit prompts.
    pub request: Option<RunRequest>,
    /// How the test examples were chosen; `None` if they were not.
    pub selection: Option<SelectionMeta>,
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
    /// Token ids of all prompts that a run from disk keeps; `None` for other plans.
    pub kept: Option<Prompts>,
}

impl Plan {
    /// Says what a reader of the results must know about the prompts and the choice of examples; empty if there is
    /// nothing.
    pub fn remarks(&self) -> Vec<String> {
        let chosen = self.selection.iter().flat_map(SelectionMeta::remarks);
        chosen.chain(self.prompt.remarks()).collect()
    }

    /// Returns the examples of one split.
    pub fn split(&self, split: Split) -> &[PlannedExample] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Returns the gold labels of one split.
    pub fn gold(&self, split: Split) -> Vec<usize> {
        self.split(split).iter().map(|example| example.gold).collect()
    }
}
