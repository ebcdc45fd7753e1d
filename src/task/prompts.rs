//! Explicit prompts: `--prompts FILE.jsonl`, for prompts made elsewhere.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::{example::repeated_id, table::plain};
use crate::{
    attribution::{ClassLogit, Split, WordClasses},
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
    /// Gold label, the index of a class.
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
    /// An index of a class, or a text that means one.
    label: Value,
    #[serde(default = "test")]
    split: Split,
}

const fn test() -> Split {
    Split::Test
}

/// Parses the `text` of a prompts file. A label is an index of a class, or the name of one or one of its `words`, with or
/// without the spaces around it; without `classes` every word is one.
///
/// # Errors
/// If a line is invalid; names file, line and problem.
pub fn read_explicit(
    path: &Path,
    text: &str,
    words: &[String],
    classes: Option<&WordClasses>,
) -> Result<Vec<ExplicitPrompt>> {
    let mut prompts = Vec::new();
    let (mut seen, mut memory) = (HashMap::new(), Memory::from_env()?);
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = memory.hold_line(line).and_then(|()| explicit(line, index + 1, words, classes));
        let prompt = read.map_err(|error| error.path(path).line(index + 1))?;
        if let Some(first) = seen.insert(prompt.id.clone(), index + 1) {
            return Err(repeated_id(&prompt.id, first, "").path(path).line(index + 1).into());
        }
        prompts.push(prompt);
    }
    if prompts.iter().all(|prompt| prompt.split == Split::Train) {
        return Err(InputError::new("there is no test prompt").path(path).into());
    }
    Ok(prompts)
}

/// Parses one line of the file.
fn explicit(
    line: &str,
    number: usize,
    words: &[String],
    classes: Option<&WordClasses>,
) -> Result<ExplicitPrompt, InputError> {
    check_json(line.as_bytes())?;
    let Line { id, prompt, label, split } = serde_json::from_str(line).map_err(|error| {
        let help = r#"write lines such as {"prompt": "…", "label": 0, "split": "test"}"#;
        InputError::new(plain(&error)).column(error.column().max(1)).help(help)
    })?;
    let label = class_index(&label, words, classes).map_err(|error| error.field("label"))?;
    if prompt.trim().is_empty() {
        return Err(InputError::new("the prompt is empty").field("prompt").help("fill it in, or remove the line"));
    }
    let id = if id.is_empty() { format!("line-{number}") } else { id };
    Ok(ExplicitPrompt { id, prompt, label, split })
}

/// Returns the class that a label means.
fn class_index(label: &Value, words: &[String], classes: Option<&WordClasses>) -> Result<usize, InputError> {
    let Some(classes) = classes else { return label_index(label, words) };
    let names = classes.names();
    match label {
        Value::String(text) => match names.iter().position(|name| name.trim() == text.trim()) {
            Some(class) => Ok(class),
            None => label_index(label, words)
                .map(|word| classes.of_word()[word])
                .map_err(|error| error.help(format!("write a class, {}, or one of its label words", list(names)))),
        },
        _ => label_index(label, names).map_err(|_| {
            let problem = format!("the label {label} is not below the number of classes, {}", names.len());
            InputError::new(problem).help("a number is an index of a class, counted from 0")
        }),
    }
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

/// Parses the class of every label word, separated by commas: names, or indices counted from 0. Classes with indices get
/// the names of their first words.
///
/// # Errors
/// If there are not as many as `words`, a class has no word, or a class has several and there is no rule.
pub fn read_word_classes(text: &str, rule: Option<ClassLogit>, words: &[String]) -> Result<Option<WordClasses>> {
    let of_word: Vec<&str> = text.split(',').map(str::trim).collect();
    let wrong = |problem: String, help: &str| InputError::new(problem).field("--word-classes").help(help);
    if of_word.len() != words.len() {
        let problem = format!("there are {} classes for {} label words", of_word.len(), words.len());
        return Err(wrong(problem, "write the class of every label word, in their order: 0,0,1,1").into());
    }
    let numbers: Result<Vec<usize>, _> = of_word.iter().map(|class| class.parse()).collect();
    let (names, of_word) = if let Ok(numbers) = numbers {
        let count = numbers.iter().max().map_or(0, |most| most.saturating_add(1)).min(words.len());
        let first = |class: usize| numbers.iter().position(|own| *own == class);
        let name = |class: usize| first(class).map_or_else(|| class.to_string(), |word| words[word].trim().to_owned());
        ((0..count).map(name).collect(), numbers)
    } else {
        let mut names: Vec<String> = Vec::new();
        let of_word = of_word.into_iter().map(|name| {
            names.iter().position(|own| own == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        });
        let of_word = of_word.collect();
        (names, of_word)
    };
    let several = of_word.len() > names.len();
    if several && rule.is_none() {
        let problem = "a class has several label words, and nothing says what its logit is".to_owned();
        return Err(wrong(problem, "add --class-logit max, sum or mean").field("--class-logit").into());
    }
    let classes = WordClasses::new(names, of_word, rule.unwrap_or(ClassLogit::Max));
    Ok(classes.map_err(|error| error.field("--word-classes"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ExplicitPrompt>> {
        read_explicit(Path::new("p.jsonl"), text, &[" no".to_owned(), " yes".to_owned()], None)
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
    fn labels_of_several_words_are_classes() {
        let words = [" good", " great", " bad", " awful"].map(str::to_owned);
        let classes = read_word_classes("pos,pos,neg,neg", Some(ClassLogit::Max), &words).unwrap().unwrap();
        let index = |label: Value| class_index(&label, &words, Some(&classes));
        assert_eq!(["neg", "great", " bad"].map(|label| index(label.into()).unwrap()), [1, 0, 1]);
        assert_eq!([0, 1].map(|label| index(label.into()).unwrap()), [0, 1]);
        assert!(index(2.into()).unwrap_err().to_string().contains("not below the number of classes, 2"));
        assert!(index("fine".into()).unwrap_err().help.unwrap().contains("pos and neg"));
        let numbered = read_word_classes("1,1,0,0", Some(ClassLogit::Sum), &words).unwrap().unwrap();
        assert_eq!(
            (numbered.of_word(), numbered.names()),
            (&[1, 1, 0, 0][..], &["bad".to_owned(), "good".to_owned()][..])
        );
        let problem = |text: &str, rule| read_word_classes(text, rule, &words).unwrap_err().to_string();
        assert!(problem("0,0,1", Some(ClassLogit::Max)).contains("3 classes for 4 label words"));
        assert!(problem("0,0,1,1", None).contains("--class-logit"));
        assert!(problem("0,0,0,0", Some(ClassLogit::Max)).contains("at least two classes"));
        assert!(read_word_classes("0,1,2,3", None, &words).unwrap().is_none());
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
