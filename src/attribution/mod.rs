//! The attribution: the table that engines produce and analyses read.
//!
//! For every example of one split, an [`Attribution`] contains each component's contribution to the label logits, the
//! contribution of everything else ([`rest`](Attribution::rest)), and the model's own logits
//! ([`full`](Attribution::full)), computed by an ordinary forward pass so that the sum can be checked against them.
//!
//! Engines fill one column per label word. Where classes have several words ([`WordClasses`]), readers see one column per
//! class: everything is reduced by the same rule, the model's logits and each component's contributions. Readers that add
//! contributions add those to words ([`words`](Attribution::words)) and reduce the sums
//! ([`by_class`](Attribution::by_class)).

mod argmax;
mod columns;
mod exactness;
mod output_norms;
mod word_classes;

pub use argmax::argmax;
pub use columns::{Batch, Columns};
pub use exactness::{Exactness, F32_ROUNDING, F32_TOLERANCE};
pub use word_classes::{ClassLogit, WordClasses};

use std::{borrow::Cow, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use self::output_norms::OutputNorms;
use crate::component::{Component, Shape};

/// A split of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Training examples, on which mixes are fitted.
    Train,
    /// Test examples, on which accuracies are measured.
    Test,
}

impl Split {
    /// Both splits, in the order in which they are computed and stored.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// Returns the name in files: `train` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Contributions of every component to the label logits of every example of one split.
///
/// Logits are in nats, before any final soft-cap. Rows are filled in order as batches arrive; readers see only the
/// filled rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// One column per label word.
    words: Columns,
    /// One column per class; `None` if every class has one word, in the order of the words.
    classes: Option<Classes>,
    gold: Vec<usize>,
    norms: OutputNorms,
    label_gram: Option<Arc<[f64]>>,
}

/// The columns of classes.
#[derive(Clone, Debug, PartialEq)]
struct Classes {
    of: Arc<WordClasses>,
    columns: Columns,
    /// For every example and class, the word that has the largest logit of the model, `[N, Y]`.
    best: Vec<u32>,
}

impl Attribution {
    /// Creates an empty table for examples with the gold labels `gold`, with one label word per class.
    pub fn new(shape: Shape, gold: Vec<usize>) -> Self {
        Self::with_classes(shape, None, gold)
    }

    /// As [`new`](Self::new), for `shape.labels` label words that stand for `classes`.
    pub fn with_classes(shape: Shape, classes: Option<WordClasses>, gold: Vec<usize>) -> Self {
        let classes = classes.map(|of| Classes {
            columns: Columns::new(Shape { labels: of.count(), ..shape }, gold.len()),
            of: Arc::new(of),
            best: Vec::new(),
        });
        let norms = OutputNorms::new(shape.components());
        Self { words: Columns::new(shape, gold.len()), classes, gold, norms, label_gram: None }
    }

    /// Creates the complete table of the examples in `all`, with the gold labels `gold`.
    ///
    /// # Panics
    /// If the sizes of `shape`, `gold` and `all` do not match.
    pub(crate) fn complete(shape: Shape, classes: Option<WordClasses>, gold: Vec<usize>, all: Batch) -> Self {
        assert_eq!(all.examples, gold.len());
        let mut table = Self::with_classes(shape, classes, gold);
        table.push_classes(&all);
        table.norms.push(all.examples, &all.norms);
        table.words = Columns::complete(shape, all);
        table
    }

    /// Appends the next examples: contributions to label words.
    ///
    /// # Panics
    /// If the batch has a different shape than the table, or more examples than there is room for. Both are programming
    /// errors in an engine, never caused by input.
    pub fn push(&mut self, batch: &Batch) {
        self.words.push(batch);
        self.push_classes(batch);
        self.norms.push(batch.examples, &batch.norms);
    }

    /// Adds the inner products of the label rows ([`label_gram`](Self::label_gram)), if they are known.
    ///
    /// # Panics
    /// If their number is not that of the pairs of label words.
    #[must_use]
    pub fn with_label_gram(self, label_gram: Option<Arc<[f64]>>) -> Self {
        let words = self.words.shape().labels;
        assert!(label_gram.as_ref().is_none_or(|gram| gram.len() == words * words), "a matrix of {words} label words");
        Self { label_gram, ..self }
    }

