//! The examples of a run on a task and their roles, before a model is involved.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use super::{
    Overflow, RunRequest,
    selection::{Candidate, select},
};
use crate::{
    error::{InputError, Result},
    random::SeededRng,
    run::SelectionMeta,
    task::{Chosen, Example, Task, Template, choose, order_demonstrations},
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
    pub(super) request: RunRequest,
    pub(super) selection: Option<SelectionMeta>,
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

    /// Returns a copy whose test examples are the training examples, for methods that try something on them.
    #[must_use]
    pub fn on_training(&self) -> Self {
        Self { test: self.train.clone(), train: Vec::new(), selection: None, ..self.clone() }
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
    pub(super) fn left_out(&self) -> (Vec<usize>, Vec<String>) {
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
    pub(super) fn others(&self, index: usize) -> Vec<Example> {
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
    pub(super) fn as_baseline(&self) -> Self {
        let mut draft = self.clone();
        draft.request.loo = false;
        if draft.request.prompting.on_overflow == Overflow::Skip {
            draft.request.prompting.on_overflow = Overflow::DropDemos;
        }
        draft
    }

    /// Returns every labelled example that the run uses, demonstrations first.
    pub(super) fn budget(&self) -> impl Iterator<Item = &Example> {
        self.demonstrations.iter().chain(self.train.iter().copied())
    }
}
