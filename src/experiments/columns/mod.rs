//! Columns of the atlas that run the model. A new group of columns is a row of [`GROUPS`].

mod attention;
mod prior;
mod repetition;
mod total;

pub use repetition::{RepeatedPrompt, RepetitionScores, repetition_scores};

use super::RunContext;
use crate::{
    analysis::atlas::{Cell, Column},
    cancel::Cancel,
    component::{Part, Shape},
    error::Result,
    model::Model,
    progress::Progress,
    runner::{Plan, Rebuilt},
};

/// What a column says of itself.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSpec {
    /// Key in files.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: &'static str,
    /// What is measured and how, with the source of the method.
    pub source: &'static str,
}

impl ColumnSpec {
    fn filled(&self, cells: Vec<Option<Cell>>) -> Column {
        Column::new(self.name, self.unit, self.source, cells)
    }

    fn absent(&self, components: usize, reason: &str) -> Column {
        Column::absent(self.name, self.unit, self.source, components, reason)
    }
}

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

/// Outcome of a measurement.
enum Found {
    /// Values of every column.
    Columns(Vec<Vec<Option<Cell>>>),
    /// Why there are none.
    Absent(String),
}

/// A run with its model, ready to measure columns.
#[derive(Debug)]
pub struct ColumnJob<'a> {
    /// The prompts of the run.
    pub context: &'a RunContext<'a>,
    /// The model.
    pub model: &'a Model,
    /// The plan of the run.
    pub plan: &'a Plan,
    /// Its prompts with their parts.
    pub rebuilt: &'a Rebuilt,
    /// Ends the work early.
    pub cancel: &'a Cancel,
}

/// Size of a run, from which the price of a group follows.
#[derive(Clone, Copy, Debug)]
pub struct RunSize {
    /// Layers, heads and labels.
    pub shape: Shape,
    /// Number of test prompts.
    pub prompts: usize,
    /// Tokens of the test prompts after the shared prefix.
    pub own_tokens: usize,
    /// Tokens of the shared prefix.
    pub prefix_tokens: usize,
}

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
    pub fn measure(&self, job: &ColumnJob<'_>, observe: &mut dyn FnMut(Progress)) -> Result<Vec<Column>> {
        let components = job.context.shape().components();
        Ok(match (self.measure)(job, self.columns, observe)? {
            Found::Columns(cells) => self.columns.iter().zip(cells).map(|(spec, cells)| spec.filled(cells)).collect(),
            Found::Absent(reason) => self.columns.iter().map(|spec| spec.absent(components, &reason)).collect(),
        })
    }
}

/// Returns `of(head)` for each head, numbered `layer · H + head`, and nothing for MLPs, in the order of the shape.
fn of_heads(shape: Shape, of: impl Fn(usize) -> Cell) -> Vec<Option<Cell>> {
    let cell = |component: crate::component::Component| match component.part {
        Part::Head(head) => Some(of(component.layer * shape.heads + head)),
        Part::Mlp => None,
    };
    shape.iter().map(cell).collect()
}
