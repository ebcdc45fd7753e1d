//! Deviation of a model in other dtypes from the model in f32.

use serde::Serialize;

use super::{
    sample_prompts::attribute,
    steps::{Observer, Step, each},
};
use crate::{
    attribution::{Attribution, Exactness, argmax},
    error::{Error, Result},
    model::{Dtype, LoadOptions, Model, Source},
};

/// Deviation of one dtype from f32, on the sample prompts.
#[derive(Clone, Debug, Serialize)]
pub struct Drift {
    /// The dtype.
    pub dtype: String,
    /// Largest change of a label-centred logit.
    pub max_abs: f64,
    /// `max_abs` over the largest label-centred logit in f32.
    pub max_rel: f64,
    /// Number of prompts whose predicted label changes.
    pub predictions_changed: usize,
    /// Number of prompts.
    pub prompts: usize,
    /// Exactness of the attribution in this dtype.
    pub exactness: Exactness,
    /// Why the model could not be loaded in this dtype, if it could not.
    pub refused: Option<String>,
}

/// Loads the model in f32 and then in each other dtype, one at a time, and compares them.
pub(super) fn measure(source: &Source, options: &LoadOptions, observe: &mut Observer<'_>) -> Result<Vec<Drift>> {
    let table = |dtype| attribute(&Model::load(source, &LoadOptions { dtype, ..options.clone() })?);
    observe(Step::Stage("measuring the drift"));
    let reference = table(Dtype::F32)?;
    let stored = match source {
        Source::Gguf(_) => Some(Dtype::Auto),
        _ => None,
    };
    let others: Vec<Dtype> = [Dtype::F16, Dtype::Bf16, Dtype::Q8].into_iter().chain(stored).collect();
    each(&others, "dtypes", observe, |&dtype| match table(dtype) {
        Ok(measured) => Ok(compare(dtype, &reference, &measured)),
        Err(Error::Input(error)) => {
            Ok(Drift { refused: Some(error.to_string()), ..compare(dtype, &reference, &reference) })
        }
        Err(error) => Err(error),
    })
}

fn compare(dtype: Dtype, reference: &Attribution, measured: &Attribution) -> Drift {
    let labels = reference.labels();
    let (expected, actual) = (reference.full(), measured.full());
    let centred = |row: &[f32]| {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / labels as f64;
        row.iter().map(|&x| f64::from(x) - mean).collect::<Vec<_>>()
    };
    let (mut max_abs, mut largest, mut changed) = (0.0_f64, 0.0_f64, 0);
    for (expected, actual) in expected.chunks_exact(labels).zip(actual.chunks_exact(labels)) {
        changed += usize::from(argmax(expected) != argmax(actual));
        for (a, b) in centred(expected).into_iter().zip(centred(actual)) {
            max_abs = max_abs.max((a - b).abs());
            largest = largest.max(a.abs());
        }
    }
    Drift {
        dtype: dtype.to_string(),
        max_abs,
        max_rel: if largest > 0.0 { max_abs / largest } else { 0.0 },
        predictions_changed: changed,
        prompts: reference.len(),
        exactness: measured.exactness(),
        refused: None,
    }
}
