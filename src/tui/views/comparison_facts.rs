//! What differs between two compared runs, and why: demonstrations, predicted labels, components behind the flips.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::compare::{DemoDifference, DemoPair, DemoSide, Flip, Pull},
    app::state::{comparison::RunComparison, open_run::OpenRun},
    text::printable,
    tui::{
        layout::{compare::Sides, list::first_row},
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    comparison_head::{self, label_name},
    draw_context::{DrawContext, nats, opened},
};

/// Columns of the numbers of a label.
const LABEL_NUMBERS: usize = 25;

/// Fewest rows of the movers that also sum up the components left out.
const SUMMED: usize = 5;

/// Draws the right side.
pub(super) fn draw(
    buf: &mut Buffer,
    sides: &Sides,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    runs: (&OpenRun, &OpenRun),
) {
    comparison_head::draw(buf, sides.head, ctx, comparison, runs);
    demonstrations(buf, sides.demos, ctx, comparison, runs);
    labels(buf, sides.labels, ctx, comparison, runs);
    movers(buf, sides.movers, ctx, comparison);
    flips(buf, sides, ctx, comparison, runs);
}

/// Draws a row per position: what is the same and what differs.
fn demonstrations(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (theme, pairs) = (ctx.theme, &comparison.demos);
    let differing = pairs.iter().filter(|pair| pair.difference != DemoDifference::Same).count();
    let note = if differing == 0 { "the same".to_owned() } else { format!("{differing} differ") };
    let inside = opened(buf, area, theme, "demonstrations A | B", Line::styled(note, theme.fg(Role::Dim)));
    if pairs.is_empty() {
        pane::stack(buf, inside, [Line::styled("both prompts have none", theme.fg(Role::Dim))]);
        return;
    }
    let room = usize::from(inside.height);
    let shown = if pairs.len() > room { room.saturating_sub(1) } else { pairs.len() };
    let word = |run: &OpenRun, side: &Option<DemoSide>| {
        let label = side.as_ref().and_then(|side| side.label.as_deref());
        label.map_or_else(String::new, |label| ctx.state.label_word(run, label))
    };
    let words: Vec<[String; 2]> = pairs.iter().map(|pair| [word(a, &pair.a), word(b, &pair.b)]).collect();
    let longest = words.iter().flatten().map(|word| pane::width(word)).max().unwrap_or(0);
    let rows = pairs.iter().zip(&words).take(shown).enumerate();
    let rows = rows.map(|(index, pair)| pair_line(theme, (index, pair), (longest, inside.width.into())));
    let left = pane::stack(buf, inside, rows);
    if let Some(rest) = pairs.get(shown..).filter(|rest| !rest.is_empty()) {
        let differ = rest.iter().filter(|pair| pair.difference != DemoDifference::Same).count();
        let text = format!("and {} more, {differ} differ", rest.len());
        pane::stack(buf, left, [Line::styled(text, theme.fg(Role::Dim))]);
    }
}

/// Returns ` 2 ~ positive a warm film | negative two hours of rain`; a demonstration that both have stands there once.
fn pair_line(
    theme: &Theme,
    (index, (pair, words)): (usize, (&DemoPair, &[String; 2])),
    (longest, width): (usize, usize),
) -> Line<'static> {
    let (mark, role) = match pair.difference {
        DemoDifference::Same => ("=", Role::Dim),
        DemoDifference::OtherLabel => ("≠", Role::Bad),
        DemoDifference::OtherText => ("~", Role::Accent),
        DemoDifference::Other | DemoDifference::Missing => ("≁", Role::Accent),
    };
    let side = |side: &Option<DemoSide>, word: &str, columns: usize, room: usize| {
        let Some(side) = side else { return pane::column("–", room) };
        let word = pane::column(word, columns.min(room / 3));
        pane::column(&format!("{word} {}", printable(&side.text)), room)
    };
    let mut spans = vec![
        Span::styled(format!("{:>2} ", index + 1), theme.fg(Role::Dim)),
        Span::styled(format!("{mark} "), theme.bold(role)),
    ];
    let columns = longest.min(9);
    let [first, second] = words;
    if pair.difference == DemoDifference::Same {
        let (word, columns) =
            if first == second { (first.clone(), columns) } else { (format!("{first}/{second}"), 2 * columns + 1) };
        spans.push(Span::styled(side(&pair.a, &word, columns, width.saturating_sub(5)), theme.fg(Role::Dim)));
        return spans.into();
    }
    let half = width.saturating_sub(8) / 2;
    spans.push(Span::styled(side(&pair.a, first, columns, half), theme.fg(Role::Text)));
    spans.push(Span::styled(" | ", theme.fg(Role::Faint)));
    spans.push(Span::styled(side(&pair.b, second, columns, half), theme.fg(Role::Text)));
    spans.into()
}

