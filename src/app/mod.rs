//! The explorer without a screen: what it knows, what can be asked of it, and what that does.
//!
//! No drawing and no input or output happens here. Keys come in through [`press`], the workers' words through
//! [`hear_run`], [`hear_judge`] and [`hear_fit`]; out go [`Effect`]s for the terminal loop to carry out. Layers count
//! upwards on the screen, because the residual stream flows up to the logits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`action`], [`effect`] | what can be asked for; what an update asks of the world outside |
//! | [`keymap`] | which key means what, where |
//! | [`state`] | everything the explorer knows: data and queries |
//! | [`mod@update`] | what actions and workers do to the state, a file a screen |

pub mod action;
pub mod effect;
pub mod keymap;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;
pub mod update;

pub use action::Action;
pub use effect::{Effect, Leave};
pub use keymap::{Key, Keymap, Place};
pub use state::{State, TaskChoice};
pub use update::{
    hear_answer, hear_clerk, hear_fit, hear_judge, hear_look, hear_run, hear_score, hear_study, press, update,
};
