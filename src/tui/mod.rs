//! Terminal explorer: event loop, themes and screens.
//!
//! Views draw the state; they use no worker, lock or tensor. The loop waits for keys, workers and signals, and draws
//! only when something changed.

use std::io::IsTerminal;

mod clicks;
pub mod clipboard;
pub mod color;
pub mod event_loop;
pub mod headless;
mod indexed_ramp;
pub mod input;
pub mod layout;
pub mod mouse;
pub mod ramp;
#[cfg(test)]
mod screens;
pub mod session;
pub mod settings;
pub mod signals;
pub mod svg;
pub mod terminal;
pub mod theme;
pub mod views;
#[cfg(test)]
mod vision;
pub mod widgets;

pub use crate::app::{
    TaskChoice,
    executor::{Listener, OpenModel, StartExperiments, StartModel},
};
pub use event_loop::{Ended, ExploreOptions, explore};
pub use headless::Headless;

/// Returns whether standard input and output are terminals.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
