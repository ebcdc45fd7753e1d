//! Everything the explorer knows.

mod activity;
pub mod comparison;
pub mod demo_editor;
mod derived;
pub mod example_list;
pub mod experiments;
pub mod fit;
pub mod generations;
pub mod input;
pub mod list;
pub mod margin;
pub mod metric;
pub mod mixer;
pub mod open_run;
pub mod open_split;
pub mod run_list;
pub mod scale;
pub mod selection;
mod view;

pub use super::screen::Screen;
pub use activity::{FitNote, Fitting, Notice, Phase, Severity};
pub use view::{Cursor, Map, Overlay};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{analysis::Kind, runner::RunRequest, task::Task};

use self::{
    comparison::{RunComparison, RunMatrix},
    demo_editor::Editor,
    example_list::ExampleList,
    experiments::Experiments,
    fit::{BaselineScores, FitControls},
    generations::Generations,
    margin::MarginBreakdown,
    metric::Metric,
    open_run::OpenRun,
    run_list::RunList,
};
use super::{
    action::Action,
    keymap::{KeyContext, Keymap},
};

/// A task that can be switched to, with its templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChoice {
    /// Name of the task.
    pub name: String,
    /// Names of its templates, at least one.
    pub templates: Vec<String>,
}

/// The state of the explorer.
#[derive(Clone, Debug)]
pub struct State {
    /// Which key means what.
    pub keymap: Keymap,
    /// What can be switched to.
    pub choices: Vec<TaskChoice>,
    /// The run that was last asked for; `None` if there is no model to run.
    pub wanted: Option<RunRequest>,
    /// Where it stands.
    pub phase: Phase,
    /// The newest request of each kind of work.
    pub generations: Generations,
    /// The run that is being filled, by id.
    pub filling: Option<u64>,
    /// Where the fit stands.
    pub fitting: Fitting,
    /// The run whose component statistics are being computed, by id.
    pub computing_stats: Option<u64>,
    /// The last fit.
    pub fit_note: Option<FitNote>,
    /// All runs at hand.
    pub runs: Vec<OpenRun>,
    /// The one that is shown.
    pub current: usize,
    /// Where the cursor is.
    pub cursor: Cursor,
    /// What the map shows.
    pub map: Map,
    /// What fills the screen.
    pub screen: Screen,
    /// Whether the components are ranked instead of mapped.
    pub ranked: bool,
    /// The only kind that is shown, if not all are.
    pub kinds: Option<Kind>,
    /// The components that are shown, from the highest value to the lowest, those without one last.
    pub order: Vec<usize>,
    /// The channels that are marked: what the mix does is done to all of them.
    pub marks: BTreeSet<usize>,
    /// How the mix is fitted, and where its cursor is.
    pub fit_controls: FitControls,
    /// The list of examples.
    pub example_list: ExampleList,
    /// The example that is opened, taken apart.
    pub breakdown: Option<MarginBreakdown>,
    /// The demonstrations as they are being edited.
    pub editor: Option<Editor>,
    /// Tasks that were read, by name; `None` while one is being read.
    pub tasks: BTreeMap<String, Option<Result<Arc<Task>, String>>>,
    /// The run to compare with, by run id.
    pub other: Option<u64>,
    /// The two runs held against each other.
    pub comparison: Option<RunComparison>,
    /// Which of the flipped examples is looked at.
    pub flip: usize,
    /// All comparable runs at hand against each other.
    pub matrix: RunMatrix,
    /// The queue, the store, and the cursor among all runs.
    pub run_list: RunList,
    /// What lies on top.
    pub overlay: Option<Overlay>,
    /// What just happened.
    pub notice: Option<Notice>,
    /// What is being found out by asking the model.
    pub experiments: Experiments,
    /// Which theme, counted round.
    pub theme: usize,
    /// Letters behind the cursor of the line that is typed.
    pub caret: usize,
    /// Rows of one page of what is listed, as the screen has them.
    pub page: usize,
    /// Whether the selected component has the whole side of the map.
    pub detail: bool,
    next_run: u64,
}

