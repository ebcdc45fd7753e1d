//! Heat map of components: each cell has a colour, its value in digits, and the glyph of its kind.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    widgets::Widget,
};

use crate::{
    analysis::Kind,
    app::state::{Cursor, cell_number::Unit, scale::Scale},
    tui::theme::{Role, Theme, glyph},
};

use super::grid::Grid;

/// Contents of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatmapCell {
    /// Value, if known.
    pub value: Option<f64>,
    /// Kind, if known.
    pub kind: Option<Kind>,
    /// Mark of the mixer: muted, solo or marked.
    pub mark: Option<char>,
}

/// Map of cells, in the component order of [`Shape`](crate::Shape).
#[derive(Debug)]
pub struct Heatmap<'a, F> {
    /// Positions of the cells.
    pub grid: Grid,
    /// Unit of the values.
    pub unit: Unit,
    /// Scale of the colours.
    pub scale: Scale,
    /// Returns the cell of a component index.
    pub cell: F,
    /// Whether cells have kinds or marks, which need a column beside the number.
    pub has_signs: bool,
    /// Position of the cursor.
    pub cursor: Cursor,
    /// Theme to draw with.
    pub theme: &'a Theme,
}

/// Shades used without colours, from the low end of the scale to the high end.
pub const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];

/// Returns the shade of a position on the scale, from −1 to 1.
pub fn shade(place: f64) -> char {
    SHADES[((place.clamp(-1.0, 1.0) + 1.0) * 2.0).round() as usize]
}

impl<F: Fn(usize) -> HeatmapCell> Widget for &Heatmap<'_, F> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        self.rulers(buf);
        let grid = self.grid;
        let digits = self.digits();
        for (layer, column) in grid.visible() {
            if let Some(area) = grid.cell(layer, column) {
                let cell = (self.cell)(layer * (grid.heads + 1) + column);
                self.draw(buf, area, cell, digits);
            }
        }
        if let Some(area) = grid.cell(self.cursor.layer, self.cursor.column) {
            self.mark_cursor(buf, area);
        }
    }
}

impl<F: Fn(usize) -> HeatmapCell> Heatmap<'_, F> {
    /// Returns the columns of the longest visible number, so that digits stand below each other; 0 where cells are one
    /// row high and their numbers are aligned on the right.
    fn digits(&self) -> usize {
        let (grid, room) = (self.grid, self.number_room());
        if grid.pitch.1 == 1 {
            return 0;
        }
        let value = |(layer, column)| (self.cell)(layer * (grid.heads + 1) + column).value;
        let shown = grid.visible().filter_map(value).map(|value| self.unit.number(value, room).chars().count());
        shown.max().unwrap_or(0)
    }

    /// Returns the columns for a number in a cell of several rows.
    fn number_room(&self) -> usize {
        usize::from(self.grid.pitch.0 - u16::from(self.grid.has_gap())).min(5)
    }
}

