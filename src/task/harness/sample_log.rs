//! Sample logs of the evaluation harness (`--log_samples`): the prompts that it ran, word for word.
//!
//! A line has the requests of one example, each a prompt and a choice. The prompts already have their demonstrations, so
//! the task has no pool.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    data_memory::{Memory, check_json},
    disk,
    error::{InputError, Result},
    task::{
        Example, Task,
        diagnostics::Diagnostics,
        table::{decode, plain, without_ending},
        template::{Template, TemplateSpec},
    },
    text::list,
};

#[derive(Deserialize)]
struct Line {
    doc_id: Value,
    arguments: Value,
    target: Value,
    #[serde(default)]
    filter: Option<String>,
}

/// A prompt with its choices and the right one.
struct Sample {
    prompt: String,
    choices: Vec<String>,
    gold: usize,
}

/// Reads the task in a sample log.
///
/// # Errors
/// If the file cannot be read; inside, its errors.
pub(in crate::task) fn sample_log(path: &Path) -> Result<Result<Task, Diagnostics>> {
    let bytes = disk::read(path)?;
    let text = decode(path, &bytes)?;
    let (mut diagnostics, mut test) = (Diagnostics::default(), Vec::new());
    let (mut choices, mut filter): (Option<Vec<String>>, Option<Option<String>>) = (None, None);
    let mut memory = Memory::from_env()?;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = line_of(line).and_then(|line| {
            // The results of every filter are logged with the same requests.
            if *filter.get_or_insert_with(|| line.filter.clone()) != line.filter {
                return Ok(None);
            }
            let sample = sample(&line)?;
            let first = choices.get_or_insert_with(|| sample.choices.clone());
            if *first != sample.choices {
                let problem = format!("the choices are {}, but {} before", list(&sample.choices), list(first.iter()));
                let help = "every example must have the same choices";
                return Err(InputError::new(problem).field("arguments").help(help));
            }
            let id = line.doc_id.as_str().map_or_else(|| line.doc_id.to_string(), str::to_owned);
            let fields: Map<String, Value> = [("prompt".to_owned(), sample.prompt.into())].into_iter().collect();
            memory.hold(&fields)?;
            Ok(Some(Example { id, fields, label: sample.gold }))
        });
        match read {
            Ok(example) => test.extend(example),
            Err(error) => diagnostics.push(error.path(path).line(at + 1)),
        }
    }
    if let (true, Some(id)) = (diagnostics.is_empty(), repeated(&test)) {
        let help = "does the log hold two evaluations? the harness adds lines to a log of the same name";
        diagnostics.push(InputError::new(format!("the example `{id}` occurs twice")).path(path).help(help));
    }
    if diagnostics.is_empty() && test.is_empty() {
        diagnostics.push(InputError::new("there are no samples").path(path));
    }
    if !diagnostics.is_empty() {
        return Ok(Err(diagnostics));
    }
    let words = choices.unwrap_or_default();
    let template = match template(words.clone()) {
        Ok(template) => template,
        Err(problem) => return Err(InputError::new(problem).path(path).into()),
    };
    let labels = words.iter().map(|word| word.trim().to_owned()).collect();
    let description = "prompts of a sample log of the evaluation harness".to_owned();
    let (name, templates) = (name(path), vec![template]);
    Ok(Ok(Task {
        name,
        description,
        labels,
        templates,
        pool: Vec::new(),
        pools: Vec::new(),
        dev: Vec::new(),
        test,
        keeps_empty: false,
    }))
}

fn line_of(line: &str) -> Result<Line, InputError> {
    check_json(line.as_bytes())?;
    serde_json::from_str(line).map_err(|error| {
        let problem = format!("not a line of a sample log: {}", plain(&error));
        InputError::new(problem).column(error.column().max(1)).help("write logs with `lm_eval --log_samples`")
    })
}

