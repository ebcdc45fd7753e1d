//! Queries without a label, from which calibration learns what a prompt predicts without a query.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{random::SeededRng, task::Example};

/// Content-free inputs for contextual calibration (Zhao et al. 2021, arXiv 2102.09690).
pub(super) const CONTENT_FREE: [&str; 3] = ["N/A", "", "[MASK]"];

/// Number of random texts, as in the code of Fei et al. 2023 (`n_sample`).
const RANDOM_TEXTS: usize = 20;

/// Returns a query with `filler` in place of every text of `example`.
pub(super) fn content_free(example: &Example, filler: &str) -> Example {
    let fields = example.fields.iter().map(|(name, value)| (name.clone(), filled(value, filler)));
    Example { id: filler.to_owned(), fields: fields.collect(), label: 0 }
}

/// Returns the same structure with `filler` in place of every text.
fn filled(value: &Value, filler: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| filled(item, filler)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, filler))).collect::<Map<_, _>>().into()
        }
        _ => filler.into(),
    }
}

/// Returns queries of random words for domain-context calibration (Fei et al. 2023, arXiv 2305.19148; checked in
/// `sample_random_texts` of github.com/fywalter/label-bias): each text has as many words as the texts of its field have
/// on average, rounded down, drawn with replacement from the lower-case words of all of them, and ends in ` .`.
pub(super) fn in_domain(examples: &[&Example], rng: &mut SeededRng) -> Vec<Example> {
    let mut fields: BTreeMap<&str, Words> = BTreeMap::new();
    for (name, value) in examples.iter().flat_map(|example| &example.fields) {
        fields.entry(name).or_default().add(value);
    }
    let mut query = |number: usize| {
        let drawn = examples.first().into_iter().flat_map(|example| &example.fields);
        let drawn = drawn.map(|(name, value)| (name.clone(), fields[name.as_str()].text_like(value, rng)));
        Example { id: format!("random-{number}"), fields: drawn.collect(), label: 0 }
    };
    (0..RANDOM_TEXTS).map(&mut query).collect()
}

/// Words of the texts of one field.
#[derive(Default)]
struct Words {
    all: Vec<String>,
    texts: usize,
}

impl Words {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.all.extend(text.to_lowercase().split_whitespace().map(str::to_owned));
                self.texts += 1;
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(fields) => fields.values().for_each(|item| self.add(item)),
            _ => {}
        }
    }

    /// Returns the same structure with random words in place of every text.
    fn text_like(&self, value: &Value, rng: &mut SeededRng) -> Value {
        match value {
            Value::String(_) if self.all.is_empty() => value.clone(),
            Value::String(_) => {
                let count = self.all.len() / self.texts.max(1);
                let words: Vec<&str> = (0..count).map(|_| self.all[rng.below(self.all.len())].as_str()).collect();
                (words.join(" ") + " .").into()
            }
            Value::Array(items) => items.iter().map(|item| self.text_like(item, rng)).collect(),
            Value::Object(fields) => {
                let drawn = fields.iter().map(|(name, value)| (name.clone(), self.text_like(value, rng)));
                drawn.collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str) -> Example {
        let fields = [("text".to_owned(), text.into()), ("year".to_owned(), 7.into())].into_iter().collect();
        Example { id: text.to_owned(), fields, label: 0 }
    }

    #[test]
    fn random_texts_have_the_words_and_the_length_of_the_field() {
        let examples = ["One two", "Three four five", "six seven eight nine"].map(example);
        let queries = in_domain(&examples.iter().collect::<Vec<_>>(), &mut SeededRng::new(1));
        let again = in_domain(&examples.iter().collect::<Vec<_>>(), &mut SeededRng::new(1));
        assert_eq!((queries.len(), &queries), (20, &again));
        for query in &queries {
            let text = query.fields["text"].as_str().unwrap();
            let words: Vec<&str> = text.strip_suffix(" .").unwrap().split(' ').collect();
            assert_eq!((words.len(), &query.fields["year"]), (3, &Value::from(7)), "nine words in three texts");
            assert!(words.iter().all(|word| "one two three four five six seven eight nine".contains(word)), "{text}");
        }
        assert!(queries.iter().any(|query| query.fields != queries[0].fields));
    }

    #[test]
    fn content_free_queries_have_the_filler_in_every_field() {
        let query = content_free(&example("a b"), "N/A");
        assert!(query.fields.values().all(|value| value == "N/A"));
    }
}
