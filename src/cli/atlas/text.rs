//! The atlas as text: a table of all components, or all about one.

use std::{cmp::Ordering, fmt::Write, path::Path};

use crate::{
    analysis::atlas::{Atlas, AtlasColumn, Cell, ColumnMeta, CorrelationMatrix, alike, correlations},
    run::RunMeta,
    text::{printable, signed},
};

/// Number of similar components that are listed.
const ALIKE: usize = 5;
/// Width of a component's name and of its kind.
const NAME: usize = 24;

/// Formats all components, the largest value of the column `by` first, then the correlations of the columns.
pub(super) fn table(meta: &RunMeta, atlas: &Atlas, by: &str, more: &[String], path: Option<&Path>) -> String {
    let mut text = heading(meta);
    let present: Vec<&AtlasColumn> = atlas.columns.iter().filter(|column| column.meta.absent.is_none()).collect();
    let heads: Vec<String> = present.iter().map(|column| format!("{:>1$}", column.meta.name, width(column))).collect();
    let _ = writeln!(text, "{:<10}{:<14}{}", "component", "kind", heads.concat());
    for index in order(atlas, by) {
        let (component, kind) = atlas.rows[index];
        let cell = |column: &&AtlasColumn| {
            let shown = column.cells[index].map_or_else(|| "–".to_owned(), |cell| number(column, cell.value));
            format!("{shown:>0$}", width(column))
        };
        let cells: String = present.iter().map(cell).collect();
        let mark = if atlas.signs_differ(index) == Some(true) { "  direct and total differ in sign" } else { "" };
        let _ = writeln!(text, "{component:<10}{kind:<14}{cells}{mark}");
    }
    text.push_str(&matrix(&correlations(&atlas.columns)));
    for column in atlas.columns.iter().filter_map(|column| Some((&column.meta.name, column.meta.absent.as_ref()?))) {
        let _ = writeln!(text, "{} is empty: {}", column.0, printable(column.1));
    }
    if !more.is_empty() {
        let _ = writeln!(text, "more with --with: {}", more.join("; "));
    }
    if let Some(path) = path {
        let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    }
    text
}

fn heading(meta: &RunMeta) -> String {
    format!(
        "atlas of {} · {} test examples · full model {:.3}, chance {:.3} · 95% intervals with --component, --json or -o\n",
        printable(&meta.name()),
        meta.examples.test,
        meta.accuracy.full,
        meta.accuracy.chance
    )
}

/// Returns the components with the largest value of the column `by` first; those without one last, in layer order.
fn order(atlas: &Atlas, by: &str) -> Vec<usize> {
    let mut order: Vec<usize> = (0..atlas.rows.len()).collect();
    if let Some(column) = atlas.column(by) {
        let value = |index: usize| column.cells[index].map(|cell| cell.value);
        order.sort_by(|&a, &b| match (value(a), value(b)) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }
    order
}

fn width(column: &AtlasColumn) -> usize {
    column.meta.name.len().max(7) + 2
}

/// Formats a value, with its sign if the column has negative ones, and with more decimals if all are small.
fn number(column: &AtlasColumn, value: f64) -> String {
    let largest = column.present().map(|(_, cell)| cell.value.abs()).fold(0.0, f64::max);
    let digits = if largest < 0.1 { 5 } else { 3 };
    let has_sign = column.present().any(|(_, cell)| cell.lo < 0.0);
    if has_sign { signed(value, digits) } else { format!("{value:.digits$}") }
}

fn matrix(matrix: &CorrelationMatrix) -> String {
    let mut text = "\nrank correlations of the columns (Spearman; · where the 95% interval contains 0)\n".to_owned();
    let heads: Vec<String> = matrix.columns.iter().map(|name| format!("{name:>0$}", name.len().max(6) + 2)).collect();
    let _ = writeln!(text, "{:<NAME$}{}", "", heads.concat());
    for (row, name) in matrix.columns.iter().enumerate() {
        let cell = |(column, head): (usize, &String)| {
            let interval = matrix.lo[row][column].zip(matrix.hi[row][column]);
            let shown = match (matrix.spearman[row][column], interval) {
                (Some(rho), Some((lo, hi))) if lo > 0.0 || hi < 0.0 => signed(rho, 2),
                (Some(rho), _) => signed(rho, 2) + "·",
                (None, _) => "–".to_owned(),
            };
            format!("{shown:>0$}", head.len().max(6) + 2)
        };
        let cells: String = matrix.columns.iter().enumerate().map(cell).collect();
        let _ = writeln!(text, "{name:<NAME$}{cells}");
    }
    text
}

/// Formats all that is known of the component at `index`, and the components that resemble it.
pub(super) fn component(meta: &RunMeta, atlas: &Atlas, index: usize) -> String {
    let (name, kind) = atlas.rows[index];
    let mut text = heading(meta);
    let _ = writeln!(text, "{name} · {kind}");
    for column in &atlas.columns {
        let ColumnMeta { name, unit, absent, .. } = &column.meta;
        let shown = match (column.cells[index], absent) {
            (Some(cell), _) => format!("{} {unit}{}", with_interval(column, cell), place(column, index)),
            (None, Some(reason)) => format!("– {}", printable(reason)),
            (None, None) => "– not for this kind of component".to_owned(),
        };
        let _ = writeln!(text, "  {name:<NAME$}{shown}");
    }
    if atlas.signs_differ(index) == Some(true) {
        let _ =
            writeln!(text, "direct and total effect have opposite signs: later layers erase or repair what it adds");
    }
    let similar = alike(&atlas.columns, index);
    let similar: Vec<String> =
        (similar.iter().take(ALIKE)).map(|own| format!("{} ({:.2})", atlas.rows[own.index].0, own.distance)).collect();
    let _ = writeln!(text, "components like it (mean difference of ranks): {}", similar.join(", "));
    text
}

fn with_interval(column: &AtlasColumn, cell: Cell) -> String {
    format!("{} [{}, {}]", number(column, cell.value), number(column, cell.lo), number(column, cell.hi))
}

/// Says how many components have a larger value.
fn place(column: &AtlasColumn, index: usize) -> String {
    let own = column.cells[index].map_or(f64::NAN, |cell| cell.value);
    let larger = column.present().filter(|(_, cell)| cell.value.partial_cmp(&own) == Some(Ordering::Greater)).count();
    format!(", {} of {}", larger + 1, column.present().count())
}
