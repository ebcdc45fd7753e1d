//! From a request to a run: prompts are made, the model is asked, the table is filled.
//!
//! The command line and the explorer's worker both go through [`Event`], so that what one prints the other draws.

mod context;
mod draft;
mod event;
mod execute;
mod nearest;
mod overflow;
mod plan;
mod prompt_text;
mod query;
mod rebuild;
mod run_plan;
mod stored;

pub use context::preview;
pub use draft::{PromptBuilder, plan};
pub use event::{Event, Note};
pub use execute::{execute, score};
pub use plan::{Prompts, of_turn, plan_explicit};
pub use prompt_text::PromptText;
pub use query::{Query, QueryAnswer, answer};
pub use rebuild::{Rebuilt, find_example, rebuild};
pub use run_plan::{Plan, PlannedExample};
pub use stored::{obtain, obtain_logits, run_key};

pub use crate::request::{Demonstration, Demos, Overflow, Prompting, RunRequest};
