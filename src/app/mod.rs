//! The explorer without a screen: what it knows, what can be asked of it, and what that does.
//!
//! No drawing and no input or output happens here. Keys come in through [`press`], the workers' words through
//! [`hear_run`], [`hear_judge`] and [`hear_fit`]; out go [`Effect`]s for the terminal loop to carry out. Layers count
//! upwards on the screen, because the residual stream flows up to the logits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`action`], [`key`], [`keymap`] | what can be asked, and with which keys |
//! | [`state`] | everything the explorer knows |
//! | [`sheet`], [`side`], [`naming`] | one run: tables, counts, faders, predictions; what its parts are called |
//! | [`desk`], [`mixed`], [`tally`] | faders; what they make of the examples; what the components say |
//! | [`mixer`] | methods of fitting, their paths, and what a mix is held against |
//! | [`metric`], [`listing`] | what the map and the list show |
//! | [`argument`], [`pairing`] | one example taken apart; two runs held against each other |
//! | [`editor`] | the demonstrations as they are edited, and a text of one's own |
//! | [`matrix`], [`shelf`] | all runs at hand against each other; all runs there are |
//! | [`remembered`], [`key_page`] | where a run was left; the page of all keys |
//! | [`mod@cause`] | changes inside the forward pass; where heads look, what components write |
//! | [`typing`] | lines that are typed |
//! | [`mod@update`], [`switch`], [`hear`] | what actions and workers do to the state |

pub mod action;
#[cfg(test)]
pub(crate) mod answers;
pub mod argument;
#[cfg(test)]
pub(crate) mod bench;
pub mod cause;
pub mod desk;
pub mod editor;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod habits;
pub mod hear;
pub mod key;
pub mod key_page;
pub mod keymap;
pub mod listing;
pub mod matrix;
pub mod metric;
pub mod mixed;
pub mod mixer;
pub mod naming;
pub mod pairing;
pub mod remembered;
pub mod sheet;
pub mod shelf;
pub mod side;
pub mod state;
pub mod switch;
pub mod tally;
pub mod typing;
pub mod update;

pub use action::Action;
pub use cause::{hear_look, hear_study};
pub use editor::hear_answer;
pub use hear::{hear_clerk, hear_fit, hear_judge, hear_run, hear_score};
pub use key::Key;
pub use keymap::{Keymap, Place};
pub use state::{State, TaskChoice};
pub use update::{Effect, Leave, press, update};
