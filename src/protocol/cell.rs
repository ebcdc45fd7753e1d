//! One planned run of the protocol, and how it is made. `reproduce` and `sweep` measure their cells here.

use super::row::ProtocolRow;
use crate::{
    cancel::Cancel,
    error::Result,
    model::Model,
    progress::Meter,
    runner::{Note, OnLeak, Overflow, PromptBuilder, Prompting, RunRequest, Selection, hidden_key, run_key},
    store::Store,
    task::{Task, Template},
};

/// One planned run of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolCell<'t> {
    /// The task.
    pub task: &'t Task,
    /// The template.
    pub template: &'t Template,
    /// Seed of the demonstration set.
    pub seed: u64,
    /// Whether the tables count it, or it only serves as a contrastive partner.
    pub counted: bool,
}

/// How the runs of a protocol are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellSettings {
    /// Label budget per run, demonstrations included.
    pub budget: usize,
    /// Number of demonstrations; `None` for the paper's, see [`shots`].
    pub shots: Option<usize>,
    /// Whether to score on the development split instead of the test split, for choosing methods.
    pub on_dev: bool,
    /// Largest number of scored examples; `None` for all.
    pub limit: Option<usize>,
    /// What to do about prompts that are longer than the model's context.
    pub on_overflow: Overflow,
    /// Whether hidden states are computed too, in a second pass, for the methods that classify them.
    pub with_hidden: bool,
}

/// The paper's: 24 labels, all test examples.
impl Default for CellSettings {
    fn default() -> Self {
        let on_overflow = Overflow::Error;
        Self { budget: 24, shots: None, on_dev: false, limit: None, on_overflow, with_hidden: false }
    }
}

/// Returns the number of demonstrations in the paper's protocol: four, or one per label if four cannot be balanced.
pub const fn shots(labels: usize) -> usize {
    if labels <= 4 && 4 % labels == 0 { 4 } else { labels }
}

impl<'t> ProtocolCell<'t> {
    /// Runs the model, or reads its results from `store`, and scores every method.
    ///
    /// # Errors
    /// If the run cannot be planned or fails, or [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn measure(
        &self,
        settings: &CellSettings,
        model: &Model,
        store: &Store,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note),
    ) -> Result<ProtocolRow> {
        let builder = self.prompt_builder(settings)?;
        ProtocolRow::measure((self.seed, self.counted), &builder, settings.with_hidden, model, store, cancel, note)
    }

    /// Measures the seconds that the run takes on this machine, on a few of its examples and without a store.
    ///
    /// # Errors
    /// As [`ProtocolCell::measure`].
    pub fn seconds(&self, settings: &CellSettings, model: &Model, cancel: &Cancel) -> Result<f64> {
        const SAMPLES: [usize; 2] = [8, 32];
        let scored = self.scored(settings);
        let seconds = |examples: usize| -> Result<f64> {
            let sample = CellSettings { limit: Some(examples), ..*settings };
            let meter = Meter::start(1);
            self.measure(&sample, model, &Store::none(), cancel, &mut |_| {})?;
            Ok(meter.seconds())
        };
        let [few, more] = SAMPLES.map(|count| count.min(scored));
        let (short, long) = (seconds(few)?, seconds(more)?);
        // What grows with the number of examples, apart from shared prefixes and leave-one-out prompts.
        let each = (long - short).max(0.0) / (more - few).max(1) as f64;
        Ok(long + each * (scored - more) as f64)
    }

    /// Returns the number of scored examples, before leaks are left out.
    pub fn scored(&self, settings: &CellSettings) -> usize {
        let examples = if settings.on_dev { &self.task.dev } else { &self.task.test };
        examples.len().min(settings.limit.unwrap_or(usize::MAX))
    }

    /// Checks that its examples can be chosen.
    ///
    /// # Errors
    /// If the pool is too small, or no test example is left.
    pub fn check(&self, settings: &CellSettings) -> Result<()> {
        self.prompt_builder(settings).map(|_| ())
    }

    /// Returns whether `store` lacks the run, or its hidden states if `settings` want them. Plans it, so that errors are
    /// found before it starts.
    pub(super) fn is_missing(&self, settings: &CellSettings, model: &Model, store: &Store) -> Result<bool> {
        let builder = self.prompt_builder(settings)?;
        let (plan, prompts) = builder.plan(model)?;
        check_whole_budget(&builder, model)?;
        let lacks_hidden = settings.with_hidden && !store.holds(&hidden_key(model, &plan, &prompts));
        if lacks_hidden || !store.holds(&run_key(model, &plan, &prompts)) {
            return Ok(true);
        }
        let Ok(left_out) = builder.leave_one_out() else { return Ok(false) };
        let (plan, prompts) = left_out.plan(model)?;
        Ok(!store.holds(&run_key(model, &plan, &prompts)))
    }

    /// Returns the prompts, before tokenization.
    fn prompt_builder(&self, settings: &CellSettings) -> Result<PromptBuilder<'t>> {
        let shots = settings.shots.unwrap_or_else(|| shots(self.task.labels.len()));
        let request = RunRequest {
            task: self.task.name.clone(),
            template: Some(self.template.name.clone()),
            shots,
            demo_seed: self.seed,
            train_examples: settings.budget.saturating_sub(shots),
            limit: settings.limit,
            selection: Some(Selection { on_leak: OnLeak::Drop, ..Selection::default() }),
            prompting: Prompting { on_overflow: settings.on_overflow, ..Prompting::default() },
            ..RunRequest::default()
        };
        PromptBuilder::over(self.task, &request, if settings.on_dev { &self.task.dev } else { &self.task.test })
    }
}

/// Checks that prompts with the whole label budget fit the context. Plans only the longest examples first, and all of
/// them only if these fail, so that the error counts them all.
fn check_whole_budget(builder: &PromptBuilder<'_>, model: &Model) -> Result<()> {
    const LONGEST: usize = 8;
    let whole = builder.whole_budget();
    match whole.on_longest(LONGEST).plan(model) {
        Ok(_) => Ok(()),
        Err(_) => whole.plan(model).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_demonstrations_can_be_balanced() {
        assert_eq!([2, 3, 4, 5].map(shots), [4, 3, 4, 5]);
    }
}
