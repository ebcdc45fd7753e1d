//! The explorer without a screen: what it knows, what can be asked of it, and what that does.
//!
//! Nothing is drawn here. Keys come in through [`press`], messages of the workers through [`receive`]; out go
//! [`Effect`]s, which an [`Executor`] carries out. Layers count upwards on the screen, because the residual stream flows
//! up to the logits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`action`], [`effect`], [`message`] | what the user can ask for; what an update asks of the world outside; what comes back |
//! | [`screen`] | the screens, each declared once |
//! | [`keymap`] | which key means what, where |
//! | [`state`] | everything the explorer knows: data and queries |
//! | [`mod@update`] | what actions and messages do to the state, a file a screen |
//! | [`executor`] | carries out effects: starts workers and hands them requests |

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