/// Draws a row per label: its share of gold labels and of the predictions of both runs, and the examples won and lost.
fn labels(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let theme = ctx.theme;
    let note = if a.mixer.on || b.mixer.on { "models" } else { "" };
    let inside = opened(buf, area, theme, "predicted labels, %", Line::styled(note, theme.fg(Role::Dim)));
    let named = usize::from(inside.width).saturating_sub(LABEL_NUMBERS).min(16);
    let heads = format!("{:<named$}{:>5}{:>5}{:>5}{:>5}{:>5}", "", "gold", "A", "B", "✗→✓", "✓→✗");
    let mut lines = vec![Line::styled(heads, theme.fg(Role::Dim))];
    let room = usize::from(inside.height).saturating_sub(1);
    let count = comparison.labels.len();
    let shown = if count > room { room.saturating_sub(1) } else { count };
    for (label, change) in comparison.labels.iter().enumerate().take(shown) {
        let [first, second] = change.predicted.map(|share| format!("{:.0}", share * 100.0));
        let gold = format!("{:.0}", change.gold * 100.0);
        lines.push(Line::from(vec![
            Span::styled(pane::column(&label_name(a, b, label), named), theme.fg(Role::Text)),
            Span::styled(format!("{gold:>5}"), theme.fg(Role::Dim)),
            Span::styled(format!("{first:>5}{second:>5}"), theme.bold(Role::Text)),
            Span::styled(format!("{:>5}", change.won), theme.fg(Role::Good)),
            Span::styled(format!("{:>5}", change.lost), theme.fg(Role::Bad)),
        ]));
    }
    if shown < count {
        lines.push(Line::styled(format!("and {} more labels", count - shown), theme.fg(Role::Dim)));
    }
    pane::stack(buf, inside, lines);
}

/// Draws the components that moved all flipped examples, largest mean first.
fn movers(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, comparison: &RunComparison) {
    let theme = ctx.theme;
    let flips = comparison.flips.len();
    let title = if area.width < 50 { "what moved all flips" } else { "what moved all flips to B's label" };
    let note = format!("{flips} flips, nats, 95% CI");
    let fits = |note: &str| usize::from(area.width) >= title.len() + note.len() + 5;
    let note =
        [note.as_str(), "nats, 95% CI", "nats"].into_iter().find(|note| fits(note)).unwrap_or_default().to_owned();
    let inside = opened(buf, area, theme, title, Line::styled(note, theme.fg(Role::Dim)));
    let Some(movers) = &comparison.movers else {
        pane::stack(buf, inside, [Line::styled("no example flipped", theme.fg(Role::Dim))]);
        return;
    };
    let room = usize::from(inside.height);
    let sums = if room >= SUMMED { 2 } else { usize::from(room > 2) };
    let shown = room.saturating_sub(sums).min(movers.components.len());
    let largest = movers.components.first().map_or(1.0, |mover| mover.pull.mean.abs()).max(f64::MIN_POSITIVE);
    let width = usize::from(inside.width);
    let rows = movers.components.iter().take(shown);
    let rows = rows.map(|mover| pull_line(theme, &mover.component.to_string(), &mover.pull, largest, width));
    let left = pane::stack(buf, inside, rows);
    let sum: f64 = movers.components.iter().skip(shown).map(|mover| mover.pull.mean).sum();
    let others = movers.components.len() - shown;
    let text = format!("{others} others {sum:+.2}, rest {:+.2}", movers.rest.mean);
    let total = pull_line(theme, "model", &movers.total, largest, width.min(32));
    let others = Some(Line::styled(text, theme.fg(Role::Dim))).filter(|_| sums > 1);
    pane::stack(buf, left, others.into_iter().chain([total]));
}

