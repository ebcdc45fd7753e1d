//! Explicit prompts: `--prompts FILE.jsonl`, for prompts made elsewhere.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::table::plain;
use crate::{
    attribution::Split,
    data_memory::{Memory, check_json},
    error::{InputError, Result},
    text::list,
};

/// One line of a prompts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplicitPrompt {
    /// Id of the example; `line-N` if absent.
    pub id: String,
    /// The whole prompt, up to the label word.
    pub prompt: String,
    /// Gold label, an index into the label words.
    pub label: usize,
    /// Its split.
    pub split: Split,
}

/// One line of a prompts file, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: String,
    prompt: String,
    /// An index into the label words, or one of them.
    label: Value,
    #[serde(default = "test")]
    split: Split,
}

const fn test() -> Split {
    Split::Test
}

/// Parses the `text` of a prompts file. A label is an index into `words`, or one of them, with or without the spaces
/// around it.
///
/// # Errors
/// If a line is invalid; names file, line and problem.
pub fn read_explicit(path: &Path, text: &str, words: &[String]) -> Result<Vec<ExplicitPrompt>> {
    let mut prompts = Vec::new();
    let (mut seen, mut memory) = (HashMap::new(), Memory::from_env()?);
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = memory.hold_line(line).and_then(|()| explicit(line, index + 1, words));
        let prompt = read.map_err(|error| error.path(path).line(index + 1))?;
        if let Some(first) = seen.insert(prompt.id.clone(), index + 1) {
            let problem = format!("the id `{}` is already used in line {first}", prompt.id);
            let help = "ids must be unique";
            return Err(InputError::new(problem).path(path).line(index + 1).field("id").help(help).into());
        }
        prompts.push(prompt);
    }
    if prompts.iter().all(|prompt| prompt.split == Split::Train) {
        return Err(InputError::new("there is no test prompt").path(path).into());
    }
    Ok(prompts)
}

/// Parses one line of the file.
fn explicit(line: &str, number: usize, words: &[String]) -> Result<ExplicitPrompt, InputError> {
    check_json(line.as_bytes())?;
    let Line { id, prompt, label, split } = serde_json::from_str(line).map_err(|error| {
        let help = r#"write lines such as {"prompt": "…", "label": 0, "split": "test"}"#;
        InputError::new(plain(&error)).column(error.column().max(1)).help(help)
    })?;
    let label = label_index(&label, words).map_err(|error| error.field("label"))?;
    if prompt.trim().is_empty() {
        return Err(InputError::new("the prompt is empty").field("prompt").help("fill it in, or remove the line"));
    }
    let id = if id.is_empty() { format!("line-{number}") } else { id };
    Ok(ExplicitPrompt { id, prompt, label, split })
}

fn label_index(label: &Value, words: &[String]) -> Result<usize, InputError> {
    match label {
        Value::Number(number) => {
            let index =
                number.as_f64().filter(|index| index.fract() == 0.0 && *index >= 0.0).map(|index| index as usize);
            index.filter(|&index| index < words.len()).ok_or_else(|| {
                let problem = format!("the label {number} is not below the number of label words, {}", words.len());
                InputError::new(problem).help("a number is an index of a label word, counted from 0")
            })
        }
        Value::String(text) => {
            let matching: Vec<usize> = (0..words.len()).filter(|&at| words[at].trim() == text.trim()).collect();
            let exact = words.iter().position(|word| word == text);
            let only = if let [only] = matching[..] { Some(only) } else { None };
            exact.or(only).ok_or_else(|| {
                let problem = format!("`{text}` is not one of the label words {}", list(words));
                InputError::new(problem).help("write a label word, or its index as a number, counted from 0")
            })
        }
        _ => Err(InputError::new("the label is neither a number nor a text").help("write a label word, or its index")),
    }
}

/// Splits an argument such as `' negative| positive'` into label words at `|`; spaces are kept.
///
/// # Errors
/// If there are fewer than two, or one is empty.
pub fn read_label_words(text: &str) -> Result<Vec<String>> {
    let words: Vec<String> = text.split('|').map(str::to_owned).collect();
    if words.len() < 2 || words.iter().any(String::is_empty) {
        return Err(InputError::new(format!("`{text}` does not contain two or more label words"))
            .field("--labels")
            .help("separate them with |, and keep their leading spaces: ' negative| positive'")
            .into());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ExplicitPrompt>> {
        read_explicit(Path::new("p.jsonl"), text, &[" no".to_owned(), " yes".to_owned()])
    }

    #[test]
    fn labels_are_indices_or_words() {
        let labels = ["1", "1.0", "\" yes\"", "\"yes\""].map(|label| {
            read(&format!("{{\"prompt\": \"a\", \"label\": {label}}}")).map(|prompts| prompts[0].label).unwrap()
        });
        assert_eq!(labels, [1; 4]);
        let words = [" a".to_owned(), "a".to_owned(), "b".to_owned()];
        let index = |label: &str| label_index(&label.into(), &words).ok();
        assert_eq!(
            ["a", " a", "b", " b", "a ", "1", "B"].map(index),
            [Some(1), Some(0), Some(2), Some(2), None, None, None]
        );
    }

    #[test]
    fn the_split_defaults_to_test() {
        let prompts =
            read("{\"prompt\": \"a\", \"label\": 1}\n\n{\"prompt\": \"b\", \"label\": 0, \"split\": \"train\"}\n");
        let prompts = prompts.unwrap();
        assert_eq!((prompts[0].split, prompts[0].id.as_str()), (Split::Test, "line-1"));
        assert_eq!((prompts[1].split, prompts[1].id.as_str()), (Split::Train, "line-3"));
    }

    #[test]
    fn errors_name_their_line() {
        for (text, expected) in [
            (
                "{\"prompt\": \"a\", \"label\": 2}",
                "line 1: `label`: the label 2 is not below the number of label words, 2",
            ),
            ("{\"prompt\": \"a\", \"label\": -1}", "not below"),
            ("{\"prompt\": \"a\", \"label\": 0.5}", "not below"),
            ("{\"prompt\": \"a\", \"label\": \"maybe\"}", "`maybe` is not one of the label words  no and  yes"),
            ("{\"prompt\": \"a\", \"label\": null}", "neither a number nor a text"),
            ("{\"prompt\": \"a\", \"label\": 0}\n{", "line 2"),
            ("{\"prompt\": \"a\", \"label\": 0, \"split\": \"dev\"}", "line 1"),
            ("{\"prompt\": \"\", \"label\": 0}", "empty"),
            ("", "no test prompt"),
            (
                "{\"prompt\": \"a\", \"label\": 0, \"id\": \"x\"}\n{\"prompt\": \"b\", \"label\": 0, \"id\": \"x\"}",
                "line 2: `id`: the id `x` is already used in line 1",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
