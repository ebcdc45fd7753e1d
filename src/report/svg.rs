//! SVG drawings of boxes, lines, dots and text.
//!
//! Lengths are in CSS pixels. Numbers have at most two decimals, so that equal drawings give equal bytes.

use std::fmt::Write;

/// The point of a text that its position refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// Font families of figures, in order of preference; [`png`](super::png) embeds DejaVu Sans.
pub(super) const FONTS: &str = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";

/// An SVG drawing, to which elements are added.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    /// Creates an empty drawing.
    pub(super) const fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Draws a filled box; `tip` is its tooltip.
    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, tip: Option<&str>) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let _ = write!(self.body, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"");
        self.close("rect", tip);
    }

    /// Draws a straight line.
    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str, width: f64) {
        let [x1, y1, x2, y2, width] = [x1, y1, x2, y2, width].map(number);
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"
        );
    }

    /// Draws a line through points.
    pub(super) fn polyline(&mut self, points: &[(f64, f64)], stroke: &str, width: f64) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            points.join(" "),
            number(width)
        );
    }

    /// Draws a dot; `tip` is its tooltip.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, opacity: f64, tip: Option<&str>) {
        let [x, y, radius, opacity] = [x, y, radius, opacity].map(number);
        let _ = write!(
            self.body,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\" fill-opacity=\"{opacity}\""
        );
        self.close("circle", tip);
    }

    /// Draws text on a baseline at `at`.
    pub(super) fn text(&mut self, at: (f64, f64), size: f64, fill: &str, anchor: Anchor, text: &str) {
        self.write_text(at, size, fill, anchor, text, "");
    }

    /// Draws bold text.
    pub(super) fn bold(&mut self, at: (f64, f64), size: f64, fill: &str, anchor: Anchor, text: &str) {
        self.write_text(at, size, fill, anchor, text, " font-weight=\"bold\"");
    }

    /// Draws text that is rotated to read from bottom to top.
    pub(super) fn upright(&mut self, at: (f64, f64), size: f64, fill: &str, anchor: Anchor, text: &str) {
        let rotation = format!(" transform=\"rotate(-90 {} {})\"", number(at.0), number(at.1));
        self.write_text(at, size, fill, anchor, text, &rotation);
    }

    fn write_text(&mut self, (x, y): (f64, f64), size: f64, fill: &str, anchor: Anchor, text: &str, attributes: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let [x, y, size] = [x, y, size].map(number);
        let text = escape(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\"{attributes}>{text}</text>"
        );
    }

    fn close(&mut self, name: &str, tip: Option<&str>) {
        let _ = match tip {
            Some(tip) => writeln!(self.body, "><title>{}</title></{name}>", escape(tip)),
            None => writeln!(self.body, "/>"),
        };
    }

    /// Returns the SVG document, on white.
    pub(super) fn finish(self) -> String {
        let (width, height) = (number(self.width), number(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"{FONTS}\">\n<rect width=\"{width}\" height=\"{height}\" \
             fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// Formats `value` with at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Escapes text for XML: removes control characters and escapes the five special characters.
pub(super) fn escape(text: &str) -> String {
    let text = crate::text::printable(text);
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.126, -0.001, 12.5].map(number), ["1", "0.13", "0", "12.5"]);
    }

    #[test]
    fn text_cannot_break_the_document() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 2.0), 9.0, "#000", Anchor::End, "a<b & \"c\"\x1b]0;x\x07");
        canvas.rect((0.0, 0.0), (1.0, 1.0), "#fff", Some("</title>"));
        let svg = canvas.finish();
        assert!(svg.contains(">a&lt;b &amp; &quot;c&quot;]0;x</text>"), "{svg}");
        assert!(svg.contains("<title>&lt;/title&gt;</title></rect>"), "{svg}");
    }
}
