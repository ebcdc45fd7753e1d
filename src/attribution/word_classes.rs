//! Label words and the classes that they stand for.
//!
//! Several label words per class are called a verbalizer (Schick and Schütze 2021, arXiv 2001.07676). Contributions add
//! up per label word. Therefore every sum of contributions adds those to words first and takes the logit of a class
//! from the sums; the order matters, because a sum of maxima is not the maximum of sums.

use serde::{Deserialize, Serialize};

use crate::{
    error::{InputError, Result},
    text::list,
};

/// How the logit of a class follows from the logits of its label words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassLogit {
    /// The largest: the prediction is the class of the most probable label word.
    Max,
    /// The sum; all classes must have equally many words, or the count would decide.
    Sum,
    /// The mean.
    Mean,
}

impl ClassLogit {
    /// All rules by their names in files and on the command line.
    pub const NAMES: [(&'static str, Self); 3] = [("max", Self::Max), ("sum", Self::Sum), ("mean", Self::Mean)];

    /// Returns the rule called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(own, _)| *own == name).map(|(_, rule)| rule)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, rule)| *rule == self).map_or("", |(name, _)| name)
    }
}

/// The class of every label word, and the rule for class logits. Runs with one word per class, in the order of the
/// classes, have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct WordClasses(Parts);

/// As written to `run.json` and weights files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    /// Names of the classes.
    classes: Vec<String>,
    /// Class of every label word, an index into `classes`, `[W]`.
    of_word: Vec<usize>,
    /// The rule.
    class_logit: ClassLogit,
}

impl TryFrom<Parts> for WordClasses {
    type Error = InputError;

    fn try_from(parts: Parts) -> Result<Self, InputError> {
        let wrong = |problem: String, help: &str| Err(InputError::new(problem).help(help));
        let Parts { classes, of_word, class_logit } = &parts;
        if classes.len() < 2 {
            return wrong("there must be at least two classes".to_owned(), "");
        }
        if let Some(class) = of_word.iter().find(|class| **class >= classes.len()) {
            return wrong(format!("the class {class} is not below the number of classes, {}", classes.len()), "");
        }
        let counts: Vec<usize> =
            (0..classes.len()).map(|class| of_word.iter().filter(|own| **own == class).count()).collect();
        if let Some(class) = counts.iter().position(|count| *count == 0) {
            return wrong(format!("the class `{}` has no label word", classes[class]), "give every class a label word");
        }
        if *class_logit == ClassLogit::Sum && counts.iter().any(|count| *count != counts[0]) {
            let problem = format!(
                "a sum over {} label words would favour a class by their number",
                list(counts.iter().map(usize::to_string))
            );
            return wrong(problem, "use `max` or `mean`, or give every class as many label words");
        }
        Ok(Self(parts))
    }
}

impl From<WordClasses> for Parts {
    fn from(own: WordClasses) -> Self {
        own.0
    }
}

impl WordClasses {
    /// Assigns every label word to one of `classes`; `None` if every class has one word and they are in its order.
    ///
    /// # Errors
    /// If a class has no word or does not exist, or a sum would compare different numbers of words.
    pub fn new(classes: Vec<String>, of_word: Vec<usize>, class_logit: ClassLogit) -> Result<Option<Self>, InputError> {
        let plain = of_word.iter().copied().eq(0..classes.len());
        let own = Self::try_from(Parts { classes, of_word, class_logit })?;
        Ok((!plain).then_some(own))
    }

    /// Returns the names of the classes.
    pub fn names(&self) -> &[String] {
        &self.0.classes
    }

    /// Returns the number of classes.
    pub const fn count(&self) -> usize {
        self.0.classes.len()
    }

    /// Returns the number of label words `W`.
    pub const fn words(&self) -> usize {
        self.0.of_word.len()
    }

    /// Returns the class of every label word, `[W]`.
    pub fn of_word(&self) -> &[usize] {
        &self.0.of_word
    }

    /// Returns the rule for class logits.
    pub const fn class_logit(&self) -> ClassLogit {
        self.0.class_logit
    }

