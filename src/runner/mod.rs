//! Runs: builds prompts from a request and attributes them with the model.
//!
//! The command line and the explorer's worker follow a run through the same [`Event`]s.

mod building;
mod check_prompts;
mod context;
mod empty_query;
mod event;
mod execute;
mod hidden;
mod layout;
mod nearest;
mod overflow;
mod pairing;
mod part;
mod plan;
mod prompt_builder;
mod prompt_text;
mod prompts;
mod query;
mod rebuild;
mod run_plan;
mod selection;
mod steps;
mod stored;

pub use building::plan;
pub use check_prompts::check_prompts;
pub use context::preview;
pub use event::{Event, Note};
pub use execute::execute;
pub use hidden::{hidden_key, obtain_hidden};
pub use layout::PromptLayout;
pub use pairing::pair;
pub use part::PromptPart;
pub use plan::{explain_chat_label, plan_explicit};
pub use prompt_builder::PromptBuilder;
pub use prompt_text::PromptText;
pub use prompts::Prompts;
pub use query::{Query, QueryAnswer, answer};
pub use rebuild::{Rebuilt, find_example, rebuild};
pub use run_plan::{Plan, PlannedExample};
pub use steps::Watch;
pub use stored::{obtain, obtain_logits, run_key};

pub use crate::request::{Bos, Demonstration, Demos, OnLeak, Overflow, Prompting, RunRequest, Selection};
