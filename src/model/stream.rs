//! Batches on their way through the layers: they can stop between two layers and go on more than once.
//!
//! A change in one layer leaves the layers below untouched. Whoever tries many changes keeps one stream at the layer
//! where the next change is made, and sends copies of it (which share their tensors) up from there.

use candle_core::Tensor;

use super::{
    attention::KvCache,
    decoder::Decoder,
    intervention::{Intervention, Positions, Touched},
    layer::Flow,
    packed::Packed,
    probe::{NoProbe, Probe},
    rope::{Angles, Regime},
};
use crate::{cancel::Cancel, error::Result};

/// Prefix tokens per pass: bounds the score matrix of a long prefix. A card takes more of them, as of all tokens.
const PREFIX_CHUNK: usize = 256;
const PREFIX_CHUNK_OF_CARDS: usize = 2048;

/// A packed batch before one of the layers.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    decoder: &'a Decoder,
    packed: Packed,
    layer: usize,
    /// `[ΣT, d]`, or `[B, d]` where only last tokens flow.
    residual: Tensor,
    angles: Vec<Angles>,
    last_rows: Tensor,
    /// Where only last tokens flow: keys and values of the whole prompts, per layer.
    known: Option<&'a [KvCache]>,
    whole: bool,
}

impl<'a> Stream<'a> {
    /// A batch before the first layer.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn begin(decoder: &'a Decoder, packed: Packed) -> Result<Self> {
        let (positions, device) = (packed.positions(), decoder.device());
        let angles = decoder.ropes.iter().map(|rope| rope.angles(&positions, packed.regime(), device));
        Ok(Self {
            decoder,
            layer: 0,
            residual: decoder.embed(&packed, &positions)?,
            angles: angles.collect::<Result<_>>()?,
            last_rows: packed.last_rows(device)?,
            packed,
            known: None,
            whole: false,
        })
    }

    /// The same, but every token flows through the last layer too, where usually only last ones do: for probes that
    /// look at all positions.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Only the last tokens of this stream; `known` holds keys and values of all its tokens, per layer of the model.
    ///
    /// A change at last positions leaves all other tokens as they were, so that this is all that has to flow.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn last_only(&self, known: &'a [KvCache]) -> Result<Self> {
        let angles = self.angles.iter().map(|angles| angles.select(&self.last_rows));
        Ok(Self {
            residual: self.residual.index_select(&self.last_rows, 0)?,
            angles: angles.collect::<Result<_>>()?,
            known: Some(known),
            ..self.clone()
        })
    }

    /// The layer it is before.
    pub const fn layer(&self) -> usize {
        self.layer
    }

    /// Whether all layers are behind it.
    pub const fn is_done(&self) -> bool {
        self.layer == self.decoder.layers.len()
    }

    /// Goes through one layer and returns the keys and values of its tokens there.
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
            let narrow = self.known.is_some();
            let last = if narrow { self.residual.clone() } else { self.residual.index_select(&self.last_rows, 0)? };
            probe.embedding(&last)?;
        }
        let is_last = self.layer + 1 == self.decoder.layers.len();
        let narrows = is_last && !self.whole && self.known.is_none();
        let flow = Flow {
            packed: &self.packed,
            last_rows: &self.last_rows,
            angles: &self.angles,
            prefix,
            known: self.known.map(|known| &known[self.layer]),
            narrows,
            touched: &Touched::of(change, &self.packed, narrows || self.known.is_some(), self.decoder.device())?,
            change,
            cancel,
        };
        let (residual, own) = self.decoder.layers[self.layer].forward(self.layer, &self.residual, &flow, probe)?;
        self.residual = residual;
        self.layer += 1;
        if self.is_done() {
            let all = self.whole && self.known.is_none();
            probe.residual(&if all {
                self.residual.index_select(&self.last_rows, 0)?
            } else {
                self.residual.clone()
            })?;
        }
        Ok(own)
    }

    /// Goes through all layers that are left.
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
    /// Number of tokens.
    pub const fn len(&self) -> usize {
        self.tokens
    }

    /// Whether there is no shared prefix.
    pub const fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Keys and values of one layer; `None` if there are no tokens.
    pub fn layer(&self, layer: usize) -> Option<&KvCache> {
        self.layers.get(layer)
    }
}

/// The tokens that all prompts share, before one of the layers.
#[derive(Clone, Debug)]
pub struct PrefixStream<'a> {
    decoder: &'a Decoder,
    chunks: Vec<Stream<'a>>,
    tokens: usize,
    layers: Vec<KvCache>,
}

impl<'a> PrefixStream<'a> {
    /// The tokens before the first layer.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn begin(decoder: &'a Decoder, tokens: &[u32], regime: Regime) -> Result<Self> {
        let most = if decoder.is_on_card() { PREFIX_CHUNK_OF_CARDS } else { PREFIX_CHUNK };
        let chunks = tokens.chunks(most).zip((0..).step_by(most));
        let chunks = chunks.map(|(chunk, start)| Stream::begin(decoder, Packed::new([chunk], start, regime)));
        Ok(Self { decoder, chunks: chunks.collect::<Result<_>>()?, tokens: tokens.len(), layers: Vec::new() })
    }

    /// As [`Stream::whole`].
    #[must_use]
    pub fn whole(self) -> Self {
        Self { chunks: self.chunks.into_iter().map(Stream::whole).collect(), ..self }
    }

    /// Goes through one layer. A change at last positions is none here.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn step(&mut self, change: &Intervention, probe: &mut dyn Probe, cancel: &Cancel) -> Result<()> {
        let none = Intervention::none();
        let change = if change.positions() == Positions::All { change } else { &none };
        let mut seen: Option<KvCache> = None;
        for chunk in &mut self.chunks {
            let own = chunk.step(seen.as_ref(), change, probe, cancel)?;
            seen = Some(match seen {
                Some(seen) => seen.extend(&own)?,
                None => own,
            });
        }
        self.layers.extend(seen);
        Ok(())
    }

    /// Keys and values of a layer behind it.
    pub fn layer(&self, layer: usize) -> Option<&KvCache> {
        self.layers.get(layer)
    }

    /// Goes through all layers that are left; the keys and values of all layers, those behind it as they were.
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
    /// Computes keys and values of the tokens that all prompts of a regime share, while `change` is made at all of
    /// them.
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

    /// Runs a batch of suffixes and shows `probe` what happens at each prompt's last token.
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
