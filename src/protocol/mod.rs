//! The paper's protocol: tasks × templates × demonstration sets, every method on the same labels and test examples.
//!
//! Chang et al. 2024 (arXiv 2406.13131), section 5: five disjoint demonstration sets, three templates, a budget of 24
//! labels of which four (three for three labels) are demonstrations and the others train the weights.

mod cell;
mod row;
mod summary;

pub use cell::ProtocolCell;
pub use row::ProtocolRow;
pub use summary::{AccuracyRow, AgreementRow, accuracy_table, agreement};

use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
    model::Model,
    progress::{Meter, Progress},
    runner::{Overflow, PromptBuilder, Prompting, RunRequest, run_key},
    store::Store,
    task::{Task, Template},
};

/// What to reproduce.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Templates per task; a contrasting partner comes on top where it is not among them.
    pub templates: usize,
    /// Demonstration sets per template.
    pub seeds: u64,
    /// Labels spent per run, demonstrations included.
    pub budget: usize,
    /// Score on the development split instead of the test split: for choosing methods.
    pub on_dev: bool,
    /// At most so many examples are scored.
    pub limit: Option<usize>,
    /// What to do about prompts that are longer than the model's context.
    pub on_overflow: Overflow,
}

/// Demonstrations of a task under the paper's protocol: four, or as many as there are labels where four cannot be
/// balanced.
pub const fn shots(labels: usize) -> usize {
    if labels <= 4 && 4 % labels == 0 { 4 } else { labels }
}

impl Protocol {
    /// All runs, task by task.
    pub fn cells(&self) -> Vec<ProtocolCell<'_>> {
        let mut cells = Vec::new();
        for task in &self.tasks {
            let (counted, partners) = self.choose(task);
            let templates = counted.into_iter().map(|t| (t, true)).chain(partners.into_iter().map(|t| (t, false)));
            for (template, counted) in templates {
                cells.extend((0..self.seeds).map(|seed| ProtocolCell { task, template, seed, counted }));
            }
        }
        cells
    }

    /// Templates that count, and contrasting partners of theirs that do not. Partners are taken into account last, so
    /// that the counted templates differ as much as they can.
    fn choose<'t>(&self, task: &'t Task) -> (Vec<&'t Template>, Vec<&'t Template>) {
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

    /// The run of one cell before it meets a model.
    fn draft<'t>(&self, cell: &ProtocolCell<'t>) -> Result<PromptBuilder<'t>> {
        let shots = shots(cell.task.labels.len());
        let request = RunRequest {
            task: cell.task.name.clone(),
            template: Some(cell.template.name.clone()),
            shots,
            demo_seed: cell.seed,
            train_examples: self.budget.saturating_sub(shots),
            limit: self.limit,
            prompting: Prompting { on_overflow: self.on_overflow, ..Prompting::default() },
            ..RunRequest::default()
        };
        let draft = PromptBuilder::new(cell.task, &request)?;
        if self.on_dev { draft.scored_on(&cell.task.dev, self.limit) } else { Ok(draft) }
    }

    /// Runs all cells, telling `observe` after each how far it is.
    ///
    /// Everything that the model computes goes through `store`: a second call does no model work, an interrupted one
    /// goes on where it stopped.
    ///
    /// # Errors
    /// As planning and running a task, or [`Error::Cancelled`].
    pub fn reproduce(
        &self,
        model: &Model,
        store: &Store,
        cancel: &Cancel,
        observe: &mut dyn FnMut(&ProtocolCell<'_>, Progress),
    ) -> Result<Vec<ProtocolRow>> {
        let cells = self.cells();
        let mut meter = Meter::start(cells.len());
        let mut rows = Vec::with_capacity(cells.len());
        for cell in &cells {
            cancel.check()?;
            rows.push(ProtocolRow::measure(cell, &self.draft(cell)?, model, store, cancel)?);
            observe(cell, meter.advance(1));
        }
        Ok(rows)
    }

    /// How many runs `store` does not hold yet. Finds what would stop any of them before the first one begins.
    ///
    /// # Errors
    /// As planning a task, with task and template.
    pub fn pending(&self, model: &Model, store: &Store) -> Result<usize> {
        let missing = |cell: &ProtocolCell<'_>| -> Result<bool> {
            let draft = self.draft(cell)?;
            let (plan, prompts) = draft.plan(model)?;
            check_whole_budget(&draft, model)?;
            Ok(!store.holds(&run_key(model, &plan, &prompts)))
        };
        let counted = |cell: &ProtocolCell<'_>| missing(cell).map(usize::from).map_err(|error| named(cell, error));
        self.cells().iter().try_fold(0, |count, cell| Ok(count + counted(cell)?))
    }

    /// Seconds that one uncached run takes here, measured on a few examples of the first one.
    ///
    /// # Errors
    /// As [`Protocol::reproduce`].
    pub fn seconds_per_run(&self, model: &Model, cancel: &Cancel) -> Result<f64> {
        const SAMPLE: usize = 32;
        let cells = self.cells();
        let Some(cell) = cells.first() else { return Ok(0.0) };
        let scored =
            if self.on_dev { cell.task.dev.len() } else { cell.task.test.len() }.min(self.limit.unwrap_or(usize::MAX));
        let sample = Self { limit: Some(SAMPLE.min(scored)), ..self.clone() };
        let meter = Meter::start(1);
        ProtocolRow::measure(cell, &sample.draft(cell)?, model, &Store::none(), cancel)?;
        Ok(meter.seconds() * scored as f64 / SAMPLE.min(scored) as f64)
    }
}

