//! A run on a task before it meets a model: which examples, in which role.

use std::{cmp::Reverse, collections::HashSet};

use serde_json::{Map, Value};

use super::{
    Overflow, Plan, PlannedExample, PromptText, Prompts, RunRequest,
    context::PromptContext,
    nearest::Nearest,
    overflow::Shorter,
    plan::{PromptSpec, finish},
};
use crate::{
    attribution::Split,
    error::{InputError, Result},
    model::Model,
    random::SeededRng,
    run::{PromptMeta, TaskMeta},
    task::{Chosen, Example, Library, Task, Template, choose, order_demonstrations, record},
};

/// Inputs without content, for contextual calibration (Zhao et al. 2021, arXiv 2102.09690).
const CONTENT_FREE: [&str; 3] = ["N/A", "", "[MASK]"];

/// Examples of a run with their roles.
#[derive(Clone, Debug)]
pub struct PromptBuilder<'t> {
    /// The task.
    pub task: &'t Task,
    /// How examples read.
    pub template: &'t Template,
    /// In the prompt, in order.
    pub demonstrations: Vec<Example>,
    /// To fit on.
    pub train: Vec<&'t Example>,
    /// To score on.
    pub test: Vec<&'t Example>,
    request: RunRequest,
}

impl<'t> PromptBuilder<'t> {
    /// Takes demonstrations and training examples as `request` says.
    ///
    /// # Errors
    /// If the template is unknown, the pool too small, a listed demonstration unusable, or no test example is left.
    pub fn new(task: &'t Task, request: &RunRequest) -> Result<Self> {
        Self::over(task, request, &task.test)
    }

    /// The same with other examples to score.
    ///
    /// # Errors
    /// As [`PromptBuilder::new`].
    pub fn over(task: &'t Task, request: &RunRequest, queries: &'t [Example]) -> Result<Self> {
        let template = task.template(request.template.as_deref())?;
        let Chosen { demonstrations, training: train } = choose(task, request)?;
        let request = RunRequest { template: Some(template.name.clone()), ..request.clone() };
        let draft = Self { task, template, demonstrations, train, test: Vec::new(), request };
        let limit = draft.request.limit;
        draft.scored_on(queries, limit)
    }

    /// The same on other examples, e.g. the development split; at most `limit` of them.
    ///
    /// # Errors
    /// If none is left.
    pub fn scored_on(self, examples: &'t [Example], limit: Option<usize>) -> Result<Self> {
        let test: Vec<&Example> = examples.iter().take(limit.unwrap_or(usize::MAX)).collect();
        if test.is_empty() {
            return Err(InputError::new(format!("the task `{}` leaves no test example", self.task.name))
                .cure("raise --limit, or add test examples")
                .into());
        }
        Ok(Self { test, ..self })
    }

    /// The same without the examples that a run of it skipped.
    #[must_use]
    pub fn without(&self, skipped: &[String]) -> Self {
        let skipped: HashSet<&str> = skipped.iter().map(String::as_str).collect();
        let mut kept = self.clone();
        for split in [&mut kept.train, &mut kept.test] {
            split.retain(|example| !skipped.contains(example.id.as_str()));
        }
        kept
    }

    /// The same on the `count` test examples with the longest texts.
    #[must_use]
    pub fn on_longest(&self, count: usize) -> Self {
        let mut test = self.test.clone();
        test.sort_by_cached_key(|example| Reverse(example.summary().len()));
        test.truncate(count);
        Self { test, ..self.clone() }
    }

    /// Demonstrations and training examples alike as demonstrations: the whole label budget as shots.
    ///
    /// Baselines are scored on the examples of the run: where the run skips prompts that are too long, theirs lose
    /// their first demonstrations instead.
    #[must_use]
    pub fn whole_budget(&self) -> Self {
        let mut demonstrations = self.budget();
        order_demonstrations(&mut demonstrations, &mut SeededRng::stream(self.request.demo_seed, 2));
        let baseline = self.as_baseline();
        Self { demonstrations, train: Vec::new(), ..baseline }
    }

    /// The same, leaving out no example.
    fn as_baseline(&self) -> Self {
        let mut draft = self.clone();
        if draft.request.prompting.on_overflow == Overflow::Skip {
            draft.request.prompting.on_overflow = Overflow::DropDemos;
        }
        draft
    }

    /// Every labelled example that the run spends, demonstrations first.
    fn budget(&self) -> Vec<Example> {
        self.demonstrations.iter().chain(self.train.iter().copied()).cloned().collect()
    }

    /// The prompts of the run.
    ///
    /// # Errors
    /// If a label word is not one token, or a prompt is too long.
    pub fn plan(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let beginning = self.beginning(model, &self.demonstrations)?;
        let texts = |examples: &[&Example]| -> Result<Vec<PlannedExample>> {
            examples.iter().map(|example| self.text(&beginning, example)).collect()
        };
        let shorter = |split, at: usize, dropped| {
            let example = if split == Split::Train { self.train[at] } else { self.test[at] };
            self.shorter(model, dropped, example)
        };
        self.finish(model, [texts(&self.train)?, texts(&self.test)?], &shorter)
    }

