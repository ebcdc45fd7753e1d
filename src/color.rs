//! Colours and colour scales, for screens and figures.
//!
//! Scales are computed in OKLab (Björn Ottosson, 2020), in which equal steps look equal.

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// An OKLab colour: lightness and two opponent axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lab {
    /// Lightness, 0 to 1.
    pub l: f64,
    /// From green to red.
    pub a: f64,
    /// From blue to yellow.
    pub b: f64,
}

impl Rgb {
    /// Parses `#rrggbb`; `None` if the text has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self(byte(0)?, byte(2)?, byte(4)?))
    }

    /// Converts to OKLab.
    pub fn lab(self) -> Lab {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let rgb = [self.0, self.1, self.2].map(linear);
        let cone = |row: [f64; 3]| row.iter().zip(&rgb).map(|(weight, value)| weight * value).sum::<f64>().cbrt();
        let l = cone([0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9]);
        let m = cone([0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6]);
        let s = cone([0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5]);
        Lab {
            l: 0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            a: 1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            b: 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        }
    }

    /// Formats as `#rrggbb`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Lab {
    /// Returns the perceptual difference of two colours: their distance in OKLab.
    pub fn distance(self, other: Self) -> f64 {
        ((self.l - other.l).powi(2) + (self.a - other.a).powi(2) + (self.b - other.b).powi(2)).sqrt()
    }

    /// Interpolates: returns the colour at the share `t` of the way to `other`.
    #[must_use]
    pub fn towards(self, other: Self, t: f64) -> Self {
        let mix = |from: f64, to: f64| from + (to - from) * t;
        Self { l: mix(self.l, other.l), a: mix(self.a, other.a), b: mix(self.b, other.b) }
    }

    /// Converts to sRGB, clipped to its range.
    pub fn rgb(self) -> Rgb {
        let l = (self.l + 0.396_337_777_4 * self.a + 0.215_803_757_3 * self.b).powi(3);
        let m = (self.l - 0.105_561_345_8 * self.a - 0.063_854_172_8 * self.b).powi(3);
        let s = (self.l - 0.089_484_177_5 * self.a - 1.291_485_548_0 * self.b).powi(3);
        let byte = |linear: f64| {
            let c = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
            (c * 255.0).round().clamp(0.0, 255.0) as u8
        };
        Rgb(
            byte(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
            byte(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
            byte(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
        )
    }
}

/// Returns a diverging scale of `2·steps + 1` colours, from the first of `low` over `neutral` to the last of `high`,
/// with perceptually equal steps on each side.
pub fn diverging(low: &[Rgb], neutral: Rgb, high: &[Rgb], steps: usize) -> Vec<Rgb> {
    let lab = |colors: &[Rgb]| colors.iter().map(|color| color.lab()).collect::<Vec<_>>();
    let left = evenly_spaced(&[lab(low), vec![neutral.lab()]].concat(), steps);
    let right = evenly_spaced(&[vec![neutral.lab()], lab(high)].concat(), steps);
    left.into_iter().chain(right.into_iter().skip(1)).map(Lab::rgb).collect()
}

/// Returns `steps + 1` colours at equal distances along the path through `stops`.
fn evenly_spaced(stops: &[Lab], steps: usize) -> Vec<Lab> {
    let segments: Vec<f64> = stops.windows(2).map(|pair| pair[0].distance(pair[1])).collect();
    let step = segments.iter().sum::<f64>() / steps as f64;
    let along = |mut distance: f64| {
        for (segment, pair) in segments.iter().zip(stops.windows(2)) {
            if distance <= *segment {
                return pair[0].towards(pair[1], distance / segment.max(f64::MIN_POSITIVE));
            }
            distance -= segment;
        }
        stops[stops.len() - 1]
    };
    (0..=steps).map(|index| along(index as f64 * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oklab_round_trips() {
        for rgb in [Rgb(0, 0, 0), Rgb(255, 255, 255), Rgb(200, 30, 90), Rgb(1, 128, 254)] {
            assert_eq!(rgb.lab().rgb(), rgb);
        }
        assert!((Rgb(255, 255, 255).lab().l - 1.0).abs() < 1e-6);
    }

    #[test]
    fn hexadecimal_round_trips() {
        assert_eq!(Rgb::parse("#ff8000"), Some(Rgb(255, 128, 0)));
        assert_eq!(Rgb(255, 128, 0).hex(), "#ff8000");
        assert_eq!(Rgb::parse("#ff80"), None);
    }

    #[test]
    fn a_scale_goes_from_low_over_neutral_to_high() {
        let table = diverging(&[Rgb(200, 90, 20)], Rgb(250, 250, 250), &[Rgb(20, 80, 180)], 8);
        assert_eq!(
            (table.len(), table[0], table[8], table[16]),
            (17, Rgb(200, 90, 20), Rgb(250, 250, 250), Rgb(20, 80, 180))
        );
    }
}
