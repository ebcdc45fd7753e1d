//! Attributes prompts in batches after their shared prefix.

use super::{Collector, LabelProjection, hidden::HiddenProbe, workers};
use crate::{
    attribution::Batch,
    cancel::Cancel,
    error::{Error, Result},
    model::{Decoder, Intervention, Packed, PrefixCache, Probe, Prompt, Regime, prompt::shared_prefix},
};

/// Size of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Maximum suffix tokens per batch; a batch has at least one prompt.
    pub tokens: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { tokens: 512 }
    }
}

impl BatchSize {
    /// Returns the size that splits `prompts` evenly among the workers: about the same number of batches each, none
    /// larger than this size times [`Decoder::batch_factor`].
    pub(crate) fn even<P: Prompt>(self, decoder: &Decoder, prompts: &[P], shared: usize) -> Self {
        let workers = workers::count(decoder);
        let most = self.tokens.max(1) * decoder.batch_factor();
        let lengths = || prompts.iter().map(|prompt| prompt.len() - shared);
        let total: usize = lengths().sum();
        let batches = total.div_ceil(most * workers).max(1) * workers;
        Self { tokens: (total.div_ceil(batches) + lengths().max().unwrap_or(0) / 2).min(most) }
    }

    /// Splits `prompts`, without their first `shared` tokens, into batches of one regime each.
    pub fn batches<'p, P: Prompt>(
        self,
        decoder: &Decoder,
        prompts: &'p [P],
        shared: usize,
    ) -> Vec<(Regime, Vec<&'p [u32]>)> {
        let regime = |prompt: &P| decoder.regime(prompt.len());
        let mut waiting = prompts.iter().map(|prompt| (regime(prompt), prompt.suffix(shared))).peekable();
        let mut batches = Vec::new();
        while let Some(&(regime, _)) = waiting.peek() {
            let mut room = self.tokens;
            let mut batch: Vec<&[u32]> = Vec::new();
            let fits = |room: usize, suffix: &[u32], batch: &[&[u32]]| batch.is_empty() || suffix.len() <= room;
            while let Some((_, suffix)) = waiting.next_if(|(own, x)| *own == regime && fits(room, x, &batch)) {
                room = room.saturating_sub(suffix.len());
                batch.push(suffix);
            }
            batches.push((regime, batch));
        }
        batches
    }
}

/// Computed shared prefix of a set of prompts, ready for attribution.
#[derive(Debug)]
pub struct Prepared<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    shared: usize,
    /// One prefix per regime among the prompts.
    prefixes: Vec<(Regime, PrefixCache)>,
}

impl<'a> Prepared<'a> {
    /// Computes the longest common token prefix of `prompts` once.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a failed computation.
    pub fn new<P: Prompt>(
        decoder: &'a Decoder,
        projection: &'a LabelProjection,
        prompts: &[P],
        cancel: &Cancel,
    ) -> Result<Self> {
        let shared = shared_prefix(prompts);
        let tokens: Vec<u32> = prompts.first().map_or_else(Vec::new, |prompt| prompt.tokens().take(shared).collect());
        Self::with_prefix(decoder, projection, &tokens, prompts, cancel)
    }

    /// As [`Prepared::new`], with `tokens` as the shared prefix. Prompts that begin with only some of them need
    /// [`Prepared::shortened`].
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn with_prefix<P: Prompt>(
        decoder: &'a Decoder,
        projection: &'a LabelProjection,
        tokens: &[u32],
        prompts: &[P],
        cancel: &Cancel,
    ) -> Result<Self> {
        let (shared, none) = (tokens.len(), Intervention::none());
        let regimes = [Regime::Short, Regime::Long].into_iter();
        let occurs = |regime| prompts.iter().any(|prompt| decoder.regime(prompt.len()) == regime);
        let prefixes = regimes.filter(|&regime| occurs(regime));
        let prefixes = prefixes.map(|regime| Ok((regime, decoder.prefix(tokens, regime, &none, cancel)?)));
        let prefixes = prefixes.collect::<Result<_>>()?;
        Ok(Self { decoder, projection, shared, prefixes })
    }

    /// Returns the same for prompts that share only the first `tokens` of the prefix; nothing is computed again.
    ///
    /// # Errors
    /// If the prefix has fewer tokens.
    pub fn shortened(&self, tokens: usize) -> Result<Self> {
        let prefixes = self.prefixes.iter().map(|(regime, prefix)| Ok((*regime, prefix.first(tokens)?)));
        let prefixes = prefixes.collect::<Result<_>>()?;
        Ok(Self { shared: tokens, prefixes, ..*self })
    }

    /// Returns the number of tokens in the shared prefix.
    pub const fn prefix_tokens(&self) -> usize {
        self.shared
    }

    /// Attributes `prompts` (including the shared prefix) and passes the batches to `deliver` in order.
    ///
    /// On the CPU the bytes do not depend on the [`BatchSize`] or the number of threads. On other devices, values for
    /// different batch sizes agree up to f32 rounding.
    ///
    /// # Errors
    /// [`Error::Cancelled`] between layers, or a failed computation.
    pub fn attribute<P: Prompt>(
        &self,
        prompts: &[P],
        size: BatchSize,
        cancel: &Cancel,
        deliver: impl FnMut(Batch),
    ) -> Result<()> {
        let batches = size.even(self.decoder, prompts, self.shared).batches(self.decoder, prompts, self.shared);
        let work = |(regime, batch): &(Regime, Vec<&[u32]>)| self.attribute_batch(batch, *regime, cancel);
        workers::run_in_order(self.decoder, &batches, work, deliver)
    }

    /// Collects the hidden states of `prompts` (including the shared prefix), `[B, values]` per batch, and passes them to
    /// `deliver` in order.
    ///
    /// # Errors
    /// As [`Prepared::attribute`].
    pub fn hidden<P: Prompt>(
        &self,
        prompts: &[P],
        size: BatchSize,
        cancel: &Cancel,
        deliver: impl FnMut((Vec<f32>, usize)),
    ) -> Result<()> {
        let batches = size.even(self.decoder, prompts, self.shared).batches(self.decoder, prompts, self.shared);
        let work = |(regime, batch): &(Regime, Vec<&[u32]>)| {
            let mut probe = HiddenProbe::new(self.decoder);
            self.forward(batch, *regime, &mut probe, cancel)?;
            Ok((probe.finish()?, batch.len()))
        };
        workers::run_in_order(self.decoder, &batches, work, deliver)
    }

    fn attribute_batch(&self, suffixes: &[&[u32]], regime: Regime, cancel: &Cancel) -> Result<Batch> {
        let mut collector = Collector::new(self.decoder, self.projection);
        self.forward(suffixes, regime, &mut collector, cancel)?;
        collector.finish(suffixes.len())
    }

    fn forward(&self, suffixes: &[&[u32]], regime: Regime, probe: &mut dyn Probe, cancel: &Cancel) -> Result<()> {
        let packed = Packed::new(suffixes.iter().copied(), self.shared, regime);
        let Some((_, prefix)) = self.prefixes.iter().find(|(own, _)| *own == regime) else {
            return Err(Error::Model("a prompt has a length class that was not prepared".to_owned()));
        };
        self.decoder.forward(packed, prefix, &Intervention::none(), probe, cancel)
    }
}