    /// Test prompts in which every query has its own demonstrations: as many as the run has, those of the whole budget
    /// most like the query, the most similar last.
    ///
    /// Similarity is the cosine of TF-IDF vectors over the model's tokens, document frequencies from the task's pool.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`].
    pub fn plan_nearest(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let budget = self.budget();
        let render = |example: &Example| model.tokenizer.encode(&self.template.render(example)?);
        let pool = self.task.pool.iter().map(render).collect::<Result<Vec<_>>>()?;
        let candidates = budget.iter().map(render).collect::<Result<Vec<_>>>()?;
        let nearest = Nearest::new(&pool, &candidates);
        let prompt = |example: &Example, shots: usize| {
            let chosen = nearest.of(&render(example)?, shots);
            let demonstrations: Vec<Example> = chosen.into_iter().map(|index| budget[index].clone()).collect();
            self.beginning(model, &demonstrations)?.before(&self.template.render(example)?)
        };
        let shots = self.demonstrations.len();
        let text = |example: &&Example| Ok(planned(example, prompt(example, shots)?));
        let test = self.test.iter().map(text).collect::<Result<Vec<_>>>()?;
        let shorter = |_, at: usize, dropped: usize| {
            shots.checked_sub(dropped).map(|shots| prompt(self.test[at], shots)).transpose()
        };
        self.as_baseline().finish(model, [Vec::new(), test], &shorter)
    }

    /// The run's demonstrations before queries that say nothing: `N/A`, the empty text and `[MASK]` in every field.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`].
    pub fn plan_content_free(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let beginning = self.beginning(model, &self.demonstrations)?;
        let empty = |filler: &str| self.text(&beginning, &self.content_free(filler));
        let test = CONTENT_FREE.iter().map(|filler| empty(filler)).collect::<Result<Vec<_>>>()?;
        let shorter = |_, at: usize, dropped| self.shorter(model, dropped, &self.content_free(CONTENT_FREE[at]));
        self.as_baseline().finish(model, [Vec::new(), test], &shorter)
    }

    /// A query that says `filler` wherever an example has a text.
    fn content_free(&self, filler: &str) -> Example {
        let fields: Map<String, Value> =
            self.test[0].fields.iter().map(|(name, value)| (name.clone(), filled(value, filler))).collect();
        Example { id: filler.to_owned(), fields, label: 0 }
    }

    /// What stands before a query: `demonstrations` in words, as the request says.
    ///
    /// # Errors
    /// If a conversation is asked for and the model has no chat template.
    pub(super) fn beginning<'m>(&self, model: &'m Model, demonstrations: &[Example]) -> Result<PromptContext<'m>> {
        let chat = self.is_chat().then(|| {
            model.chat.as_ref().ok_or_else(|| {
                InputError::new(format!("the model `{}` has no chat template", model.meta.id)).cure(
                    "leave out --chat, or take an instruct model (its tokenizer_config.json says `chat_template`)",
                )
            })
        });
        PromptContext::new(self.template, chat.transpose()?, demonstrations)
    }

    /// Whether demonstrations and query are turns of a conversation.
    fn is_chat(&self) -> bool {
        self.request.prompting.chat || self.template.chat
    }

    /// The prompt of `example` without the first `dropped` demonstrations.
    fn shorter(&self, model: &Model, dropped: usize, example: &Example) -> Result<Option<PromptText>> {
        let Some(left) = self.demonstrations.get(dropped..) else { return Ok(None) };
        self.beginning(model, left)?.before(&self.template.render(example)?).map(Some)
    }

    pub(super) fn text(&self, beginning: &PromptContext<'_>, example: &Example) -> Result<PlannedExample> {
        Ok(planned(example, beginning.before(&self.template.render(example)?)?))
    }

    fn finish(
        &self,
        model: &Model,
        examples: [Vec<PlannedExample>; 2],
        shorter: &Shorter<'_>,
    ) -> Result<(Plan, Prompts)> {
        let first_token = self.request.prompting.first_token || self.template.first_token;
        let (task, prompt) = (self.task_meta(), self.prompt_meta());
        let (request, chat) = (Some(self.request.clone()), self.is_chat());
        let policy = self.request.prompting.on_overflow;
        let run = PromptSpec { request, task, prompt, examples, first_token, chat, policy, shorter };
        finish(model, run).map_err(|error| self.template.locate(error))
    }

    /// Label words as they follow the prompts: a turn begins without a space.
    fn label_words(&self) -> Vec<String> {
        let words = self.template.label_words.iter();
        words.map(|word| if self.is_chat() { word.trim().to_owned() } else { word.clone() }).collect()
    }

    fn task_meta(&self) -> TaskMeta {
        TaskMeta {
            name: self.task.name.clone(),
            template: self.template.name.clone(),
            label_words: self.label_words(),
            label_tokens: Vec::new(),
            scored: Vec::new(),
        }
    }

    fn prompt_meta(&self) -> PromptMeta {
        PromptMeta {
            shots: self.demonstrations.len(),
            demo_seed: self.request.demo_seed,
            demo_ids: self.demonstrations.iter().map(|example| example.id.clone()).collect(),
            demos: record(self.task, &self.demonstrations),
            ..PromptMeta::default()
        }
    }
}

/// Draws demonstrations and makes the prompts of a run on a task.
///
/// # Errors
/// If the task or template is unknown, the pool too small, a label word not one token, or a prompt too long.
pub fn plan(model: &Model, request: &RunRequest) -> Result<(Plan, Prompts)> {
    PromptBuilder::new(&Library.task(&request.task)?, request)?.plan(model)
}

fn planned(example: &Example, prompt: PromptText) -> PlannedExample {
    PlannedExample { id: example.id.clone(), text: example.summary(), gold: example.label, prompt: Some(prompt) }
}

/// The same structure with `filler` for every text in it.
fn filled(value: &Value, filler: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| filled(item, filler)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, filler))).collect::<Map<_, _>>().into()
        }
        _ => filler.into(),
    }
}