impl State {
    /// A screen without a run.
    pub fn new(keymap: Keymap, choices: Vec<TaskChoice>) -> Self {
        let metric = Metric::default();
        Self {
            keymap,
            choices,
            wanted: None,
            phase: Phase::Idle,
            generations: Generations::default(),
            filling: None,
            fitting: Fitting::Idle,
            computing_stats: None,
            fit_note: None,
            runs: Vec::new(),
            current: 0,
            cursor: Cursor::default(),
            map: Map { metric, values: Vec::new(), scale: metric.scale(2, &[]) },
            screen: Screen::default(),
            ranked: false,
            kinds: None,
            order: Vec::new(),
            marks: BTreeSet::new(),
            fit_controls: FitControls::default(),
            example_list: ExampleList::default(),
            breakdown: None,
            editor: None,
            tasks: BTreeMap::new(),
            other: None,
            comparison: None,
            flip: 0,
            matrix: RunMatrix::default(),
            run_list: RunList::default(),
            overlay: None,
            notice: None,
            experiments: Experiments::default(),
            theme: 0,
            caret: 0,
            page: 8,
            detail: false,
            next_run: 0,
        }
    }

    /// An id that no run has had.
    pub(crate) const fn new_id(&mut self) -> u64 {
        self.next_run += 1;
        self.next_run
    }

    /// The run that is shown.
    pub fn run(&self) -> Option<&OpenRun> {
        self.runs.get(self.current)
    }

    /// The run that is shown, to be changed.
    pub(crate) fn run_mut(&mut self) -> Option<&mut OpenRun> {
        self.runs.get_mut(self.current)
    }

    /// The run with this id, to be changed.
    pub(crate) fn run_by_id(&mut self, id: u64) -> Option<&mut OpenRun> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// Where a key is pressed now.
    pub const fn place(&self) -> KeyContext {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Help(_)), _) => KeyContext::Help,
            (Some(Overlay::Palette(_) | Overlay::Search | Overlay::Line(_) | Overlay::Pool { .. }), _) => {
                KeyContext::Line
            }
            (None, screen) => KeyContext::Screen(screen),
        }
    }

    /// Shows another run; the one before is what it is compared with.
    pub(crate) fn show(&mut self, index: usize) {
        if let (Some(before), true) = (self.run().map(|run| run.id), index != self.current) {
            self.other = Some(before);
        }
        self.current = index;
    }

    /// The run that is compared with.
    pub fn other_run(&self) -> Option<&OpenRun> {
        let shown = self.run()?.id;
        self.runs.iter().find(|run| Some(run.id) == self.other && run.id != shown)
    }

    /// The task of the run that is shown, once it was read.
    pub fn task(&self) -> Option<&Arc<Task>> {
        let name = &self.run()?.request.as_ref()?.task;
        self.tasks.get(name)?.as_ref()?.as_ref().ok()
    }

    /// Whether an answer is awaited that nothing on the screen moves for.
    pub fn is_waiting(&self) -> bool {
        let asked = |run: &OpenRun| run.baselines == Some(BaselineScores::Pending);
        self.computing_stats.is_some()
            || (self.screen == Screen::Runs && self.run_list.stored.is_none())
            || self.run().is_some_and(asked)
            || self.tasks.values().any(Option::is_none)
            || self.editor.as_ref().is_some_and(Editor::is_waiting)
    }

    /// The first key of an action, or its name if it has none: for sentences.
    pub fn key_of(&self, action: Action) -> String {
        self.keymap.any_keys(action).into_iter().next().unwrap_or_else(|| action.name().to_owned())
    }

    /// Whether the screen moves by itself.
    pub fn is_moving(&self) -> bool {
        self.experiments.is_busy() || self.phase.is_busy() || self.fitting != Fitting::Idle
    }

    /// Says something.
    pub fn notify(&mut self, tone: Severity, text: impl Into<String>) {
        self.notice = Some(Notice { tone, text: text.into() });
    }
}
