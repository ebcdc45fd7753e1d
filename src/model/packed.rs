//! Prompts packed end to end, without padding.

use candle_core::{Device, Tensor};

pub use super::groups::Span;
use super::{groups::Groups, rope::Regime};
use crate::error::Result;

/// The suffixes of a batch of prompts, laid end to end: `ΣT` tokens, no padding.
///
/// Every map that works token by token runs once over all of them; only attention looks at [`Packed::spans`].
#[derive(Clone, Debug)]
pub struct Packed {
    tokens: Vec<u32>,
    lengths: Vec<usize>,
    start: usize,
    regime: Regime,
    groups: Groups,
}

impl Packed {
    /// Packs `suffixes` (none of them empty), each of which continues a prefix of `start` tokens; all of them, and the
    /// prefix, are computed under `regime`.
    pub fn new<'a>(suffixes: impl IntoIterator<Item = &'a [u32]>, start: usize, regime: Regime) -> Self {
        let (mut tokens, mut lengths) = (Vec::new(), Vec::new());
        for suffix in suffixes {
            tokens.extend_from_slice(suffix);
            lengths.push(suffix.len());
        }
        Self { tokens, lengths, start, regime, groups: Groups::default() }
    }

    /// All token ids, `[ΣT]`.
    pub fn tokens(&self, device: &Device) -> Result<Tensor> {
        Ok(Tensor::from_slice(&self.tokens, self.tokens.len(), device)?)
    }

    /// Tokens before each suffix.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Which rotary frequencies apply.
    pub const fn regime(&self) -> Regime {
        self.regime
    }

    /// How attention on a card lays them out.
    pub(super) const fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Number of prompts `B`.
    pub fn prompts(&self) -> usize {
        self.lengths.len()
    }

    /// Position of every token in its whole prompt, `[ΣT]`.
    pub fn positions(&self) -> Vec<u32> {
        let start = self.start;
        self.lengths.iter().flat_map(|&len| (start..start + len).map(|position| position as u32)).collect()
    }

    /// Where each prompt's suffix lies.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.lengths.iter().scan(0, |at, &len| {
            let span = Span { at: *at, len };
            *at += len;
            Some(span)
        })
    }

    /// Row of every prompt's last token, `[B]`.
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
