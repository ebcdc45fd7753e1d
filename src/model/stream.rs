//! The forward pass, one layer at a time. It can stop between two layers and be resumed more than once.
//!
//! A change in one layer does not affect earlier layers. To try many changes, keep one stream before the layer of the
//! next change and run copies of it (which share their tensors) through the remaining layers.

use candle_core::Tensor;

use super::{
    attention::KvCache,
    decoder::Decoder,
    intervention::{ChangedRows, Intervention, Positions},
    layer::Flow,
    packed::Packed,
    probe::{NoProbe, Probe},
    rope::{Angles, Regime},
};
use crate::{cancel::Cancel, error::Result};

/// Prefix tokens per pass, which limits the score matrix of a long prefix.
const PREFIX_CHUNK: usize = 256;
/// The same on a card, which is faster with more tokens at a time.
const CARD_PREFIX_CHUNK: usize = 2048;

/// A packed batch before one of the layers.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    decoder: &'a Decoder,
    packed: Packed,
    layer: usize,
    /// `[ΣT, d]`, or `[B, d]` if only last tokens are computed.
    residual: Tensor,
    angles: Vec<Angles>,
    last_rows: Tensor,
    /// If only last tokens are computed: keys and values of the whole prompts, per layer.
    cached: Option<&'a [KvCache]>,
    /// Whether the last layer computes all tokens.
    whole: bool,
}

impl<'a> Stream<'a> {
    /// Starts a batch before the first layer.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn begin(decoder: &'a Decoder, packed: Packed) -> Result<Self> {
        let residual = decoder.embed(&packed, &packed.positions())?;
        Self::begin_at(decoder, packed, 0, residual)
    }

    /// Starts a batch before `layer`, where its tokens have the residual stream `residual`, `[ΣT, d]`.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn begin_at(decoder: &'a Decoder, packed: Packed, layer: usize, residual: Tensor) -> Result<Self> {
        let (positions, device) = (packed.positions(), decoder.device());
        let angles = decoder.ropes.iter().map(|rope| rope.angles(&positions, packed.regime(), device));
        Ok(Self {
            decoder,
            layer,
            residual,
            angles: angles.collect::<Result<_>>()?,
            last_rows: packed.last_rows(device)?,
            packed,
            cached: None,
            whole: false,
        })
    }

    /// Computes all tokens in the last layer too, not only the last ones, for probes that read all positions.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Returns a stream of the last tokens only; `cached` has the keys and values of all its tokens, per layer of the
    /// model.
    ///
    /// This suffices for a change at last positions, since other tokens do not depend on it.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn last_only(&self, cached: &'a [KvCache]) -> Result<Self> {
        let angles = self.angles.iter().map(|angles| angles.select(&self.last_rows));
        Ok(Self {
            residual: self.residual.index_select(&self.last_rows, 0)?,
            angles: angles.collect::<Result<_>>()?,
            cached: Some(cached),
            ..self.clone()
        })
    }

    /// Returns the index of the next layer.
    pub const fn layer(&self) -> usize {
        self.layer
    }

    /// Returns the residual stream before the next layer (`resid_pre`), `[ΣT, d]`, or `[B, d]` if only last tokens are
    /// computed.
    pub const fn residual(&self) -> &Tensor {
        &self.residual
    }

    /// Whether all layers are computed.
    pub const fn is_done(&self) -> bool {
        self.layer == self.decoder.layers.len()
    }

    /// Computes one layer and returns the keys and values of its tokens there.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn step(
        &mut self,
        prefix: Option<&KvCache>,
        change: &Intervention,
        probe: &mut dyn Probe,
        cancel: &Cancel,
    ) -> Result<KvCache> {
        cancel.check()?;
        if self.layer == 0 {
            let last_only = self.cached.is_some();
            let last =
                if last_only { self.residual.clone() } else { self.residual.index_select(&self.last_rows, 0)? };
            probe.embedding(&last)?;
        }
        let is_last = self.layer + 1 == self.decoder.layers.len();
        let selects_last = is_last && !self.whole && self.cached.is_none();
        let flow = Flow {
            packed: &self.packed,
            last_rows: &self.last_rows,
            angles: &self.angles,
            prefix,
            cached: self.cached.map(|cached| &cached[self.layer]),
            selects_last,
            changed_rows: &ChangedRows::new(
                change,
                &self.packed,
                selects_last || self.cached.is_some(),
                self.decoder.device(),
            )?,
            change,
            cancel,
        };
        let (residual, own) = self.decoder.layers[self.layer].forward(self.layer, &self.residual, &flow, probe)?;
        self.residual = residual;
        self.layer += 1;
        if self.is_done() {
            let all = self.whole && self.cached.is_none();
            probe.residual(&if all {
                self.residual.index_select(&self.last_rows, 0)?
            } else {
                self.residual.clone()
            })?;
        }
        Ok(own)
    }

    /// Computes the remaining layers.
    ///
    /// # Errors
    /// As [`Stream::step`].
    pub fn finish(
        mut self,
        prefix: &PrefixCache,
        change: &Intervention,
        probe: &mut dyn Probe,
        cancel: &Cancel,
    ) -> Result<()> {
        while !self.is_done() {
            self.step(prefix.layer(self.layer), change, probe, cancel)?;
        }
        Ok(())
    }
}

