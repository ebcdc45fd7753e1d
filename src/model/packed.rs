//! Packing of prompts end to end, without padding.

use candle_core::{Device, Tensor};

pub use super::groups::Span;
use super::{groups::Groups, rope::Regime};
use crate::error::Result;

/// The suffixes of a batch of prompts, laid end to end: `ΣT` tokens, no padding.
///
/// Operations on single tokens run once over all of them; only attention uses [`Packed::spans`].
#[derive(Clone, Debug)]
pub struct Packed {
    tokens: Vec<u32>,
    lengths: Vec<usize>,
    start: usize,
    regime: Regime,
    groups: Groups,
}

impl Packed {
    /// Packs non-empty `suffixes`, each of which continues a prefix of `start` tokens. All of them and the prefix use
    /// the frequencies of `regime`.
    pub fn new<'a>(suffixes: impl IntoIterator<Item = &'a [u32]>, start: usize, regime: Regime) -> Self {
        let (mut tokens, mut lengths) = (Vec::new(), Vec::new());
        for suffix in suffixes {
            tokens.extend_from_slice(suffix);
            lengths.push(suffix.len());
        }
        Self { tokens, lengths, start, regime, groups: Groups::default() }
    }

    /// Returns all token ids, `[ΣT]`.
    pub fn tokens(&self, device: &Device) -> Result<Tensor> {
        Ok(Tensor::from_slice(&self.tokens, self.tokens.len(), device)?)
    }

    /// Returns the number of tokens of all suffixes, `ΣT`.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the number of tokens before each suffix.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Returns the regime of the rotary frequencies.
    pub const fn regime(&self) -> Regime {
        self.regime
    }

    /// Returns the groups of prompts for attention on a card.
    pub(super) const fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Returns the number of prompts `B`.
    pub fn prompts(&self) -> usize {
        self.lengths.len()
    }

    /// Returns the position of every token in its whole prompt, `[ΣT]`.
    pub fn positions(&self) -> Vec<u32> {
        let start = self.start;
        self.lengths.iter().flat_map(|&len| (start..start + len).map(|position| position as u32)).collect()
    }

    /// Returns the rows of each prompt's suffix.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.lengths.iter().scan(0, |at, &len| {
            let span = Span { at: *at, len };
            *at += len;
            Some(span)
        })
    }

    /// Returns the row of every prompt's last token, `[B]`.
    pub fn last_rows(&self, device: &Device) -> Result<Tensor> {
        let rows: Vec<u32> = self.spans().map(|span| (span.at + span.len - 1) as u32).collect();
        Ok(Tensor::from_vec(rows, self.lengths.len(), device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_restart_after_the_prefix() {
        let packed = Packed::new([&[7, 8][..], &[9], &[1, 2, 3]], 5, Regime::Short);
        assert_eq!(packed.positions(), [5, 6, 5, 5, 6, 7]);
        assert_eq!(packed.last_rows(&Device::Cpu).unwrap().to_vec1::<u32>().unwrap(), [1, 2, 5]);
        assert_eq!(packed.spans().nth(2), Some(Span { at: 3, len: 3 }));
    }
}
