//! Everything known about a run before the model computes.

use std::sync::Arc;

use super::{prompt_text::PromptText, prompts::Prompts};
use crate::{
    attribution::{Attribution, Split},
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
    /// Gold label, the index of a class.
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
    /// Layers, heads and labels (classes).
    pub shape: Shape,
    /// Training examples, in table order.
    pub train: Vec<PlannedExample>,
    /// Test examples, in table order.
    pub test: Vec<PlannedExample>,
    /// Token ids of all prompts that a run from disk keeps; `None` for other plans.
    pub kept: Option<Prompts>,
    /// Inner products of the label rows, see [`Attribution::label_gram`]; `None` for runs of older versions.
    pub label_gram: Option<Arc<[f64]>>,
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

    /// Returns the numbers of layers, heads and label words: the columns that an engine computes.
    pub fn word_shape(&self) -> Shape {
        Shape { labels: self.task.label_tokens.len(), ..self.shape }
    }

    /// Returns the table of one split, still empty.
    pub fn table(&self, split: Split) -> Attribution {
        let table = Attribution::with_classes(self.word_shape(), self.task.word_classes.clone(), self.gold(split));
        table.with_label_gram(self.label_gram.clone())
    }

    /// Returns the gold labels of one split.
    pub fn gold(&self, split: Split) -> Vec<usize> {
        self.split(split).iter().map(|example| example.gold).collect()
    }
}
