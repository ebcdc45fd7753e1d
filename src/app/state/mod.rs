//! State of the explorer: data and queries.

mod activity;
pub mod cell_number;
pub mod comparison;
pub mod demo_editor;
mod derived;
pub mod edits;
pub mod example_list;
pub mod experiments;
pub mod explain;
pub mod fit;
pub mod generations;
pub mod help;
pub mod help_rows;
pub mod input;
pub mod lent_quantity;
pub mod list;
pub mod margin;
pub mod metric;
pub mod mixer;
pub mod models;
pub mod open_run;
pub mod open_split;
pub mod palette;
pub mod palette_rows;
pub mod run_list;
pub mod scale;
pub mod selection;
pub mod shown_run;
mod view;

pub use super::screen::Screen;
pub use activity::{FitNote, Fitting, Notice, Phase, Quitting, Running, Severity};
pub use view::{Cursor, Map, Overlay};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{analysis::Kind, runner::RunRequest, task::Task, text::printable};

use self::{
    comparison::{ComparisonView, RunComparison, RunMatrix, comparable},
    demo_editor::Editor,
    edits::RunEdits,
    example_list::ExampleList,
    experiments::Experiments,
    fit::{BaselineScores, FitControls},
    generations::Generations,
    lent_quantity::LentQuantity,
    margin::MarginBreakdown,
    metric::Metric,
    models::Models,
    open_run::OpenRun,
    run_list::RunList,
};
use super::{
    action::Action,
    keymap::{KeyContext, Keymap},
};

/// Most notices that are kept.
const NOTICES: usize = 200;

/// A task to switch to, with its templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChoice {
    /// Name of the task.
    pub name: String,
    /// Names of its templates; at least one.
    pub templates: Vec<String>,
}

/// The state of the explorer.
#[derive(Clone, Debug)]
pub struct State {
    /// The keymap.
    pub keymap: Keymap,
    /// Tasks and templates to switch to.
    pub choices: Vec<TaskChoice>,
    /// The run that switching starts from: the last one shown or requested. `None` without a model.
    pub requested: Option<RunRequest>,
    /// The run in progress, or the last one.
    pub running: Running,
    /// Hash of the weights of the session's model, once a run was planned; empty after another model was chosen, until then.
    pub model_hash: Option<String>,
    /// The models that the session can open.
    pub models: Models,
    /// Edits of the runs that are not shown, by name.
    pub edits: BTreeMap<String, RunEdits>,
    /// Whether quitting asks first, and whether it has.
    pub quitting: Quitting,
    /// Notices so far, oldest first.
    pub notices: Vec<Notice>,
    /// Phase of the run in progress.
    pub phase: Phase,
    /// The newest request of each kind of work.
    pub generations: Generations,
    /// Id of the run that receives results.
    pub filling: Option<u64>,
    /// Phase of the fit.
    pub fitting: Fitting,
    /// Id of the run whose component statistics are being computed.
    pub computing_stats: Option<u64>,
    /// Summary of the last fit.
    pub fit_note: Option<FitNote>,
    /// All open runs.
    pub runs: Vec<OpenRun>,
    /// Index of the shown run in `runs`.
    pub current: usize,
    /// Cursor on the map.
    pub cursor: Cursor,
    /// Quantity on the map, with its values.
    pub map: Map,
    /// Quantity of the map before the attention view lent it another.
    pub lent_quantity: LentQuantity,
    /// The current screen.
    pub screen: Screen,
    /// Whether components are shown as a ranking instead of a map.
    pub ranked: bool,
    /// Whether the cells of the map are enlarged, so that it may not show all components.
    pub zoomed: bool,
    /// The only kind shown; `None` shows all.
    pub kinds: Option<Kind>,
    /// Visible components, highest value first and those without a value last.
    pub order: Vec<usize>,
    /// Marked channels; changes to the mix apply to all of them.
    pub marks: BTreeSet<usize>,
    /// Settings of the next fit, and the state of the faders.
    pub fit_controls: FitControls,
    /// The list of examples.
    pub example_list: ExampleList,
    /// Margin breakdown of the opened example.
    pub breakdown: Option<MarginBreakdown>,
    /// The demonstration editor.
    pub editor: Option<Editor>,
    /// Tasks by name; `None` while a task is being read.
    pub tasks: BTreeMap<String, Option<Result<Arc<Task>, String>>>,
    /// Id of the run to compare with.
    pub other: Option<u64>,
    /// Comparison of the shown run with the other.
    pub comparison: Option<RunComparison>,
    /// What the left of the comparison shows.
    pub comparison_view: ComparisonView,
    /// Index of the selected flipped example.
    pub flip: usize,
    /// Agreement of all comparable open runs.
    pub matrix: RunMatrix,
    /// The queue and the stored runs, with the cursor in the list of runs.
    pub run_list: RunList,
    /// The open popup or input line.
    pub overlay: Option<Overlay>,
    /// Message about the last action or event.
    pub notice: Option<Notice>,
    /// Settings and status of experiments.
    pub experiments: Experiments,
    /// Number of theme switches; the theme is this modulo the number of themes.
    pub theme: usize,
    /// Characters behind the cursor of the input line.
    pub caret: usize,
    /// Rows of a page in the current list, set when drawing.
    pub page: usize,
    /// Whether the component panel takes the whole side of the map.
    pub detail: bool,
    next_run: u64,
}

