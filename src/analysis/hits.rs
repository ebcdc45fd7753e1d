//! Which predictions of a method are right: one bit each, since a sweep has many.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Bits in a word.
const WORD: usize = u64::BITS as usize;
/// Predictions of one hexadecimal digit.
const DIGIT: usize = 4;

/// Whether each of some predictions is right, `[N]`. Its text has one hexadecimal digit for four of them and their number
/// before a colon: `6:d8` is right, right, wrong, right, right, wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hits {
    count: usize,
    /// The first prediction is the highest bit of the first word; bits after the last one are 0.
    words: Vec<u64>,
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

    /// Returns the words, of 64 predictions each.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns 1 for every right prediction and 0 for the others, `[N]`.
    pub fn values(&self) -> Vec<f64> {
        (0..self.count).map(|at| if self.words[at / WORD] & bit(at) == 0 { 0.0 } else { 1.0 }).collect()
    }

    /// Returns the share of right predictions.
    pub fn mean(&self) -> f64 {
        let right: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        f64::from(right) / self.count.max(1) as f64
    }
}

/// Returns the bit of the prediction `at` in its word.
pub(in crate::analysis) const fn bit(at: usize) -> u64 {
    1 << (WORD - 1 - at % WORD)
}

impl FromIterator<bool> for Hits {
    fn from_iter<I: IntoIterator<Item = bool>>(items: I) -> Self {
        let mut hits = Self::default();
        for right in items {
            if hits.count.is_multiple_of(WORD) {
                hits.words.push(0);
            }
            if let Some(last) = hits.words.last_mut().filter(|_| right) {
                *last |= bit(hits.count);
            }
            hits.count += 1;
        }
        hits
    }
}

impl From<Hits> for String {
    fn from(hits: Hits) -> Self {
        let mut digits = Self::new();
        for word in hits.words {
            let _ = write!(digits, "{word:016x}");
        }
        digits.truncate(hits.count.div_ceil(DIGIT));
        format!("{}:{digits}", hits.count)
    }
}

impl TryFrom<String> for Hits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a list of right and wrong predictions");
        let (count, digits) = text.split_once(':').ok_or_else(wrong)?;
        let count: usize = count.parse().map_err(|_| wrong())?;
        let is_whole = digits.len() == count.div_ceil(DIGIT) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_whole {
            return Err(wrong());
        }
        let word = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some(u64::from_str_radix(digits, 16).ok()? << (WORD - DIGIT * digits.len()))
        };
        let words: Option<Vec<u64>> = digits.as_bytes().chunks(WORD / DIGIT).map(word).collect();
        let hits = Self { count, words: words.ok_or_else(wrong)? };
        let unused = if count.is_multiple_of(WORD) { 0 } else { u64::MAX >> (count % WORD) };
        if hits.words.last().is_none_or(|last| last & unused == 0) { Ok(hits) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_round_trip() {
        for count in (0..20).chain([63, 64, 65, 128, 200]) {
            let right: Vec<bool> = (0..count).map(|at| at % 3 == 0 || at == 7).collect();
            let hits: Hits = right.iter().copied().collect();
            let expected: Vec<f64> = right.iter().map(|&right| f64::from(u8::from(right))).collect();
            assert_eq!((hits.len(), hits.values()), (count, expected.clone()));
            assert!((hits.mean() - expected.iter().sum::<f64>() / count.max(1) as f64).abs() < 1e-12);
            assert_eq!(Hits::try_from(String::from(hits.clone())).unwrap(), hits);
        }
        assert_eq!(String::from([true, true, false, true, true, false].into_iter().collect::<Hits>()), "6:d8");
        for bad in ["", "3", "x:0", "3:", "3:00", "3:g", "3:f", "4294967296:f", "6:d9", "8:+d", "6:é"] {
            assert!(Hits::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
