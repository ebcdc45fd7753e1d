//! Columns of the atlas that run the model. A new group of columns is a row of [`GROUPS`].

mod attention;
mod job;
mod prior;
mod repetition;
mod total;

use job::Found;
pub use job::{ColumnJob, ColumnSpec, RunSize};
pub use repetition::{RepeatedPrompt, RepetitionScores, repetition_scores};

use crate::{analysis::atlas::AtlasColumn, error::Result, progress::Progress};

/// Columns that one computation gives.
#[derive(Clone, Copy, Debug)]
pub struct ColumnGroup {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [ColumnSpec],
    /// The number of tokens whose pass through the model takes as long.
    tokens: fn(&RunSize) -> f64,
    measure: Measure,
}

type Measure = fn(&ColumnJob<'_>, &'static [ColumnSpec], &mut dyn FnMut(Progress)) -> Result<Found>;

/// All groups, cheapest first.
pub const GROUPS: &[ColumnGroup] = &[
    ColumnGroup { name: "prior", columns: prior::COLUMNS, tokens: prior::tokens, measure: prior::measure },
    ColumnGroup {
        name: "induction",
        columns: repetition::COLUMNS,
        tokens: repetition::tokens,
        measure: repetition::measure,
    },
    ColumnGroup {
        name: "attention",
        columns: attention::COLUMNS,
        tokens: attention::tokens,
        measure: attention::measure,
    },
    ColumnGroup { name: "total", columns: total::COLUMNS, tokens: total::tokens, measure: total::measure },
];

impl ColumnGroup {
    /// Returns the price of the group, as the number of tokens whose pass through the model takes as long.
    pub fn tokens(&self, size: &RunSize) -> f64 {
        (self.tokens)(size)
    }

    /// Measures the columns. Where they do not exist, e.g. because the prompts have no demonstrations, they are empty and say
    /// why.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn measure(&self, job: &ColumnJob<'_>, observe: &mut dyn FnMut(Progress)) -> Result<Vec<AtlasColumn>> {
        let components = job.context.shape().components();
        Ok(match (self.measure)(job, self.columns, observe)? {
            Found::Columns(cells) => self.columns.iter().zip(cells).map(|(spec, cells)| spec.filled(cells)).collect(),
            Found::Absent(reason) => self.columns.iter().map(|spec| spec.absent(components, &reason)).collect(),
        })
    }
}
