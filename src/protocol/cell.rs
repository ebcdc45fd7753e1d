//! One planned run of the protocol.

use crate::task::{Task, Template};

/// One planned run of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolCell<'t> {
    /// The task.
    pub task: &'t Task,
    /// The template.
    pub template: &'t Template,
    /// Seed of the demonstration set.
    pub seed: u64,
    /// Whether the tables count it, or it only serves as a contrastive partner.
    pub counted: bool,
}
