//! What the workers say, and what it does to the state.

use std::time::Duration;

use crate::{
    analysis::{Fit, Method},
    app::{
        effect::Effect,
        state::{
            FitNote, Fitting, Overlay, Phase, Screen, State, Tone,
            fit::{Path, Scores},
            input::{Purpose, Typed},
            open_run::{Change, Sheet},
        },
    },
    attribution::{F32_TOLERANCE, Split},
    jobs::{FitEvent, Judged, Report, Scored, Tagged},
    runner::{Event, Note, Plan},
    text::printable,
};

use super::{demo_editor, mixer, run_list, screen_data::request_missing};

/// Runs kept at hand to go back to; older ones are forgotten.
const SHEETS: usize = 12;

/// Takes in what the model's worker says. Echoes of runs that were replaced are dropped.
pub fn hear_run(state: &mut State, told: Tagged<Event>) -> Vec<Effect> {
    if told.generation != state.generation {
        return Vec::new();
    }
    let mut effects = match told.event {
        Event::Loading(model) => set_phase(state, Phase::Loading(printable(&model).into_owned())),
        Event::Planned(plan) => begin(state, *plan),
        Event::Batch(split, batch) => {
            if let Some(sheet) = filling(state) {
                sheet.push(split, &batch);
            }
            start_waiting_fit(state)
        }
        Event::Progress(progress) => set_phase(state, Phase::Running(progress)),
        Event::Finished(meta) => {
            if let Some(sheet) = filling(state) {
                sheet.finish(*meta);
            }
            finish(state)
        }
        Event::Note(Note::Kept) => Vec::new(),
        Event::Note(note) => {
            state.notify(Tone::Plain, note.to_string());
            Vec::new()
        }
        Event::Cancelled => set_phase(state, Phase::Stopped),
        Event::Failed(message) => set_phase(state, Phase::Failed(printable(&message).into_owned())),
    };
    if !state.phase.is_busy() {
        demo_editor::ask_again(state);
        run_list::look_again(state);
        if state.phase == Phase::Idle {
            effects.extend(run_list::begin_next(state));
        }
    }
    state.refresh();
    effects.extend(request_missing(state));
    effects
}

fn set_phase(state: &mut State, phase: Phase) -> Vec<Effect> {
    state.phase = phase;
    Vec::new()
}

fn filling(state: &mut State) -> Option<&mut Sheet> {
    state.filling.and_then(|id| state.sheet_by_id(id))
}

/// Lays out a new sheet; incomplete ones make room for it.
fn begin(state: &mut State, plan: Plan) -> Vec<Effect> {
    let Some(request) = state.wanted.clone() else { return Vec::new() };
    let id = state.new_id();
    let before = state.sheet().filter(|sheet| sheet.is_complete()).map(|sheet| sheet.id);
    state.sheets.retain(|sheet| sheet.is_complete() && sheet.request.as_ref() != Some(&request));
    let surplus = (state.sheets.len() + 1).saturating_sub(SHEETS);
    state.sheets.drain(..surplus);
    state.sheets.push(Sheet::planned(id, request, plan));
    state.current = state.sheets.len() - 1;
    state.other = before.filter(|&id| state.sheets.iter().any(|sheet| sheet.id == id)).or(state.other);
    state.filling = Some(id);
    Vec::new()
}

/// Begins the fit that was asked for before its examples were there.
fn start_waiting_fit(state: &mut State) -> Vec<Effect> {
    let Fitting::Waiting(id) = state.fitting else { return Vec::new() };
    let table = state.sheet_by_id(id).map(|sheet| sheet.train.table.clone());
    match table {
        Some(table) if table.is_complete() => {
            state.fitting = Fitting::Running(id);
            vec![Effect::Fit { sheet: id, table, method: state.mixer.method }]
        }
        _ => Vec::new(),
    }
}

fn finish(state: &mut State) -> Vec<Effect> {
    state.phase = Phase::Idle;
    let Some(sheet) = filling(state) else { return Vec::new() };
    let exactness = sheet.exactness;
    if !exactness.holds(F32_TOLERANCE) {
        state.notify(Tone::Bad, "the parts do not add up to the model's logits: do not trust this run");
    }
    judge_next(state)
}

/// Has the next complete sheet judged that was not yet, the one that is shown first.
pub(super) fn judge_next(state: &mut State) -> Vec<Effect> {
    let unjudged = |sheet: &&Sheet| sheet.is_complete() && sheet.stats.is_none();
    let shown = state.sheet().filter(unjudged);
    match shown.or_else(|| state.sheets.iter().find(unjudged)) {
        Some(sheet) if state.judging.is_none() => {
            let effect = Effect::Judge { sheet: sheet.id, table: sheet.test.table.clone() };
            state.judging = Some(sheet.id);
            vec![effect]
        }
        _ => Vec::new(),
    }
}

