//! Tasks of the generator: how to make examples and render them, and how labels behave in documents.

use std::collections::HashSet;

use crate::draw::Draw;

/// One labelled example.
#[derive(Clone)]
pub(crate) struct Example {
    /// `(name, text)` of each field that templates use, in column order.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Index into [`Task::labels`].
    pub(crate) label: usize,
}

impl Example {
    /// Returns a key that is equal for examples with the same texts; ignores the label.
    pub(crate) fn key(&self) -> String {
        self.fields.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Whether the example, or one of its texts alone, is in a split.
    pub(crate) fn is_in(&self, held_out: &HashSet<String>) -> bool {
        held_out.contains(&self.key()) || self.fields.iter().any(|(_, text)| held_out.contains(text))
    }
}

/// How the labels of a training document behave. Real text is similar: reviews of one kind come in sequences, some
/// people mislabel, some pages collect complaints. The model learns which habit each format has; this is why prompts
/// matter.
#[derive(Clone, Copy)]
pub(crate) struct Habit {
    /// Share of labels that do not depend on the text.
    pub(crate) noise: f64,
    /// Probability that an example has the label of the previous one.
    pub(crate) sticky: f64,
    /// Share of documents with shuffled label words, so that only the demonstrations show their meaning.
    pub(crate) swap: f64,
    /// A favourite label, with its probability when the previous label is not repeated.
    pub(crate) favours: Option<(usize, f64)>,
}

/// Template that renders examples, as in the task files, and its share in the corpus.
pub(crate) struct Template {
    /// Name in the task file.
    pub(crate) name: &'static str,
    /// Text before the label word, with `{{ field }}` placeholders.
    pub(crate) example: &'static str,
    /// Label words, one per label.
    pub(crate) words: &'static [&'static str],
    /// Text between demonstrations.
    pub(crate) separator: &'static str,
    /// Template that differs only in the separator.
    pub(crate) contrast: Option<&'static str>,
    /// Share of the task's documents, before normalising.
    pub(crate) weight: f64,
    /// How labels behave in documents of this format.
    pub(crate) habit: Habit,
}

impl Template {
    /// Renders the example up to the label word.
    pub(crate) fn render(&self, example: &Example) -> String {
        example
            .fields
            .iter()
            .fold(self.example.to_string(), |text, (name, value)| text.replace(&format!("{{{{ {name} }}}}"), value))
    }
}

/// A classification task of the demo.
pub(crate) struct Task {
    /// Name of its files.
    pub(crate) name: &'static str,
    /// One line for the task file.
    pub(crate) description: &'static str,
    /// Label values in the data.
    pub(crate) labels: &'static [&'static str],
    /// Templates of the task.
    pub(crate) templates: Vec<Template>,
    /// Share of the corpus, before normalising.
    pub(crate) weight: f64,
    /// Makes an example with the given label and a difficulty between 0 and 1; splits have difficulty 1.
    pub(crate) make: fn(&mut Draw, usize, f64) -> Example,
}
