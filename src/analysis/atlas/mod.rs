//! The atlas: one row a component, one column a measure, each value with an interval.
//!
//! Columns that follow from the table alone are measured here ([`free_columns`]). Others run the model, in `experiments`,
//! and only say what they found: a [`AtlasColumn`] each. So columns of different origin are correlated, compared and written by
//! the same code.

mod alike;
mod column;
mod correlation;
mod free;
mod resampled;
mod table;

pub use alike::{Alike, alike};
pub use column::{AtlasColumn, Cell, ColumnMeta};
pub use correlation::{CorrelationMatrix, correlations, interval, paired};
pub use free::free_columns;
pub use resampled::Resamples;
pub use table::{Atlas, AtlasFile, Row};
