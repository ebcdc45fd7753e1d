//! The paper's protocol: tasks × templates × demonstration sets, with every method on the same labels and test
//! examples.
//!
//! Chang et al. 2024 (arXiv 2406.13131), section 5: five disjoint demonstration sets, three templates, a budget of 24
//! labels of which four (three for three labels) are demonstrations and the others train the weights.

mod cell;
mod prompted;
mod row;
mod summary;

pub use cell::ProtocolCell;
pub use prompted::prompted;
pub use row::ProtocolRow;
pub use summary::{AccuracyRow, AgreementRow, Mean, accuracy_table, agreement};

use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
    model::Model,
    progress::{Meter, Progress},
    runner::{Note, OnLeak, Overflow, PromptBuilder, Prompting, RunRequest, Selection, hidden_key, run_key},
    store::Store,
    task::{Task, Template},
};

/// What to reproduce.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Templates per task; a contrastive partner that is not among them is added.
    pub templates: usize,
    /// Demonstration sets per template.
    pub seeds: u64,
    /// Label budget per run, demonstrations included.
    pub budget: usize,
    /// Whether to score on the development split instead of the test split, for choosing methods.
    pub on_dev: bool,
    /// Largest number of scored examples; `None` for all.
    pub limit: Option<usize>,
    /// What to do about prompts that are longer than the model's context.
    pub on_overflow: Overflow,
    /// Whether hidden states are computed too, in a second pass, for the methods that classify them.
    pub with_hidden: bool,
}

/// Event of [`Protocol::reproduce`].
#[derive(Clone, Debug, PartialEq)]
pub enum ProtocolEvent {
    /// Another run is done.
    Progress(Progress),
    /// How the store was involved.
    Note(Note),
}

/// Returns the number of demonstrations in the paper's protocol: four, or one per label if four cannot be balanced.
pub const fn shots(labels: usize) -> usize {
    if labels <= 4 && 4 % labels == 0 { 4 } else { labels }
}

