//! The examples of a run on a task and their roles, before a model is involved.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use super::{
    Overflow, Plan, PlannedExample, PromptText, Prompting, Prompts, RunRequest,
    context::PromptContext,
    empty_query::{CONTENT_FREE, content_free, in_domain},
    nearest::Nearest,
    overflow::Shorter,
    plan::{PromptSpec, finish},
    selection::{Candidate, select},
};
use crate::{
    attribution::Split,
    error::{InputError, Result},
    model::{ChatTemplate, Model},
    random::SeededRng,
    run::{LooMeta, PromptMeta, SelectionMeta, TaskMeta},
    task::{Chosen, Example, Library, Task, Template, choose, order_demonstrations, record},
};

/// Examples of a run with their roles.
#[derive(Clone, Debug)]
pub struct PromptBuilder<'t> {
    /// The task.
    pub task: &'t Task,
    /// The template that renders examples.
    pub template: &'t Template,
    /// Demonstrations, in prompt order.
    pub demonstrations: Vec<Example>,
    /// Training examples, for fitting.
    pub train: Vec<&'t Example>,
    /// Test examples, for scoring.
    pub test: Vec<&'t Example>,
    request: RunRequest,
    selection: Option<SelectionMeta>,
}

impl<'t> PromptBuilder<'t> {
    /// Chooses demonstrations and training examples as `request` specifies.
    ///
    /// # Errors
    /// If the template is unknown, the pool too small, a listed demonstration unusable, no test example is left, or a
    /// test example leaks and the request does not drop it.
    pub fn new(task: &'t Task, request: &RunRequest) -> Result<Self> {
        Self::over(task, request, &task.test)
    }

    /// As [`PromptBuilder::new`], with `examples` as the test part, e.g. the development split.
    ///
    /// # Errors
    /// As [`PromptBuilder::new`].
    pub fn over(task: &'t Task, request: &RunRequest, examples: &'t [Example]) -> Result<Self> {
        let template = task.template(request.template.as_deref())?;
        let Chosen { demonstrations, training: train } = choose(task, request)?;
        let request = RunRequest { template: Some(template.name.clone()), ..request.clone() };
        let draft = Self { task, template, demonstrations, train, test: Vec::new(), request, selection: None };
        let draft = if draft.request.loo { draft.showing_all().checked_left_out()? } else { draft };
        draft.check_texts(examples)?;
        let Some(selection) = &draft.request.selection else {
            let test: Vec<&Example> = examples.iter().take(draft.request.limit.unwrap_or(usize::MAX)).collect();
            return draft.scored_on(test, None);
        };
        let candidates = examples.iter().zip(template.contents(examples));
        let candidates: Vec<Candidate<'_>> =
            candidates.map(|(own, content)| Candidate { id: &own.id, label: own.label, content }).collect();
        let seen = template.contents(draft.budget()).into_iter();
        let seen: HashMap<String, String> = seen.zip(draft.budget().map(|example| example.id.clone())).collect();
        let (chosen, meta) = select(&candidates, &seen, draft.request.limit, selection)?;
        let test: Vec<&Example> = chosen.into_iter().map(|index| &examples[index]).collect();
        draft.check_classes(&test)?;
        draft.scored_on(test, Some(meta))
    }

    /// Checks that the demonstrations and the test `examples` show texts, unless the task keeps empty ones.
    fn check_texts(&self, examples: &[Example]) -> Result<()> {
        if self.task.keeps_empty {
            return Ok(());
        }
        let fields = self.template.fields();
        for example in self.demonstrations.iter().chain(examples) {
            example.check_texts(&fields).map_err(|error| {
                let problem = format!("{} in `{}`", error.problem, example.id);
                InputError { problem, ..error }.help("write a text for every field, or leave the example out")
            })?;
        }
        Ok(())
    }

    /// Sets the test examples.
    fn scored_on(self, test: Vec<&'t Example>, selection: Option<SelectionMeta>) -> Result<Self> {
        if test.is_empty() {
            return Err(InputError::new(format!("the task `{}` has no test example left", self.task.name))
                .help("raise --limit, or add test examples")
                .into());
        }
        Ok(Self { test, selection, ..self })
    }

