//! Explicit prompts: `--prompts FILE.jsonl`, for those who make their prompts elsewhere.

use std::{io::BufRead, path::Path};

use serde::Deserialize;

use crate::{
    attribution::Split,
    error::{InputError, Result},
};

/// A line of a prompts file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplicitPrompt {
    /// What the example is called; its line number if absent.
    #[serde(default)]
    pub id: String,
    /// The whole prompt, up to the label word.
    pub prompt: String,
    /// Gold label, an index into the label words.
    pub label: usize,
    /// Which split it belongs to.
    #[serde(default = "test")]
    pub split: Split,
}

const fn test() -> Split {
    Split::Test
}

/// Reads a prompts file whose labels are `0..labels`.
///
/// # Errors
/// Names file, line and what is wrong with it.
pub fn read_explicit(path: &Path, reader: impl BufRead, labels: usize) -> Result<Vec<ExplicitPrompt>> {
    let mut prompts = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let wrong = |problem: String| InputError::new(problem).path(path).line(index + 1);
        let line = line.map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let mut prompt: ExplicitPrompt = serde_json::from_str(&line).map_err(|error| {
            let cure = r#"a line reads {"prompt": "…", "label": 0, "split": "test"}"#;
            wrong(error.to_string()).cure(cure)
        })?;
        if prompt.label >= labels {
            let problem = format!("the label {} is not below the number of label words, {labels}", prompt.label);
            return Err(wrong(problem).field("label").into());
        }
        if prompt.prompt.is_empty() {
            return Err(wrong("the prompt is empty".to_owned()).field("prompt").into());
        }
        if prompt.id.is_empty() {
            prompt.id = format!("line-{}", index + 1);
        }
        prompts.push(prompt);
    }
    if prompts.iter().all(|prompt| prompt.split == Split::Train) {
        return Err(InputError::new("there is no test prompt").path(path).into());
    }
    Ok(prompts)
}

/// Label words of an argument such as `' negative| positive'`: separated by `|`, spaces kept.
///
/// # Errors
/// If there are fewer than two, or one is empty.
pub fn read_label_words(text: &str) -> Result<Vec<String>> {
    let words: Vec<String> = text.split('|').map(str::to_owned).collect();
    if words.len() < 2 || words.iter().any(String::is_empty) {
        return Err(InputError::new(format!("`{text}` does not name two or more label words"))
            .field("--labels")
            .cure("separate them with |, and keep their leading spaces: ' negative| positive'")
            .into());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ExplicitPrompt>> {
        read_explicit(Path::new("p.jsonl"), text.as_bytes(), 2)
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
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("{\"prompt\": \"a\", \"label\": 2}", "line 1"),
            ("{\"prompt\": \"a\", \"label\": 0}\n{", "line 2"),
            ("{\"prompt\": \"a\", \"label\": 0, \"split\": \"dev\"}", "line 1"),
            ("{\"prompt\": \"\", \"label\": 0}", "empty"),
            ("", "no test prompt"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