    fn push_classes(&mut self, batch: &Batch) {
        let Some(Classes { of, columns, best }) = &mut self.classes else { return };
        columns.push(&Batch {
            examples: batch.examples,
            components: of.reduce_f32(&batch.components),
            rest: of.reduce_f32(&batch.rest),
            full: of.reduce_f32(&batch.full),
            norms: Vec::new(),
        });
        best.extend(of.best_words(&batch.full));
    }

    /// The columns that readers see.
    fn columns(&self) -> &Columns {
        self.classes.as_ref().map_or(&self.words, |classes| &classes.columns)
    }

    /// Returns the contributions to label words, as engines computed them: `[N, W]`.
    pub const fn words(&self) -> &Columns {
        &self.words
    }

    /// Returns the classes of the label words; `None` if every class has one word, in the order of the words.
    pub fn word_classes(&self) -> Option<&WordClasses> {
        self.classes.as_ref().map(|classes| &*classes.of)
    }

    /// Reduces logits of label words, `[N, W]`, to those of classes, `[N, Y]`.
    pub fn by_class(&self, words: Vec<f64>) -> Vec<f64> {
        match &self.classes {
            Some(classes) => classes.of.reduce(&words),
            None => words,
        }
    }

    /// Returns the numbers of layers, heads and labels.
    pub fn shape(&self) -> Shape {
        self.columns().shape()
    }

    /// Returns the number of labels (classes) `Y`.
    pub fn labels(&self) -> usize {
        self.shape().labels
    }

    /// Returns the number of filled rows (examples) `N`.
    pub const fn len(&self) -> usize {
        self.words.len()
    }

    /// Returns whether no row is filled.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of examples that the table has room for.
    pub const fn capacity(&self) -> usize {
        self.words.capacity()
    }

    /// Returns whether all rows are filled.
    pub const fn is_complete(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Returns the contributions of the component at `index` (in the order of [`Shape`]): `[N, Y]`, row-major.
    ///
    /// With several words per class they are the component's own class logits, by the rule for the model's. They add up
    /// if the rule is linear; the terms that always do are [`addends`](Self::addends).
    pub fn contribution(&self, index: usize) -> &[f32] {
        self.columns().contribution(index)
    }

    /// Returns the contributions of `component`, `[N, Y]`; `None` if the model has no such component.
    pub fn contribution_of(&self, component: Component) -> Option<&[f32]> {
        self.shape().index(component).map(|index| self.contribution(index))
    }

    /// Returns the contributions of embeddings and biases, which belong to no component, `[N, Y]`.
    pub fn rest(&self) -> &[f32] {
        self.columns().rest()
    }

    /// Returns the model's own label logits, `[N, Y]`.
    pub fn full(&self) -> &[f32] {
        self.columns().full()
    }

    /// Returns what the component at `index` adds to the model's label logits on the examples from `row` on, `[.., Y]`.
    ///
    /// With the rule `max`, contributions to the words that have the largest logit of the model, so that the addends of
    /// all components and of `rest` sum to `full`.
    pub fn addends(&self, row: usize, index: usize) -> Cow<'_, [f32]> {
        self.addends_of(row, &self.words.contribution(index)[row * self.words.shape().labels..])
    }