fn sample(line: &Line) -> Result<Sample, InputError> {
    let wrong = |problem: &str, help: &str| InputError::new(problem).field("arguments").help(help);
    let all = requests(&line.arguments).ok_or_else(|| {
        wrong("the requests are not pairs of a prompt and a choice", "only multiple-choice tasks can be used")
    })?;
    let (first, _) = *all.first().ok_or_else(|| wrong("there are no requests", ""))?;
    // For `acc_mutual_info` every choice is scored again without a prompt.
    let requests: Vec<(&str, &str)> = all.iter().copied().filter(|(prompt, _)| *prompt == first).collect();
    if requests.len() < 2 || all.iter().any(|(prompt, _)| *prompt != first && !prompt.is_empty()) {
        let help = "only tasks with one prompt and several choices can be used";
        return Err(wrong("the choices do not share one prompt", help));
    }
    // As the harness does, white space at the end of a prompt counts as the beginning of its choices.
    let prompt = first.trim_end();
    let space = &first[prompt.len()..];
    let choices: Vec<String> = requests.iter().map(|(_, choice)| format!("{space}{choice}")).collect();
    let mut plain: Vec<&str> = choices.iter().map(|choice| choice.trim()).collect();
    plain.sort_unstable();
    plain.dedup();
    if plain.len() < choices.len() || plain.contains(&"") {
        return Err(wrong("two choices are the same, or one is empty", "choices must differ in more than white space"));
    }
    let gold = gold(&line.target, &choices)?;
    Ok(Sample { prompt: prompt.to_owned(), choices, gold })
}

/// Returns the pairs of prompt and choice: a list of lists, or `{"gen_args_0": {"arg_0": …, "arg_1": …}, …}`.
fn requests(arguments: &Value) -> Option<Vec<(&str, &str)>> {
    match arguments {
        Value::Array(all) => all.iter().map(|one| Some((one.get(0)?.as_str()?, one.get(1)?.as_str()?))).collect(),
        Value::Object(all) => (0..all.len())
            .map(|at| {
                let one = all.get(&format!("gen_args_{at}"))?;
                Some((one.get("arg_0")?.as_str()?, one.get("arg_1")?.as_str()?))
            })
            .collect(),
        _ => None,
    }
}

/// Returns the right choice. A target is its number, counted from 0, or its text; the log does not say which.
fn gold(target: &Value, choices: &[String]) -> Result<usize, InputError> {
    let text = match target {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let number = match text.as_str() {
        "True" if choices.len() == 2 => Some(1),
        "False" if choices.len() == 2 => Some(0),
        text => text.parse().ok().filter(|&at: &usize| at < choices.len()),
    };
    let named = choices.iter().position(|choice| choice.trim() == text);
    let wrong = |problem: String, help: &str| Err(InputError::new(problem).field("target").help(help));
    match (number, named) {
        (Some(number), Some(named)) if number != named => {
            wrong(format!("`{text}` may be a choice or the number of another one"), "write a task file in TOML")
        }
        (Some(label), _) | (None, Some(label)) => Ok(label),
        (None, None) => {
            wrong(format!("`{text}` is not one of the choices {}", list(choices)), "write one right choice")
        }
    }
}

fn repeated(examples: &[Example]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    examples.iter().map(|example| example.id.as_str()).find(|id| !seen.insert(*id))
}

fn template(label_words: Vec<String>) -> Result<Template, String> {
    Template::new(TemplateSpec {
        name: "harness".to_owned(),
        example: "{{ prompt }}".to_owned(),
        label_words,
        separator: "\n\n".to_owned(),
        instruction: String::new(),
        word_classes: None,
        contrast: None,
        first_token: false,
        chat: false,
    })
}

/// Returns the task's name in `samples_TASK_DATE.jsonl`.
fn name(path: &Path) -> String {
    let path = without_ending(path);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = stem.strip_prefix("samples_").unwrap_or(&stem);
    let date = |text: &str| text.starts_with("20") && text.contains('T');
    name.rsplit_once('_').filter(|(_, end)| date(end)).map_or(name, |(name, _)| name).to_owned()
}
