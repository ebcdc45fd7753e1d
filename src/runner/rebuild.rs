//! The prompts of a saved run: its own token ids, or those rebuilt from its metadata.

use std::collections::HashMap;

use super::{
    Bos, Plan, PlannedExample, PromptBuilder, PromptLayout, PromptPart, PromptText, Prompting, Prompts, RunRequest,
    layout::LayoutContext, plan_explicit,
};
use crate::{
    attribution::Split,
    component::Shape,
    error::{Error, InputError, Result},
    model::{Model, Prompt},
    run::Run,
    task::{Example, ExplicitPrompt, Library},
};

/// Template name of runs on explicit prompts.
const EXPLICIT: &str = "explicit";

/// The prompts of a run and their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The prompts as tokens: those that the run keeps, if it keeps them.
    pub prompts: Prompts,
    /// The test prompts as text with their parts, or why they are not known.
    pub layouts: Result<Vec<PromptLayout>, String>,
    /// Number of demonstrations in the prompts.
    pub demonstrations: usize,
    /// When special tokens were added to the texts.
    pub bos: Bos,
}

impl Rebuilt {
    /// Returns the text and the parts of test prompt `index`.
    ///
    /// # Errors
    /// If they are not known, e.g. because the task's data has changed.
    pub fn layout(&self, index: usize) -> Result<&PromptLayout> {
        match &self.layouts {
            Ok(layouts) => layouts.get(index).ok_or_else(|| InputError::new("there is no such test prompt").into()),
            Err(why) => Err(InputError::new(why.clone()).into()),
        }
    }
}

impl Plan {
    /// Returns the plan of a run from disk.
    pub fn from_run(run: &Run) -> Self {
        let meta = &run.meta;
        let examples = |split| {
            let own = run.examples.iter().filter(|record| record.split == split);
            let planned =
                own.map(|r| PlannedExample { id: r.id.clone(), text: r.text.clone(), gold: r.gold, prompt: None });
            planned.collect()
        };
        Self {
            request: meta.request.clone(),
            selection: meta.selection.clone(),
            model: meta.model.clone(),
            task: meta.task.clone(),
            prompt: meta.prompt.clone(),
            shape: Shape { layers: meta.model.layers, heads: meta.model.heads, labels: meta.task.class_names().len() },
            train: examples(Split::Train),
            test: examples(Split::Test),
            kept: Prompts::of_run(run),
            label_gram: run.test.label_gram().map(Into::into),
        }
    }
}

/// Returns the prompts of `plan` for `model`: the token ids that its run keeps, or else the rebuilt ones. The texts are
/// rendered from the task's data, and are known only if they have the same tokens.
///
/// # Errors
/// If the model is not the run's, a token is not in its vocabulary, or, for a run that keeps no tokens, the prompts
/// differ from the run's; names the difference.
pub fn rebuild(model: &Model, plan: &Plan) -> Result<Rebuilt> {
    if model.meta.weights_hash != plan.model.weights_hash {
        let problem = format!("the run was made with other weights, those of {}", plan.model.id);
        return Err(InputError::new(problem).field("weights_hash").help("give the run's model with -m").into());
    }
    if model.meta.dtype != plan.model.dtype {
        let problem = format!("the run was computed with {} weights, not {}", plan.model.dtype, model.meta.dtype);
        let help = format!("add --dtype {}", plan.model.dtype);
        return Err(InputError::new(problem).field("dtype").help(help).into());
    }
    let Some(kept) = &plan.kept else { return rendered(model, plan) };
    check_ids(model, kept)?;
    let same = |rebuilt: Rebuilt| {
        let ids =
            |prompts: &Prompts| -> Vec<Vec<u32>> { prompts.test.iter().map(|own| own.tokens().collect()).collect() };
        let changed = || changed("their texts now have other tokens").to_string();
        if ids(&rebuilt.prompts) == ids(kept) { rebuilt.layouts } else { Err(changed()) }
    };
    let rendered = rendered(model, plan);
    let (demonstrations, bos) =
        rendered.as_ref().map_or((plan.prompt.demo_ids.len(), Bos::Auto), |own| (own.demonstrations, own.bos));
    let layouts = rendered.map_err(|error| error.to_string()).and_then(same);
    Ok(Rebuilt { prompts: kept.clone(), layouts, demonstrations, bos })
}