    /// Checks that several test examples do not all have the same label: the data has others, so the choice is to blame.
    fn check_classes(&self, test: &[&Example]) -> Result<()> {
        let Some(first) = test.first() else { return Ok(()) };
        if test.len() < 2 || test.iter().any(|example| example.label != first.label) {
            return Ok(());
        }
        let label = &self.task.labels[first.label];
        let problem = format!("all {} chosen test examples have the label `{label}`", test.len());
        Err(InputError::new(problem).help("raise --limit, choose --balanced, or name examples of other labels").into())
    }

    /// Returns a copy without the examples that its run skipped.
    #[must_use]
    pub fn without(&self, skipped: &[String]) -> Self {
        let skipped: HashSet<&str> = skipped.iter().map(String::as_str).collect();
        let mut kept = self.clone();
        for split in [&mut kept.train, &mut kept.test] {
            split.retain(|example| !skipped.contains(example.id.as_str()));
        }
        kept
    }

    /// Returns a copy with only the `count` test examples with the longest texts.
    #[must_use]
    pub fn on_longest(&self, count: usize) -> Self {
        let mut test = self.test.clone();
        test.sort_by_cached_key(|example| Reverse(example.summary().len()));
        test.truncate(count);
        Self { test, ..self.clone() }
    }

    /// Returns a copy that uses the whole label budget, training examples included, as demonstrations.
    ///
    /// Baselines are scored on the same examples as the run. Where the run skips prompts that are too long, a baseline
    /// drops their first demonstrations instead.
    #[must_use]
    pub fn whole_budget(&self) -> Self {
        self.showing_all().as_baseline()
    }

    /// Returns a copy whose demonstrations are the whole label budget and whose training examples are the same
    /// demonstrations, each behind all others. Its test prompts are those of [`PromptBuilder::whole_budget`].
    ///
    /// # Errors
    /// If there are not at least two labelled examples.
    pub fn leave_one_out(&self) -> Result<Self> {
        let mut draft = self.whole_budget();
        draft.request.loo = true;
        draft.checked_left_out()
    }

    /// Returns a copy with the training examples among the demonstrations; their order is that of the demonstrations if
    /// there are none.
    fn showing_all(&self) -> Self {
        let mut demonstrations: Vec<Example> = self.budget().cloned().collect();
        if !self.train.is_empty() {
            order_demonstrations(&mut demonstrations, &mut SeededRng::stream(self.request.demo_seed, 2));
        }
        Self { demonstrations, train: Vec::new(), ..self.clone() }
    }

    /// Checks that a leave-one-out prompt has another example to show.
    fn checked_left_out(self) -> Result<Self> {
        if self.demonstrations.len() >= 2 {
            return Ok(self);
        }
        let error = InputError::new("leave-one-out needs at least two labelled examples").field("--loo");
        Err(error.help("raise --num-fewshot or --train-examples").into())
    }

    /// Returns the indices of the demonstrations that are training examples of a leave-one-out run, the last one first,
    /// since later ones share more of their prompt with the test prompts; and the ids of those whose text another
    /// demonstration shows, which are none.
    fn left_out(&self) -> (Vec<usize>, Vec<String>) {
        let contents = self.template.contents(&self.demonstrations);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for content in &contents {
            *counts.entry(content).or_default() += 1;
        }
        let (kept, repeated): (Vec<usize>, Vec<usize>) = (0..contents.len())
            .rev()
            .partition(|&index| contents[index].is_empty() || counts[contents[index].as_str()] == 1);
        (kept, repeated.into_iter().map(|index| self.demonstrations[index].id.clone()).collect())
    }

    /// Returns all demonstrations but the one at `index`.
    fn others(&self, index: usize) -> Vec<Example> {
        [&self.demonstrations[..index], &self.demonstrations[index + 1..]].concat()
    }

    /// Returns the training examples in the order of the run's table.
    pub fn training(&self) -> Vec<&Example> {
        if self.request.loo {
            self.left_out().0.into_iter().map(|index| &self.demonstrations[index]).collect()
        } else {
            self.train.clone()
        }
    }

    /// Returns a copy that drops demonstrations where the run skips examples.
    fn as_baseline(&self) -> Self {
        let mut draft = self.clone();
        draft.request.loo = false;
        if draft.request.prompting.on_overflow == Overflow::Skip {
            draft.request.prompting.on_overflow = Overflow::DropDemos;
        }
        draft
    }

