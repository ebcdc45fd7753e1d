//! Columns of the atlas: one measure of every component.

use serde::{Deserialize, Serialize};

/// A measure of one component with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub lo: f64,
    /// Upper end of the interval.
    pub hi: f64,
}

impl Cell {
    /// Rounds to nine significant digits, which JSON gives back exactly: a column that was kept equals a new one.
    fn rounded(self) -> Self {
        let round = |value: f64| format!("{value:.8e}").parse().unwrap_or(value);
        Self { value: round(self.value), lo: round(self.lo), hi: round(self.hi) }
    }

    /// Returns whether the interval does not contain 0.
    pub const fn is_not_zero(&self) -> bool {
        self.lo > 0.0 || self.hi < 0.0
    }
}

/// What a column says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMeta {
    /// Key in files, in `snake_case`.
    pub name: String,
    /// Unit of its values, e.g. `nats`.
    pub unit: String,
    /// What is measured and how, with the source of the method.
    pub source: String,
    /// Why the column has no values; `None` if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
}

/// One measure of every component.
#[derive(Clone, Debug, PartialEq)]
pub struct AtlasColumn {
    /// What the column says of itself.
    pub meta: ColumnMeta,
    /// One value per component, in the order of the shape; `None` where the measure does not exist, as attention of MLPs.
    pub cells: Vec<Option<Cell>>,
}

impl AtlasColumn {
    /// Makes a column with values.
    pub fn new(name: &str, unit: &str, source: &str, cells: Vec<Option<Cell>>) -> Self {
        let (name, unit, source) = (name.to_owned(), unit.to_owned(), source.to_owned());
        let cells = cells.into_iter().map(|cell| cell.map(Cell::rounded)).collect();
        Self { meta: ColumnMeta { name, unit, source, absent: None }, cells }
    }

    /// Makes a column of `components` components without values, for the reason `absent`.
    pub fn absent(name: &str, unit: &str, source: &str, components: usize, absent: impl Into<String>) -> Self {
        let empty = Self::new(name, unit, source, vec![None; components]);
        Self { meta: ColumnMeta { absent: Some(absent.into()), ..empty.meta }, ..empty }
    }

    /// Returns the values of the components that have one, by index.
    pub fn present(&self) -> impl Iterator<Item = (usize, Cell)> + '_ {
        self.cells.iter().enumerate().filter_map(|(index, cell)| Some((index, (*cell)?)))
    }
}
