//! The paper's protocol: tasks × templates × demonstration sets, with every method on the same labels and test
//! examples.
//!
//! Chang et al. 2024 (arXiv 2406.13131), section 5: five disjoint demonstration sets, three templates, a budget of 24
//! labels of which four (three for three labels) are demonstrations and the others train the weights.

mod agreement;
mod cell;
mod component_hits;
mod estimates;
mod prompted;
mod row;
mod summary;

pub use agreement::{AgreementRow, Pairs, agreement};
pub use cell::{CellSettings, ProtocolCell, shots};
pub use component_hits::ComponentHits;
pub use prompted::{PromptedEvent, prompted, unbiased_heads};
pub use row::{ProtocolRow, RowDetails, Share};
pub use summary::{AccuracyRow, Mean, accuracy_table};

use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
    model::Model,
    progress::{Meter, Progress},
    runner::Note,
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
    /// How every run is made.
    pub settings: CellSettings,
}

/// Event of [`Protocol::reproduce`].
#[derive(Clone, Debug, PartialEq)]
pub enum ProtocolEvent {
    /// Another run is done.
    Progress(Progress),
    /// How the store was involved.
    Note(Note),
}

/// Returns the counted templates of `task`, at most `count`, and their contrastive partners that are not counted. Partners
/// are counted last, so that the counted templates differ as much as possible.
pub fn choose_templates(task: &Task, count: usize) -> Vec<(&Template, bool)> {
    let mut firsts: Vec<&Template> = Vec::new();
    let mut seconds = Vec::new();
    for template in &task.templates {
        let partner = template.contrast.as_deref();
        let paired = firsts.iter().any(|first| Some(first.name.as_str()) == partner);
        if paired { seconds.push(template) } else { firsts.push(template) }
    }
    let open = count.saturating_sub(firsts.len()).min(seconds.len());
    let partners = seconds.split_off(open);
    firsts.truncate(count);
    firsts.extend(seconds);
    let wanted = |partner: &&Template| firsts.iter().any(|first| Some(&first.name) == partner.contrast.as_ref());
    let partners: Vec<&Template> = partners.into_iter().filter(wanted).collect();
    firsts.into_iter().map(|template| (template, true)).chain(partners.into_iter().map(|own| (own, false))).collect()
}

impl Protocol {
    /// Returns all planned runs, task by task.
    pub fn cells(&self) -> Vec<ProtocolCell<'_>> {
        let mut cells = Vec::new();
        for task in &self.tasks {
            for (template, counted) in choose_templates(task, self.templates) {
                cells.extend((0..self.seeds).map(|seed| ProtocolCell { task, template, seed, counted }));
            }
        }
        cells
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
            rows.push(cell.measure(&self.settings, model, store, cancel, note)?);
            observe(ProtocolEvent::Progress(meter.advance(1)));
        }
        Ok(rows)
    }

    /// Returns the number of runs that are not in `store`, or whose hidden states are not. Plans every run, so that errors
    /// are found before the first one starts.
    ///
    /// # Errors
    /// If a run cannot be planned; the message names its task and template.
    pub fn pending(&self, model: &Model, store: &Store) -> Result<usize> {
        let missing = |cell: &ProtocolCell<'_>| cell.is_missing(&self.settings, model, store);
        let counted = |cell: &ProtocolCell<'_>| missing(cell).map(usize::from).map_err(|error| with_cell(cell, error));
        self.cells().iter().try_fold(0, |count, cell| Ok(count + counted(cell)?))
    }

    /// Measures the seconds that one uncached run takes on this machine, on a few examples of the first run.
    ///
    /// # Errors
    /// As [`Protocol::reproduce`].
    pub fn seconds_per_run(&self, model: &Model, cancel: &Cancel) -> Result<f64> {
        self.cells().first().map_or(Ok(0.0), |cell| cell.seconds(&self.settings, model, cancel))
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
    use crate::{runner::Overflow, task::Library};

    fn protocol(templates: usize) -> Protocol {
        let tasks = vec![Library.task("sentiment").unwrap()];
        Protocol { tasks, templates, seeds: 2, settings: CellSettings::default() }
    }

    #[test]
    fn prompts_that_are_too_long_are_found_before_the_first_run() {
        let model = Model::load(&crate::model::Source::Demo, &crate::model::LoadOptions::default()).unwrap();
        let protocol_with = |budget: usize, on_overflow| {
            let settings = CellSettings { budget, on_overflow, limit: Some(6), ..CellSettings::default() };
            Protocol { seeds: 1, settings, ..protocol(1) }
        };
        let error = protocol_with(100, Overflow::Error).pending(&model, &Store::none()).unwrap_err().to_string();
        assert!(error.starts_with("task sentiment, template ") && error.contains("6 of 6 prompts exceed"), "{error}");
        assert!(error.contains("lower --budget"), "{error}");
        let fine = protocol_with(100, Overflow::DropDemos).pending(&model, &Store::none()).unwrap();
        assert_eq!(fine, protocol_with(24, Overflow::Error).pending(&model, &Store::none()).unwrap());
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
