//! A row of the list of runs, and the widths of its columns.

use std::collections::BTreeSet;

use ratatui::text::{Line, Span};

use crate::tui::{
    theme::{Role, Theme},
    widgets::pane,
};

/// Names of the first columns.
const HEADS: [&str; 4] = ["task", "template", "demos", "model"];

/// Columns of the rest: sign, gaps, shots, accuracy and counts.
const AROUND: usize = 2 + 4 + 6 + 8 + 11;

/// Columns reserved for a note; a longer one is shown in full below the list.
const NOTE: usize = 22;

/// Fewest columns of a name.
const LEAST: usize = 5;

/// Contents of a row.
pub(super) struct Cells {
    pub(super) sign: &'static str,
    pub(super) role: Role,
    pub(super) what: [String; 4],
    pub(super) shots: String,
    pub(super) accuracy: Option<f64>,
    pub(super) counts: String,
    pub(super) note: String,
}

impl Default for Cells {
    fn default() -> Self {
        let (what, shots, counts, note) = (Default::default(), String::new(), String::new(), String::new());
        Self { sign: "", role: Role::Text, what, shots, accuracy: None, counts, note }
    }
}

/// Returns the heads of the columns.
pub(super) fn heads() -> Cells {
    let [shots, counts] = ["shots", "examples"].map(str::to_owned);
    Cells { what: HEADS.map(str::to_owned), shots, counts, ..Cells::default() }
}

/// Returns the widths of the four name columns. If they do not fit, the model is left out where all rows have the same,
/// and the widest shrink.
pub(super) fn widths(rows: &[Cells], head: &Cells, width: usize) -> [usize; 4] {
    let mut widths = [0; 4];
    let mut note = 0;
    for cells in rows.iter().chain([head]) {
        note = note.max(pane::width(&cells.note).min(NOTE));
        for (most, text) in widths.iter_mut().zip(&cells.what) {
            *most = pane::width(text).max(*most);
        }
    }
    let room = width.saturating_sub(AROUND + note).max(4 * LEAST);
    let models: BTreeSet<&String> = rows.iter().map(|cells| &cells.what[3]).filter(|name| !name.is_empty()).collect();
    if models.len() < 2 && widths.iter().sum::<usize>() > room {
        widths[3] = 0;
    }
    while widths.iter().sum::<usize>() > room {
        let widest = (0..4).max_by_key(|&column| widths[column]).unwrap_or(0);
        widths[widest] -= 1;
    }
    widths
}

/// Returns `● topic  shared  demos 0  demo  4   62.1  20 + 300  shown`.
pub(super) fn line(theme: &Theme, widths: [usize; 4], cells: &Cells, accuracy: &str) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{:<2}", cells.sign), theme.bold(cells.role))];
    let named = cells.what.iter().zip(widths).enumerate().filter(|(_, (_, room))| *room > 0);
    for (index, (text, room)) in named {
        let role = if index == 0 { Role::Strong } else { Role::Text };
        spans.push(Span::styled(format!("{} ", pane::column(text, room)), theme.fg(role)));
    }
    spans.push(Span::styled(format!("{:>5} {accuracy:>6}  ", cells.shots), theme.fg(Role::Text)));
    spans.push(Span::styled(format!("{:>9}  ", cells.counts), theme.fg(Role::Dim)));
    spans.push(Span::styled(cells.note.clone(), theme.fg(cells.role)));
    spans.into()
}

/// Returns the selected row in full.
pub(super) fn described(theme: &Theme, cells: &Cells) -> Line<'static> {
    let shots = if cells.shots.is_empty() { String::new() } else { format!("{} shots", cells.shots) };
    let what = cells.what.iter().chain([&shots]).map(String::as_str).filter(|text| !text.is_empty());
    let what: Vec<&str> = what.collect();
    vec![
        Span::styled(format!("{} {}", cells.sign, what.join(" · ")), theme.fg(Role::Text)),
        Span::styled(format!("   {}", cells.note), theme.fg(Role::Dim)),
    ]
    .into()
}