impl State {
    /// Creates a state without runs.
    pub fn new(keymap: Keymap, choices: Vec<TaskChoice>) -> Self {
        let metric = Metric::default();
        Self {
            keymap,
            choices,
            requested: None,
            running: Running::default(),
            model_hash: None,
            models: Models::default(),
            edits: BTreeMap::new(),
            quitting: Quitting { confirms: true, keeps: true, was_asked: false },
            notices: Vec::new(),
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
            lent_quantity: LentQuantity::default(),
            screen: Screen::default(),
            ranked: false,
            zoomed: false,
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
            comparison_view: ComparisonView::default(),
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

    /// Returns an unused run id.
    pub(crate) const fn new_id(&mut self) -> u64 {
        self.next_run += 1;
        self.next_run
    }

    /// Returns the shown run.
    pub fn run(&self) -> Option<&OpenRun> {
        self.runs.get(self.current)
    }

    /// Returns the shown run, mutably.
    pub(crate) fn run_mut(&mut self) -> Option<&mut OpenRun> {
        self.runs.get_mut(self.current)
    }

    /// Returns the run with this id, mutably.
    pub(crate) fn run_by_id(&mut self, id: u64) -> Option<&mut OpenRun> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// Returns the current key context.
    pub const fn key_context(&self) -> KeyContext {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Help(help)), _) if help.is_typing => KeyContext::Line,
            (Some(Overlay::Help(_) | Overlay::Messages(_)), _) => KeyContext::Help,
            (Some(Overlay::Palette(_) | Overlay::Search | Overlay::Line(_) | Overlay::Pool { .. }), _) => {
                KeyContext::Line
            }
            (None, screen) => KeyContext::Screen(screen),
        }
    }

    /// Returns the run to compare with, if it can be compared with the shown one.
    pub fn other_run(&self) -> Option<&OpenRun> {
        let shown = self.run()?;
        let fits = |run: &&OpenRun| Some(run.id) == self.other && run.id != shown.id && comparable(run, shown);
        self.runs.iter().find(fits)
    }

    /// Returns the task of the shown run, if it has been read.
    pub fn task(&self) -> Option<&Arc<Task>> {
        self.task_of(self.run()?)
    }

    /// Returns the task of a run, if it has been read.
    pub fn task_of(&self, run: &OpenRun) -> Option<&Arc<Task>> {
        self.tasks.get(&run.request.as_ref()?.task)?.as_ref()?.as_ref().ok()
    }

    /// Returns the word of a label as `run` shows it, or the label's name while the task is not read.
    pub fn label_word(&self, run: &OpenRun, label: &str) -> String {
        let index = self.task_of(run).and_then(|task| task.labels.iter().position(|other| other == label));
        index.map_or_else(|| printable(label).into_owned(), |index| run.label(index))
    }

    /// Whether a result is pending that shows no progress on the screen.
    pub fn is_waiting(&self) -> bool {
        let is_pending = |run: &OpenRun| run.baselines == Some(BaselineScores::Pending);
        self.computing_stats.is_some()
            || (self.screen == Screen::Runs && self.run_list.stored.is_none())
            || self.run().is_some_and(is_pending)
            || self.tasks.values().any(Option::is_none)
            || self.editor.as_ref().is_some_and(Editor::is_waiting)
    }

    /// Returns the first key of an action, or its name if it has no key, for use in messages.
    pub fn key_of(&self, action: Action) -> String {
        self.keymap.any_keys(action).into_iter().next().unwrap_or_else(|| action.name().to_owned())
    }

    /// Whether the screen shows progress and must be redrawn regularly.
    pub fn is_moving(&self) -> bool {
        self.experiments.is_busy() || self.phase.is_busy() || self.fitting != Fitting::Idle
    }

    /// Shows a notice.
    pub fn notify(&mut self, severity: Severity, text: impl Into<String>) {
        let notice = Notice { severity, text: text.into() };
        if self.notices.last() != Some(&notice) {
            self.notices.push(notice.clone());
            self.notices.drain(..self.notices.len().saturating_sub(NOTICES));
        }
        self.notice = Some(notice);
    }

    /// Returns the quantity that the user chose for the map.
    pub const fn own_metric(&self) -> Metric {
        match self.lent_quantity {
            LentQuantity::Instead(before) => before,
            LentQuantity::None | LentQuantity::Chosen => self.map.metric,
        }
    }

    /// Returns the run in progress, once its prompts are built.
    pub fn filling_run(&self) -> Option<&OpenRun> {
        self.runs.iter().find(|run| self.phase.is_busy() && Some(run.id) == self.filling)
    }

    /// Whether a run is the session's model's, as far as that is known.
    pub fn is_own(&self, run: &OpenRun) -> bool {
        self.model_hash.as_ref().is_none_or(|hash| *hash == run.model.weights_hash)
    }

    /// Whether the run in progress is another than the shown one.
    pub fn is_busy_elsewhere(&self) -> bool {
        let shown = self.run().map(|run| run.id);
        self.phase.is_busy()
            && shown.is_some()
            && self.filling != shown
            && !(self.running.is_followed && self.filling.is_none())
    }
}