/// Renders and tokenizes the prompts of `plan` again.
fn rendered(model: &Model, plan: &Plan) -> Result<Rebuilt> {
    let (made, rebuilt) = match &plan.request {
        Some(request) => {
            let task = Library.task(&request.task)?;
            let chat = request.prompting.chat || task.template(request.template.as_deref())?.chat;
            let bos = bos(plan, chat);
            let prompting = Prompting { bos, ..request.prompting };
            let draft = PromptBuilder::new(&task, &RunRequest { prompting, ..request.clone() })?;
            let (made, prompts) = draft.plan(model)?;
            let layouts = layouts(&draft, model, &made).map_err(|error| error.to_string());
            let rebuilt = Rebuilt { prompts, layouts, demonstrations: draft.demonstrations.len(), bos };
            (made, rebuilt)
        }
        None if plan.task.template == EXPLICIT => explicit(model, plan)?,
        None => {
            let problem = "the run does not record its request: it is from an older version";
            return Err(InputError::new(problem).field("request").help("run again").into());
        }
    };
    match difference(&made, plan) {
        None => Ok(rebuilt),
        Some(what) => Err(changed(&what).into()),
    }
}

/// Returns the test prompts of `made`, a plan of `draft`, with their parts.
///
/// # Errors
/// If a prompt cannot be rendered, or its template changes the texts so that their places are not known.
fn layouts(draft: &PromptBuilder<'_>, model: &Model, made: &Plan) -> Result<Vec<PromptLayout>> {
    let examples: HashMap<&str, &Example> = draft.test.iter().map(|&own| (own.id.as_str(), own)).collect();
    let dropped: HashMap<&str, usize> = made
        .prompt
        .overflow
        .iter()
        .flat_map(|overflow| &overflow.dropped)
        .map(|(id, dropped)| (id.as_str(), *dropped))
        .collect();
    let context = |dropped: usize| {
        LayoutContext::new(draft.template, draft.chat(model)?, &draft.demonstrations[dropped..], dropped)
    };
    let whole = context(0)?;
    let layout = |planned: &PlannedExample| {
        let example = examples.get(planned.id.as_str()).ok_or_else(|| InputError::new("an example is missing"))?;
        let prompt = planned.prompt.as_ref().map(PromptText::to_string).unwrap_or_default();
        let query = draft.template.render(example)?;
        match dropped.get(planned.id.as_str()) {
            Some(&dropped) => context(dropped)?.layout(&query, &prompt),
            None => whole.layout(&query, &prompt),
        }
    };
    made.test.iter().map(layout).collect()
}

fn changed(what: &str) -> InputError {
    let problem = format!("the prompts cannot be rebuilt: {what}");
    InputError::new(problem).help("the task's data or template has changed; run again")
}

/// Returns when special tokens were added to texts: in runs of older versions always, but never to conversations.
fn bos(plan: &Plan, chat: bool) -> Bos {
    plan.prompt.bos.unwrap_or(if chat { Bos::Never } else { Bos::Always }).for_chat(chat)
}