    /// Returns the first label word of `class`, which demonstrations show.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn first_word(&self, class: usize) -> usize {
        self.of_word().iter().position(|own| *own == class).expect("every class has a word")
    }

    /// Returns the classes with their `words`, and the rule, in one line.
    pub fn describe(&self, words: &[String]) -> String {
        let class = |(class, name): (usize, &String)| {
            let own = words.iter().zip(self.of_word()).filter(|(_, own)| **own == class);
            format!("{name}: {}", own.map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" "))
        };
        let classes: Vec<String> = self.names().iter().enumerate().map(class).collect();
        format!("{}; the logit of a class is the {} of its words", classes.join(", "), self.class_logit().name())
    }

    /// Reduces rows of `W` word logits to rows of class logits. A NaN among the words of a class gives NaN.
    pub fn reduce<T: Copy + Into<f64>>(&self, words: &[T]) -> Vec<f64> {
        let first: Vec<usize> = (0..self.count()).map(|class| self.first_word(class)).collect();
        let size: Vec<f64> =
            (0..self.count()).map(|class| self.of_word().iter().filter(|own| **own == class).count() as f64).collect();
        let mut logits = Vec::with_capacity(words.len() / self.words() * self.count());
        for row in words.chunks_exact(self.words()) {
            let start = logits.len();
            logits.extend(first.iter().map(|&word| row[word].into()));
            let classes = &mut logits[start..];
            for (word, (&value, &class)) in row.iter().zip(self.of_word()).enumerate() {
                if word != first[class] {
                    combine(&mut classes[class], value.into(), self.class_logit());
                }
            }
            if self.class_logit() == ClassLogit::Mean {
                classes.iter_mut().zip(&size).for_each(|(logit, size)| *logit /= size);
            }
        }
        logits
    }

    /// As [`reduce`](Self::reduce), in single precision.
    pub fn reduce_f32(&self, words: &[f32]) -> Vec<f32> {
        self.reduce(words).into_iter().map(|logit| logit as f32).collect()
    }

    /// Returns, for every row of `W` word logits and every class, the word with the largest logit, ties to the first.
    pub fn best_words<T: Copy + PartialOrd>(&self, words: &[T]) -> Vec<u32> {
        let best = |row: &[T], class: usize| {
            let own = (0..row.len()).filter(|&word| self.of_word()[word] == class);
            own.reduce(|best, word| if row[word] > row[best] { word } else { best }).unwrap_or(0) as u32
        };
        words.chunks_exact(self.words()).flat_map(|row| (0..self.count()).map(move |class| best(row, class))).collect()
    }

    /// Returns the values at the words `chosen` (as [`best_words`](Self::best_words) returns them) of rows of `W`.
    pub fn pick(&self, words: &[f32], chosen: &[u32]) -> Vec<f32> {
        let rows = words.chunks_exact(self.words()).zip(chosen.chunks_exact(self.count()));
        rows.flat_map(|(row, chosen)| chosen.iter().map(|&word| row[word as usize])).collect()
    }

    /// Returns what to add to the logit of every word so that every class logit grows by its offset, `[W]`.
    pub fn word_offsets(&self, offsets: &[f64]) -> Vec<f64> {
        let words = |class| self.of_word().iter().filter(|own| **own == class).count() as f64;
        let share = |class| if self.class_logit() == ClassLogit::Sum { 1.0 / words(class) } else { 1.0 };
        if offsets.is_empty() {
            return Vec::new();
        }
        self.of_word().iter().map(|&class| offsets[class] * share(class)).collect()
    }
}

fn combine(logit: &mut f64, value: f64, rule: ClassLogit) {
    match rule {
        ClassLogit::Max if value > *logit || value.is_nan() => *logit = value,
        ClassLogit::Max => {}
        ClassLogit::Sum | ClassLogit::Mean => *logit += value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(of_word: &[usize], rule: ClassLogit) -> WordClasses {
        let count = of_word.iter().max().unwrap() + 1;
        let names = (0..count).map(|class| format!("c{class}")).collect();
        WordClasses::new(names, of_word.to_vec(), rule).unwrap().unwrap()
    }

    #[test]
    fn class_logits_by_hand() {
        let row = [1.0_f32, 5.0, -2.0, 4.0];
        assert_eq!(classes(&[1, 0, 1, 0], ClassLogit::Max).reduce(&row), [5.0, 1.0]);
        assert_eq!(classes(&[1, 0, 1, 0], ClassLogit::Sum).reduce(&row), [9.0, -1.0]);
        assert_eq!(classes(&[1, 0, 1, 1], ClassLogit::Mean).reduce(&row), [5.0, 1.0]);
        assert_eq!(classes(&[1, 0], ClassLogit::Max).reduce(&[1.0_f32, 2.0, 3.0, 4.0]), [2.0, 1.0, 4.0, 3.0]);
        let own = classes(&[0, 0, 1], ClassLogit::Max);
        assert_eq!(own.best_words(&[1.0, 1.0, 0.0, 1.0, 2.0, 0.0]), [0, 2, 1, 2]);
        assert_eq!(own.pick(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1, 2, 0, 2]), [2.0, 3.0, 4.0, 6.0]);
        assert!(own.reduce(&[1.0, f64::NAN, 0.0])[0].is_nan() && own.reduce(&[f64::NAN, 1.0, 0.0])[0].is_nan());
    }

    #[test]
    fn offsets_of_words_move_class_logits_by_those_of_classes() {
        let (row, offsets) = ([1.0, 5.0, -2.0, 4.0], [0.5, -1.5]);
        for (_, rule) in ClassLogit::NAMES {
            let own = classes(&[1, 0, 1, 0], rule);
            let moved: Vec<f64> = row.iter().zip(own.word_offsets(&offsets)).map(|(a, b)| a + b).collect();
            for ((after, before), offset) in own.reduce(&moved).iter().zip(own.reduce(&row)).zip(offsets) {
                assert!((after - before - offset).abs() < 1e-12, "{rule:?}");
            }
        }
    }

    #[test]
    fn one_word_a_class_in_order_needs_none() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(WordClasses::new(names.clone(), vec![0, 1], ClassLogit::Max).unwrap(), None);
        assert!(WordClasses::new(names, vec![1, 0], ClassLogit::Max).unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let message =
            |of_word: &[usize], rule| WordClasses::new(names.clone(), of_word.to_vec(), rule).unwrap_err().to_string();
        assert!(message(&[0, 0], ClassLogit::Max).contains("`b` has no label word"));
        assert!(message(&[0, 1, 2], ClassLogit::Max).contains("not below the number of classes, 2"));
        assert!(message(&[0, 0, 1], ClassLogit::Sum).contains("a sum over 2 and 1 label words"));
        let json = r#"{"classes": ["a", "b"], "of_word": [0, 0], "class_logit": "max"}"#;
        assert!(serde_json::from_str::<WordClasses>(json).is_err());
        let json = r#"{"classes": ["a", "b"], "of_word": [0, 1, 1], "class_logit": "max"}"#;
        let own: WordClasses = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_value(&own).unwrap(), serde_json::from_str::<serde_json::Value>(json).unwrap());
    }
}