/// Returns `L6.H2     +1.23 [+1.10, +1.36] ━━━━━`.
fn pull_line(theme: &Theme, name: &str, pull: &Pull, largest: f64, width: usize) -> Line<'static> {
    let role = if pull.mean < 0.0 { Role::Bad } else { Role::Good };
    let [low, high] = pull.ci;
    let room = width.saturating_sub(33);
    let bar = "━".repeat(((pull.mean.abs() / largest).min(1.0) * room as f64).round() as usize);
    vec![
        Span::styled(format!("{name:<9}"), theme.fg(Role::Text)),
        Span::styled(format!("{:>+6.2} ", pull.mean), theme.bold(role)),
        Span::styled(format!("{:<17}", format!("[{low:+.2}, {high:+.2}]")), theme.fg(Role::Dim)),
        Span::styled(bar, theme.fg(role)),
    ]
    .into()
}

/// Draws the flipped examples, and the components that moved the margin of the selected one.
fn flips(
    buf: &mut Buffer,
    sides: &Sides,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (theme, at, area) = (ctx.theme, ctx.state.flip, sides.flips());
    let (won, lost) = comparison.labels.iter().fold((0, 0), |(won, lost), label| (won + label.won, lost + label.lost));
    let count = format!("{} of {}: {won} ✗→✓, {lost} ✓→✗", comparison.flips.len(), comparison.shared.len());
    let title = "flips A → B";
    let fits = pane::width(title) + pane::width(&count) + 4 <= usize::from(sides.flips_pane.width);
    let title = if fits { title } else { "flips" };
    opened(buf, sides.flips_pane, theme, title, Line::styled(count, theme.fg(Role::Dim)));
    let rows = usize::from(area.height);
    let first = first_row(comparison.flips.len(), rows, at);
    for (row, (index, flip)) in comparison.flips.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: area.y + row as u16, height: 1, ..area };
        let text = a.test.items.iter().find(|item| item.id == flip.id).map_or("", |item| item.text.as_str());
        pane::put_at(buf, place, 0, flip_line(theme, (a, b), flip, text));
        if index == at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, area, theme, (first, comparison.flips.len()));
    if let Some(flip) = comparison.flips.get(at) {
        let below = Rect { y: area.bottom(), height: 1, ..area };
        pane::put_at(buf, below, 0, moved_by(theme, flip));
    }
}

/// Returns `✓→✗ positive→negative  text`, with the label words of each run.
fn flip_line(theme: &Theme, (a, b): (&OpenRun, &OpenRun), flip: &Flip, text: &str) -> Line<'static> {
    let mark = |predicted: usize| if predicted == flip.gold { ("✓", Role::Good) } else { ("✗", Role::Bad) };
    let ((before, role_a), (after, role_b)) = (mark(flip.a), mark(flip.b));
    let label = |run: &OpenRun, index| pane::cut(&run.label(index), 8);
    vec![
        Span::styled(before, theme.bold(role_a)),
        Span::styled("→", theme.fg(Role::Dim)),
        Span::styled(after, theme.bold(role_b)),
        Span::styled(
            format!(" {} ", pane::column(&format!("{}→{}", label(a, flip.a), label(b, flip.b)), 17)),
            theme.fg(Role::Dim),
        ),
        Span::styled(text.to_owned(), theme.fg(Role::Text)),
    ]
    .into()
}

fn moved_by(theme: &Theme, flip: &Flip) -> Line<'static> {
    let mut spans = vec![Span::styled("moved by ", theme.fg(Role::Dim))];
    for moved in &flip.components {
        let role = if moved.delta < 0.0 { Role::Bad } else { Role::Good };
        spans.push(Span::styled(format!("{} ", moved.component), theme.fg(Role::Text)));
        spans.push(Span::styled(format!("{}  ", nats(moved.delta)), theme.fg(role)));
    }
    spans.into()
}
