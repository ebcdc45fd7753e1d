//! The explorer without a terminal: its state, its actions, and how actions and messages change the state.
//!
//! Nothing is drawn here. Keys enter through [`press`] and worker messages through [`receive`]. Both return
//! [`Effect`]s, which an [`Executor`] executes. Layer 0 is at the bottom of the screen, since the residual stream flows
//! up to the logits.
//!
//! | module | contents |
//! |---|---|
//! | [`action`], [`effect`], [`message`] | actions of the user, effects of updates, messages from workers |
//! | [`screen`] | the screens, each declared once |
//! | [`keymap`] | which action a key has in which context |
//! | [`state`] | the state of the explorer: data and queries |
//! | [`mod@update`] | how actions and messages change the state, one file per screen |
//! | [`executor`] | executes effects: starts workers and sends them requests |

pub mod action;
pub mod effect;
pub mod executor;
pub mod keymap;
pub mod message;
pub mod screen;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;
pub mod update;

pub use action::Action;
pub use effect::{Effect, Leave};
pub use executor::Executor;
pub use keymap::{Key, KeyContext, Keymap};
pub use message::Message;
pub use screen::Screen;
pub use state::{State, TaskChoice};
pub use update::{press, receive, update};
