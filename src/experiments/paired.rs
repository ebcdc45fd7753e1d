//! Outputs of components on the paired prompts of another run, for activation patching.

use candle_core::Tensor;

use super::{
    Positions,
    batch_fills::BatchFills,
    context::{FillSource, TestBatch},
};
use crate::{
    cancel::Cancel,
    decompose::BatchSize,
    error::Result,
    model::{Intervention, Packed, PrefixCache, PrefixStream, Probe, Regime, Results, Stream, Tokens},
};

/// Computes the outputs of paired prompts batch by batch, so that memory does not grow with the number of examples.
pub(super) struct PairedFills<'a> {
    source: &'a FillSource<'a>,
    positions: Positions,
    prefixes: Vec<(Regime, PrefixCache, Option<Results>)>,
}

impl<'a> PairedFills<'a> {
    /// Computes the prefix that the prompts of `source` share.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub(super) fn new(source: &'a FillSource<'_>, positions: Positions, cancel: &Cancel) -> Result<Self> {
        let context = &source.context;
        let prefix = |(regime, _)| {
            let mut outputs = Outputs::new(context.shape().layers, positions);
            let stream = PrefixStream::begin(context.decoder, &context.prefix_tokens(), regime)?;
            let stream = if positions == Positions::All { stream.whole() } else { stream };
            let prefix = stream.finish(&Intervention::none(), &mut outputs, cancel)?;
            let changed = positions == Positions::All && !prefix.is_empty();
            Ok((regime, prefix, if changed { Some(outputs.finish()?) } else { None }))
        };
        let prefixes = context.regimes().into_iter().map(prefix).collect::<Result<_>>()?;
        Ok(Self { source, positions, prefixes })
    }

    /// Returns the outputs at the tokens of the shared prefix, if all positions are changed and there are any.
    pub(super) fn prefix(&self, regime: Regime) -> Option<&Results> {
        self.prefixes.iter().find(|(own, ..)| *own == regime)?.2.as_ref()
    }

    /// Returns the outputs on the prompts that are paired with those of `batch`.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub(super) fn batch(&self, batch: &TestBatch<'_>, cancel: &Cancel) -> Result<BatchFills> {
        let context = &self.source.context;
        let prompts: Vec<&Tokens> =
            self.source.rows[batch.rows.clone()].iter().map(|&row| &context.prompts.test[row]).collect();
        let mut outputs = Outputs::new(context.shape().layers, self.positions);
        for (regime, suffixes) in BatchSize::default().batches(context.decoder, &prompts, context.shared) {
            let stream = Stream::begin(context.decoder, Packed::new(suffixes, context.shared, regime))?;
            let stream = if self.positions == Positions::All { stream.whole() } else { stream };
            let prefix = self.prefixes.iter().find(|(own, ..)| *own == regime).map(|(_, prefix, _)| prefix);
            let (empty, none) = (PrefixCache::default(), Intervention::none());
            stream.finish(prefix.unwrap_or(&empty), &none, &mut outputs, cancel)?;
        }
        let changed = outputs.finish()?;
        let last = match self.positions {
            Positions::Last => changed.clone(),
            Positions::All => changed.at(&batch.packed().last_rows(context.decoder.device())?)?,
        };
        Ok(BatchFills { changed: Some(changed), last: Some(last) })
    }
}

/// Collects every component's output, at last tokens or at all tokens.
struct Outputs {
    positions: Positions,
    /// Rows by layer, one tensor for each batch.
    heads: Vec<Vec<Tensor>>,
    mlps: Vec<Vec<Tensor>>,
}

impl Outputs {
    fn new(layers: usize, positions: Positions) -> Self {
        Self { positions, heads: vec![Vec::new(); layers], mlps: vec![Vec::new(); layers] }
    }

    fn finish(self) -> Result<Results> {
        let join =
            |layers: Vec<Vec<Tensor>>| layers.iter().map(|rows| Ok(Tensor::cat(rows, 0)?)).collect::<Result<_>>();
        Ok(Results { heads: join(self.heads)?, mlps: join(self.mlps)?, per_token: true })
    }
}

impl Probe for Outputs {
    fn attention(&mut self, layer: usize, z: &Tensor, _: Option<&Tensor>) -> Result<()> {
        if self.positions == Positions::Last {
            self.heads[layer].push(z.clone());
        }
        Ok(())
    }

    fn mlp(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.positions == Positions::Last {
            self.mlps[layer].push(added.clone());
        }
        Ok(())
    }

    fn heads(&mut self, layer: usize, z: &Tensor) -> Result<()> {
        if self.positions == Positions::All {
            self.heads[layer].push(z.clone());
        }
        Ok(())
    }

    fn mlp_everywhere(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.positions == Positions::All {
            self.mlps[layer].push(added.clone());
        }
        Ok(())
    }
}