    /// Returns every labelled example that the run uses, demonstrations first.
    fn budget(&self) -> impl Iterator<Item = &Example> {
        self.demonstrations.iter().chain(self.train.iter().copied())
    }

    /// Builds the prompts of the run.
    ///
    /// # Errors
    /// If a label word is not one token, or a prompt is too long.
    pub fn plan(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let context = self.context(model, &self.demonstrations)?;
        let texts = |examples: &[&Example]| -> Result<Vec<PlannedExample>> {
            examples.iter().map(|example| self.planned(&context, example)).collect()
        };
        if self.request.loo {
            return self.plan_left_out(model, texts(&self.test)?);
        }
        let shorter = |split, at: usize, dropped| {
            let example = if split == Split::Train { self.train[at] } else { self.test[at] };
            self.shorter(model, dropped, &self.demonstrations, example)
        };
        self.finish(model, [texts(&self.train)?, texts(&self.test)?], &shorter)
    }

    /// Builds the prompts of a leave-one-out run with the given test prompts.
    fn plan_left_out(&self, model: &Model, test: Vec<PlannedExample>) -> Result<(Plan, Prompts)> {
        let (rows, _) = self.left_out();
        let behind_others =
            |&index: &usize| self.planned(&self.context(model, &self.others(index))?, &self.demonstrations[index]);
        let train = rows.iter().map(behind_others).collect::<Result<Vec<_>>>()?;
        let shorter = |split, at: usize, dropped| match split {
            Split::Train => self.shorter(model, dropped, &self.others(rows[at]), &self.demonstrations[rows[at]]),
            Split::Test => self.shorter(model, dropped, &self.demonstrations, self.test[at]),
        };
        self.finish(model, [train, test], &shorter)
    }

    /// Builds test prompts in which every query has its own demonstrations: as many as in the run, the ones of the
    /// whole budget that are most similar to the query, the most similar last.
    ///
    /// Similarity is the cosine of TF-IDF vectors over the model's tokens, with document frequencies from the task's
    /// pool.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`].
    pub fn plan_nearest(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let budget: Vec<&Example> = self.budget().collect();
        let render = |example: &Example| model.tokenizer.encode(&self.template.render(example)?);
        let pool = self.task.pool.iter().map(render).collect::<Result<Vec<_>>>()?;
        let candidates = budget.iter().copied().map(render).collect::<Result<Vec<_>>>()?;
        let nearest = Nearest::new(&pool, &candidates);
        let prompt = |example: &Example, shots: usize| {
            let chosen = nearest.most_similar(&render(example)?, shots);
            let demonstrations: Vec<Example> = chosen.into_iter().map(|index| budget[index].clone()).collect();
            self.context(model, &demonstrations)?.prompt(&self.template.render(example)?)
        };
        let shots = self.demonstrations.len();
        let text = |example: &&Example| Ok(planned(example, prompt(example, shots)?));
        let test = self.test.iter().map(text).collect::<Result<Vec<_>>>()?;
        let shorter = |_, at: usize, dropped: usize| {
            shots.checked_sub(dropped).map(|shots| prompt(self.test[at], shots)).transpose()
        };
        self.as_baseline().finish(model, [Vec::new(), test], &shorter)
    }

    /// Builds prompts with the run's demonstrations and content-free queries: `N/A`, the empty text and `[MASK]` in
    /// every field.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`].
    pub fn plan_content_free(&self, model: &Model) -> Result<(Plan, Prompts)> {
        let query = |filler: &&str| content_free(self.test[0], filler);
        self.plan_queries(model, &CONTENT_FREE.iter().map(query).collect::<Vec<_>>())
    }

    /// Builds prompts with the run's demonstrations and queries of random words of the test texts.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`].
    pub fn plan_in_domain(&self, model: &Model) -> Result<(Plan, Prompts)> {
        self.plan_queries(model, &in_domain(&self.test, &mut SeededRng::stream(self.request.demo_seed, 7)))
    }

    /// Builds prompts with the run's demonstrations and `queries` that have no label.
    fn plan_queries(&self, model: &Model, queries: &[Example]) -> Result<(Plan, Prompts)> {
        let context = self.context(model, &self.demonstrations)?;
        let test = queries.iter().map(|query| self.planned(&context, query)).collect::<Result<Vec<_>>>()?;
        let shorter = |_, at: usize, dropped| self.shorter(model, dropped, &self.demonstrations, &queries[at]);
        self.as_baseline().finish(model, [Vec::new(), test], &shorter)
    }

