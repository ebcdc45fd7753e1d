//! Faders and sliders, one row high.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::tui::theme::{Role, Theme};

/// Returns the column of `value` on a track over `span`.
fn column(track: Rect, (low, high): (f64, f64), value: f64) -> u16 {
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    track.x + (share * f64::from(track.width.saturating_sub(1))).round() as u16
}

/// Draws a fader at `gain`, filled from 0, with a tick at 1, the weight in the model. If it is not on, its knob is
/// hollow.
pub fn draw(buf: &mut Buffer, track: Rect, theme: &Theme, span: (f64, f64), gain: f64, is_on: bool) {
    if track.is_empty() {
        return;
    }
    let (zero, one, knob) = (column(track, span, 0.0), column(track, span, 1.0), column(track, span, gain));
    let moved = gain.to_bits() != 1.0_f64.to_bits();
    let role = if is_on && moved { Role::Accent } else { Role::Dim };
    for x in track.x..track.right() {
        let filled = (zero.min(knob)..zero.max(knob)).contains(&x);
        let (symbol, style) = match () {
            () if x == knob => (if is_on { "●" } else { "○" }, theme.bold(role)),
            () if x == one && !filled => ("┊", theme.fg(Role::Dim)),
            () if x == zero && span.0 < 0.0 => ("│", theme.fg(Role::Dim)),
            () if filled => ("━", theme.fg(role)),
            () => ("─", theme.fg(Role::Faint)),
        };
        buf.set_string(x, track.y, symbol, style);
    }
}

/// Draws the numbers above faders: the ends, and 1.
pub fn scale(buf: &mut Buffer, track: Rect, theme: &Theme, span: (f64, f64)) {
    for value in [span.0, 1.0, span.1] {
        let text = format!("{value:.0}");
        let last = track.right().saturating_sub(text.len() as u16);
        buf.set_string(column(track, span, value).min(last), track.y, text, theme.fg(Role::Dim));
    }
}

/// Draws a slider at the share `at`, with a mark at the share `chosen`.
pub fn slider(buf: &mut Buffer, track: Rect, theme: &Theme, at: f64, chosen: f64) {
    let (knob, mark) = (column(track, (0.0, 1.0), at), column(track, (0.0, 1.0), chosen));
    for x in track.x..track.right() {
        let (symbol, style) = match () {
            () if x == knob => ("●", theme.bold(Role::Accent)),
            () if x == mark => ("◇", theme.fg(Role::Text)),
            () if x < knob => ("━", theme.fg(Role::Accent)),
            () => ("─", theme.fg(Role::Faint)),
        };
        buf.set_string(x, track.y, symbol, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    fn drawn(paint: impl Fn(&mut Buffer, Rect, &Theme)) -> String {
        let track = Rect::new(0, 0, 9, 1);
        let mut buf = Buffer::empty(track);
        paint(&mut buf, track, &Theme::built_in(Depth::None).unwrap()[0]);
        buf.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn a_fader_is_filled_from_zero_and_marks_one() {
        for (gain, is_on, span, expected) in [
            (1.0, true, (0.0, 2.0), "━━━━●────"),
            (2.0, true, (0.0, 2.0), "━━━━━━━━●"),
            (0.0, false, (0.0, 2.0), "○───┊────"),
            (-1.0, true, (-2.0, 2.0), "──●━│─┊──"),
        ] {
            assert_eq!(drawn(|buf, track, theme| draw(buf, track, theme, span, gain, is_on)), expected, "{gain}");
        }
        assert_eq!(drawn(|buf, track, theme| scale(buf, track, theme, (0.0, 3.0))), "0  1    3");
        assert_eq!(drawn(|buf, track, theme| slider(buf, track, theme, 0.5, 0.75)), "━━━━●─◇──");
    }
}
