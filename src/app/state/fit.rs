//! How the mix is fitted, what the fit found, and what a mix is held against.

use crate::analysis::{Fit, Method, Mix, baseline::Outcome, reweight::FITS};

use super::mixer::Held;

/// What the next fit does, and where the cursor of the mix is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitControls {
    /// By which method.
    pub method: Method,
    /// Whether the cursor is on the channel of `rest` instead of the selected component's.
    pub on_rest: bool,
    /// What the mouse holds.
    pub held: Option<Held>,
    /// The ends of what faders are drawn on; they stay while something is held.
    pub span: (f64, f64),
}

impl Default for FitControls {
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
pub enum BaselineScores {
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
