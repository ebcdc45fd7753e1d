//! One split of an open run.

use std::sync::Arc;

use crate::{
    analysis::{Mix, MixedLogits, Tally},
    attribution::Attribution,
    run::ExampleRecord,
    runner::{PlannedExample, PromptText},
    text::printable,
};

use super::mixer::Mixer;

/// An example in a list. Its text contains no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Id in the task's data.
    pub id: String,
    /// Text, without the demonstrations.
    pub text: String,
    /// Gold label, the index of a class.
    pub gold: usize,
    /// Full prompt of the model, not stored in saved runs. May contain control characters.
    pub prompt: Option<PromptText>,
}

/// One split of an open run.
#[derive(Clone, Debug)]
pub struct OpenSplit {
    /// All examples in table order, including those not computed yet.
    pub items: Vec<Item>,
    /// Attributions of the examples computed so far.
    pub table: Arc<Attribution>,
    /// Predictions of the components and the model.
    pub tally: Tally,
    /// Predictions of the mix.
    pub mixed: MixedLogits,
}

impl OpenSplit {
    /// Creates a split with all weights at 1.
    pub(super) fn new(items: Vec<Item>, table: Attribution) -> Self {
        let (tally, mixed) = (Tally::from_table(&table), MixedLogits::new(Mix::identity(table.shape()), &table));
        Self { items, table: Arc::new(table), tally, mixed }
    }

    /// Updates predictions for new rows of the table and the mix of `mixer`.
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
