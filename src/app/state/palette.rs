//! The palette: what it lists, and what its entries do.

use crate::app::action::Action;

use super::{list::moved, metric::Metric};

/// What the palette lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaletteScope {
    /// Everything that has a name.
    #[default]
    All,
    /// Runs that the shown one can be compared with.
    Others,
    /// Quantities of the map.
    Quantities,
    /// Models on this machine.
    Models,
}

/// The palette.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What it lists.
    pub scope: PaletteScope,
    /// Typed text.
    pub text: String,
    /// Index of the selected entry.
    pub at: usize,
}

/// What an entry of the palette does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaletteEntry {
    /// Runs an action.
    Action(Action),
    /// Selects a component.
    Component(usize),
    /// Colours the map by a quantity.
    Quantity(Metric),
    /// Shows the open run with this id.
    Run(u64),
    /// Compares with the open run with this id.
    CompareWith(u64),
    /// Switches to a task.
    Task(String),
    /// Switches to a template.
    Template(String),
    /// Changes the number of demonstrations.
    Shots(usize),
    /// Opens the test example with this index.
    Example(usize),
    /// Opens the model with this name.
    Model(String),
}

impl Palette {
    /// Returns an empty palette that lists `scope`.
    pub fn of(scope: PaletteScope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// Moves the selection by a number of rows.
    pub fn step(&mut self, rows: isize, count: usize) {
        self.at = moved(self.at, rows, count);
    }
}
