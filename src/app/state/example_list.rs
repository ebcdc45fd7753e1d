//! The list of test examples, with its filters and cursor.

use serde::{Deserialize, Serialize};

use crate::attribution::Split;

use super::{
    list::moved,
    open_run::{Change, OpenRun},
};

/// Filter of the example list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// All examples.
    #[default]
    All,
    /// Examples with a wrong prediction.
    Wrong,
    /// Examples on which the mix and the model differ.
    Flipped,
}

impl Filter {
    /// Returns the next filter.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Wrong,
            Self::Wrong => Self::Flipped,
            Self::Flipped => Self::All,
        }
    }

    /// Name of the filter.
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Wrong => "wrong",
            Self::Flipped => "flipped",
        }
    }

    /// Returns why a list with this filter is empty, for a run with or without a mix.
    pub const fn empty(self, has_mix: bool) -> &'static str {
        match self {
            Self::All => "no example matches",
            Self::Wrong => "no example is wrong",
            Self::Flipped if has_mix => "the mix flips no example",
            Self::Flipped => "no mix yet, so nothing is flipped",
        }
    }

    fn keeps(self, run: &OpenRun, example: usize) -> bool {
        match self {
            Self::All => true,
            Self::Wrong => run.predictions(Split::Test)[example] != run.test.items[example].gold,
            Self::Flipped => run.change(example) != Change::Same,
        }
    }
}

/// The list of test examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExampleList {
    /// Filter by prediction.
    pub filter: Filter,
    /// Filter by gold label.
    pub label: Option<usize>,
    /// Filter by text, ignoring case.
    pub needle: String,
    /// Indices of the listed examples in the table.
    pub rows: Vec<usize>,
    /// Cursor, an index into `rows`.
    pub at: usize,
    /// Lines of the prompt below the visible ones; `None` if the margin breakdown is shown instead of the prompt.
    pub prompt: Option<usize>,
}

impl ExampleList {
    /// Lists the filtered examples of `run` and keeps the cursor on its example if possible.
    pub fn refresh(&mut self, run: &OpenRun) {
        let selected = self.rows.get(self.at).copied().unwrap_or(0);
        let examples = 0..run.test.tally.len();
        let needle = self.needle.to_lowercase();
        self.label = self.label.filter(|&label| label < run.shape.labels);
        let matches = |example: usize| {
            let item = &run.test.items[example];
            self.label.is_none_or(|label| item.gold == label)
                && (needle.is_empty() || item.text.to_lowercase().contains(&needle))
        };
        self.rows = examples.filter(|&example| self.filter.keeps(run, example) && matches(example)).collect();
        self.at = self.rows.partition_point(|&example| example < selected);
        self.step(0);
    }

    /// Moves the cursor to a row.
    pub fn go(&mut self, row: usize) {
        self.at = row;
        self.step(0);
    }

    /// Moves the cursor by a number of rows.
    pub fn step(&mut self, rows: isize) {
        self.at = moved(self.at, rows, self.rows.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn filters_keep_matching_examples_and_the_cursor() {
        let mut run = OpenRun::saved(0, fixture::run(&fixture::request(), 40));
        let mut example_list = ExampleList::default();
        example_list.refresh(&run);
        example_list.step(1000);
        assert_eq!((example_list.rows.len(), example_list.at), (40, 39));
        example_list.filter = example_list.filter.next();
        example_list.refresh(&run);
        let wrong = ((1.0 - run.accuracy(Split::Test).unwrap()) * 40.0).round() as usize;
        assert_eq!(example_list.rows.len(), wrong);
        assert!(wrong > 0 && example_list.at == wrong - 1);
        example_list.filter = example_list.filter.next();
        example_list.refresh(&run);
        assert_eq!((example_list.rows.len(), example_list.at), (0, 0));
        example_list.filter = Filter::All;
        example_list.needle = "DULL".to_owned();
        example_list.refresh(&run);
        assert!(
            example_list.rows.iter().all(|&row| run.test.items[row].text.contains("dull"))
                && example_list.rows.len() == 5
        );
        example_list = ExampleList { label: Some(1), ..ExampleList::default() };
        example_list.refresh(&run);
        let of_label = run.test.items.iter().filter(|item| item.gold == 1).count();
        assert!(
            example_list.rows.iter().all(|&row| run.test.items[row].gold == 1) && example_list.rows.len() == of_label
        );
        example_list = ExampleList { filter: Filter::Flipped, ..ExampleList::default() };
        (0..72).for_each(|component| run.mixer.invert(&[component]));
        run.update_predictions();
        example_list.refresh(&run);
        assert_eq!(example_list.rows.len(), 40 - run.changes(Change::Same));
    }
}
