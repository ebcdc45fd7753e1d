//! Rebuilds the prompts of a run from its metadata.

use std::collections::HashSet;

use super::{Plan, PlannedExample, PromptBuilder, PromptText, Prompting, Prompts, plan_explicit};
use crate::{
    attribution::Split,
    component::Shape,
    error::{Error, InputError, Result},
    model::Model,
    run::Run,
    task::{ExplicitPrompt, Library},
};

/// Template name of runs on explicit prompts.
const EXPLICIT: &str = "explicit";

/// Rebuilt prompts and their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The prompts as tokens.
    pub prompts: Prompts,
    /// The test prompts as text.
    pub texts: Vec<String>,
    /// Text and label word of every demonstration, in prompt order.
    pub demonstrations: Vec<(String, String)>,
    /// The rendered query at the end of every test prompt.
    pub queries: Vec<String>,
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
            model: meta.model.clone(),
            task: meta.task.clone(),
            prompt: meta.prompt.clone(),
            shape: Shape { layers: meta.model.layers, heads: meta.model.heads, labels: meta.task.label_tokens.len() },
            train: examples(Split::Train),
            test: examples(Split::Test),
        }
    }
}

/// Rebuilds the prompts of `plan` for `model`.
///
/// # Errors
/// If the model is not the run's, or the prompts differ from the run's; names the difference.
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
    let (made, rebuilt) = match &plan.request {
        Some(request) => {
            let task = Library.task(&request.task)?;
            let draft = PromptBuilder::new(&task, request)?;
            let (made, prompts) = draft.plan(model)?;
            let rebuilt = from_draft(&draft, &made, prompts)?;
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
        Some(what) => {
            let problem = format!("the prompts cannot be rebuilt: {what}");
            Err(InputError::new(problem).help("the task's data or template has changed; run again").into())
        }
    }
}

fn from_draft(draft: &PromptBuilder<'_>, made: &Plan, prompts: Prompts) -> Result<Rebuilt> {
    let kept: HashSet<&str> = made.test.iter().map(|example| example.id.as_str()).collect();
    let queries = draft.test.iter().filter(|example| kept.contains(example.id.as_str()));
    let rendered = |example: &crate::task::Example| -> Result<(String, String)> {
        Ok((draft.template.render(example)?, draft.template.label_words[example.label].clone()))
    };
    Ok(Rebuilt {
        prompts,
        texts: made.test.iter().map(|e| e.prompt.as_ref().map(PromptText::to_string).unwrap_or_default()).collect(),
        demonstrations: draft.demonstrations.iter().map(rendered).collect::<Result<_>>()?,
        queries: queries.map(|example| draft.template.render(example)).collect::<Result<_>>()?,
    })
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
    let words = plan.task.label_words.clone();
    let prompting = Prompting { first_token: !plan.task.scored.is_empty(), ..Prompting::default() };
    let tokens = if prompting.first_token { Vec::new() } else { plan.task.label_tokens.clone() };
    let (made, prompts) = plan_explicit(model, &plan.task.name, all, words, tokens, prompting)?;
    let texts: Vec<String> = plan.test.iter().map(|example| example.text.clone()).collect();
    Ok((made, Rebuilt { prompts, queries: texts.clone(), texts, demonstrations: Vec::new() }))
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
