//! Which examples are listed, and which of them the list stands on.

use crate::attribution::Split;

use super::{
    list::moved,
    open_run::{Change, OpenRun},
};

/// Which examples are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those that what is heard gets wrong.
    Wrong,
    /// Those on which the mix and the model differ.
    Flipped,
}

impl Filter {
    /// The next filter.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Wrong,
            Self::Wrong => Self::Flipped,
            Self::Flipped => Self::All,
        }
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Wrong => "wrong",
            Self::Flipped => "flipped",
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
    /// Which are listed.
    pub filter: Filter,
    /// Their gold label, if only those of one are listed.
    pub label: Option<usize>,
    /// What their text must contain, whatever the case.
    pub needle: String,
    /// Their numbers in the table.
    pub rows: Vec<usize>,
    /// On which of `rows` the list stands.
    pub at: usize,
    /// Whether the prompt of the opened example is shown instead of who argued for what, and how many of its lines lie
    /// below those that are shown.
    pub prompt: Option<usize>,
}

impl ExampleList {
    /// Lists what the filter keeps of `run`, and stays on the same example if it is still there.
    pub fn refresh(&mut self, run: &OpenRun) {
        let stood = self.rows.get(self.at).copied().unwrap_or(0);
        let examples = 0..run.test.tally.len();
        let needle = self.needle.to_lowercase();
        self.label = self.label.filter(|&label| label < run.shape.labels);
        let has = |example: usize| {
            let item = &run.test.items[example];
            self.label.is_none_or(|label| item.gold == label)
                && (needle.is_empty() || item.text.to_lowercase().contains(&needle))
        };
        self.rows = examples.filter(|&example| self.filter.keeps(run, example) && has(example)).collect();
        self.at = self.rows.partition_point(|&example| example < stood);
        self.step(0);
    }

    /// Goes to a row.
    pub fn go(&mut self, row: usize) {
        self.at = row;
        self.step(0);
    }

    /// Moves by so many rows.
    pub fn step(&mut self, rows: isize) {
        self.at = moved(self.at, rows, self.rows.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn filters_keep_what_they_say_and_the_place() {
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
