//! Mean outputs of components, for mean ablation.

use candle_core::Tensor;

use super::{Positions, RunContext};
use crate::{
    cancel::Cancel,
    decompose::BatchSize,
    error::Result,
    model::{Decoder, Intervention, Packed, PrefixStream, Probe, Prompt, Results, Stream},
};

/// Computes mean outputs over the test prompts of `context`: over their last tokens, or over all tokens but the first.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub(super) fn means(context: &RunContext<'_>, positions: Positions, cancel: &Cancel) -> Result<Results> {
    let none = Intervention::none();
    let mut sums = Sums::new(context.shape().layers, positions);
    let mut prefixes = Vec::new();
    for (regime, prompts) in context.regimes() {
        (sums.weight, sums.skipped) = (prompts as f64, Skipped::FirstOfPass(vec![true; sums.heads.len()]));
        let stream = PrefixStream::begin(context.decoder, &context.prefix_tokens(), regime)?.whole();
        prefixes.push((regime, stream.finish(&none, &mut sums, cancel)?));
    }
    sums.in_prefix = false;
    for (regime, batch) in BatchSize::default().batches(context.decoder, &context.prompts.test, context.shared) {
        let packed = Packed::new(batch, context.shared, regime);
        (sums.weight, sums.skipped) = (1.0, Skipped::new(&packed, context.decoder)?);
        let prefix = prefixes.iter().find(|(own, _)| *own == regime).map(|(_, prefix)| prefix.clone());
        let stream = Stream::begin(context.decoder, packed)?;
        let stream = if positions == Positions::All { stream.whole() } else { stream };
        stream.finish(&prefix.unwrap_or_default(), &none, &mut sums, cancel)?;
    }
    let rows = match positions {
        Positions::Last => context.len(),
        Positions::All => context.prompts.test.iter().map(|prompt| prompt.len() - 1).sum(),
    };
    let mean = |sums: Vec<Option<Tensor>>, width: usize| -> Result<Vec<Tensor>> {
        let zeros = || Tensor::zeros((1, width), candle_core::DType::F32, context.decoder.device());
        sums.into_iter().map(|sum| Ok((sum.map_or_else(zeros, Ok)? / rows.max(1) as f64)?)).collect()
    };
    let attention = &context.decoder.layers[0].attention;
    let width = context.decoder.width()?;
    Ok(Results {
        heads: mean(sums.heads, attention.heads * attention.head_dim)?,
        mlps: mean(sums.mlps, width)?,
        per_token: false,
    })
}

/// Rows that are left out of the mean: first tokens of prompts.
enum Skipped {
    Nothing,
    /// The first row in each layer, once.
    FirstOfPass(Vec<bool>),
    /// All rows except these.
    AllBut(Tensor),
}

impl Skipped {
    fn new(packed: &Packed, decoder: &Decoder) -> Result<Self> {
        if packed.start() > 0 {
            return Ok(Self::Nothing);
        }
        let rows: Vec<u32> =
            packed.spans().flat_map(|span| span.at + 1..span.at + span.len).map(|r| r as u32).collect();
        let count = rows.len();
        Ok(Self::AllBut(Tensor::from_vec(rows, count, decoder.device())?))
    }
}

/// Sums of every component's output, by layer.
struct Sums {
    positions: Positions,
    in_prefix: bool,
    skipped: Skipped,
    /// Number of prompts that share a row.
    weight: f64,
    heads: Vec<Option<Tensor>>,
    mlps: Vec<Option<Tensor>>,
}

impl Sums {
    fn new(layers: usize, positions: Positions) -> Self {
        let empty = || vec![None; layers];
        Self { positions, in_prefix: true, skipped: Skipped::Nothing, weight: 1.0, heads: empty(), mlps: empty() }
    }

    /// Sums the rows of `x` that are not skipped.
    fn sum(&self, layer: usize, x: &Tensor) -> Result<Option<Tensor>> {
        let counted = match &self.skipped {
            Skipped::FirstOfPass(first) if first[layer] => x.narrow(0, 1, x.dim(0)? - 1)?,
            Skipped::AllBut(rows) if self.positions == Positions::All => x.index_select(rows, 0)?,
            _ => x.clone(),
        };
        Ok(if counted.dim(0)? == 0 { None } else { Some((counted.sum_keepdim(0)? * self.weight)?) })
    }
}

fn add(sum: &mut Option<Tensor>, more: Option<Tensor>) -> Result<()> {
    *sum = match (sum.take(), more) {
        (Some(sum), Some(more)) => Some((sum + more)?),
        (sum, more) => sum.or(more),
    };
    Ok(())
}

impl Probe for Sums {
    fn attention(&mut self, layer: usize, z: &Tensor, _: Option<&Tensor>) -> Result<()> {
        if self.positions == Positions::Last && !self.in_prefix {
            let sum = self.sum(layer, z)?;
            add(&mut self.heads[layer], sum)?;
        }
        Ok(())
    }

    fn mlp(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.positions == Positions::Last && !self.in_prefix {
            let sum = self.sum(layer, added)?;
            add(&mut self.mlps[layer], sum)?;
        }
        Ok(())
    }

    fn heads(&mut self, layer: usize, z: &Tensor) -> Result<()> {
        if self.positions == Positions::All {
            let sum = self.sum(layer, z)?;
            add(&mut self.heads[layer], sum)?;
        }
        Ok(())
    }

    fn mlp_everywhere(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.positions == Positions::All {
            let sum = self.sum(layer, added)?;
            add(&mut self.mlps[layer], sum)?;
        }
        if let Skipped::FirstOfPass(first) = &mut self.skipped {
            first[layer] = false;
        }
        Ok(())
    }
}
