//! What really happens when components are off, where heads look, and what components write: asked of the model, kept
//! with the run.

use std::time::Duration;

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Screen, State, Tone,
            experiments::{Studying, View},
            metric::Metric,
            selection::chosen_example,
        },
    },
    cause::{Ablation, Fill, Positions, Written},
    jobs::{Finding, Study, StudyEvent, StudyRequest, Tagged},
    text::printable,
};

/// Does what one of the keys of this screen asks.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Attention => turn_to(state, View::Attention),
        Action::Writes => turn_to(state, View::Writes),
        Action::Positions => {
            state.cause.ablation.positions = match state.cause.ablation.positions {
                Positions::Last => Positions::All,
                Positions::All => Positions::Last,
            };
            return changed(state);
        }
        Action::Fill => {
            state.cause.ablation.fill = match state.cause.ablation.fill {
                Fill::Zero => Fill::Mean,
                Fill::Mean => Fill::Zero,
            };
            return changed(state);
        }
        Action::AblateEach => return each(state),
        _ => {
            state.screen = Screen::Cause;
            state.cause.view = View::Effects;
            return rerun(state);
        }
    }
    Vec::new()
}

/// Goes to a view, or back to the map from there.
fn turn_to(state: &mut State, view: View) {
    let there = state.screen == Screen::Cause && state.cause.view == view;
    state.screen = if there { Screen::Map } else { Screen::Cause };
    state.cause.view = view;
    show_readers(state);
}

/// Whoever looks at one head sees on the map which heads look at the labels, once that is known.
fn show_readers(state: &mut State) {
    let known = state.sheet().is_some_and(|sheet| Metric::LabelAttention.is_known(sheet));
    if known && state.screen == Screen::Cause && state.cause.view == View::Attention {
        state.map.metric = Metric::LabelAttention;
    }
}

/// Another way of ablating was chosen: said, and the re-run on the screen made anew.
fn changed(state: &mut State) -> Vec<Effect> {
    if state.screen == Screen::Cause && state.cause.view == View::Effects {
        return rerun(state);
    }
    let how = state.cause.ablation.describe();
    state.notify(Tone::Plain, format!("from now on: {how}"));
    Vec::new()
}

/// A request about the run that is shown, if it is complete.
fn request(state: &mut State, study: Study) -> Option<StudyRequest> {
    let found = state.sheet().filter(|sheet| sheet.is_complete()).map(|sheet| StudyRequest {
        sheet: sheet.id,
        plan: sheet.plan.clone(),
        table: sheet.test.table.clone(),
        study,
    });
    if found.is_none() {
        state.notify(Tone::Plain, "this can be asked when the run is complete");
    }
    found
}

fn rerun(state: &mut State) -> Vec<Effect> {
    let ablation = state.cause.ablation;
    let Some(sheet) = state.sheet() else { return Vec::new() };
    if sheet.desk.is_model() {
        let (mute, fit) = (state.key_of(Action::Mute), state.key_of(Action::Fit));
        state.notify(Tone::Plain, format!("there is no mix to apply yet: {mute} mutes a component, {fit} fits one"));
        return Vec::new();
    }
    let mix = sheet.desk.mix();
    begin(state, Study::Rerun(mix, ablation), "re-run")
}

/// The first press tells the price, the second begins.
fn each(state: &mut State) -> Vec<Effect> {
    let ablation = state.cause.ablation;
    let known = state.sheet().map(|sheet| sheet.id).zip(state.cause.price);
    if known.is_some_and(|(id, (sheet, how, _))| (sheet, how) == (id, ablation)) {
        state.cause.price = None;
        state.map.metric = Metric::TotalEffect;
        state.screen = Screen::Map;
        return begin(state, Study::Sweep(ablation), "ablate each");
    }
    begin(state, Study::Price(ablation), "measuring")
}

fn begin(state: &mut State, study: Study, name: &'static str) -> Vec<Effect> {
    if let Studying::Busy(other, _) = state.cause.studying
        && other != name
    {
        let stop = state.key_of(Action::Cancel);
        state.notify(Tone::Plain, format!("{other} is still under way; {stop} stops it"));
        return Vec::new();
    }
    let Some(request) = request(state, study) else { return Vec::new() };
    state.cause.studying = Studying::Busy(name, None);
    state.cause.failed = None;
    vec![Effect::Study(request)]
}

/// Stops the long study; what was found stands.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    state.cause.studying = Studying::Idle;
    let partial = state.sheet().and_then(|sheet| sheet.findings.sweep.as_deref()).filter(|sweep| !sweep.is_complete());
    let stands = partial.map(|sweep| format!(": effects stand on {} of {} examples", sweep.done(), sweep.examples));
    state.notify(Tone::Plain, format!("stopped{}", stands.unwrap_or_default()));
    vec![Effect::CancelStudy]
}

