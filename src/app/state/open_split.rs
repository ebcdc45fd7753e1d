//! One split of a run as the screen reads it.

use std::sync::Arc;

use crate::{
    analysis::{Mix, MixedLogits, Tally},
    attribution::Attribution,
    run::ExampleRecord,
    runner::{PlannedExample, PromptText},
    text::printable,
};

use super::mixer::Mixer;

/// An example as it is listed. Its text is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id in the task's data.
    pub id: String,
    /// What it says, without the demonstrations.
    pub text: String,
    /// Gold label, an index into the label words.
    pub gold: usize,
    /// The whole prompt as the model read it; runs from disk do not keep it. Not safe to show as it is.
    pub prompt: Option<PromptText>,
}

/// One split of a run.
#[derive(Clone, Debug)]
pub struct OpenSplit {
    /// The examples, in table order, including those not attributed yet.
    pub items: Vec<Item>,
    /// Contributions of the examples attributed so far.
    pub table: Arc<Attribution>,
    /// What the components and the model predict.
    pub tally: Tally,
    /// What the mix predicts.
    pub mixed: MixedLogits,
}

impl OpenSplit {
    /// A split under the model's own weights.
    pub(super) fn new(items: Vec<Item>, table: Attribution) -> Self {
        let (tally, mixed) = (Tally::of(&table), MixedLogits::new(Mix::identity(table.shape()), &table));
        Self { items, table: Arc::new(table), tally, mixed }
    }

    /// Takes in the rows that the table gained, and changes the mix to that of `mixer`.
    pub(super) fn update(&mut self, mixer: &Mixer) {
        self.tally.update(&self.table);
        self.mixed.update(&self.table, mixer.mix());
    }
}

impl From<&PlannedExample> for Item {
    fn from(example: &PlannedExample) -> Self {
        let (id, text) = (printable(&example.id).into_owned(), printable(&example.text).into_owned());
        Self { id, text, gold: example.gold, prompt: example.prompt.clone() }
    }
}

impl From<&ExampleRecord> for Item {
    fn from(example: &ExampleRecord) -> Self {
        let (id, text) = (printable(&example.id).into_owned(), printable(&example.text).into_owned());
        Self { id, text, gold: example.gold, prompt: None }
    }
}