impl Protocol {
    /// Returns all planned runs, task by task.
    pub fn cells(&self) -> Vec<ProtocolCell<'_>> {
        let mut cells = Vec::new();
        for task in &self.tasks {
            let (counted, partners) = self.choose_templates(task);
            let templates = counted.into_iter().map(|t| (t, true)).chain(partners.into_iter().map(|t| (t, false)));
            for (template, counted) in templates {
                cells.extend((0..self.seeds).map(|seed| ProtocolCell { task, template, seed, counted }));
            }
        }
        cells
    }

    /// Returns the counted templates, and their contrastive partners that are not counted. Partners are counted last,
    /// so that the counted templates differ as much as possible.
    fn choose_templates<'t>(&self, task: &'t Task) -> (Vec<&'t Template>, Vec<&'t Template>) {
        let mut firsts: Vec<&Template> = Vec::new();
        let mut seconds = Vec::new();
        for template in &task.templates {
            let partner = template.contrast.as_deref();
            let paired = firsts.iter().any(|first| Some(first.name.as_str()) == partner);
            if paired { seconds.push(template) } else { firsts.push(template) }
        }
        let open = self.templates.saturating_sub(firsts.len()).min(seconds.len());
        let partners = seconds.split_off(open);
        firsts.truncate(self.templates);
        firsts.extend(seconds);
        let wanted = |partner: &&Template| firsts.iter().any(|first| Some(&first.name) == partner.contrast.as_ref());
        let partners = partners.into_iter().filter(wanted).collect();
        (firsts, partners)
    }

    /// Returns the prompts of one cell, before tokenization.
    fn prompt_builder<'t>(&self, cell: &ProtocolCell<'t>) -> Result<PromptBuilder<'t>> {
        let shots = shots(cell.task.labels.len());
        let request = RunRequest {
            task: cell.task.name.clone(),
            template: Some(cell.template.name.clone()),
            shots,
            demo_seed: cell.seed,
            train_examples: self.budget.saturating_sub(shots),
            limit: self.limit,
            selection: Some(Selection { on_leak: OnLeak::Drop, ..Selection::default() }),
            prompting: Prompting { on_overflow: self.on_overflow, ..Prompting::default() },
            ..RunRequest::default()
        };
        PromptBuilder::over(cell.task, &request, if self.on_dev { &cell.task.dev } else { &cell.task.test })
    }

    /// Runs all cells and calls `observe` with the progress after each, and with notes about the store.
    ///
    /// All model results are stored in `store`: a second call runs no model, and an interrupted one continues where it
    /// stopped.
    ///
    /// # Errors
    /// If a run cannot be planned or fails, or [`Error::Cancelled`].
    pub fn reproduce(
        &self,
        model: &Model,
        store: &Store,
        cancel: &Cancel,
        observe: &mut dyn FnMut(ProtocolEvent),
    ) -> Result<Vec<ProtocolRow>> {
        let cells = self.cells();
        let mut meter = Meter::start(cells.len());
        let mut rows = Vec::with_capacity(cells.len());
        for cell in &cells {
            cancel.check()?;
            let note = &mut |note| observe(ProtocolEvent::Note(note));
            let builder = self.prompt_builder(cell)?;
            rows.push(ProtocolRow::measure(cell, &builder, self.with_hidden, model, store, cancel, note)?);
            observe(ProtocolEvent::Progress(meter.advance(1)));
        }
        Ok(rows)
    }

    /// Returns the number of runs that are not in `store`, or whose hidden states are not. Plans every run, so that errors are found before the first
    /// one starts.
    ///
    /// # Errors
    /// If a run cannot be planned; the message names its task and template.
    pub fn pending(&self, model: &Model, store: &Store) -> Result<usize> {
        let missing = |cell: &ProtocolCell<'_>| -> Result<bool> {
            let builder = self.prompt_builder(cell)?;
            let (plan, prompts) = builder.plan(model)?;
            check_whole_budget(&builder, model)?;
            let lacks_hidden = self.with_hidden && !store.holds(&hidden_key(model, &plan, &prompts));
            if lacks_hidden || !store.holds(&run_key(model, &plan, &prompts)) {
                return Ok(true);
            }
            let Ok(left_out) = builder.leave_one_out() else { return Ok(false) };
            let (plan, prompts) = left_out.plan(model)?;
            Ok(!store.holds(&run_key(model, &plan, &prompts)))
        };
        let counted = |cell: &ProtocolCell<'_>| missing(cell).map(usize::from).map_err(|error| with_cell(cell, error));
        self.cells().iter().try_fold(0, |count, cell| Ok(count + counted(cell)?))
    }

    /// Measures the seconds that one uncached run takes on this machine, on a few examples of the first run.
    ///
    /// # Errors
    /// As [`Protocol::reproduce`].
    pub fn seconds_per_run(&self, model: &Model, cancel: &Cancel) -> Result<f64> {
        const SAMPLES: [usize; 2] = [8, 32];
        let cells = self.cells();
        let Some(cell) = cells.first() else { return Ok(0.0) };
        let scored =
            if self.on_dev { cell.task.dev.len() } else { cell.task.test.len() }.min(self.limit.unwrap_or(usize::MAX));
        let seconds = |examples: usize| -> Result<f64> {
            let sample = Self { limit: Some(examples), ..self.clone() };
            let meter = Meter::start(1);
            let (builder, store) = (sample.prompt_builder(cell)?, Store::none());
            ProtocolRow::measure(cell, &builder, self.with_hidden, model, &store, cancel, &mut |_| {})?;
            Ok(meter.seconds())
        };
        let [few, more] = SAMPLES.map(|count| count.min(scored));
        let (short, long) = (seconds(few)?, seconds(more)?);
        // What grows with the number of examples, apart from shared prefixes and leave-one-out prompts.
        let each = (long - short).max(0.0) / (more - few).max(1) as f64;
        Ok(long + each * (scored - more) as f64)
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

/// Adds the task and template of `cell` to an error, and replaces `--num-fewshot` with this command's `--budget`.
fn with_cell(cell: &ProtocolCell<'_>, error: Error) -> Error {
    match error {
        Error::Input(error) if error.path.is_none() => {
            let problem = format!("task {}, template {}: {}", cell.task.name, cell.template.name, error.problem);
            let help = error.help.as_ref().map(|help| help.replace("--num-fewshot", "--budget"));
            InputError { problem, help, ..*error }.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Library;

    fn protocol(templates: usize) -> Protocol {
        let tasks = vec![Library.task("sentiment").unwrap()];
        let (budget, on_overflow) = (24, Overflow::Error);
        Protocol { tasks, templates, seeds: 2, budget, on_dev: false, limit: None, on_overflow, with_hidden: false }
    }

    #[test]
    fn prompts_that_are_too_long_are_found_before_the_first_run() {
        let model = Model::load(&crate::model::Source::Demo, &crate::model::LoadOptions::default()).unwrap();
        let protocol_with =
            |budget: usize, on_overflow| Protocol { budget, on_overflow, limit: Some(6), seeds: 1, ..protocol(1) };
        let error = protocol_with(100, Overflow::Error).pending(&model, &Store::none()).unwrap_err().to_string();
        assert!(error.starts_with("task sentiment, template ") && error.contains("6 of 6 prompts exceed"), "{error}");
        assert!(error.contains("lower --budget"), "{error}");
        let fine = protocol_with(100, Overflow::DropDemos).pending(&model, &Store::none()).unwrap();
        assert_eq!(fine, protocol_with(24, Overflow::Error).pending(&model, &Store::none()).unwrap());
    }

    #[test]
    fn numbers_of_demonstrations_can_be_balanced() {
        assert_eq!([2, 3, 4, 5].map(shots), [4, 3, 4, 5]);
    }

    #[test]
    fn contrastive_partners_are_added() {
        let protocol = protocol(2);
        let cells = protocol.cells();
        let counted: Vec<&ProtocolCell> = cells.iter().filter(|cell| cell.counted).collect();
        let partners: Vec<&ProtocolCell> = cells.iter().filter(|cell| !cell.counted).collect();
        assert_eq!((counted.len(), partners.len()), (4, 2));
        assert_eq!(partners[0].template.contrast.as_ref(), Some(&counted[0].template.name));
    }

    #[test]
    fn partners_are_counted_if_there_are_few_templates() {
        let protocol = protocol(100);
        assert!(protocol.cells().iter().all(|cell| cell.counted));
        assert_eq!(protocol.cells().len(), 2 * protocol.tasks[0].templates.len());
    }
}