/// Takes in how components were judged.
pub fn hear_judge(state: &mut State, told: Judged) -> Vec<Effect> {
    let stats = match told {
        Judged::Done { stats, .. } => stats,
        Judged::Failed(message) => {
            state.notify(Tone::Bad, format!("the components could not be judged: {}", printable(&message)));
            Vec::new()
        }
    };
    let judged = state.judging.take();
    if let Some(sheet) = judged.and_then(|id| state.sheet_by_id(id)) {
        sheet.stats = Some(stats);
    }
    state.refresh();
    judge_next(state)
}

/// Takes in what the fit says.
pub fn hear_fit(state: &mut State, told: FitEvent) {
    match told {
        FitEvent::Done { sheet, fit, took } if state.fitting == Fitting::Running(sheet) => {
            let has_path = matches!(fit.method, Method::Partscope | Method::Convex);
            state.fitting = if has_path { Fitting::Path(sheet) } else { Fitting::Idle };
            load_fit(state, sheet, *fit, took);
        }
        FitEvent::Path { sheet, fits } if state.fitting == Fitting::Path(sheet) => {
            state.fitting = Fitting::Idle;
            if let Some(sheet) = state.sheet_by_id(sheet) {
                sheet.path = sheet.fit.as_ref().map(|found| Path::new(fits, &found.mix));
            }
        }
        FitEvent::Failed(message) => {
            state.fitting = Fitting::Idle;
            state.notify(Tone::Bad, format!("the fit failed: {}", printable(&message)));
        }
        FitEvent::Done { .. } | FitEvent::Path { .. } => {}
    }
    state.refresh();
}

fn load_fit(state: &mut State, id: u64, fit: Fit, took: Duration) {
    let Some(sheet) = state.sheet_by_id(id) else { return };
    sheet.desk.load(&fit.mix);
    sheet.follow();
    let train = sheet.train.table.len();
    let (fixed, broken) = (sheet.changes(Change::Fixed), sheet.changes(Change::Broken));
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0));
    let (model, mix) = (share(sheet.test.tally.full_accuracy()), share(sheet.accuracy(Split::Test)));
    let flips = format!("{fixed} fixed, {broken} broken");
    sheet.path = None;
    let note = FitNote { sheet: id, method: fit.method, lambda: fit.lambda, train, took, kkt: fit.kkt };
    sheet.fit = Some(fit);
    state.fit_note = Some(note);
    state.notify(Tone::Good, format!("fitted on {train} examples: {model} → {mix} % on test, {flips}"));
}

/// Takes in how other methods did.
pub fn hear_score(state: &mut State, told: Scored) {
    let (id, scores) = match told {
        Scored::Done { sheet, outcomes } => (Some(sheet), Scores::Known(outcomes)),
        Scored::Failed { sheet, why } => (Some(sheet), Scores::Refused(printable(&why).into_owned())),
        Scored::Broken(why) => (None, Scores::Refused(printable(&why).into_owned())),
    };
    let asked = |sheet: &&mut Sheet| sheet.scores == Some(Scores::Asked) && id.is_none_or(|id| sheet.id == id);
    state.sheets.iter_mut().filter(asked).for_each(|sheet| sheet.scores = Some(scores.clone()));
}

/// Takes in what came of an errand.
pub fn hear_clerk(state: &mut State, report: Report) -> Vec<Effect> {
    match report {
        Report::SavedMix(path) => {
            state.notify(Tone::Good, format!("the mix is in {}", printable(&path.to_string_lossy())));
        }
        Report::Exists(path) => {
            let text = printable(&path.to_string_lossy()).into_owned();
            state.overlay = Some(Overlay::Line(Typed { purpose: Purpose::SaveMix, text, sure: true }));
        }
        Report::Mix { sheet, path, file } => mixer::load(state, sheet, &path.to_string_lossy(), &file),
        Report::Runs(stored) => state.shelf.stored = Some(stored),
        Report::Opened(run) => {
            let judge = state.open(vec![*run]);
            state.show(state.sheets.len() - 1);
            state.screen = Screen::Map;
            state.refresh();
            return judge;
        }
        Report::Deleted => {
            run_list::look_again(state);
            state.notify(Tone::Plain, "deleted");
        }
        Report::Task(name, task) => return demo_editor::hear_task(state, name, task),
        Report::Failed(why) => state.notify(Tone::Bad, printable(&why).into_owned()),
    }
    state.refresh();
    request_missing(state)
}
