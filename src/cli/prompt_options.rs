//! Options for the prompts of a task.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::{
    output::read_text,
    selection_options::{SelectionOptions, policy},
};
use crate::{
    data_memory::{Memory, check_json},
    error::{Error, InputError, Result},
    runner::{Bos, Demonstration, Demos, Overflow, Prompting, RunRequest},
    task::{Task, Template, resolve},
};

/// Template, demonstrations and examples of a run.
#[derive(Args, Clone, Debug)]
pub(super) struct PromptOptions {
    /// Template by name [default: the task's first]; `run` takes several, separated by commas, or `all`
    #[arg(long, value_name = "NAME")]
    pub(super) template: Option<String>,
    /// Demonstrations in every prompt [default: 4, or the number listed]
    #[arg(long, value_name = "K")]
    num_fewshot: Option<usize>,
    /// Seed of the demonstration set; different seeds draw disjoint sets until the pool is used up [default: 0]
    #[arg(long, value_name = "S")]
    pub(super) demo_seed: Option<u64>,
    /// Draw demonstrations without balancing their labels
    #[arg(long, conflicts_with_all = ["demos", "demo_ids"])]
    unbalanced: bool,
    /// Demonstrations by their ids in the task's pool, in prompt order
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with = "demos")]
    demo_ids: Vec<String>,
    /// Demonstrations written out, in prompt order: lines with the template's fields and a label, or an id of the pool
    /// and the label to show; `-` reads standard input
    #[arg(long, value_name = "FILE.jsonl")]
    demos: Option<PathBuf>,
    #[command(flatten)]
    pub(super) selection: SelectionOptions,
    #[command(flatten)]
    training: TrainingOptions,
    /// How to handle prompts longer than the model's context: error, drop-demos (drop as few of their first
    /// demonstrations as possible) or skip (skip the example); run.json records the result
    #[arg(long, value_name = "POLICY", default_value = "error", value_parser = overflow)]
    on_overflow: Overflow,
    /// Beginning-of-text token: auto (add it if the tokenizer does, except to texts that begin with it), always or never
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = bos)]
    bos: Bos,
    /// Allow label words of several tokens; each is scored by the first token that distinguishes all of them
    #[arg(long)]
    first_token: bool,
    /// Format demonstrations and query as turns of a conversation, with the model's chat template
    #[arg(long)]
    chat: bool,
}

/// Training examples of a run.
#[derive(Args, Clone, Copy, Debug)]
struct TrainingOptions {
    /// Labelled examples for fitting weights, in addition to the demonstrations
    #[arg(long, default_value_t = RunRequest::default().train_examples, value_name = "N")]
    train_examples: usize,
    /// Leave-one-out: show all labelled examples in every prompt, and fit on each of them behind the others. Listed
    /// demonstrations are then all labelled examples
    #[arg(long)]
    loo: bool,
}

/// Parses an overflow policy.
pub(super) fn overflow(text: &str) -> Result<Overflow, String> {
    policy(text, &Overflow::NAMES)
}

fn bos(text: &str) -> Result<Bos, String> {
    policy(text, &Bos::NAMES)
}

impl Default for PromptOptions {
    fn default() -> Self {
        let RunRequest { train_examples, .. } = RunRequest::default();
        Self {
            template: None,
            num_fewshot: None,
            demo_seed: None,
            unbalanced: false,
            demo_ids: Vec::new(),
            demos: None,
            selection: SelectionOptions::default(),
            training: TrainingOptions { train_examples, loo: false },
            on_overflow: Overflow::Error,
            bos: Bos::Auto,
            first_token: false,
            chat: false,
        }
    }
}

impl PromptOptions {
    /// Returns the request for the task called `task`; checks demonstrations from a file with `data`.
    ///
    /// # Errors
    /// If the file of demonstrations cannot be used.
    pub(super) fn request(&self, task: &str, data: Option<&Task>) -> Result<RunRequest> {
        let demos = self.listed(data)?;
        let shots = match &demos {
            Demos::Listed(listed) => listed.len(),
            _ => RunRequest::default().shots,
        };
        Ok(RunRequest {
            task: absolute_name(task),
            template: self.template.clone(),
            shots: self.num_fewshot.unwrap_or(shots),
            demo_seed: self.demo_seed.unwrap_or(RunRequest::default().demo_seed),
            train_examples: self.training.train_examples,
            limit: self.selection.limit,
            selection: Some(self.selection.selection()?),
            demos,
            prompting: self.prompting(),
            loo: self.training.loo,
        })
    }

    /// Returns how prompts are formatted and scored, and how those that are too long are handled.
    pub(super) fn prompting(&self) -> Prompting {
        let Self { on_overflow, first_token, chat, bos, .. } = *self;
        Prompting { on_overflow, chat, first_token, bos }
    }

    /// Returns the same options, with leaks dropped unless the user chose otherwise.
    #[must_use]
    #[cfg(feature = "tui")]
    pub(super) fn dropping_leaks(&self) -> Self {
        Self { selection: self.selection.dropping_leaks(), ..self.clone() }
    }

    fn listed(&self, task: Option<&Task>) -> Result<Demos> {
        if let Some(path) = &self.demos {
            return Ok(Demos::Listed(demonstrations(path, &read_text(path)?, task)?));
        }
        if !self.demo_ids.is_empty() {
            let listed: Vec<Demonstration> = self.demo_ids.iter().map(Demonstration::of_pool).collect();
            let known = task.map_or(Ok(Vec::new()), |task| resolve(task, &listed));
            known.map_err(|error| match error {
                Error::Input(error) => error.field("--demo-ids").into(),
                other => other,
            })?;
            return Ok(Demos::Listed(listed));
        }
        Ok(if self.unbalanced { Demos::Unbalanced } else { Demos::Balanced })
    }
}

