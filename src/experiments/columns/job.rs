//! What the measurements of atlas columns share: the run that they read, and what they return.

use crate::{
    analysis::atlas::{AtlasColumn, Cell},
    cancel::Cancel,
    component::{Component, Part, Shape},
    experiments::RunContext,
    model::Model,
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
    pub(super) fn filled(&self, cells: Vec<Option<Cell>>) -> AtlasColumn {
        AtlasColumn::new(self.name, self.unit, self.source, cells)
    }

    pub(super) fn absent(&self, components: usize, reason: &str) -> AtlasColumn {
        AtlasColumn::absent(self.name, self.unit, self.source, components, reason)
    }
}

/// Outcome of a measurement.
pub(super) enum Found {
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

/// Returns `of(head)` for each head, numbered `layer · H + head`, and nothing for MLPs, in the order of the shape.
pub(super) fn of_heads(shape: Shape, of: impl Fn(usize) -> Cell) -> Vec<Option<Cell>> {
    let cell = |component: Component| match component.part {
        Part::Head(head) => Some(of(component.layer * shape.heads + head)),
        Part::Mlp => None,
    };
    shape.iter().map(cell).collect()
}
