//! The explorer without a screen: what it knows, what can be asked of it, and what that does.
//!
//! No drawing and no input or output happens here. Keys come in through [`press`], the workers' words through
//! [`on_run_event`], [`on_stats_event`] and [`on_fit_event`]; out go [`Effect`]s for the terminal loop to carry out. Layers count
//! upwards on the screen, because the residual stream flows up to the logits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`action`], [`effect`] | what can be asked for; what an update asks of the world outside |
//! | [`screen`] | which screens there are, each declared once |
//! | [`keymap`] | which key means what, where |
//! | [`state`] | everything the explorer knows: data and queries |
//! | [`mod@update`] | what actions and workers do to the state, a file a screen |

pub mod action;
pub mod effect;
pub mod keymap;
pub mod screen;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;
pub mod update;

pub use action::Action;
pub use effect::{Effect, Leave};
pub use keymap::{Key, KeyContext, Keymap};
pub use screen::Screen;
pub use state::{State, TaskChoice};
pub use update::{
    on_baselines_event, on_experiment_event, on_file_event, on_fit_event, on_query_answer, on_quick_experiment_event,
    on_run_event, on_stats_event, press, update,
};
