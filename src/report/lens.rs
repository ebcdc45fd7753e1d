//! The lens by layer of a run, from the file that `partscope logit-lens RUN` writes beside it.

use std::path::Path;

use serde::Deserialize;

use crate::{
    error::{InputError, Result},
    run::RunMeta,
};

/// Name of the file.
pub const LENS_FILE: &str = "logit-lens-layers.json";

/// Scores of the residual stream after every block, on the test examples of a run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LensCurve {
    /// Checksum of the run that it was measured on; `None` if that has none.
    #[serde(default)]
    run: Option<String>,
    model_hash: String,
    /// Number of test examples.
    pub examples: usize,
    /// One over the number of labels.
    pub chance: f64,
    /// The model's own accuracy.
    pub full: f64,
    /// After attention and after the MLP of each layer, in the order of the forward pass.
    pub lens: Vec<LensPoint>,
}

/// Scores at one point of the residual stream.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LensPoint {
    /// The layer.
    pub layer: usize,
    /// The block that was added last: `attn` or `mlp`.
    pub after: String,
    /// Under the final norm with the stream's own scale.
    pub own: LensScores,
    /// Under the final norm with the scale of the last stream.
    pub realised: LensScores,
}

/// Scores of label logits; see [`LogitScores`](crate::analysis::logit_scores::LogitScores).
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct LensScores {
    /// Share of correct predictions.
    pub accuracy: LensValue,
    /// Mean margin, in nats.
    pub margin: LensValue,
    /// Graded label bias.
    pub bias: LensValue,
    /// Expected calibration error.
    pub ece: Option<LensValue>,
}

/// A value with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct LensValue {
    /// The value.
    pub value: f64,
    /// The interval.
    pub ci: (f64, f64),
}

impl LensCurve {
    /// Returns the curve, read from `path`, if it belongs to the run with the metadata `meta`.
    ///
    /// # Errors
    /// If it does not.
    pub fn of_run(self, path: &Path, meta: &RunMeta) -> Result<Self> {
        let expected = |(at, point): (usize, &LensPoint)| {
            (point.layer, point.after.as_str()) == (at / 2, if at % 2 == 0 { "attn" } else { "mlp" })
        };
        let fits = self.run == meta.checksum
            && self.model_hash == meta.model.weights_hash
            && self.examples == meta.examples.test
            && self.lens.len() == 2 * meta.model.layers
            && self.lens.iter().enumerate().all(expected);
        if fits {
            return Ok(self);
        }
        let error = InputError::new("the lens by layer is not that of this run").path(path);
        Err(error.help("remove the file, or write it again: partscope logit-lens RUN").into())
    }
}
