//! Which prompts a task gives.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::output::read_text;
use crate::{
    error::{InputError, Result},
    runner::{Demonstration, Demos, Overflow, Prompting, RunRequest},
};

/// Template, demonstrations and examples of a run.
#[derive(Args, Clone, Debug)]
pub(super) struct PromptOptions {
    /// Template by name [default: the task's first]; `run` takes several, separated by commas, or `all`
    #[arg(long, value_name = "NAME")]
    pub(super) template: Option<String>,
    /// Demonstrations in every prompt [default: 4, or as many as are listed]
    #[arg(long, value_name = "K")]
    num_fewshot: Option<usize>,
    /// Which demonstration set; different seeds draw disjoint sets while the pool lasts
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub(super) demo_seed: u64,
    /// Draw demonstrations whatever their labels, not as many of each
    #[arg(long, conflicts_with_all = ["demos", "demo_ids"])]
    unbalanced: bool,
    /// Demonstrations by their ids in the task's pool, in prompt order
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with = "demos")]
    demo_ids: Vec<String>,
    /// Demonstrations written out, in prompt order: lines with the template's fields and a label, or an id of the pool
    /// and the label to show; `-` reads standard input
    #[arg(long, value_name = "FILE.jsonl")]
    demos: Option<PathBuf>,
    /// At most so many test examples [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Labelled examples to fit weights on, besides the demonstrations
    #[arg(long, default_value_t = RunRequest::default().train_examples, value_name = "N")]
    train_examples: usize,
    /// What to do about prompts longer than the model's context: error, drop-demos (leave out their first demonstrations,
    /// as few as need be) or skip (leave out the example); what was done stands in run.json
    #[arg(long, value_name = "POLICY", default_value = "error", value_parser = overflow)]
    on_overflow: Overflow,
    /// Label words may be several tokens; each is scored by the first token that tells all of them apart
    #[arg(long)]
    first_token: bool,
    /// Demonstrations and query as turns of a conversation, in the model's own chat template
    #[arg(long)]
    chat: bool,
}

/// A policy by its name on the command line.
pub(super) fn overflow(text: &str) -> Result<Overflow, String> {
    let found = Overflow::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, policy)| policy);
    found.ok_or_else(|| "write error, drop-demos or skip".to_owned())
}

impl Default for PromptOptions {
    fn default() -> Self {
        let RunRequest { demo_seed, train_examples, limit, .. } = RunRequest::default();
        Self {
            template: None,
            num_fewshot: None,
            demo_seed,
            unbalanced: false,
            demo_ids: Vec::new(),
            demos: None,
            limit,
            train_examples,
            on_overflow: Overflow::Error,
            first_token: false,
            chat: false,
        }
    }
}

impl PromptOptions {
    /// The request for `task`.
    ///
    /// # Errors
    /// If the file of demonstrations cannot be used.
    pub(super) fn request(&self, task: &str) -> Result<RunRequest> {
        let demos = self.listed()?;
        let drawn = match &demos {
            Demos::Listed(listed) => listed.len(),
            _ => RunRequest::default().shots,
        };
        Ok(RunRequest {
            task: lasting(task),
            template: self.template.clone(),
            shots: self.num_fewshot.unwrap_or(drawn),
            demo_seed: self.demo_seed,
            train_examples: self.train_examples,
            limit: self.limit,
            demos,
            prompting: Prompting { on_overflow: self.on_overflow, first_token: self.first_token, chat: self.chat },
        })
    }

    fn listed(&self) -> Result<Demos> {
        if let Some(path) = &self.demos {
            let text = read_text(path)?;
            return Ok(Demos::Listed(demonstrations(path, &text)?));
        }
        if !self.demo_ids.is_empty() {
            return Ok(Demos::Listed(self.demo_ids.iter().map(Demonstration::of_pool).collect()));
        }
        Ok(if self.unbalanced { Demos::Unbalanced } else { Demos::Balanced })
    }
}

/// A task's name, or the whole path of its file: what `run.json` says must hold in other folders too.
fn lasting(task: &str) -> String {
    let path = Path::new(task);
    let absolute = path.is_file().then(|| std::path::absolute(path).ok()).flatten();
    absolute.map_or_else(|| task.to_owned(), |path| path.display().to_string())
}

/// Lines of `{"text": "…", "label": "positive"}`, or `{"id": "…", "label": "…"}` for one of the pool under this label.
fn demonstrations(path: &Path, text: &str) -> Result<Vec<Demonstration>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let one = |(index, line): (usize, &str)| {
        let wrong = |problem: String| InputError::new(problem).path(path).line(index + 1);
        let mut fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            let cure = r#"a line reads {"text": "…", "label": "…"}, or {"id": "…"} for an example of the pool"#;
            wrong(format!("not a JSON object: {error}")).cure(cure)
        })?;
        let mut take = |field: &str| match fields.shift_remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong("it is neither text nor number".to_owned()).field(field)),
        };
        let (id, label) = (take("id")?, take("label")?);
        let fields = (!fields.is_empty()).then_some(fields);
        if fields.is_none() && id.is_none() {
            return Err(wrong("there is neither an id nor a text".to_owned()).into());
        }
        Ok(Demonstration { id: id.unwrap_or_else(|| format!("written-{}", index + 1)), label, fields })
    };
    lines.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demonstrations_are_named_or_written_out() {
        let text = "{\"id\": \"a\"}\n\n{\"text\": \"x\", \"label\": 1}\n{\"id\": 7, \"label\": \"no\"}\n";
        let read = demonstrations(Path::new("d.jsonl"), text).unwrap();
        assert_eq!(read[0], Demonstration::of_pool("a"));
        assert_eq!((read[1].id.as_str(), read[1].label.as_deref()), ("written-3", Some("1")));
        assert_eq!(read[1].fields.as_ref().unwrap()["text"], "x");
        assert_eq!((read[2].id.as_str(), read[2].fields.is_none()), ("7", true));
        for (bad, expected) in [("{", "line 1"), ("{}", "neither an id"), ("{\"id\": []}", "`id`")] {
            let error = demonstrations(Path::new("d.jsonl"), bad).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
