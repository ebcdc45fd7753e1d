//! The rows and columns of the atlas, and their form in files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    column::{AtlasColumn, Cell, ColumnMeta},
    correlation::{CorrelationMatrix, correlations},
    free::free_columns,
};
use crate::{
    analysis::{
        components::summarize,
        kind::{Kind, Thresholds},
    },
    attribution::Attribution,
    component::Component,
};

/// What is known of every component of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Atlas {
    /// The components and their kinds, in the order of the shape.
    pub rows: Vec<(Component, Kind)>,
    /// The measures.
    pub columns: Vec<AtlasColumn>,
}

/// The keys of columns whose values are a pair: direct and total effect of taking a component out.
const PAIR: [&str; 2] = ["direct", "total"];

impl Atlas {
    /// Measures what follows from the table of the test split alone.
    pub fn new(table: &Attribution) -> Self {
        let stats = summarize(table, &Thresholds::default());
        let rows = stats.iter().map(|stats| (stats.component, stats.kind)).collect();
        Self { rows, columns: free_columns(table, &stats) }
    }

    /// Returns the column `name`.
    pub fn column(&self, name: &str) -> Option<&AtlasColumn> {
        self.columns.iter().find(|column| column.meta.name == name)
    }

    /// Adds columns, in place of those of the same name.
    pub fn add(&mut self, columns: Vec<AtlasColumn>) {
        for column in columns {
            match self.columns.iter_mut().find(|own| own.meta.name == column.meta.name) {
                Some(own) => *own = column,
                None => self.columns.push(column),
            }
        }
    }

    /// Returns whether the direct and the total effect of the component at `index` have opposite signs, beyond their
    /// intervals; `None` if either is unknown. Where they do, later layers erase or repair what it adds (arXiv 2310.07325,
    /// 2402.15390).
    pub fn signs_differ(&self, index: usize) -> Option<bool> {
        let [direct, total] = PAIR.map(|name| self.column(name).and_then(|column| column.cells[index]));
        let (direct, total) = (direct?, total?);
        let certain = direct.is_not_zero() && total.is_not_zero();
        Some(certain && (direct.value > 0.0) != (total.value > 0.0))
    }

    /// Returns the form in files.
    pub fn to_file(&self) -> AtlasFile {
        let row = |(index, &(name, kind)): (usize, &(Component, Kind))| {
            let cells = self.columns.iter().map(|column| (column.meta.name.clone(), column.cells[index]));
            Row { name, kind, signs_differ: self.signs_differ(index), values: cells.collect() }
        };
        AtlasFile {
            columns: self.columns.iter().map(|column| column.meta.clone()).collect(),
            components: self.rows.iter().enumerate().map(row).collect(),
            correlation: Some(correlations(&self.columns)),
        }
    }
}

/// The atlas in files: the keys of `atlas --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtlasFile {
    /// The columns.
    pub columns: Vec<ColumnMeta>,
    /// One row per component, in the order of the shape.
    pub components: Vec<Row>,
    /// Rank correlations between columns.
    #[serde(skip_deserializing)]
    pub correlation: Option<CorrelationMatrix>,
}

/// A component in files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The component.
    pub name: Component,
    /// Good, bad, label-biased or neutral.
    pub kind: Kind,
    /// Whether direct and total effect have opposite signs ([`Atlas::signs_differ`]); null if one is unknown.
    pub signs_differ: Option<bool>,
    /// A value by column; null where there is none.
    pub values: BTreeMap<String, Option<Cell>>,
}

impl AtlasFile {
    /// Returns the columns with their values.
    pub fn into_columns(self) -> Vec<AtlasColumn> {
        let cells = |name: &str| self.components.iter().map(|row| row.values.get(name).copied().flatten()).collect();
        self.columns.iter().map(|meta| AtlasColumn { cells: cells(&meta.name), meta: meta.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{SHAPE, table};

    fn effects(name: &str, values: [(f64, f64); 2]) -> AtlasColumn {
        let mut cells = vec![None; SHAPE.components()];
        for (cell, (value, half)) in cells.iter_mut().zip(values) {
            *cell = Some(Cell { value, lo: value - half, hi: value + half });
        }
        AtlasColumn::new(name, "nats", "", cells)
    }

    #[test]
    fn files_give_the_columns_back() {
        let mut atlas = Atlas::new(&table(SHAPE, 40, 1, |_| 0.3));
        atlas.add(vec![AtlasColumn::absent("prior", "nats", "somewhere", SHAPE.components(), "no task")]);
        let text = serde_json::to_string(&atlas.to_file()).unwrap();
        let read: AtlasFile = serde_json::from_str(&text).unwrap();
        let again = Atlas { columns: read.into_columns(), ..atlas.clone() };
        assert_eq!(serde_json::to_string(&again.to_file()).unwrap(), text, "what was read is written as it was");
        assert_eq!(again.columns, atlas.columns);
    }

    #[test]
    fn signs_differ_only_beyond_the_intervals() {
        let mut atlas = Atlas::new(&table(SHAPE, 40, 1, |_| 0.3));
        assert_eq!(atlas.signs_differ(0), None, "no total effect yet");
        atlas.add(vec![effects("direct", [(-1.0, 0.5), (-1.0, 0.5)]), effects("total", [(2.0, 1.0), (0.5, 0.6)])]);
        assert_eq!([0, 1, 2].map(|index| atlas.signs_differ(index)), [Some(true), Some(false), None]);
        assert_eq!(atlas.columns.iter().filter(|column| column.meta.name == "direct").count(), 1);
    }
}
