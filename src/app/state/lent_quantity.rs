//! The quantity of the map while a view lends it another.

use super::metric::Metric;

/// Quantity of the map while the attention view colours it by attention to labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LentQuantity {
    /// The map has its own quantity.
    #[default]
    None,
    /// The map had this quantity before.
    Instead(Metric),
    /// The user chose another quantity in the view.
    Chosen,
}
