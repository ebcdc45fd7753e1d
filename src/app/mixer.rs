//! The mix as a whole: by which method it is fitted, along which path, and what it is held against.

use crate::{
    analysis::{Fit, Method, Mix, WeightsFile, baseline::Outcome, reweight::FITS},
    text::printable,
};

use super::{
    desk::Held,
    sheet::Sheet,
    state::{Screen, State, Tone},
    update::Effect,
};

/// How finely a fader is dragged.
const GRAIN: f64 = 0.05;

/// What the next fit does, and where the cursor of the mix is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixer {
    /// By which method.
    pub method: Method,
    /// Whether the cursor is on the strip of `rest` instead of the selected component's.
    pub on_rest: bool,
    /// What the mouse holds.
    pub held: Option<Held>,
    /// The ends of what faders are drawn on; they stay while something is held.
    pub span: (f64, f64),
}

impl Default for Mixer {
    fn default() -> Self {
        Self { method: FITS[0], on_rest: false, held: None, span: (0.0, 2.0) }
    }
}

/// One method at many strengths of its penalty, strongest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The fits.
    pub fits: Vec<Fit>,
    /// Which of them is heard.
    pub at: usize,
    /// Which of them the method chose.
    pub chosen: usize,
}

impl Path {
    /// A path that stands at `found`.
    pub fn new(fits: Vec<Fit>, found: &Mix) -> Self {
        let chosen = fits.iter().position(|fit| fit.mix == *found).unwrap_or(0);
        Self { fits, at: chosen, chosen }
    }

    /// The fit it stands at.
    pub fn here(&self) -> Option<&Fit> {
        self.fits.get(self.at)
    }
}

/// What a mix is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores {
    /// Being computed.
    Asked,
    /// One entry a method, in the order of tables.
    Known(Vec<Outcome>),
    /// Not to be had, and why.
    Refused(String),
}

/// The next method of fitting.
pub fn next_method(method: Method) -> Method {
    let at = FITS.iter().position(|&fit| fit == method).map_or(0, |at| at + 1);
    FITS[at % FITS.len()]
}

/// Moves along the path of the fit by so many strengths, weaker penalties for positive steps.
pub(super) fn slide(state: &mut State, steps: isize) {
    let Some(path) = state.sheet().and_then(|sheet| sheet.path.as_ref()) else { return explain(state) };
    slide_to(state, path.at.saturating_add_signed(steps).min(path.fits.len() - 1));
}

/// Goes to a place on the path of the fit.
pub fn slide_to(state: &mut State, at: usize) {
    let Some(sheet) = state.sheet_mut() else { return };
    let Some(path) = &mut sheet.path else { return };
    path.at = at.min(path.fits.len().saturating_sub(1));
    let Some(mix) = path.here().map(|fit| fit.mix.clone()) else { return };
    sheet.desk.slide(&mix);
    sheet.follow();
}

/// Goes to the share `share` of the path.
pub fn drag_strength(state: &mut State, share: f64) {
    let last = state.sheet().and_then(|sheet| sheet.path.as_ref()).map(|path| path.fits.len().saturating_sub(1));
    if let Some(last) = last {
        slide_to(state, (share * last as f64).round() as usize);
        state.refresh();
    }
}

/// Drags the fader of a strip to the share `share` of its track.
pub fn drag(state: &mut State, strip: usize, share: f64) {
    let (low, high) = state.mixer.span;
    select_strip(state, strip);
    if let Some(sheet) = state.sheet_mut() {
        sheet.desk.drag(strip, ((low + share * (high - low)) / GRAIN).round() * GRAIN);
        sheet.desk.on &= !sheet.desk.is_model();
        sheet.follow();
    }
    state.refresh();
}

/// Lets go of what the mouse holds.
pub fn let_go(state: &mut State) {
    state.mixer.held = None;
    state.sheet_mut().into_iter().for_each(|sheet| sheet.desk.let_go());
    state.refresh();
}

/// Goes to a strip.
pub fn select_strip(state: &mut State, strip: usize) {
    match state.sheet().map(|sheet| sheet.desk.rest_strip()) {
        Some(rest) if rest == strip => state.mixer.on_rest = true,
        Some(_) => state.select(strip),
        None => {}
    }
}

/// Why there is no path to slide on.
fn explain(state: &mut State) {
    let fit = state.key_of(super::Action::Fit);
    let fitted = state.fit_note.as_ref().filter(|note| state.sheet().is_some_and(|sheet| sheet.id == note.sheet));
    let why = match fitted.map(|note| note.method) {
        Some(method @ (Method::CompRw | Method::CompRwReleased)) => format!("{method} names its own λ: it has no path"),
        Some(_) => "the path is being fitted".to_owned(),
        None => format!("there is no fit yet: {fit} fits one, then λ slides"),
    };
    state.notify(Tone::Plain, why);
}

/// Asks for what the mix of the shown run is held against, once it is looked at.
pub(super) fn ask_for_scores(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Mix {
        return Vec::new();
    }
    let Some(sheet) = state.sheet_mut().filter(|sheet| sheet.is_complete() && sheet.scores.is_none()) else {
        return Vec::new();
    };
    sheet.scores = Some(Scores::Asked);
    vec![Effect::Score { sheet: sheet.id, train: sheet.train.table.clone(), test: sheet.test.table.clone() }]
}

/// The mix that is set, as a file: by the method that fitted it if its faders have not been touched since.
pub fn file_of(sheet: &Sheet) -> WeightsFile {
    let mix = sheet.desk.mix();
    let fits = sheet.path.iter().flat_map(|path| &path.fits).chain(&sheet.fit);
    let fitted = fits.into_iter().find(|fit| fit.mix == mix).map(|fit| (fit.method, fit.lambda));
    let loaded = sheet.loaded.as_ref().filter(|(file, _)| *file == mix).map(|(_, origin)| *origin);
    let origin = fitted.or(loaded).unwrap_or((Method::Manual, 0.0));
    WeightsFile::of(&mix, origin, (&sheet.model, &sheet.task, &sheet.prompt, sheet.request.as_ref()))
}

/// Puts the faders where a file has them, unless it belongs to something else.
pub(super) fn load(state: &mut State, id: u64, path: &str, file: &WeightsFile) {
    let Some(sheet) = state.sheet_by_id(id) else { return };
    match file.mix(&sheet.model, &sheet.task) {
        Ok(mix) => {
            sheet.desk.load(&mix);
            sheet.loaded = Some((mix, (file.method, file.lambda)));
            sheet.follow();
            let other = if file.demo_ids == sheet.prompt.demo_ids { "" } else { ", fitted with other demonstrations" };
            let text = format!("loaded {} ({}{other})", printable(path), file.method);
            state.notify(Tone::Good, text);
        }
        Err(error) => state.notify(Tone::Bad, printable(&error.to_string()).into_owned()),
    }
}
