//! One run of the protocol before it is made.

use crate::task::{Task, Template};

/// One run of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolCell<'t> {
    /// Its task.
    pub task: &'t Task,
    /// Its template.
    pub template: &'t Template,
    /// Which demonstration set.
    pub seed: u64,
    /// Whether it counts for the tables, or only for the contrast of two templates.
    pub counted: bool,
}