/// Returns a task's name, or the absolute path of its file, so that `run.json` is valid in other folders.
fn absolute_name(task: &str) -> String {
    let path = Path::new(task);
    let named = path.is_file() || path.parent().is_some_and(|folder| !folder.as_os_str().is_empty());
    let absolute = named.then(|| std::path::absolute(path).ok()).flatten();
    absolute.map_or_else(|| task.to_owned(), |path| path.display().to_string())
}

/// The largest number of demonstrations of a file; no context holds as many.
const MOST_DEMONSTRATIONS: usize = 20_000;

/// Parses lines of `{"text": "…", "label": "positive"}`, or `{"id": "…", "label": "…"}` for an example of the pool with
/// this label.
fn demonstrations(path: &Path, text: &str, task: Option<&Task>) -> Result<Vec<Demonstration>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut memory = Memory::from_env()?;
    let one = |(index, line): (usize, &str)| -> Result<Demonstration> {
        let wrong = |problem: String| InputError::new(problem).path(path).line(index + 1);
        check_json(line.as_bytes()).map_err(|error| error.path(path).line(index + 1))?;
        let mut fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            let help = r#"write lines such as {"text": "…", "label": "…"}, or {"id": "…"} for an example of the pool"#;
            wrong(format!("not a JSON object: {error}")).help(help)
        })?;
        memory.hold(&fields).map_err(|error| error.path(path).line(index + 1))?;
        let mut take = |field: &str| match fields.shift_remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong("it is neither a text nor a number".to_owned()).field(field)),
        };
        let (id, label) = (take("id")?, take("label")?);
        let fields = (!fields.is_empty()).then_some(fields);
        if fields.is_none() && id.is_none() {
            return Err(wrong("there is neither an id nor a text".to_owned()).into());
        }
        let demonstration = Demonstration { id: id.unwrap_or_else(|| format!("written-{}", index + 1)), label, fields };
        let usable = task.map_or(Ok(()), |task| usable(task, &demonstration));
        usable.map_err(|error| InputError { column: None, ..error }.path(path).line(index + 1))?;
        Ok(demonstration)
    };
    let found = lines.take(MOST_DEMONSTRATIONS + 1).map(one).collect::<Result<Vec<_>>>()?;
    if found.len() > MOST_DEMONSTRATIONS {
        let problem = format!("there are more than {MOST_DEMONSTRATIONS} demonstrations, too many for any prompt");
        return Err(InputError::new(problem).path(path).help("list those that the prompt should show").into());
    }
    if found.is_empty() {
        let help = "add some, or use --num-fewshot 0 instead of --demos for none";
        return Err(InputError::new("there are no demonstrations").path(path).help(help).into());
    }
    Ok(found)
}

/// Checks that the task has the example and the label, and that a template can render the fields.
fn usable(task: &Task, demonstration: &Demonstration) -> Result<(), InputError> {
    let examples = resolve(task, std::slice::from_ref(demonstration));
    let rendered = examples.and_then(|examples| {
        let written = demonstration.fields.is_some() && !task.keeps_empty;
        let attempt = |template: &Template| {
            template.render(&examples[0])?;
            let checked = if written { examples[0].check_texts(&template.fields()) } else { Ok(()) };
            Ok(checked.map_err(|error| error.help("fill it in, or remove the line"))?)
        };
        task.templates.iter().map(attempt).reduce(Result::or).unwrap_or(Ok(()))
    });
    rendered.map_err(|error| match error {
        Error::Input(error) => *error,
        other => InputError::new(other.to_string()).field("label"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_demonstrations_than_a_prompt_can_hold_are_refused() {
        let read = |count| demonstrations(Path::new("d.jsonl"), &"{\"id\": \"a\"}\n".repeat(count), None);
        assert_eq!(read(20_000).unwrap().len(), 20_000);
        assert!(read(20_001).unwrap_err().to_string().contains("more than 20000 demonstrations"));
    }

    #[test]
    fn demonstrations_are_listed_by_id_or_written_out() {
        let text = "{\"id\": \"a\"}\n\n{\"text\": \"x\", \"label\": 1}\n{\"id\": 7, \"label\": \"no\"}\n";
        let read = demonstrations(Path::new("d.jsonl"), text, None).unwrap();
        assert_eq!(read[0], Demonstration::of_pool("a"));
        assert_eq!((read[1].id.as_str(), read[1].label.as_deref()), ("written-3", Some("1")));
        assert_eq!(read[1].fields.as_ref().unwrap()["text"], "x");
        assert_eq!((read[2].id.as_str(), read[2].fields.is_none()), ("7", true));
        for (bad, expected) in [
            ("{", "line 1"),
            ("{}", "neither an id"),
            ("{\"id\": []}", "`id`"),
            ("\n", "d.jsonl: there are no demonstrations"),
        ] {
            let error = demonstrations(Path::new("d.jsonl"), bad, None).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let task = crate::task::Library.task("topic").unwrap();
        for (bad, expected) in [
            ("{\"text\": \"x\", \"label\": \"news\"}", "d.jsonl, line 2: `label`: no label is called `news`"),
            ("{\"txet\": \"x\", \"label\": \"food\"}", "d.jsonl, line 2: "),
            ("{\"id\": \"x\"}", "d.jsonl, line 2: `demonstrations`: the pool of `topic` has no example `x`"),
        ] {
            let error = demonstrations(Path::new("d.jsonl"), &format!("\n{bad}"), Some(&task)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