/// Checks that `prompts` have only tokens of `model`.
fn check_ids(model: &Model, prompts: &Prompts) -> Result<()> {
    let context = model.decoder.context;
    if let Some(long) = prompts.all().into_iter().find(|prompt| prompt.len() > context) {
        let problem = format!("a prompt has {} tokens, the model's context {context}", long.len());
        return Err(InputError::new(problem).field("tokens").help("the run is damaged; run again").into());
    }
    let vocabulary = model.decoder.vocabulary()?;
    let mut ids = prompts.train.iter().chain(&prompts.test).flat_map(Prompt::tokens);
    match ids.find(|&id| id as usize >= vocabulary) {
        Some(id) => {
            let problem = format!("the token {id} of a prompt is not below the vocabulary's size, {vocabulary}");
            Err(InputError::new(problem).field("tokens").help("the run is damaged; run again").into())
        }
        None => Ok(()),
    }
}

fn explicit(model: &Model, plan: &Plan) -> Result<(Plan, Rebuilt)> {
    let prompt = |split: Split| {
        plan.split(split).iter().map(move |example| ExplicitPrompt {
            id: example.id.clone(),
            prompt: example.text.clone(),
            label: example.gold,
            split,
        })
    };
    let all = prompt(Split::Train).chain(prompt(Split::Test)).collect();
    let bos = bos(plan, false);
    let prompting = Prompting { first_token: !plan.task.scored.is_empty(), bos, ..Prompting::default() };
    let tokens = if prompting.first_token { Vec::new() } else { plan.task.label_tokens.clone() };
    let words = (plan.task.label_words.clone(), tokens, plan.task.word_classes.clone());
    let (made, prompts) = plan_explicit(model, &plan.task.name, all, words, prompting, (None, None), &mut |_| Ok(()))?;
    let layout = |text: &String| PromptLayout { parts: vec![(0..text.len(), PromptPart::Query)], text: text.clone() };
    let layouts = Ok(plan.test.iter().map(|example| layout(&example.text)).collect());
    Ok((made, Rebuilt { prompts, layouts, demonstrations: 0, bos }))
}

/// Returns whether an example is unchanged; compares whole prompts where both are known.
fn is_same(now: &PlannedExample, then: &PlannedExample) -> bool {
    let content = |example: &PlannedExample| (example.id.clone(), example.text.clone(), example.gold);
    content(now) == content(then) && now.prompt.as_ref().zip(then.prompt.as_ref()).is_none_or(|(now, then)| now == then)
}
/// Describes the first difference between two plans.
fn difference(made: &Plan, plan: &Plan) -> Option<String> {
    for split in Split::ALL {
        let (now, then) = (made.split(split), plan.split(split));
        if now.len() != then.len() {
            return Some(format!(
                "there are now {} {} examples, before there were {}",
                now.len(),
                split.name(),
                then.len()
            ));
        }
        if let Some((_, then)) = now.iter().zip(then).find(|(now, then)| !is_same(now, then)) {
            return Some(format!("the {} example `{}` has changed", split.name(), then.id));
        }
    }
    let (now, then) = (&made.prompt, &plan.prompt);
    match () {
        () if now.demo_ids != then.demo_ids => Some("the demonstrations are different".to_owned()),
        () if !then.demos.is_empty() && now.demos != then.demos => {
            Some("the text of a demonstration has changed".to_owned())
        }
        () if made.task.label_tokens != plan.task.label_tokens => {
            Some("the label words have different tokens".to_owned())
        }
        () if made.task.word_classes != plan.task.word_classes => {
            Some("the label words have different classes".to_owned())
        }
        () if now.prefix_tokens != then.prefix_tokens => {
            Some("the shared prefix of the prompts is different".to_owned())
        }
        () => None,
    }
}

/// Returns the index of the test example called `id`, or of the first one.
///
/// # Errors
/// If no test example has that name.
pub fn find_example(plan: &Plan, id: Option<&str>) -> Result<usize> {
    let Some(id) = id else { return Ok(0) };
    plan.test.iter().position(|example| example.id == id).ok_or_else(|| Error::Unknown {
        what: "test example",
        given: id.to_owned(),
        known: plan.test.iter().take(5).map(|example| example.id.clone()).chain(["…".to_owned()]).collect(),
    })
}
