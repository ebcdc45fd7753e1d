//! Builds and checks the prompts of a run before the model computes anything.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    Bos, Overflow, Plan, PlannedExample, PromptText, Prompting, Prompts, RunRequest, Selection,
    overflow::{self, Shorter},
    selection::{Candidate, select},
    steps::{Steps, Watch},
};
use crate::{
    attribution::{Split, WordClasses},
    component::Shape,
    decompose::label_gram,
    error::{Error, InputError, Result},
    model::{Model, Prompt, Tokenizer, Tokens, prompt::align_prefix},
    run::{PromptMeta, SelectionMeta, TaskMeta},
    task::ExplicitPrompt,
    text::normalized,
};

/// Number of characters at the end of a prompt that are tokenized together with a label word.
const ENDING: usize = 48;

/// Plans a run on explicit prompts.
///
/// `label_tokens` are used as they are if given; otherwise `label_words` are tokenized and checked; `word_classes` are the
/// classes of the label words, if not each is one. Explicit prompts
/// are complete: they have no demonstrations that could be dropped and no conversation turns. At most `limit` test
/// prompts are chosen as `selection` says; without one, all are taken unchecked. `watch` receives the progress.
///
/// # Errors
/// If a label word is not one token, a token id is not in the vocabulary, a prompt is too long, or a test prompt is
/// also a training prompt and `selection` does not drop it; and those of `watch`, which end the work.
pub fn plan_explicit(
    model: &Model,
    name: &str,
    prompts: Vec<ExplicitPrompt>,
    (label_words, label_tokens, word_classes): (Vec<String>, Vec<u32>, Option<WordClasses>),
    prompting: Prompting,
    (limit, selection): (Option<usize>, Option<&Selection>),
    watch: &mut Watch<'_>,
) -> Result<(Plan, Prompts)> {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for ExplicitPrompt { id, prompt: text, label: gold, split } in prompts {
        let example = PlannedExample { id, prompt: Some(text.as_str().into()), text, gold };
        if split == Split::Train { train.push(example) } else { test.push(example) }
    }
    let selection = selection.map(|selection| choose_explicit(&train, &mut test, limit, selection)).transpose()?;
    let (name, template) = (name.to_owned(), "explicit".to_owned());
    let task = TaskMeta { name, template, label_words, label_tokens, word_classes, ..TaskMeta::default() };
    let examples = [train, test];
    let shorter = |_, _, _| Ok(None);
    let (request, prompt, shorter) = (None, PromptMeta::default(), &shorter);
    let Prompting { first_token, bos, on_overflow: policy, .. } = prompting;
    let chat = false;
    let steps = Steps::new(examples.iter().map(Vec::len).sum(), 1, watch);
    let spec =
        PromptSpec { request, selection, task, prompt, examples, first_token, chat, bos, policy, shorter, steps };
    finish(model, spec)
}

/// Keeps the chosen prompts of `test` only.
fn choose_explicit(
    train: &[PlannedExample],
    test: &mut Vec<PlannedExample>,
    limit: Option<usize>,
    selection: &Selection,
) -> Result<SelectionMeta> {
    let content = |own: &PlannedExample| normalized(&own.text);
    let candidates: Vec<Candidate<'_>> =
        test.iter().map(|own| Candidate { id: &own.id, label: own.gold, content: content(own) }).collect();
    let seen: HashMap<String, String> = train.iter().map(|own| (normalized(&own.text), own.id.clone())).collect();
    let (chosen, meta) = select(&candidates, &seen, limit, selection)?;
    let chosen: HashSet<usize> = chosen.into_iter().collect();
    let whole = chosen.len() == test.len();
    let mut at = 0..;
    test.retain(|_| at.next().is_some_and(|at| chosen.contains(&at)));
    let one_label = test.len() > 1 && test.iter().all(|own| own.gold == test[0].gold);
    if one_label && !whole {
        let problem = format!("all {} chosen prompts have the label {}", test.len(), test[0].gold);
        return Err(InputError::new(problem)
            .help("raise --limit, choose --balanced, or name prompts of other labels")
            .into());
    }
    Ok(meta)
}

/// Prompts of a run before tokenization.
pub(super) struct PromptSpec<'a, 's> {
    pub(super) request: Option<RunRequest>,
    pub(super) selection: Option<SelectionMeta>,
    pub(super) task: TaskMeta,
    pub(super) prompt: PromptMeta,
    /// Examples of the training and the test split, with their prompts.
    pub(super) examples: [Vec<PlannedExample>; 2],
    /// Whether label words may be several tokens.
    pub(super) first_token: bool,
    /// Whether the texts are conversations, which already contain their special tokens.
    pub(super) chat: bool,
    /// When special tokens are added.
    pub(super) bos: Bos,
    /// How to handle prompts that are too long.
    pub(super) policy: Overflow,
    pub(super) shorter: &'a Shorter<'a>,
    /// Progress of tokenizing, one pass.
    pub(super) steps: Steps<'s>,
}

