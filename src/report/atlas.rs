//! The atlas as a table.

use super::table::Table;
use crate::analysis::atlas::{Atlas, Cell};

/// Returns one row per component: its name, layer and kind, and per column its value, `…_low` and `…_high`.
pub fn atlas_table(atlas: &Atlas) -> Table {
    let differ = (0..atlas.rows.len()).map(|index| match atlas.signs_differ(index) {
        Some(true) => "true",
        Some(false) => "false",
        None => "",
    });
    let table = Table::new()
        .text("component", atlas.rows.iter().map(|(component, _)| component.to_string()))
        .count("layer", atlas.rows.iter().map(|(component, _)| component.layer))
        .text("kind", atlas.rows.iter().map(|(_, kind)| kind.name()))
        .text("signs_differ", differ);
    atlas.columns.iter().fold(table, |table, column| {
        let name = &column.meta.name;
        let part = |of: fn(Cell) -> f64| column.cells.iter().map(move |cell| cell.map(of));
        table
            .number(name, part(|cell| cell.value))
            .number(&format!("{name}_low"), part(|cell| cell.lo))
            .number(&format!("{name}_high"), part(|cell| cell.hi))
    })
}