/// Keys and values of a shared prefix, per layer.
#[derive(Clone, Debug, Default)]
pub struct PrefixCache {
    tokens: usize,
    layers: Vec<KvCache>,
}

impl PrefixCache {
    /// Takes the keys and values of `tokens` tokens in every layer.
    pub const fn new(tokens: usize, layers: Vec<KvCache>) -> Self {
        Self { tokens, layers }
    }

    /// Returns the number of tokens.
    pub const fn len(&self) -> usize {
        self.tokens
    }

    /// Whether there is no shared prefix.
    pub const fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Returns the keys and values of one layer; `None` if there are no tokens.
    pub fn layer(&self, layer: usize) -> Option<&KvCache> {
        self.layers.get(layer)
    }

    /// Returns the first `tokens` of the prefix, which do not depend on later ones.
    ///
    /// # Errors
    /// If the prefix has fewer tokens.
    pub fn first(&self, tokens: usize) -> Result<Self> {
        let layers = if tokens == 0 { &[][..] } else { &self.layers };
        Ok(Self { tokens, layers: layers.iter().map(|layer| layer.first(tokens)).collect::<Result<_>>()? })
    }
}

/// The shared prefix of all prompts, before one of the layers.
#[derive(Clone, Debug)]
pub struct PrefixStream<'a> {
    decoder: &'a Decoder,
    chunks: Vec<Stream<'a>>,
    tokens: usize,
    layers: Vec<KvCache>,
}

impl<'a> PrefixStream<'a> {
    /// Starts the prefix before the first layer.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn begin(decoder: &'a Decoder, tokens: &[u32], regime: Regime) -> Result<Self> {
        let size = if decoder.is_on_card() { CARD_PREFIX_CHUNK } else { PREFIX_CHUNK };
        let chunks = tokens.chunks(size).zip((0..).step_by(size));
        let chunks = chunks.map(|(chunk, start)| Stream::begin(decoder, Packed::new([chunk], start, regime)));
        Ok(Self { decoder, chunks: chunks.collect::<Result<_>>()?, tokens: tokens.len(), layers: Vec::new() })
    }

    /// As [`Stream::whole`].
    #[must_use]
    pub fn whole(self) -> Self {
        Self { chunks: self.chunks.into_iter().map(Stream::whole).collect(), ..self }
    }

    /// Computes one layer. Changes at last positions do not apply to a prefix.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn step(&mut self, change: &Intervention, probe: &mut dyn Probe, cancel: &Cancel) -> Result<()> {
        let none = Intervention::none();
        let change = if change.positions() == Positions::All { change } else { &none };
        let mut seen: Option<KvCache> = None;
        for chunk in &mut self.chunks {
            let change = change.of_tokens(chunk.packed.start(), chunk.packed.len())?;
            let own = chunk.step(seen.as_ref(), &change, probe, cancel)?;
            seen = Some(match seen {
                Some(seen) => seen.extend(&own)?,
                None => own,
            });
        }
        self.layers.extend(seen);
        Ok(())
    }

    /// Returns the keys and values of a computed layer.
    pub fn layer(&self, layer: usize) -> Option<&KvCache> {
        self.layers.get(layer)
    }

    /// Computes the remaining layers and returns the keys and values of all layers.
    ///
    /// # Errors
    /// As [`PrefixStream::step`].
    pub fn finish(mut self, change: &Intervention, probe: &mut dyn Probe, cancel: &Cancel) -> Result<PrefixCache> {
        while self.tokens > 0 && self.layers.len() < self.decoder.layers.len() {
            self.step(change, probe, cancel)?;
        }
        Ok(PrefixCache { tokens: self.tokens, layers: self.layers })
    }
}

impl Decoder {
    /// Computes keys and values of the tokens that all prompts of a regime share, with `change` applied to all of them.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn prefix(
        &self,
        tokens: &[u32],
        regime: Regime,
        change: &Intervention,
        cancel: &Cancel,
    ) -> Result<PrefixCache> {
        PrefixStream::begin(self, tokens, regime)?.finish(change, &mut NoProbe, cancel)
    }

    /// Runs a batch of suffixes and passes the activations of each prompt's last token to `probe`.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn forward(
        &self,
        packed: Packed,
        prefix: &PrefixCache,
        change: &Intervention,
        probe: &mut dyn Probe,
        cancel: &Cancel,
    ) -> Result<()> {
        Stream::begin(self, packed)?.finish(prefix, change, probe, cancel)
    }
}
