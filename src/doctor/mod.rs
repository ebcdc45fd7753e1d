//! Is this model all right? What its files say, whether it loads, whether its parts add up, and how far other dtypes
//! drift.

mod drift;
mod sample_prompts;

use serde::Serialize;

pub use drift::Drift;
use sample_prompts::attribute;

use crate::{
    attribution::Exactness,
    error::{Error, Result},
    model::{
        LoadOptions, Model, Source,
        inspect::{Inspection, inspect},
    },
};

/// Everything that the doctor found out.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    /// From the headers of the files.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// From the loaded model; `None` if it does not load.
    pub loaded: Option<Loaded>,
    /// Against f32, if asked for.
    pub drift: Option<Vec<Drift>>,
    /// Why the model cannot be used, if it cannot.
    pub problem: Option<String>,
}

/// Facts about a loaded model, and how a few prompts went.
#[derive(Clone, Debug, Serialize)]
pub struct Loaded {
    /// Layers.
    pub layers: usize,
    /// Attention heads per layer.
    pub heads: usize,
    /// Key/value heads per layer.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Token ids.
    pub vocabulary: usize,
    /// Longest prompt in tokens.
    pub context: usize,
    /// Sliding windows that layers have, narrowest first.
    pub windows: Vec<usize>,
    /// What matrices are kept as.
    pub dtype: String,
    /// Where they are.
    pub device: String,
    /// Seconds it took to load.
    pub load_s: f64,
    /// BLAKE3 of the weight files.
    pub weights_hash: String,
    /// How well heads, MLPs and rest add up on a few prompts.
    pub exactness: Exactness,
}

/// Examines the model that `source` names; with `drift`, loads it once more per dtype.
///
/// # Errors
/// If its files cannot even be opened. A model that opens but does not load is a finding, not an error.
pub fn examine(source: &Source, options: &LoadOptions, drift: bool) -> Result<(DoctorReport, Option<Error>)> {
    let inspection = inspect(source, options)?;
    let mut report = DoctorReport { inspection, loaded: None, drift: None, problem: None };
    let loaded = Model::load(source, options).and_then(|model| look_at(&model));
    let failure = match loaded {
        Ok(loaded) => {
            report.loaded = Some(loaded);
            if drift { drift::measure(source, options).map(|found| report.drift = Some(found)).err() } else { None }
        }
        Err(error) => Some(error),
    };
    report.problem = failure.as_ref().map(ToString::to_string);
    Ok((report, failure))
}

fn look_at(model: &Model) -> Result<Loaded> {
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