/// Asks for what the screen shows and nobody has found out yet.
pub(super) fn look_for_more(state: &mut State) -> Vec<Effect> {
    let Some(study) = missing(state) else { return Vec::new() };
    let Some(sheet) = state.sheet() else { return Vec::new() };
    let asked = state.cause.looking.as_ref().is_some_and(|(id, asked)| (*id, asked) == (sheet.id, &study));
    let refused = state.cause.refused.as_ref().is_some_and(|(id, asked, _)| (*id, asked) == (sheet.id, &study));
    if asked || refused {
        return Vec::new();
    }
    let id = sheet.id;
    let Some(request) = request(state, study.clone()) else { return Vec::new() };
    state.cause.looking = Some((id, study));
    vec![Effect::Look(request)]
}

fn missing(state: &State) -> Option<Study> {
    if state.screen != Screen::Cause {
        return None;
    }
    let (sheet, example) = (state.sheet().filter(|sheet| sheet.is_complete())?, chosen_example(state)?);
    let findings = &sheet.findings;
    match state.cause.view {
        View::Effects => None,
        View::Attention if findings.look.as_ref().is_none_or(|look| look.0 != example) => {
            Some(Study::Attention(example))
        }
        View::Attention => findings.shares.is_none().then_some(Study::Shares),
        View::Writes => {
            let component = state.selected_name()?;
            let known = |written: &(usize, Written)| written.0 == example && written.1.component == component;
            let is_known = findings.written.as_deref().is_some_and(known);
            (!is_known).then_some(Study::Writes(example, component))
        }
    }
}

/// Takes in what the worker of long studies says.
pub fn hear_study(state: &mut State, told: Tagged<StudyEvent>) -> Vec<Effect> {
    if told.generation != state.cause.study_generation {
        return Vec::new();
    }
    match told.event {
        StudyEvent::Loading => {}
        StudyEvent::Progress(progress) => {
            if let Studying::Busy(name, _) = state.cause.studying {
                state.cause.studying = Studying::Busy(name, Some(progress));
            }
        }
        StudyEvent::Found { sheet, finding } => found(state, sheet, *finding),
        StudyEvent::Cancelled => state.cause.studying = Studying::Idle,
        StudyEvent::Failed(why) => {
            state.cause.studying = Studying::Idle;
            let why = printable(&why).into_owned();
            state.notify(Tone::Bad, why.clone());
            state.cause.failed = Some(why);
        }
    }
    state.refresh();
    Vec::new()
}

/// Takes in what the worker of quick looks says.
pub fn hear_look(state: &mut State, told: Tagged<StudyEvent>) -> Vec<Effect> {
    if told.generation != state.cause.look_generation {
        return Vec::new();
    }
    match told.event {
        StudyEvent::Loading | StudyEvent::Progress(_) => return Vec::new(),
        StudyEvent::Found { sheet, finding } => {
            state.cause.looking = None;
            found(state, sheet, *finding);
        }
        StudyEvent::Cancelled => state.cause.looking = None,
        StudyEvent::Failed(why) => {
            let why = printable(&why).into_owned();
            state.notify(Tone::Bad, why.clone());
            state.cause.refused = state.cause.looking.take().map(|(sheet, study)| (sheet, study, why));
        }
    }
    state.refresh();
    look_for_more(state)
}

fn found(state: &mut State, id: u64, finding: Finding) {
    match &finding {
        Finding::Price(how, took) => {
            state.cause.studying = Studying::Idle;
            state.cause.price = Some((id, *how, *took));
            say_price(state, *how, *took);
        }
        Finding::Rerun(_) => state.cause.studying = Studying::Idle,
        Finding::Sweep(sweep) if sweep.is_complete() => {
            state.cause.studying = Studying::Idle;
            let text = format!("{} components ablated ({})", sweep.effects.len(), sweep.ablation.short());
            state.notify(Tone::Good, text);
        }
        _ => {}
    }
    let Some(sheet) = state.sheet_by_id(id) else { return };
    match finding {
        Finding::Rerun(rerun) => sheet.findings.rerun = Some(rerun),
        Finding::Sweep(sweep) => sheet.findings.sweep = Some(Box::new(sweep)),
        Finding::Attention(example, look) => sheet.findings.look = Some(Box::new((example, look))),
        Finding::Shares(shares) => {
            sheet.findings.shares = Some(Box::new(shares));
            show_readers(state);
        }
        Finding::Writes(example, written) => sheet.findings.written = Some(Box::new((example, written))),
        Finding::Price(..) => {}
    }
}

fn say_price(state: &mut State, how: Ablation, took: Duration) {
    let Some(sheet) = state.sheet() else { return };
    let (components, examples) = (sheet.shape.components(), sheet.test.items.len());
    let (key, seconds) = (state.key_of(Action::AblateEach), took.as_secs_f64());
    let cost = if seconds < 100.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) };
    let how = how.short();
    let text = format!("{key} begins ({how}; {components} × {examples}): about {cost}");
    state.notify(Tone::Plain, text);
}
