//! Sizes in bytes: how they are read and written. In units as on disks: 1 MB is 10⁶ bytes, 1 MiB is 2²⁰.

/// Formats a number of bytes: `512 B`, `12 kB`, `3.4 MB`, `2.10 GB`; without decimals if there are none, as in `4 GB`.
///
/// ```
/// assert_eq!(partscope::size::format_size(3_440_000), "3.4 MB");
/// assert_eq!(partscope::size::format_size(4_000_000_000), "4 GB");
/// ```
pub fn format_size(bytes: u64) -> String {
    let (unit, name, digits) = match bytes {
        // From the number on that would be rounded to the next unit.
        0..1_000 => (1, "B", 0),
        1_000..999_500 => (1_000, "kB", 0),
        999_500..999_950_000 => (1_000_000, "MB", 1),
        999_950_000..999_995_000_000 => (1_000_000_000, "GB", 2),
        _ => (1_000_000_000_000_u64, "TB", 2),
    };
    let digits = if bytes.is_multiple_of(unit) { 0 } else { digits };
    format!("{:.digits$} {name}", bytes as f64 / unit as f64)
}

/// Parses a size: `4096`, `500MB`, `4G`, `1.5 GiB`. Upper and lower case are the same. Returns `None` for anything else,
/// and for sizes of 2⁶⁴ bytes and more.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = match text[digits.len()..].trim() {
        "" | "b" => 1_u64,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    if let Ok(count) = digits.parse::<u64>() {
        return count.checked_mul(unit);
    }
    let bytes = digits.parse::<f64>().ok()? * unit as f64;
    (bytes >= 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_units() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("2 KB", 2000),
            ("1.5m", 1_500_000),
            ("4GB", 4_000_000_000),
            ("1.5GiB", 3 << 29),
            ("1TiB", 1 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "-1", "GB", "4 x", "1e30", "nan", "inf", "4GB4", "18446744073709551616", "18446745TB", "é"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_largest_unit_below_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (310_400, "310 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (16_000_000, "16 MB"),
            (999_949_999, "999.9 MB"),
            (999_950_000, "1.00 GB"),
            (2_104_000_000, "2.10 GB"),
            (1_000_000_000_000, "1 TB"),
            (u64::MAX, "18446744.07 TB"),
        ] {
            assert_eq!(format_size(bytes), text);
            let read = parse_size(text).unwrap() as f64;
            assert!((read - bytes as f64).abs() <= 0.005 * bytes as f64, "{text}");
        }
    }
}
