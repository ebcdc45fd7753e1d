//! Reads YAML as PyYAML does, for data set cards and task files of the evaluation harness.
//!
//! Aliases are expanded up to a bound, and a value with a tag of its own (`!function utils.f`) becomes an object with
//! the tag as its only key, so that no reader takes it for a text.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use crate::{catch_panic, error::InputError};

/// Number of values that a document may have, with aliases expanded.
const MOST_VALUES: usize = 1_000_000;
/// Depth to which lists and mappings may be nested.
const DEEPEST: usize = 64;

/// Parses the first document of `text`.
///
/// # Errors
/// If it is not valid YAML, or expands to too many values; gives line and column.
pub(super) fn parse(text: &str) -> Result<Value, InputError> {
    let parsed = catch_panic::catch(|| load(text));
    parsed.unwrap_or_else(|panic| Err(InputError::new(format!("not valid YAML: {panic}")).line(1)))
}

fn load(text: &str) -> Result<Value, InputError> {
    let mut loader = Loader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            InputError::new(format!("not valid YAML: {}", error.info())).line(line).column(column)
        })?;
        if event == Event::DocumentEnd {
            break;
        }
        loader.take(event).map_err(|problem| InputError::new(problem).line(span.start.line()))?;
    }
    Ok(loader.root.unwrap_or(Value::Null))
}

/// A list or mapping that is not closed yet, with its anchor and tag.
struct Open {
    value: Value,
    /// The key of the next value of a mapping.
    key: Option<String>,
    anchor: usize,
    tag: Option<String>,
}

#[derive(Default)]
struct Loader {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    root: Option<Value>,
    values: usize,
}

impl Loader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.finish(value, anchor, tag.as_deref().and_then(own_tag))
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or("an alias refers to itself")?;
                self.values += size(&value);
                self.finish(value, 0, None)
            }
            Event::SequenceStart(anchor, tag) => self.start(Value::Array(Vec::new()), anchor, tag.as_deref()),
            Event::MappingStart(anchor, tag) => self.start(Value::Object(Map::new()), anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => {
                let closed = self.open.pop();
                closed.map_or(Ok(()), |Open { value, anchor, tag, .. }| self.finish(value, anchor, tag))
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, value: Value, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        if self.open.len() == DEEPEST {
            return Err(format!("lists and mappings are nested more than {DEEPEST} deep"));
        }
        self.open.push(Open { value, key: None, anchor, tag: tag.and_then(own_tag) });
        Ok(())
    }

    /// Adds a complete value to the list or mapping that contains it.
    fn finish(&mut self, value: Value, anchor: usize, tag: Option<String>) -> Result<(), String> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("the document expands to more than {MOST_VALUES} values"));
        }
        let value = match tag {
            Some(tag) => Value::Object([(tag, value)].into_iter().collect()),
            None => value,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open { value: Value::Array(items), .. }) => items.push(value),
            Some(Open { value: Value::Object(fields), key, .. }) => match key.take() {
                None => *key = Some(as_text(&value).ok_or("a key is neither a text nor a number")?),
                Some(name) if fields.contains_key(&name) => return Err(format!("the key `{name}` occurs twice")),
                Some(name) => {
                    fields.insert(name, value);
                }
            },
            Some(_) => {}
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// Returns a tag that is not one of YAML's own, such as `!function`.
fn own_tag(tag: &Tag) -> Option<String> {
    (!tag.is_yaml_core_schema() && !tag.handle.is_empty()).then(|| format!("{}{}", tag.handle, tag.suffix))
}

/// Converts a scalar by the rules of YAML 1.1, in which `yes` and `off` are booleans.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let quoted = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
    if quoted {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let plain = text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    plain.then(|| text.parse::<f64>().ok())?.map(Value::from)
}

/// Returns a scalar as the text that Python would make of it; `None` for lists, mappings and null.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::random::SeededRng;

    #[test]
    fn values_are_those_of_pyyaml() {
        let text = "a: yes\nb: 'no'\nc: [1, -2, 1.5, x, ~]\nd: |\n  two\n  lines\n\"e\": \"\\n\"\nf: !!str 3\n'0': neg\n1: pos\n";
        let expected = json!({"a": true, "b": "no", "c": [1, -2, 1.5, "x", null], "d": "two\nlines\n", "e": "\n",
            "f": "3", "0": "neg", "1": "pos"});
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse("").unwrap(), Value::Null);
        assert_eq!(parse("a: 1\n---\nb: 2\n").unwrap(), json!({"a": 1}));
    }

    #[test]
    fn tagged_values_are_not_texts() {
        let value = parse("f: !function utils.doc_to_text\n").unwrap();
        assert_eq!(value, json!({"f": {"!function": "utils.doc_to_text"}}));
    }

    #[test]
    fn aliases_are_expanded_up_to_a_bound() {
        assert_eq!(parse("a: &x [1]\nb: *x\n").unwrap(), json!({"a": [1], "b": [1]}));
        let level = |at: usize| {
            let item = at.checked_sub(1).map_or("x".to_owned(), |below| format!("*a{below}"));
            format!("a{at}: &a{at} [{}]\n", vec![item; 10].join(", "))
        };
        let bomb: String = (0..9).map(level).collect();
        assert!(parse(&bomb).unwrap_err().to_string().contains("more than 1000000 values"));
    }

    #[test]
    fn damaged_documents_end_in_a_value_or_an_error() {
        let whole = "a: &x [1, 'b', \"c\\n\"]\nd: {e: *x, f: !function g}\n? h\n: |\n  i\n  j\n--- # k\n- l\n";
        let mut random = SeededRng::new(0);
        for _ in 0..3000 {
            let mut text: Vec<char> = whole.chars().collect();
            for _ in 0..=random.below(4) {
                let (at, with) = (random.below(text.len()), random.below(12));
                text[at] = [':', '[', '{', '"', '\'', '&', '*', '!', '\n', ' ', '\t', '\u{feff}'][with];
            }
            let text: String = text.into_iter().collect();
            let _ = load(&text);
        }
    }

    #[test]
    fn errors_have_a_position() {
        for (text, line) in [("a: [1\nb: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: *x\n", 1)] {
            let error = parse(text).unwrap_err();
            assert!(error.line.is_some_and(|found| found >= line), "{text:?}: {error:?}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&deep).unwrap_err().to_string().contains("nested more than 64 deep"));
    }
}
