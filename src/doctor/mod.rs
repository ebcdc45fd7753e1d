//! Model checks: what its files contain, whether it loads, whether contributions add up, and how far other dtypes
//! deviate.

mod cross_check;
mod drift;
mod last_token;
mod reference;
mod sample_prompts;
mod steps;

use std::path::PathBuf;

use serde::Serialize;

use cross_check::Comparison;
pub use cross_check::{CrossCheck, Explained};
pub use drift::Drift;
pub use reference::{Contributions, Reference};
use sample_prompts::attribute;
use steps::Observer;
pub use steps::Step;

use crate::{
    attribution::Exactness,
    error::{Error, Result},
    model::{
        Files, LoadOptions, Model, Source,
        inspect::{Inspection, inspect_files},
    },
};

/// Result of the checks of a model.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    /// Facts from the headers of the files.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// Facts about the loaded model; `None` if it does not load.
    pub loaded: Option<Loaded>,
    /// Deviation of other dtypes from f32, if requested.
    pub drift: Option<Vec<Drift>>,
    /// Deviation from values of another implementation, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Deviation from candle-transformers, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_check: Option<CrossCheck>,
    /// Why the model is unusable, if it is.
    pub problem: Option<String>,
}

/// Facts about a loaded model, and its exactness on a few prompts.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Number of layers.
    pub layers: usize,
    /// Attention heads per layer.
    pub heads: usize,
    /// Key/value heads per layer.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Longest prompt, in tokens.
    pub context: usize,
    /// Distinct sliding-window sizes of layers, smallest first.
    pub windows: Vec<usize>,
    /// Data type of the weight matrices.
    pub dtype: String,
    /// Device of the weights.
    pub device: String,
    /// Seconds to load the model.
    pub load_s: f64,
    /// BLAKE3 of the weight files.
    pub weights_hash: String,
    /// Exactness of the attribution on a few prompts.
    pub exactness: Exactness,
}

/// What [`examine`] measures besides loading the model.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Whether to load the model in each other dtype.
    pub drift: bool,
    /// File with values of another implementation to compare the model with.
    pub reference: Option<PathBuf>,
    /// Whether to compare it with the implementation in candle-transformers.
    pub cross_check: bool,
}

/// Checks the model at `source` and measures what `checks` asks for. `observe` receives the steps. Returns the report and the reason why the model is unusable, if it is.
///
/// # Errors
/// If its files cannot be opened. A model that does not load is not an error here: the report says why.
pub fn examine(
    source: &Source,
    options: &LoadOptions,
    checks: &Checks,
    mut observe: impl FnMut(Step<'_>),
) -> Result<(DoctorReport, Option<Error>)> {
    let files = source.open(options)?;
    let inspection = inspect_files(source, &files, options)?;
    observe(Step::Inspected(&inspection));
    let (loaded, drift, reference, cross_check, problem) = (None, None, None, None, None);
    let mut report = DoctorReport { inspection, loaded, drift, reference, cross_check, problem };
    let failure = measure(source, files, options, checks, &mut report, &mut observe).err();
    report.problem = failure.as_ref().map(ToString::to_string).or_else(|| deviation(&report));
    Ok((report, failure))
}

/// Returns what the model deviates from without a known reason, if it does.
fn deviation(report: &DoctorReport) -> Option<String> {
    let reference = report.reference.as_ref().filter(|reference| reference.verdict != "agrees");
    let reference = reference.map(|reference| &reference.against);
    let other = || report.cross_check.as_ref().filter(|check| check.is_unexplained()).map(|check| &check.against);
    reference.or_else(other).map(|against| format!("the model deviates from {against}"))
}

/// Loads the model and fills in `report`.
fn measure(
    source: &Source,
    files: Files,
    options: &LoadOptions,
    checks: &Checks,
    report: &mut DoctorReport,
    observe: &mut Observer<'_>,
) -> Result<()> {
    let prepare = || Comparison::prepare(source, &files, options);
    let mut comparison = checks.cross_check.then(prepare).transpose()?;
    let model = Model::from_files(source, files, options)?;
    report.loaded = Some(facts(&model)?);
    if let Some(path) = &checks.reference {
        report.reference = Some(reference::compare(&model, path, observe)?);
    }
    if let Some(comparison) = &mut comparison {
        comparison.keep(&model, observe)?;
    }
    drop(model);
    if let Some(comparison) = comparison {
        report.cross_check = Some(comparison.finish(source, options, observe)?);
    }
    if checks.drift {
        report.drift = Some(drift::measure(source, options, observe)?);
    }
    Ok(())
}

/// Collects the facts about a loaded model.
fn facts(model: &Model) -> Result<Loaded> {
    let decoder = &model.decoder;
    let attention = &decoder.layers[0].attention;
    let mut windows: Vec<usize> = decoder.layers.iter().filter_map(|layer| layer.attention.window).collect();
    windows.sort_unstable();
    windows.dedup();
    Ok(Loaded {
        layers: decoder.layers.len(),
        heads: attention.heads,
        kv_heads: attention.kv_heads,
        head_dim: attention.head_dim,
        hidden: decoder.width()?,
        vocabulary: decoder.vocabulary()?,
        context: decoder.context,
        windows,
        dtype: model.meta.dtype.clone(),
        device: model.meta.device.clone(),
        load_s: model.load_seconds,
        weights_hash: model.meta.weights_hash.clone(),
        exactness: attribute(model)?.exactness(),
    })
}
