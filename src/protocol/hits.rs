//! Which predictions of a method are right: one bit each, since a sweep has many.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Whether each of some predictions is right, `[N]`. Its text has one hexadecimal digit for four of them and their number
/// before a colon: `6:d8` is right, right, wrong, right, right, wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hits {
    count: usize,
    /// Four predictions each, the first in the highest bit.
    digits: Vec<u8>,
}

impl Hits {
    /// Compares predictions with gold labels.
    pub fn new(predicted: &[usize], gold: &[usize]) -> Self {
        predicted.iter().zip(gold).map(|(predicted, gold)| predicted == gold).collect()
    }

    /// Returns the number of predictions.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are no predictions.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns 1 for every right prediction and 0 for the others, `[N]`.
    pub fn values(&self) -> Vec<f64> {
        (0..self.count).map(|at| f64::from(self.digits[at / 4] >> (3 - at % 4) & 1)).collect()
    }

    /// Returns the share of right predictions.
    pub fn mean(&self) -> f64 {
        let right: u32 = self.digits.iter().map(|digit| digit.count_ones()).sum();
        f64::from(right) / self.count.max(1) as f64
    }
}

impl FromIterator<bool> for Hits {
    fn from_iter<I: IntoIterator<Item = bool>>(items: I) -> Self {
        let mut hits = Self::default();
        for right in items {
            if hits.count.is_multiple_of(4) {
                hits.digits.push(0);
            }
            if let Some(last) = hits.digits.last_mut() {
                *last |= u8::from(right) << (3 - hits.count % 4);
            }
            hits.count += 1;
        }
        hits
    }
}

impl From<Hits> for String {
    fn from(hits: Hits) -> Self {
        let mut text = format!("{}:", hits.count);
        for digit in hits.digits {
            let _ = write!(text, "{digit:x}");
        }
        text
    }
}

impl TryFrom<String> for Hits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a list of right and wrong predictions");
        let (count, digits) = text.split_once(':').ok_or_else(wrong)?;
        let count: usize = count.parse().map_err(|_| wrong())?;
        let digits: Option<Vec<u8>> = digits.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
        let hits = Self { count, digits: digits.ok_or_else(wrong)? };
        let unused = if count.is_multiple_of(4) { 0 } else { 0xf >> (count % 4) };
        let is_whole =
            hits.digits.len() == count.div_ceil(4) && hits.digits.last().is_none_or(|last| last & unused == 0);
        if is_whole { Ok(hits) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_round_trip() {
        for count in 0..20 {
            let right: Vec<bool> = (0..count).map(|at| at % 3 == 0 || at == 7).collect();
            let hits: Hits = right.iter().copied().collect();
            let expected: Vec<f64> = right.iter().map(|&right| f64::from(u8::from(right))).collect();
            assert_eq!((hits.len(), hits.values()), (count, expected.clone()));
            assert!((hits.mean() - expected.iter().sum::<f64>() / count.max(1) as f64).abs() < 1e-12);
            assert_eq!(Hits::try_from(String::from(hits.clone())).unwrap(), hits);
        }
        assert_eq!(String::from([true, true, false, true, true, false].into_iter().collect::<Hits>()), "6:d8");
        for bad in ["", "3", "x:0", "3:", "3:00", "3:g", "3:f", "4294967296:f"] {
            assert!(Hits::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
