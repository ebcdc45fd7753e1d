//! The help popup.

/// The help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// Lines above the visible ones.
    pub scroll: usize,
    /// Text that the lines must contain.
    pub needle: String,
    /// Whether the text is being typed.
    pub is_typing: bool,
}
