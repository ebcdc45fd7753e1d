//! Queries outside of a run: the length of a prompt, and the model's answer to a text.

use std::sync::Arc;

use super::{Demonstration, Demos, PromptBuilder, PromptText, RunRequest, execute};
use crate::{
    attribution::Attribution,
    cancel::Cancel,
    error::{InputError, Result},
    model::{Model, Prompt},
    task::{Example, Task},
};

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Echoed in the answer, to recognise late answers.
    pub serial: u64,
    /// The task, whose examples define the fields of the query.
    pub task: Arc<Task>,
    /// The template, if not the task's first.
    pub template: Option<String>,
    /// Demonstrations before the query.
    pub demos: Vec<Demonstration>,
    /// The text to classify; fields of a query with several are separated by `|`. Empty: only the prompt is measured.
    pub text: String,
}

/// Answer to a [`Query`].
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// Serial number of the query.
    pub serial: u64,
    /// The whole prompt, as the model reads it.
    pub prompt: String,
    /// Number of tokens of the prompt.
    pub tokens: usize,
    /// The model's context length, in tokens.
    pub context: usize,
    /// Tokens of each demonstration, label word and separator included.
    pub demo_tokens: Vec<usize>,
    /// Contributions to the label logits of the text, `[1, Y]` each; `None` if the query has no text.
    pub table: Option<Attribution>,
}

/// Answers a query.
///
/// # Errors
/// If the template or a demonstration cannot be used, the prompt is too long, or the query was cancelled.
pub fn answer(model: &Model, query: &Query, cancel: &Cancel) -> Result<QueryAnswer> {
    let request = RunRequest {
        template: query.template.clone(),
        demos: Demos::Listed(query.demos.clone()),
        train_examples: 0,
        limit: None,
        selection: None,
        ..RunRequest::default()
    };
    let queries = [example_from(&query.task, &query.text)];
    let draft = PromptBuilder::over(&query.task, &request, &queries)?;
    check_texts(&draft)?;
    let length = |shown: usize| -> Result<usize> {
        Ok(model.tokenizer.encode(&draft.template.context(&draft.demonstrations[..shown])?)?.len())
    };
    let lengths = (0..=draft.demonstrations.len()).map(length).collect::<Result<Vec<_>>>()?;
    let (plan, prompts) = draft.plan(model)?;
    cancel.check()?;
    let prompt = plan.test[0].prompt.as_ref().map(PromptText::to_string).unwrap_or_default();
    let tokens = prompts.test[0].len();
    let table = if query.text.trim().is_empty() {
        None
    } else {
        Some(execute(model, plan, &prompts, cancel, &mut |_| {})?.test)
    };
    Ok(QueryAnswer {
        serial: query.serial,
        prompt,
        tokens,
        context: model.decoder.context,
        demo_tokens: lengths.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect(),
        table,
    })
}

/// Checks that the texts of the demonstrations and of the test examples are not empty, unless the task keeps empty
/// ones. The data of a task is already checked; written texts are not.
///
/// # Errors
/// Names the first empty field.
fn check_texts(draft: &PromptBuilder<'_>) -> Result<()> {
    if draft.task.keeps_empty {
        return Ok(());
    }
    let fields = draft.template.fields();
    for example in draft.demonstrations.iter().chain(draft.test.iter().copied()) {
        example.check_texts(&fields).map_err(|error| {
            let problem = format!("{} in `{}`", error.problem, example.id);
            InputError { problem, ..error }.help("write a text for every field, in order, separated by |")
        })?;
    }
    Ok(())
}

/// Makes an example with `text` in the fields of the task's examples; the first test example if `text` is empty.
fn example_from(task: &Task, text: &str) -> Example {
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
