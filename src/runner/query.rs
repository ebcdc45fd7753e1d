//! One question outside of a run: how long a prompt would be, and what the model says to a text.

use std::sync::Arc;

use super::{Demonstration, Demos, PromptBuilder, PromptText, RunRequest, execute};
use crate::{
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
    model::{Model, Prompt},
    task::{Example, Task},
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// Comes back with the answer, so that late answers can be told from new ones.
    pub serial: u64,
    /// The task; its pool says which fields an example has.
    pub task: Arc<Task>,
    /// The template, if not the task's first.
    pub template: Option<String>,
    /// What stands before the query.
    pub demos: Vec<Demonstration>,
    /// The text to classify; fields of a query with several are separated by `|`. Empty: only the prompt is measured.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// From the question.
    pub serial: u64,
    /// The whole prompt, as the model reads it.
    pub prompt: String,
    /// Its tokens.
    pub tokens: usize,
    /// Tokens that the model can read at most.
    pub context: usize,
    /// Tokens of each demonstration, label word and separator included.
    pub demo_tokens: Vec<usize>,
    /// Contributions to the label logits of the text, `[1, Y]` each; `None` if no text was asked about.
    pub table: Option<Attribution>,
}

/// Answers `ask`.
///
/// # Errors
/// If the template or a demonstration cannot be used, the prompt is too long, or the question was replaced.
pub fn answer(model: &Model, ask: &Query, cancel: &Cancel) -> Result<QueryAnswer> {
    let request = RunRequest {
        template: ask.template.clone(),
        demos: Demos::Listed(ask.demos.clone()),
        train_examples: 0,
        limit: None,
        ..RunRequest::default()
    };
    let queries = [query(&ask.task, &ask.text)];
    let draft = PromptBuilder::over(&ask.task, &request, &queries)?;
    let length = |shown: usize| -> Result<usize> {
        Ok(model.tokenizer.encode(&draft.template.context(&draft.demonstrations[..shown])?)?.len())
    };
    let lengths = (0..=draft.demonstrations.len()).map(length).collect::<Result<Vec<_>>>()?;
    let (plan, prompts) = draft.plan(model)?;
    cancel.check()?;
    let prompt = plan.test[0].prompt.as_ref().map(PromptText::to_string).unwrap_or_default();
    let tokens = prompts.test[0].len();
    let table =
        if ask.text.trim().is_empty() { None } else { Some(execute(model, plan, &prompts, cancel, &mut |_| {})?.test) };
    Ok(QueryAnswer {
        serial: ask.serial,
        prompt,
        tokens,
        context: model.decoder.context,
        demo_tokens: lengths.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect(),
        table,
    })
}

/// An example that says `text` in the fields that the task's examples have; without a text, the first that is scored.
fn query(task: &Task, text: &str) -> Example {
    let Some(model) = task.test.first().or(task.pool.first()) else {
        let fields = [("text".to_owned(), text.into())].into_iter().collect();
        return Example { id: "own text".to_owned(), fields, label: 0 };
    };
    if text.trim().is_empty() {
        return model.clone();
    }
    let mut parts = text.split('|').map(str::trim);
    let mut fields = model.fields.clone();
    for value in fields.values_mut().filter(|value| value.is_string()) {
        *value = parts.next().unwrap_or_default().into();
    }
    Example { id: "own text".to_owned(), fields, label: 0 }
}