    /// Returns what `rest` adds to the model's label logits, `[N, Y]`; see [`addends`](Self::addends).
    pub fn rest_addends(&self) -> Cow<'_, [f32]> {
        self.addends_of(0, self.words.rest())
    }

    /// Returns what `values`, contributions to label words on the examples from `row` on, add to the label logits of the
    /// words that [`addends`](Self::addends) takes.
    pub fn addends_of<'v>(&self, row: usize, values: &'v [f32]) -> Cow<'v, [f32]> {
        match &self.classes {
            None => values.into(),
            Some(Classes { of, best, .. }) if of.class_logit() == ClassLogit::Max => {
                of.pick(values, &best[row * of.count()..]).into()
            }
            Some(Classes { of, .. }) => of.reduce_f32(values).into(),
        }
    }

    /// Returns the table of classes in which each class has only its word in `chosen` `[N, Y]`, which gives the indices
    /// of words as [`WordClasses::best_words`] does. Its contributions add up.
    ///
    /// # Panics
    /// If `chosen` has another length, or the table has one word per class.
    #[must_use]
    pub fn holding(&self, chosen: &[u32]) -> Self {
        let of = self.word_classes().expect("classes with several words");
        assert_eq!(chosen.len(), self.len() * of.count());
        let shape = self.shape();
        let components = (0..shape.components()).flat_map(|index| of.pick(self.words.contribution(index), chosen));
        let all = Batch {
            examples: self.len(),
            components: components.collect(),
            rest: of.pick(self.words.rest(), chosen),
            full: of.pick(self.words.full(), chosen),
            norms: Vec::new(),
        };
        Self::complete(shape, None, self.gold().to_vec(), all)
    }

    /// Returns the gold labels of the filled rows, `[N]`.
    pub fn gold(&self) -> &[usize] {
        &self.gold[..self.len()]
    }

    /// Returns the gold labels of all examples, `[capacity]`.
    pub fn all_gold(&self) -> &[usize] {
        &self.gold
    }

    /// Returns the label logits of the sum of all heads and MLPs (without `rest`), `[N, Y]`, accumulated in f64.
    pub fn component_sum(&self) -> Vec<f64> {
        self.by_class(self.words.component_sum())
    }

    /// Returns the table of the filled rows for which `keep` is true, in order.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.len()).filter(|&row| keep(row)).collect();
        let gold = kept.iter().map(|&row| self.gold[row]).collect();
        let batch = Batch { norms: self.norms.pick(&kept), ..self.words.batch(&kept) };
        let table = Self::complete(self.words.shape(), self.word_classes().cloned(), gold, batch);
        table.with_label_gram(self.label_gram.clone())
    }

    /// Returns the given filled rows as a batch, with contributions to label words.
    pub fn batch(&self, rows: Range<usize>) -> Batch {
        let rows: Vec<usize> = rows.collect();
        Batch { norms: self.norms.pick(&rows), ..self.words.batch(&rows) }
    }

    /// Returns the squared norms of what the component at `index` adds to the residual stream, `[N]`, times the squares of
    /// the final norm's realised scale and of the logit scale, as its contributions are multiplied; `None` if they are not
    /// known for all examples.
    pub fn output_norms(&self, index: usize) -> Option<&[f32]> {
        self.norms.of(index)
    }

    /// Returns the inner products of the label rows, `[W, W]`: rows of the unembedding multiplied with the final norm's γ
    /// and centred if the norm centres, so that a contribution is the inner product of a row and a component's output,
    /// times the factors of [`output_norms`](Self::output_norms). `None` if they are not known.
    pub fn label_gram(&self) -> Option<&[f64]> {
        self.label_gram.as_deref()
    }

    /// Measures how well the contributions add up to the model's own logits, for each label word.
    pub fn exactness(&self) -> Exactness {
        let sum = self.words.component_sum();
        let total: Vec<f64> = sum.iter().zip(self.words.rest()).map(|(s, &r)| s + f64::from(r)).collect();
        let full: Vec<f64> = self.words.full().iter().copied().map(f64::from).collect();
        Exactness { terms: self.largest_terms(), ..Exactness::measure(&total, &full, self.words.shape().labels) }
    }

    /// Returns the largest sum of magnitudes of label-centred contributions to one logit, `rest` included.
    fn largest_terms(&self) -> f64 {
        let words = self.words.shape().labels;
        let mut sums = vec![0.0; self.len() * words];
        let components = (0..self.words.shape().components()).map(|index| self.words.contribution(index));
        for values in components.chain([self.words.rest()]) {
            let rows = sums.chunks_exact_mut(words).zip(values.chunks_exact(words));
            for (sums, row) in rows {
                let mean = row.iter().copied().map(f64::from).sum::<f64>() / row.len() as f64;
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += (f64::from(value) - mean).abs());
            }
        }
        sums.into_iter().fold(0.0, exactness::nan_max)
    }
}

#[cfg(test)]
mod tests;
