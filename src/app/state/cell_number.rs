//! Numbers in cells of a few characters.
//!
//! What stands in a cell is never another number. A decimal never reads as zero, nor as a whole number that is a fifth
//! off; a value that does not fit is shown by its sign alone, and a share by its tenth.

/// Unit of a quantity, which determines its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, in percent.
    Percent,
    /// A difference of shares, in percentage points.
    Points,
    /// A natural logarithm.
    Nats,
    /// A weight.
    Factor,
}

/// Largest error of rounding to a whole number, relative to the value.
const ROUNDING: f64 = 0.2;

impl Unit {
    /// Name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Points => "points",
            Self::Nats => "nats",
            Self::Factor => "×",
        }
    }

    /// Whether values have a sign.
    pub const fn is_signed(self) -> bool {
        !matches!(self, Self::Percent)
    }

    /// Formats a value as precisely as `width` characters allow.
    pub fn number(self, value: f64, width: usize) -> String {
        if value.is_nan() {
            return "?".to_owned();
        }
        if !(value * 100.0).is_finite() {
            return self.sign(value);
        }
        let fits = |text: &String| text.chars().count() <= width;
        let found = match self {
            // In fewer columns 5 could be 5 % or 50 %.
            Self::Percent => Some(format!("{:.0}", value * 100.0)).filter(|text| width >= 3 && fits(text)),
            Self::Points => Some(whole(value * 100.0)).filter(fits),
            Self::Nats | Self::Factor => (0..=2).rev().filter_map(|digits| decimal(value, digits)).find(fits),
        };
        found.unwrap_or_else(|| self.sign(value))
    }

    /// Returns what stands for a value that does not fit: the tenth of a share, the sign of any other value.
    fn sign(self, value: f64) -> String {
        match self {
            Self::Percent => ((value * 10.0 + 1e-9).clamp(0.0, 9.0) as u32).to_string(),
            _ if value < 0.0 => "-".to_owned(),
            _ => "+".to_owned(),
        }
    }
}

/// Formats a signed whole number; zero has no sign.
fn whole(value: f64) -> String {
    let text = format!("{value:+.0}");
    if text == "+0" || text == "-0" { "0".to_owned() } else { text }
}

/// Formats a number with this many decimals and no zero before the point: `.35`, `-.4`, `1.2`, `12`. `None` if it would
/// read as zero, or as a whole number that is a fifth off.
fn decimal(value: f64, digits: usize) -> Option<String> {
    let text = format!("{value:.digits$}");
    let shown: f64 = text.parse().ok()?;
    let is_far = digits == 0 && (shown - value).abs() > ROUNDING * value.abs();
    if digits < 2 && value.abs() >= 0.005 && (shown == 0.0 || is_far) {
        return None;
    }
    let text = text.replacen("0.", ".", usize::from(shown.abs() < 1.0));
    Some(if text.trim_matches(['-', '.', '0']).is_empty() { "0".to_owned() } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::metric::Metric;

    /// Returns the number that a reader sees in `text`, in the quantity's own scale.
    fn read(unit: Unit, text: &str) -> Option<f64> {
        let number: f64 = text.parse().ok()?;
        Some(if matches!(unit, Unit::Percent | Unit::Points) { number / 100.0 } else { number })
    }

    #[test]
    fn what_stands_in_a_cell_is_never_another_number() {
        let shares = [0.0, 0.004, 0.05, 0.094, 0.095, 0.5, 0.594, 0.934, 0.95, 0.994, 0.995, 0.998, 1.0];
        let sizes = [0.0, 1e-9, 0.004, 0.01, 0.05, 0.095, 0.149, 0.42, 0.5, 0.6, 0.949, 0.96, 0.999, 1.0, 1.25, 1.5];
        let sizes = sizes.into_iter().chain([2.0, 9.4, 9.96, 12.3, 99.6, 100.0, 999.5, 1234.5, 1e7, f64::MAX]);
        let signed: Vec<f64> = sizes.flat_map(|size| [size, -size]).chain([f64::INFINITY, f64::NEG_INFINITY]).collect();
        for &metric in Metric::ALL {
            let unit = metric.unit();
            let values = if unit.is_signed() { &signed[..] } else { &shares[..] };
            for (&value, width) in values.iter().flat_map(|value| (1..=5).map(move |width| (value, width))) {
                let text = unit.number(value, width);
                let what = format!("{} {value} in {width}: {text:?}", metric.title());
                assert!((1..=width).contains(&text.chars().count()), "{what}");
                match read(unit, &text) {
                    _ if text == "+" || text == "-" => {
                        assert!(unit.is_signed() && value != 0.0 && (value < 0.0) == (text == "-"), "{what}");
                    }
                    Some(tenth) if unit == Unit::Percent && width < 3 => {
                        let low = tenth * 10.0;
                        assert!((low..low + 0.1 + 1e-9).contains(&value) || (text == "9" && value >= 0.9), "{what}");
                    }
                    Some(shown) => {
                        let tenths = text.split_once('.').is_some_and(|(_, digits)| digits.len() == 1);
                        let grain = if tenths { 0.05 } else { 0.005 };
                        let allowed = (grain + 1e-9_f64).max(ROUNDING * value.abs());
                        assert!((shown - value).abs() <= allowed, "{what}");
                        assert!(shown == 0.0 || (shown < 0.0) == (value < 0.0), "{what}");
                    }
                    None => panic!("{what}"),
                }
            }
        }
        assert_eq!(Unit::Nats.number(f64::NAN, 3), "?");
    }

    #[test]
    fn numbers_use_the_room() {
        for (unit, value, width, text) in [
            (Unit::Percent, 1.0, 3, "100"),
            (Unit::Percent, 1.0, 2, "9"),
            (Unit::Percent, 0.998, 3, "100"),
            (Unit::Points, -0.28, 3, "-28"),
            (Unit::Points, 0.25, 2, "+"),
            (Unit::Nats, -0.42, 4, "-.42"),
            (Unit::Nats, -0.42, 3, "-.4"),
            (Unit::Nats, -0.42, 2, "-"),
            (Unit::Nats, 0.03, 2, "+"),
            (Unit::Factor, 0.6, 1, "+"),
            (Unit::Factor, 1.0, 1, "1"),
            (Unit::Factor, 12.3, 2, "12"),
        ] {
            assert_eq!(unit.number(value, width), text, "{value} in {width}");
        }
    }
}
