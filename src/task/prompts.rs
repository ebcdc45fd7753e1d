//! Explicit prompts: `--prompts FILE.jsonl`, for prompts made elsewhere.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;

use super::table::plain;
use crate::{
    attribution::Split,
    error::{InputError, Result},
};

/// One line of a prompts file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplicitPrompt {
    /// Id of the example; `line-N` if absent.
    #[serde(default)]
    pub id: String,
    /// The whole prompt, up to the label word.
    pub prompt: String,
    /// Gold label, an index into the label words.
    pub label: usize,
    /// Its split.
    #[serde(default = "test")]
    pub split: Split,
}

const fn test() -> Split {
    Split::Test
}

/// Parses the `text` of a prompts file whose labels are `0..labels`.
///
/// # Errors
/// If a line is invalid; names file, line and problem.
pub fn read_explicit(path: &Path, text: &str, labels: usize) -> Result<Vec<ExplicitPrompt>> {
    let mut prompts = Vec::new();
    let mut seen = HashMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let prompt = explicit(line, index + 1, labels).map_err(|error| error.path(path).line(index + 1))?;
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
fn explicit(line: &str, number: usize, labels: usize) -> Result<ExplicitPrompt, InputError> {
    let mut prompt: ExplicitPrompt = serde_json::from_str(line).map_err(|error| {
        let help = r#"write lines such as {"prompt": "…", "label": 0, "split": "test"}"#;
        InputError::new(plain(&error)).column(error.column().max(1)).help(help)
    })?;
    if prompt.label >= labels {
        let problem = format!("the label {} is not below the number of label words, {labels}", prompt.label);
        let help = "labels are indices of label words, counted from 0";
        return Err(InputError::new(problem).field("label").help(help));
    }
    if prompt.prompt.trim().is_empty() {
        return Err(InputError::new("the prompt is empty").field("prompt").help("fill it in, or remove the line"));
    }
    if prompt.id.is_empty() {
        prompt.id = format!("line-{number}");
    }
    Ok(prompt)
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
        read_explicit(Path::new("p.jsonl"), text, 2)
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
            ("{\"prompt\": \"a\", \"label\": 2}", "line 1"),
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