    /// Renders `demonstrations` as the request specifies, ready for queries.
    ///
    /// # Errors
    /// If the request is for a conversation and the model has no chat template.
    fn context<'m>(&self, model: &'m Model, demonstrations: &[Example]) -> Result<PromptContext<'m>> {
        PromptContext::new(self.template, self.chat(model)?, demonstrations)
    }

    /// Returns the chat template, if the request is for a conversation.
    pub(super) fn chat<'m>(&self, model: &'m Model) -> Result<Option<&'m ChatTemplate>> {
        let chat = self.is_chat().then(|| {
            model.chat.as_ref().ok_or_else(|| {
                InputError::new(format!("the model `{}` has no chat template", model.meta.id))
                    .help("leave out --chat, or use an instruct model (`chat_template` in its tokenizer_config.json)")
            })
        });
        Ok(chat.transpose()?)
    }

    /// Returns whether demonstrations and query are turns of a conversation.
    fn is_chat(&self) -> bool {
        self.request.prompting.chat || self.template.chat
    }

    /// Returns the prompt of `example` without the first `dropped` of `demonstrations`; `None` if there are fewer.
    fn shorter(
        &self,
        model: &Model,
        dropped: usize,
        demonstrations: &[Example],
        example: &Example,
    ) -> Result<Option<PromptText>> {
        let Some(left) = demonstrations.get(dropped..) else { return Ok(None) };
        self.context(model, left)?.prompt(&self.template.render(example)?).map(Some)
    }

    fn planned(&self, context: &PromptContext<'_>, example: &Example) -> Result<PlannedExample> {
        Ok(planned(example, context.prompt(&self.template.render(example)?)?))
    }

    fn finish(
        &self,
        model: &Model,
        examples: [Vec<PlannedExample>; 2],
        shorter: &Shorter<'_>,
    ) -> Result<(Plan, Prompts)> {
        let first_token = self.request.prompting.first_token || self.template.first_token;
        let (task, prompt) = (self.task_meta(), self.prompt_meta());
        let (request, selection, chat) = (Some(self.request.clone()), self.selection.clone(), self.is_chat());
        let Prompting { bos, on_overflow: policy, .. } = self.request.prompting;
        let run = PromptSpec { request, selection, task, prompt, examples, first_token, chat, bos, policy, shorter };
        finish(model, run).map_err(|error| self.template.locate(error))
    }

    /// Returns the label words as they follow the prompts; in a conversation, without a leading space.
    fn label_words(&self) -> Vec<String> {
        let words = self.template.label_words.iter();
        words.map(|word| if self.is_chat() { word.trim().to_owned() } else { word.clone() }).collect()
    }

    fn task_meta(&self) -> TaskMeta {
        TaskMeta {
            name: self.task.name.clone(),
            template: self.template.name.clone(),
            template_hash: self.template.hash().to_owned(),
            label_words: self.label_words(),
            label_tokens: Vec::new(),
            word_classes: self.template.word_classes.clone(),
            scored: Vec::new(),
        }
    }

    fn prompt_meta(&self) -> PromptMeta {
        PromptMeta {
            shots: self.demonstrations.len(),
            demo_seed: self.request.demo_seed,
            demo_ids: self.demonstrations.iter().map(|example| example.id.clone()).collect(),
            demos: record(self.task, &self.demonstrations),
            loo: self.request.loo.then(|| LooMeta { repeated: self.left_out().1, ..LooMeta::default() }),
            ..PromptMeta::default()
        }
    }
}

/// Draws demonstrations and builds the prompts of a run on a task.
///
/// # Errors
/// If the task or template is unknown, the pool too small, a label word not one token, or a prompt too long.
pub fn plan(model: &Model, request: &RunRequest) -> Result<(Plan, Prompts)> {
    PromptBuilder::new(&Library.task(&request.task)?, request)?.plan(model)
}

fn planned(example: &Example, prompt: PromptText) -> PlannedExample {
    PlannedExample { id: example.id.clone(), text: example.summary(), gold: example.label, prompt: Some(prompt) }
}
