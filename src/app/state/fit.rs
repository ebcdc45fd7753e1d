//! Fit settings, the path of a fit, and baseline scores.

use crate::analysis::{Fit, Method, Mix, baseline::Outcome, reweight::FITS};

use super::mixer::Dragged;

/// Settings of the next fit, and the state of the faders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitControls {
    /// Fitting method.
    pub method: Method,
    /// Whether the cursor is on the channel of `rest` instead of the selected component.
    pub on_rest: bool,
    /// Control dragged with the mouse.
    pub dragged: Option<Dragged>,
    /// Lowest and highest weight on the fader scale; constant while dragging.
    pub span: (f64, f64),
}

impl Default for FitControls {
    fn default() -> Self {
        Self { method: FITS[0], on_rest: false, dragged: None, span: (0.0, 2.0) }
    }
}

/// Fits by one method at several penalty strengths, strongest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The fits.
    pub fits: Vec<Fit>,
    /// Index of the current fit.
    pub at: usize,
    /// Index of the fit that the method chose.
    pub chosen: usize,
}

impl Path {
    /// Creates a path at the fit with the mix `chosen`.
    pub fn new(fits: Vec<Fit>, chosen: &Mix) -> Self {
        let chosen = fits.iter().position(|fit| fit.mix == *chosen).unwrap_or(0);
        Self { fits, at: chosen, chosen }
    }

    /// Returns the current fit.
    pub fn current(&self) -> Option<&Fit> {
        self.fits.get(self.at)
    }
}

/// Scores of the baselines and other methods.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselineScores {
    /// Being computed.
    Pending,
    /// One entry per method, in table order.
    Known(Vec<Outcome>),
    /// The error message of a failed scoring.
    Failed(String),
}

/// Returns the fitting method after `method`.
pub fn next_method(method: Method) -> Method {
    let at = FITS.iter().position(|&fit| fit == method).map_or(0, |at| at + 1);
    FITS[at % FITS.len()]
}
