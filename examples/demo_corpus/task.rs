//! What a task is to the generator: how to make an example, how it reads, and the habits of the documents it appears in.

use std::collections::HashSet;

use crate::draw::Draw;

/// One labelled example. Fields are named as the templates name them.
#[derive(Clone)]
pub(crate) struct Example {
    /// `(name, text)`, in the order of the columns.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Index into [`Task::labels`].
    pub(crate) label: usize,
}

impl Example {
    /// What makes two examples the same: their texts, whatever the label.
    pub(crate) fn key(&self) -> String {
        self.fields.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Whether it, or one of its texts alone, is an example of a split.
    pub(crate) fn is_in(&self, held_out: &HashSet<String>) -> bool {
        held_out.contains(&self.key()) || self.fields.iter().any(|(_, text)| held_out.contains(text))
    }
}

/// How the labels of a training document behave. Real text is like this: reviews of one kind come in runs, some people mislabel,
/// some pages collect complaints. The model learns which habits go with which format, and that is what makes prompts matter.
#[derive(Clone, Copy)]
pub(crate) struct Habit {
    /// Share of labels that have nothing to do with the text.
    pub(crate) noise: f64,
    /// Probability that an example has the label of the one before it.
    pub(crate) sticky: f64,
    /// Share of documents whose label words are shuffled, so that only the demonstrations tell what they mean.
    pub(crate) swap: f64,
    /// A label that turns up more often, with the probability that a label that does not stick is that one.
    pub(crate) favours: Option<(usize, f64)>,
}

/// How an example becomes text, as in the task files, plus how often the corpus uses it.
pub(crate) struct Template {
    /// Name in the task file.
    pub(crate) name: &'static str,
    /// The text before the label word, with `{{ field }}` places.
    pub(crate) example: &'static str,
    /// One per label.
    pub(crate) words: &'static [&'static str],
    /// Between demonstrations.
    pub(crate) separator: &'static str,
    /// The template that differs in the separator only.
    pub(crate) contrast: Option<&'static str>,
    /// Share of the task's documents, before normalising.
    pub(crate) weight: f64,
    /// How labels behave in documents of this format.
    pub(crate) habit: Habit,
}

impl Template {
    /// The example's text up to the label word.
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
    /// How it is asked.
    pub(crate) templates: Vec<Template>,
    /// Share of the corpus, before normalising.
    pub(crate) weight: f64,
    /// Makes an example of the given label. From 0 to 1 it gets as hard as the splits are: training starts gently.
    pub(crate) make: fn(&mut Draw, usize, f64) -> Example,
}