/// Finds prompts with the whole label budget that are too long: those of the longest examples, and only if these are,
/// all of them, for their count.
fn check_whole_budget(draft: &PromptBuilder<'_>, model: &Model) -> Result<()> {
    const LONGEST: usize = 8;
    let whole = draft.whole_budget();
    match whole.on_longest(LONGEST).plan(model) {
        Ok(_) => Ok(()),
        Err(_) => whole.plan(model).map(|_| ()),
    }
}

/// An error of one run with its task and template, and the words of this protocol.
fn named(cell: &ProtocolCell<'_>, error: Error) -> Error {
    match error {
        Error::Input(error) if error.path.is_none() => {
            let problem = format!("task {}, template {}: {}", cell.task.name, cell.template.name, error.problem);
            let cure = error.cure.as_ref().map(|cure| cure.replace("--num-fewshot", "--budget"));
            InputError { problem, cure, ..*error }.into()
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
        Protocol { tasks, templates, seeds: 2, budget: 24, on_dev: false, limit: None, on_overflow: Overflow::Error }
    }

    #[test]
    fn prompts_that_would_be_too_long_are_found_before_the_first_run() {
        let model = Model::load(&crate::model::Source::Demo, &crate::model::LoadOptions::default()).unwrap();
        let ask =
            |budget: usize, on_overflow| Protocol { budget, on_overflow, limit: Some(6), seeds: 1, ..protocol(1) };
        let error = ask(100, Overflow::Error).pending(&model, &Store::none()).unwrap_err().to_string();
        assert!(error.starts_with("task sentiment, template ") && error.contains("6 of 6 prompts exceed"), "{error}");
        assert!(error.contains("lower --budget"), "{error}");
        let fine = ask(100, Overflow::DropDemos).pending(&model, &Store::none()).unwrap();
        assert_eq!(fine, ask(24, Overflow::Error).pending(&model, &Store::none()).unwrap());
    }

    #[test]
    fn demonstrations_are_balanced() {
        assert_eq!([2, 3, 4, 5].map(shots), [4, 3, 4, 5]);
    }

    #[test]
    fn contrasting_partners_come_on_top() {
        let protocol = protocol(2);
        let cells = protocol.cells();
        let counted: Vec<&ProtocolCell> = cells.iter().filter(|cell| cell.counted).collect();
        let partners: Vec<&ProtocolCell> = cells.iter().filter(|cell| !cell.counted).collect();
        assert_eq!((counted.len(), partners.len()), (4, 2));
        assert_eq!(partners[0].template.contrast.as_ref(), Some(&counted[0].template.name));
    }

    #[test]
    fn partners_fill_up_where_templates_are_few() {
        let protocol = protocol(100);
        assert!(protocol.cells().iter().all(|cell| cell.counted));
        assert_eq!(protocol.cells().len(), 2 * protocol.tasks[0].templates.len());
    }
}
