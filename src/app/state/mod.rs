//! Everything the explorer knows.

mod activity;
pub mod comparison;
pub mod demo_editor;
mod derived;
pub mod example_list;
pub mod experiments;
pub mod fit;
pub mod input;
pub mod margin;
pub mod metric;
pub mod mixed;
pub mod mixer;
pub mod open_run;
pub mod open_split;
pub mod run_list;
pub mod selection;
pub mod tally;
mod view;

pub use activity::{FitNote, Fitting, Notice, Phase, Tone};
pub use view::{Cursor, Map, Overlay, Screen};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{analysis::Kind, runner::RunRequest, task::Task};

use self::{
    comparison::{Matrix, Pairing},
    demo_editor::Editor,
    example_list::Listing,
    experiments::Cause,
    fit::{Mixer, Scores},
    margin::Argument,
    metric::Metric,
    open_run::Sheet,
    run_list::Shelf,
};
use super::{
    action::Action,
    keymap::{Keymap, Place},
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
    /// The submission the model's worker is listened to for.
    pub generation: u64,
    /// The sheet that is being filled, by id.
    pub filling: Option<u64>,
    /// Where the fit stands.
    pub fitting: Fitting,
    /// The sheet whose components are being judged, by id.
    pub judging: Option<u64>,
    /// The last fit.
    pub fit_note: Option<FitNote>,
    /// All runs at hand.
    pub sheets: Vec<Sheet>,
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
    /// The strips that are marked: what the mix does is done to all of them.
    pub marks: BTreeSet<usize>,
    /// How the mix is fitted, and where its cursor is.
    pub mixer: Mixer,
    /// The list of examples.
    pub listing: Listing,
    /// The example that is opened, taken apart.
    pub argument: Option<Argument>,
    /// The demonstrations as they are being edited.
    pub editor: Option<Editor>,
    /// Tasks that were read, by name; `None` while one is being read.
    pub tasks: BTreeMap<String, Option<Result<Arc<Task>, String>>>,
    /// The run to compare with, by sheet id.
    pub other: Option<u64>,
    /// The two runs held against each other.
    pub pairing: Option<Pairing>,
    /// Which of the flipped examples is looked at.
    pub flip: usize,
    /// All comparable runs at hand against each other.
    pub matrix: Matrix,
    /// The queue, the store, and the cursor among all runs.
    pub shelf: Shelf,
    /// What lies on top.
    pub overlay: Option<Overlay>,
    /// What just happened.
    pub notice: Option<Notice>,
    /// What is being found out by asking the model.
    pub cause: Cause,
    /// Which theme, counted round.
    pub theme: usize,
    /// Letters behind the cursor of the line that is typed.
    pub caret: usize,
    /// Rows of one page of what is listed, as the screen has them.
    pub page: usize,
    /// Whether the selected component has the whole side of the map.
    pub detail: bool,
    next_sheet: u64,
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
            generation: 0,
            filling: None,
            fitting: Fitting::Idle,
            judging: None,
            fit_note: None,
            sheets: Vec::new(),
            current: 0,
            cursor: Cursor::default(),
            map: Map { metric, values: Vec::new(), scale: metric.scale(2, &[]) },
            screen: Screen::default(),
            ranked: false,
            kinds: None,
            order: Vec::new(),
            marks: BTreeSet::new(),
            mixer: Mixer::default(),
            listing: Listing::default(),
            argument: None,
            editor: None,
            tasks: BTreeMap::new(),
            other: None,
            pairing: None,
            flip: 0,
            matrix: Matrix::default(),
            shelf: Shelf::default(),
            overlay: None,
            notice: None,
            cause: Cause::default(),
            theme: 0,
            caret: 0,
            page: 8,
            detail: false,
            next_sheet: 0,
        }
    }

    /// An id that no sheet has had.
    pub(crate) const fn new_id(&mut self) -> u64 {
        self.next_sheet += 1;
        self.next_sheet
    }

    /// The run that is shown.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheets.get(self.current)
    }

    /// The run that is shown, to be changed.
    pub(crate) fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        self.sheets.get_mut(self.current)
    }

    /// The run with this id, to be changed.
    pub(crate) fn sheet_by_id(&mut self, id: u64) -> Option<&mut Sheet> {
        self.sheets.iter_mut().find(|sheet| sheet.id == id)
    }

    /// Where a key is pressed now.
    pub const fn place(&self) -> Place {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Help(_)), _) => Place::Help,
            (Some(Overlay::Palette(_) | Overlay::Search | Overlay::Line(_) | Overlay::Pool { .. }), _) => Place::Line,
            (None, Screen::Map) => Place::Explore,
            (None, Screen::Mix) => Place::Mix,
            (None, Screen::Prompt) => Place::Prompt,
            (None, Screen::Examples) => Place::Examples,
            (None, Screen::Cause) => Place::Cause,
            (None, Screen::Compare) => Place::Compare,
            (None, Screen::Matrix) => Place::Matrix,
            (None, Screen::Runs) => Place::Runs,
        }
    }

    /// Shows another sheet; the one before is what it is compared with.
    pub(crate) fn show(&mut self, index: usize) {
        if let (Some(before), true) = (self.sheet().map(|sheet| sheet.id), index != self.current) {
            self.other = Some(before);
        }
        self.current = index;
    }

    /// The run that is compared with.
    pub fn other_sheet(&self) -> Option<&Sheet> {
        let shown = self.sheet()?.id;
        self.sheets.iter().find(|sheet| Some(sheet.id) == self.other && sheet.id != shown)
    }

    /// The task of the run that is shown, once it was read.
    pub fn task(&self) -> Option<&Arc<Task>> {
        let name = &self.sheet()?.request.as_ref()?.task;
        self.tasks.get(name)?.as_ref()?.as_ref().ok()
    }

    /// Whether an answer is awaited that nothing on the screen moves for.
    pub fn is_waiting(&self) -> bool {
        let asked = |sheet: &Sheet| sheet.scores == Some(Scores::Asked);
        self.judging.is_some()
            || (self.screen == Screen::Runs && self.shelf.stored.is_none())
            || self.sheet().is_some_and(asked)
            || self.tasks.values().any(Option::is_none)
            || self.editor.as_ref().is_some_and(Editor::is_waiting)
    }

    /// The first key of an action, or its name if it has none: for sentences.
    pub fn key_of(&self, action: Action) -> String {
        self.keymap.any_keys(action).into_iter().next().unwrap_or_else(|| action.name().to_owned())
    }

    /// Whether the cursor moves along a list of components.
    pub fn is_ranking(&self) -> bool {
        self.screen == Screen::Mix || (self.ranked && self.screen == Screen::Map)
    }

    /// Whether pages are those of the prompt of the example that is opened.
    pub fn scrolls_prompt(&self) -> bool {
        self.screen == Screen::Examples && self.listing.prompt.is_some()
    }

    /// Whether the screen moves by itself.
    pub fn is_moving(&self) -> bool {
        self.cause.is_busy() || self.phase.is_busy() || self.fitting != Fitting::Idle
    }

    /// Says something.
    pub fn notify(&mut self, tone: Tone, text: impl Into<String>) {
        self.notice = Some(Notice { tone, text: text.into() });
    }
}
