//! The test examples: what is heard on each, and which of them the mix flips.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{
        mixed::margin,
        sheet::{Change, Sheet},
        state::Screen,
    },
    attribution::Split,
    tui::{
        layout::list_rows,
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{Scene, mix};

/// The pane: a list, and the example it stands on in full below.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    let listing = &scene.state.listing;
    let needle = if listing.needle.is_empty() { String::new() } else { format!(" /{}", listing.needle) };
    let title = Line::from(vec![
        Span::styled("examples ", theme.bold(Role::Text)),
        Span::styled(format!("{} {}", listing.filter.title(), listing.rows.len()), theme.fg(Role::Dim)),
        Span::styled(needle, theme.fg(Role::Accent)),
    ]);
    let Some(sheet) = scene.state.sheet() else {
        pane::open(buf, area, theme, title, Line::default());
        return;
    };
    let note = Line::styled(mix::heard(sheet), theme.bold(if sheet.desk.on { Role::Accent } else { Role::Text }));
    let inside = pane::open(buf, area, theme, title, note);
    let rows = list_rows(area, scene.state.screen != Screen::Examples).height;
    let detail = inside.height - rows;
    let first = listing.first(rows.into());
    for (row, (index, &example)) in listing.rows.iter().enumerate().skip(first).take(rows.into()).enumerate() {
        let place = Rect { y: inside.y + row as u16, height: 1, ..inside };
        pane::put_at(buf, place, 0, line(theme, sheet, example));
        if index == listing.at {
            buf.set_style(place, theme.selected());
        }
    }
    if let Some(&example) = listing.rows.get(listing.at) {
        let below = Rect { y: inside.y + rows, height: detail, ..inside };
        pane::stack(buf, below, open_one(theme, sheet, example));
    }
}

/// `✗ ▼ negative  two hours of rain`.
fn line(theme: &Theme, sheet: &Sheet, example: usize) -> Line<'static> {
    let item = &sheet.test.items[example];
    let said = sheet.predicted(Split::Test)[example];
    let (mark, role) = if said == item.gold { ("✓", Role::Good) } else { ("✗", Role::Bad) };
    let (flip, flip_role) = match sheet.change(example) {
        _ if !sheet.desk.on => (" ", Role::Dim),
        Change::Same => (" ", Role::Dim),
        Change::Fixed => ("▲", Role::Good),
        Change::Broken => ("▼", Role::Bad),
        Change::Other => ("◆", Role::Biased),
    };
    let flipped = flip != " ";
    let text = if flipped { theme.bold(Role::Strong) } else { theme.fg(Role::Text) };
    let label: String = sheet.label(said).chars().take(8).collect();
    vec![
        Span::styled(format!("{mark} "), theme.bold(role)),
        Span::styled(format!("{flip} "), theme.bold(flip_role)),
        Span::styled(
            format!("{label:<8} "),
            if flipped {
                theme.bold(flip_role)
            } else {
                theme.fg(if said == item.gold { Role::Dim } else { Role::Bad })
            },
        ),
        Span::styled(item.text.clone(), text),
    ]
    .into()
}

/// Gold, model and mix on one example, with the margins.
fn open_one(theme: &Theme, sheet: &Sheet, example: usize) -> [Line<'static>; 2] {
    let side = &sheet.test;
    let item = &side.items[example];
    let labels = sheet.shape.labels;
    let model: Vec<f64> = row(side.table.full(), example, labels).iter().copied().map(f64::from).collect();
    let mixed = row(side.mixed.logits(), example, labels);
    let (said, now) = (side.tally.full()[example], side.mixed.predicted()[example]);
    let first = vec![
        Span::styled("gold ", theme.fg(Role::Dim)),
        Span::styled(sheet.label(item.gold), theme.bold(Role::Text)),
        Span::styled(format!("  {}", item.id), theme.fg(Role::Dim)),
    ];
    let was = if sheet.desk.is_model() { "model " } else { "was " };
    let mut second = verdict(theme, was, &sheet.label(said), margin(&model, item.gold), said == item.gold);
    if !sheet.desk.is_model() {
        second.extend(verdict(theme, " now ", &sheet.label(now), margin(mixed, item.gold), now == item.gold));
    }
    [first.into(), second.into()]
}

fn verdict(theme: &Theme, who: &'static str, said: &str, margin: f64, right: bool) -> Vec<Span<'static>> {
    let role = if right { Role::Good } else { Role::Bad };
    let said: String = said.chars().take(8).collect();
    vec![
        Span::styled(who, theme.fg(Role::Dim)),
        Span::styled(said, theme.fg(role)),
        Span::styled(format!(" {}", nats(margin)), theme.fg(Role::Dim)),
    ]
}

fn row<T>(values: &[T], example: usize, labels: usize) -> &[T] {
    &values[example * labels..(example + 1) * labels]
}

/// A signed number with a digit after the point where there is room for one.
pub(super) fn nats(value: f64) -> String {
    let value = if value.abs() < 0.05 { 0.0 } else { value };
    if value.abs() < 9.95 { format!("{value:+.1}") } else { format!("{value:+.0}") }
}
