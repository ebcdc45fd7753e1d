//! What one call may cost.

/// Limits on the work of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most test examples of a run.
    pub(crate) examples: usize,
    /// Most seconds of a call.
    pub(crate) seconds: u64,
    /// Whether models may come from the Hugging Face hub.
    pub(crate) hub: bool,
}
