//! Replacement values of ablated outputs, for each batch of a run's test prompts.

use super::{
    Ablation, Fill, RunContext,
    batch_fills::BatchFills,
    context::{NO_FILL_SOURCE, TestBatch},
    means::means,
    paired::PairedFills,
};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::{Regime, Results},
};

/// Where the replacement values of an ablation come from.
pub(super) enum Fills<'a> {
    /// There are none: outputs are replaced by zero.
    Zero,
    /// One value for all prompts.
    Mean(Results),
    /// The values of paired prompts.
    Paired(PairedFills<'a>),
}

impl<'a> Fills<'a> {
    /// Computes what all batches share.
    ///
    /// # Errors
    /// If `ablation` needs another run and `context` has none, [`Error::Cancelled`], or a failed computation.
    pub(super) fn new(context: &'a RunContext<'_>, ablation: Ablation, cancel: &Cancel) -> Result<Self> {
        let source = context.fill_source.as_deref();
        Ok(match (ablation.fill, source) {
            (Fill::Zero, _) => Self::Zero,
            (Fill::Mean, source) => {
                let prompts = source.map_or(context, |source| &source.context);
                Self::Mean(means(prompts, ablation.positions, cancel)?)
            }
            (Fill::Paired, Some(source)) => Self::Paired(PairedFills::new(source, ablation.positions, cancel)?),
            (Fill::Paired, None) => return Err(Error::Model(NO_FILL_SOURCE.to_owned())),
        })
    }

    /// Returns the values for the tokens of the shared prefix, if it is changed; `None` for zeros.
    pub(super) fn prefix(&self, regime: Regime) -> Option<&Results> {
        match self {
            Self::Zero => None,
            Self::Mean(mean) => Some(mean),
            Self::Paired(paired) => paired.prefix(regime),
        }
    }

    /// Returns the values for `batch`.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a failed computation.
    pub(super) fn batch(&self, batch: &TestBatch<'_>, cancel: &Cancel) -> Result<BatchFills> {
        match self {
            Self::Zero => Ok(BatchFills::default()),
            Self::Mean(mean) => Ok(BatchFills { changed: Some(mean.clone()), last: Some(mean.clone()) }),
            Self::Paired(paired) => paired.batch(batch, cancel),
        }
    }
}