/// Checks the label words and tokenizes the prompts.
pub(super) fn finish(model: &Model, run: PromptSpec<'_, '_>) -> Result<(Plan, Prompts)> {
    let PromptSpec { mut task, mut prompt, mut examples, first_token, chat, policy, shorter, mut steps, .. } = run;
    let tokenizer = model.tokenizer.with_bos(run.bos.for_chat(chat));
    let explain = |error| if chat { explain_chat_label(error) } else { error };
    let mut shared = Vec::new();
    if !task.label_tokens.is_empty() {
        check_token_ids(model, &task.label_tokens)?;
    } else if first_token {
        let found = label_tokens(&tokenizer, &task.label_words, &examples, Tokenizer::first_tokens).map_err(explain)?;
        task.scored = model.tokenizer.pieces(&found.tokens);
        (shared, task.label_tokens) = (found.shared, found.tokens);
    } else {
        task.label_tokens =
            label_tokens(&tokenizer, &task.label_words, &examples, Tokenizer::label_tokens).map_err(explain)?;
    }
    let encode = |text: &PromptText| -> Result<Vec<u32>> {
        let mut tokens = tokenizer.encode(&text.to_string())?;
        tokens.extend(&shared);
        Ok(tokens)
    };
    let first = examples.iter().flatten().find_map(|example| example.prompt.as_ref());
    let first: Arc<[u32]> = first.map(encode).transpose()?.unwrap_or_default().into();
    let encode_shared = |text: &PromptText| -> Result<Tokens> { Ok(Tokens::sharing_prefix(&first, &encode(text)?)) };
    let tokens = |example: &PlannedExample| encode_shared(example.prompt.as_ref().unwrap_or(&PromptText::default()));
    let mut prompts = [steps.map(&examples[0], tokens)?, steps.map(&examples[1], tokens)?];
    prompt.overflow =
        overflow::apply_policy(model.decoder.context, policy, &mut examples, &mut prompts, &encode_shared, shorter)?;
    prompt.prefix_tokens = match &mut prompt.loo {
        None => align_prefix(prompts.iter_mut().flatten()),
        Some(loo) => {
            let shared = share_with_test(&mut prompts);
            loo.tokens = prompts[0].iter().map(|own| own.len() - own.shared()).sum();
            shared
        }
    };
    prompt.tokens = prompts.iter().flatten().map(Prompt::len).sum();
    prompt.bos = Some(run.bos);
    if run.bos.for_chat(chat) != Bos::Never {
        let texts = examples.par_iter().flatten().filter_map(|example| example.prompt.as_ref());
        prompt.begin_with_bos = texts.filter(|text| tokenizer.begins_with_start(&text.to_string())).count();
    }
    let [train, test] = prompts;
    let prompts = Prompts { train, test };
    let shape = Shape { layers: model.meta.layers, heads: model.meta.heads, labels: task.class_names().len() };
    let [train, test] = examples;
    let label_gram = Some(label_gram(&model.decoder, &task.label_tokens)?.into());
    let (request, selection, model) = (run.request, run.selection, model.meta.clone());
    let plan = Plan { request, selection, model, task, prompt, shape, train, test, kept: None, label_gram };
    Ok((plan, prompts))
}

/// Lets the test prompts share their longest common prefix, and every training prompt as much of that prefix as it begins
/// with. Returns the number of tokens of the prefix.
fn share_with_test([train, test]: &mut [Vec<Tokens>; 2]) -> usize {
    let shared = align_prefix(test.iter_mut());
    let base: Arc<[u32]> = test.first().map_or_else(Vec::new, |first| first.tokens().take(shared).collect()).into();
    for prompt in train {
        *prompt = Tokens::sharing_prefix(&base, &prompt.tokens().collect::<Vec<_>>());
        prompt.shorten_prefix(shared);
    }
    shared
}

/// Replaces the advice of an error about label words in a conversation, where leading spaces do not help.
pub fn explain_chat_label(error: Error) -> Error {
    match error {
        Error::Input(error) => error
            .help("in a conversation it starts the answer, without a space; choose another, or use --first-token")
            .into(),
        other => other,
    }
}

/// Tokenizes the label words with `find`, and checks that they get the same tokens after every distinct prompt ending.
fn label_tokens<T: PartialEq>(
    tokenizer: &Tokenizer,
    words: &[String],
    examples: &[Vec<PlannedExample>],
    find: impl Fn(&Tokenizer, &str, &[String]) -> Result<T>,
) -> Result<T> {
    let mut seen = HashSet::new();
    let mut tokens: Option<T> = None;
    for (example, prompt) in examples.iter().flatten().filter_map(|example| Some((example, example.prompt.as_ref()?))) {
        let prompt = prompt.to_string();
        let start = prompt.char_indices().rev().nth(ENDING - 1).map_or(0, |(at, _)| at);
        let ending = &prompt[start..];
        let last_word = ending.rfind(char::is_whitespace).map_or(ending, |at| &ending[at..]);
        if !seen.insert(last_word.to_owned()) {
            continue;
        }
        let found = find(tokenizer, ending, words)?;
        if tokens.as_ref().is_some_and(|tokens| *tokens != found) {
            let problem = format!("the label words have different tokens after the example `{}`", example.id);
            return Err(InputError::new(problem).field("label_words").help("end the template in fixed text").into());
        }
        tokens = Some(found);
    }
    tokens.ok_or_else(|| InputError::new("there are no prompts").into())
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
