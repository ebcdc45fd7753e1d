//! From a request to prompts: everything that can go wrong before the model works goes wrong here.

use std::collections::HashSet;

use rayon::prelude::*;

use super::{Draft, Plan, PlannedExample, RunRequest};
use crate::{
    attribution::Split,
    component::Shape,
    error::{InputError, Result},
    model::{Model, packed::shared_prefix},
    run::{PromptMeta, TaskMeta},
    task::{ExplicitPrompt, Library},
};

/// Characters of a prompt's end that decide how a label word joins it.
const ENDING: usize = 48;

/// Token ids of every prompt of a run, in the order of its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    /// Prompts of the training split.
    pub train: Vec<Vec<u32>>,
    /// Prompts of the test split.
    pub test: Vec<Vec<u32>>,
}

impl Prompts {
    /// The prompts of one split.
    pub fn split(&self, split: Split) -> &[Vec<u32>] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// All prompts, training split first.
    pub fn all(&self) -> Vec<&[u32]> {
        self.train.iter().chain(&self.test).map(Vec::as_slice).collect()
    }
}

/// A prompt as text, with the example that it asks about.
pub(super) struct Text {
    pub(super) example: PlannedExample,
    pub(super) prompt: String,
}

/// Draws demonstrations and makes the prompts of a run on a task.
///
/// # Errors
/// If the task or template is unknown, the pool too small, a label word not one token, or a prompt too long.
pub fn plan(model: &Model, request: &RunRequest) -> Result<(Plan, Prompts)> {
    Draft::new(&Library.task(&request.task)?, request)?.plan(model)
}

/// Makes the prompts of a run on explicit prompts.
///
/// `label_tokens` are used as they are if given; otherwise `label_words` are turned into tokens and checked.
///
/// # Errors
/// If a label word is not one token, a token id is not in the vocabulary, or a prompt is too long.
pub fn plan_explicit(
    model: &Model,
    name: &str,
    prompts: Vec<ExplicitPrompt>,
    label_words: Vec<String>,
    label_tokens: Vec<u32>,
) -> Result<(Plan, Prompts)> {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for prompt in prompts {
        let ExplicitPrompt { id, prompt: text, label: gold, .. } = prompt.clone();
        let example = PlannedExample { id, prompt: Some(text.as_str().into()), text, gold };
        let text = Text { example, prompt: prompt.prompt };
        if prompt.split == Split::Train { train.push(text) } else { test.push(text) }
    }
    let task = TaskMeta { name: name.to_owned(), template: "explicit".to_owned(), label_words, label_tokens };
    let prompt = PromptMeta { shots: 0, demo_seed: 0, demo_ids: Vec::new(), demos: Vec::new(), prefix_tokens: 0 };
    finish(model, None, task, prompt, train, test)
}

/// Turns texts into tokens, after all checks.
pub(super) fn finish(
    model: &Model,
    request: Option<RunRequest>,
    mut task: TaskMeta,
    mut prompt: PromptMeta,
    train: Vec<Text>,
    test: Vec<Text>,
) -> Result<(Plan, Prompts)> {
    if task.label_tokens.is_empty() {
        task.label_tokens = label_tokens(model, &task.label_words, train.iter().chain(&test))?;
    } else {
        check_token_ids(model, &task.label_tokens)?;
    }
    let encode = |texts: &[Text]| -> Result<Vec<Vec<u32>>> {
        texts.par_iter().map(|text| model.tokenizer.encode(&text.prompt)).collect()
    };
    let prompts = Prompts { train: encode(&train)?, test: encode(&test)? };
    check_lengths(model, &prompts)?;
    prompt.prefix_tokens = shared_prefix(&prompts.all());
    let shape = Shape { layers: model.meta.layers, heads: model.meta.heads, labels: task.label_tokens.len() };
    let examples = |texts: Vec<Text>| texts.into_iter().map(|text| text.example).collect();
    let model = model.meta.clone();
    Ok((Plan { request, model, task, prompt, shape, train: examples(train), test: examples(test) }, prompts))
}

/// Tokens of the label words, checked once after every distinct ending of a prompt.
fn label_tokens<'a>(model: &Model, words: &[String], texts: impl Iterator<Item = &'a Text>) -> Result<Vec<u32>> {
    let mut seen = HashSet::new();
    let mut tokens: Option<Vec<u32>> = None;
    for text in texts {
        let start = text.prompt.char_indices().rev().nth(ENDING - 1).map_or(0, |(at, _)| at);
        let ending = &text.prompt[start..];
        let last_word = ending.rfind(char::is_whitespace).map_or(ending, |at| &ending[at..]);
        if !seen.insert(last_word) {
            continue;
        }
        let found = model.tokenizer.label_tokens(ending, words)?;
        if tokens.as_ref().is_some_and(|tokens| *tokens != found) {
            let problem = format!("the label words become other tokens after the example `{}`", text.example.id);
            return Err(InputError::new(problem).field("label_words").cure("end the template in a fixed text").into());
        }
        tokens = Some(found);
    }
    Ok(tokens.unwrap_or_default())
}

fn check_token_ids(model: &Model, tokens: &[u32]) -> Result<()> {
    let vocabulary = model.decoder.vocabulary()?;
    let distinct: HashSet<u32> = tokens.iter().copied().collect();
    let wrong = |problem: String| InputError::new(problem).field("--label-tokens");
    if tokens.len() < 2 || distinct.len() < tokens.len() {
        return Err(wrong("at least two label tokens are needed, all different".to_owned()).into());
    }
    match tokens.iter().find(|&&token| token as usize >= vocabulary) {
        Some(token) => Err(wrong(format!("the token {token} is not below the vocabulary's size, {vocabulary}")).into()),
        None => Ok(()),
    }
}

fn check_lengths(model: &Model, prompts: &Prompts) -> Result<()> {
    let (context, all) = (model.decoder.context, prompts.all());
    if all.iter().any(|prompt| prompt.is_empty()) {
        return Err(InputError::new("a prompt has no tokens").into());
    }
    let too_long = all.iter().filter(|prompt| prompt.len() > context).count();
    if too_long == 0 {
        return Ok(());
    }
    let longest = all.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let problem =
        format!("{too_long} of {} prompts exceed the model's {context} tokens; the longest has {longest}", all.len());
    Err(InputError::new(problem).cure("lower --num-fewshot, or leave out the long examples").into())
}
