//! Builds the prompts of a run on a task with a model's tokenizer and chat template.

use super::{
    Plan, PlannedExample, PromptBuilder, PromptText, Prompting, Prompts, RunRequest,
    context::PromptContext,
    empty_query::{CONTENT_FREE, content_free, in_domain},
    nearest::Nearest,
    overflow::Shorter,
    plan::{PromptSpec, finish},
    steps::{Steps, Watch},
};
use crate::{
    attribution::Split,
    error::{InputError, Result},
    model::{ChatTemplate, Model},
    random::SeededRng,
    run::{LooMeta, PromptMeta, TaskMeta},
    task::{Example, Library, record},
};

impl PromptBuilder<'_> {
    /// Builds the prompts of the run.
    ///
    /// # Errors
    /// If a label word is not one token, or a prompt is too long.
    pub fn plan(&self, model: &Model) -> Result<(Plan, Prompts)> {
        self.plan_watched(model, &mut |_| Ok(()))
    }

    /// As [`PromptBuilder::plan`], with progress in prompts.
    ///
    /// # Errors
    /// As [`PromptBuilder::plan`], and those of `watch`, which end the work.
    pub fn plan_watched(&self, model: &Model, watch: &mut Watch<'_>) -> Result<(Plan, Prompts)> {
        let context = self.context(model, &self.demonstrations)?;
        let rows = if self.request.loo { self.demonstrations.len() } else { self.train.len() };
        let mut steps = Steps::new(rows + self.test.len(), 2, watch);
        if self.request.loo {
            let test = steps.map(&self.test, |example| self.planned(&context, example))?;
            return self.plan_left_out(model, test, steps);
        }
        let shorter = |split, at: usize, dropped| {
            let example = if split == Split::Train { self.train[at] } else { self.test[at] };
            self.shorter(model, dropped, &self.demonstrations, example)
        };
        let train = steps.map(&self.train, |example| self.planned(&context, example))?;
        let test = steps.map(&self.test, |example| self.planned(&context, example))?;
        self.finish(model, [train, test], &shorter, steps)
    }

    /// Builds the prompts of a leave-one-out run with the given test prompts.
    fn plan_left_out(&self, model: &Model, test: Vec<PlannedExample>, mut steps: Steps<'_>) -> Result<(Plan, Prompts)> {
        let (rows, _) = self.left_out();
        let behind_others =
            |&index: &usize| self.planned(&self.context(model, &self.others(index))?, &self.demonstrations[index]);
        let train = steps.map(&rows, behind_others)?;
        let shorter = |split, at: usize, dropped| match split {
            Split::Train => self.shorter(model, dropped, &self.others(rows[at]), &self.demonstrations[rows[at]]),
            Split::Test => self.shorter(model, dropped, &self.demonstrations, self.test[at]),
        };
        self.finish(model, [train, test], &shorter, steps)
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
        self.as_baseline().finish(model, [Vec::new(), test], &shorter, Steps::unwatched())
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
        self.as_baseline().finish(model, [Vec::new(), test], &shorter, Steps::unwatched())
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
        steps: Steps<'_>,
    ) -> Result<(Plan, Prompts)> {
        let first_token = self.request.prompting.first_token || self.template.first_token;
        let (task, prompt) = (self.task_meta(), self.prompt_meta());
        let (request, selection, chat) = (Some(self.request.clone()), self.selection.clone(), self.is_chat());
        let Prompting { bos, on_overflow: policy, .. } = self.request.prompting;
        let run =
            PromptSpec { request, selection, task, prompt, examples, first_token, chat, bos, policy, shorter, steps };
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
