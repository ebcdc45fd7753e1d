//! Queries outside of a run: the length of a prompt, and the model's answer to a text.

use std::sync::Arc;

use super::{Demonstration, Demos, PromptBuilder, PromptText, Prompting, RunRequest, execute};
use crate::{
    attribution::Attribution,
    cancel::Cancel,
    error::{InputError, Result},
    model::{Model, Prompt},
    task::{Example, Task, Template},
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
    /// How prompts are formatted and scored, as in the run.
    pub prompting: Prompting,
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
        prompting: query.prompting,
        ..RunRequest::default()
    };
    let template = query.task.template(query.template.as_deref())?;
    let queries = [example_from(&query.task, template, &query.text)?];
    let draft = PromptBuilder::over(&query.task, &request, &queries)?;
    let tokenizer = model.tokenizer.with_bos(query.prompting.bos);
    let length = |shown: usize| -> Result<usize> {
        Ok(tokenizer.encode(&draft.template.context(&draft.demonstrations[..shown])?)?.len())
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

/// Makes an example with `text` in the text columns that `template` shows, in its order; the first test example if `text`
/// is empty.
///
/// # Errors
/// If the template shows no text column of the data.
fn example_from(task: &Task, template: &Template, text: &str) -> Result<Example> {
    let Some(model) = task.test.first().or(task.pool.first()) else {
        let fields = [("text".to_owned(), text.into())].into_iter().collect();
        return Ok(Example { id: "own text".to_owned(), fields, label: 0 });
    };
    if text.trim().is_empty() {
        return Ok(model.clone());
    }
    let mut parts = text.split('|').map(str::trim);
    let mut fields = model.fields.clone();
    let shown = template.fields();
    let mut columns: Vec<&String> = fields.keys().filter(|name| shown.contains(name)).collect();
    columns.retain(|name| model.fields[*name].is_string());
    let columns: Vec<String> = columns.into_iter().cloned().collect();
    if columns.is_empty() {
        let problem = format!("the template `{}` shows no column of text", template.name);
        return Err(InputError::new(problem).help("choose another template, or use `partscope classify`").into());
    }
    for name in columns {
        fields.insert(name, parts.next().unwrap_or_default().into());
    }
    Ok(Example { id: "own text".to_owned(), fields, label: 0 })
}