impl<F> Heatmap<'_, F> {
    /// Draws the names of layers on the left and of heads above; those of the cursor are highlighted.
    fn rulers(&self, buf: &mut Buffer) {
        let (grid, theme) = (self.grid, self.theme);
        let style = |here: bool| if here { theme.bold(Role::Accent) } else { theme.fg(Role::Dim) };
        for layer in grid.layers.0..grid.layers.0 + grid.layers.1 {
            let Some(cell) = grid.cell(layer, grid.columns.0) else { continue };
            let name = format!("{:>width$}", format!("L{layer}"), width = usize::from(grid.ruler - 1));
            let row = cell.y + middle(cell.height);
            buf.set_string(grid.area.x, row, name, style(layer == self.cursor.layer));
        }
        for column in grid.columns.0..grid.columns.0 + grid.columns.1 {
            let Some(cell) = grid.cell(grid.layers.0, column) else { continue };
            let name = heading(column, grid.heads, usize::from(grid.pitch.0));
            let shift = cell.width.saturating_sub(name.chars().count() as u16) / 2;
            buf.set_stringn(cell.x + shift, grid.area.y, name, 4, style(column == self.cursor.column));
        }
    }

    fn draw(&self, buf: &mut Buffer, area: Rect, cell: HeatmapCell, digits: usize) {
        let Some(value) = cell.value else { return self.draw_empty(buf, area) };
        let place = self.scale.place(value);
        let Some(color) = self.theme.ramp.color(place) else {
            return self.draw_plain(buf, area, cell, (value, digits));
        };
        let ink = Style::new().fg(self.theme.ramp.ink(place)).bg(color);
        let solid = solid(area);
        buf.set_style(solid, ink);
        if solid.height < area.height {
            let below = Rect { y: solid.bottom(), height: 1, ..area };
            for at in below.positions() {
                buf[at].set_symbol("▀").set_fg(color);
            }
        }
        self.write(buf, solid, cell, (value, digits), ink.add_modifier(Modifier::BOLD));
    }

    fn draw_empty(&self, buf: &mut Buffer, area: Rect) {
        let (x, y) = (area.x + (area.width - 1) / 2, area.y + middle(area.height));
        buf.set_string(x, y, "·", self.theme.fg(Role::Faint));
    }

    /// Draws a cell without colours: digits and glyph, and shades in the rows below the first.
    fn draw_plain(&self, buf: &mut Buffer, area: Rect, cell: HeatmapCell, (value, digits): (f64, usize)) {
        let solid = solid(area);
        let band = shade(self.scale.place(value)).to_string().repeat(area.width.into());
        for row in (solid.y..solid.bottom()).skip(1) {
            buf.set_string(area.x, row, &band, Style::new());
        }
        self.write(buf, solid, cell, (value, digits), Style::new().add_modifier(Modifier::BOLD));
    }

    /// Writes the value, the glyph of the kind and the mark of the mixer, as far as they fit; the value goes first.
    fn write(&self, buf: &mut Buffer, area: Rect, cell: HeatmapCell, (value, digits): (f64, usize), style: Style) {
        let kind = cell.kind.map_or(" ", glyph);
        let mark = cell.mark.map(String::from);
        let sign = mark.as_deref().unwrap_or(kind);
        let number = |room: usize| self.unit.number(value, room);
        let (x, y, width) = (area.x, area.y, usize::from(area.width));
        match (width, area.height) {
            (1, _) if sign == " " => put(buf, x, y, &number(1), 1, style),
            (1, _) => put(buf, x, y, sign, 1, style),
            (_, 1) if !self.has_signs => {
                let room = (width - usize::from(width > 2)).min(5);
                put(buf, x, y, &format!("{:>room$}", number(room)), width, style);
            }
            (_, 1) => {
                let room = (width - 1).min(5);
                let whole = number(width);
                let alone = !self.unit.is_signed() && whole.chars().count() > room && width > 2;
                let text = if alone { whole } else { format!("{:>room$}{sign}", number(room)) };
                put(buf, x, y, &text, width, style);
            }
            (_, height) => {
                let row = y + (height - 1) / 2;
                let text = format!("{:>digits$}", number(width.min(5)));
                put(buf, x, row, &centred(&text, width), width, style);
                let both = if kind == " " { sign.to_owned() } else { format!("{kind}{}", mark.unwrap_or_default()) };
                put(buf, x, row + 1, &centred(&both, width), width, style);
            }
        }
    }

    fn mark_cursor(&self, buf: &mut Buffer, area: Rect) {
        if !self.grid.has_gap() {
            buf.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
            return;
        }
        let (style, accent) = (self.theme.fg(Role::Accent), self.theme.color(Role::Accent));
        for row in area.rows() {
            buf.set_string(row.x - 1, row.y, "▐", style);
            buf.set_string(row.right(), row.y, "▌", style);
        }
        let above = Rect { y: area.y - 1, height: 1, ..area };
        let edges = [Rect { y: area.bottom() - 1, height: 1, ..area }, above];
        for at in edges.into_iter().flat_map(Rect::positions) {
            if buf[at].symbol() == "▀" {
                buf[at].set_bg(accent);
            }
        }
        if buf[above.as_position()].symbol() == "▀" {
            buf.set_string(above.x - 1, above.y, "▗", style);
            buf.set_string(above.right(), above.y, "▖", style);
        }
    }
}

/// Returns the filled rows of a cell; a tall cell leaves half a row free to separate it from the next.
fn solid(area: Rect) -> Rect {
    Rect { height: area.height - u16::from(area.height >= 3), ..area }
}

/// Returns the row of a cell that holds the value.
const fn middle(height: u16) -> u16 {
    height.saturating_sub(if height >= 3 { 2 } else { 1 }) / 2
}

/// Centres `text` in `width` columns. A blank text becomes empty, so that it overwrites nothing.
pub fn centred(text: &str, width: usize) -> String {
    let before = (width + 1).saturating_sub(text.chars().count()) / 2;
    if text.trim().is_empty() { String::new() } else { format!("{}{text}", " ".repeat(before)) }
}

fn put(buf: &mut Buffer, x: u16, y: u16, text: &str, width: usize, style: Style) {
    buf.set_stringn(x, y, text, width, style);
}

/// Returns the name of a column, shortened to the width of the cells.
fn heading(column: usize, heads: usize, room: usize) -> String {
    match (column == heads, room) {
        (true, 0..=2) => "M".to_owned(),
        (true, _) => "MLP".to_owned(),
        (false, 0..=2) if !column.is_multiple_of(5) => String::new(),
        (false, 0..=2) => column.to_string(),
        (false, _) => format!("H{column}"),
    }
}
