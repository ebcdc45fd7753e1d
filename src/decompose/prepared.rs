//! Prompts cut into batches behind their shared prefix.

use super::{Collector, LabelProjection, workers};
use crate::{
    attribution::Batch,
    cancel::Cancel,
    error::{Error, Result},
    model::{Decoder, Intervention, Packed, PrefixCache, Prompt, Regime, prompt::shared_prefix},
};

/// How the work is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Suffix tokens per batch, at most; a batch holds at least one prompt.
    pub tokens: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { tokens: 512 }
    }
}

impl BatchSize {
    /// The size that shares `prompts` evenly among those who work on them: each of them gets about the same number of batches, none of
    /// them larger than this; twice as large where every batch costs something besides.
    pub(crate) fn even<P: Prompt>(self, decoder: &Decoder, prompts: &[P], shared: usize) -> Self {
        let workers = workers::count(decoder);
        let most = self.tokens.max(1) * if decoder.prefers_one_batch() { 2 } else { 1 };
        let lengths = || prompts.iter().map(|prompt| prompt.len() - shared);
        let total: usize = lengths().sum();
        let batches = total.div_ceil(most * workers).max(1) * workers;
        Self { tokens: (total.div_ceil(batches) + lengths().max().unwrap_or(0) / 2).min(most) }
    }

    /// Cuts `prompts` into batches of one regime each, without the first `shared` tokens of every prompt.
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

/// Prompts ready to be attributed: their shared prefix is computed.
#[derive(Debug)]
pub struct Prepared<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    change: Intervention,
    shared: usize,
    /// One per regime among the prompts.
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
        Self::changed(decoder, projection, prompts, Intervention::none(), cancel)
    }

    /// The same for a model in which `change` is made: an ablated re-run.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn changed<P: Prompt>(
        decoder: &'a Decoder,
        projection: &'a LabelProjection,
        prompts: &[P],
        change: Intervention,
        cancel: &Cancel,
    ) -> Result<Self> {
        let shared = shared_prefix(prompts);
        let tokens: Vec<u32> = prompts.first().map_or_else(Vec::new, |prompt| prompt.tokens().take(shared).collect());
        let regimes = [Regime::Short, Regime::Long].into_iter();
        let found = |regime| prompts.iter().any(|prompt| decoder.regime(prompt.len()) == regime);
        let prefixes = regimes.filter(|&regime| found(regime));
        let prefixes = prefixes.map(|regime| Ok((regime, decoder.prefix(&tokens, regime, &change, cancel)?)));
        let prefixes = prefixes.collect::<Result<_>>()?;
        Ok(Self { decoder, projection, change, shared, prefixes })
    }

    /// Tokens that were computed once.
    pub const fn prefix_tokens(&self) -> usize {
        self.shared
    }

    /// Attributes `prompts` (whole ones, each starting with the shared prefix) and hands out batches in order.
    ///
    /// On the CPU the same prompts give the same bytes, whatever the [`BatchSize`] and the number of threads; with quantised
    /// weights, and on other devices, other batch sizes give values equal to f32 rounding.
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
        workers::arranged(self.decoder, &batches, work, deliver)
    }

    fn attribute_batch(&self, suffixes: &[&[u32]], regime: Regime, cancel: &Cancel) -> Result<Batch> {
        let packed = Packed::new(suffixes.iter().copied(), self.shared, regime);
        let Some((_, prefix)) = self.prefixes.iter().find(|(own, _)| *own == regime) else {
            return Err(Error::Model("a prompt is of another length class than those prepared for".to_owned()));
        };
        let mut collector = Collector::new(self.decoder, self.projection);
        self.decoder.forward(packed, prefix, &self.change, &mut collector, cancel)?;
        collector.finish(suffixes.len())
    }
}
