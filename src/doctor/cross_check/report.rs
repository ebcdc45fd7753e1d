//! Result of a comparison with candle-transformers.

use serde::Serialize;

/// Deviation of a model from the implementation in candle-transformers.
#[derive(Clone, Debug, Serialize)]
pub struct CrossCheck {
    /// The implementation, with its version.
    pub against: String,
    /// Largest difference of a logit over the whole vocabulary, relative to the largest logit.
    pub max_rel: Option<f64>,
    /// Largest difference of the final hidden state, relative to its largest value, where the implementation gives it.
    pub hidden_max_rel: Option<f64>,
    /// Number of prompts whose five best tokens are the same.
    pub top5_equal: Option<usize>,
    /// Number of prompts.
    pub prompts: usize,
    /// Number of tokens in the longest prompt.
    pub longest: usize,
    /// `agrees`, `deviates` or `unknown family`.
    pub verdict: &'static str,
    /// How candle-transformers is known to differ from the original, if that explains the deviation.
    pub explained: Option<Explained>,
    /// Why there is nothing to compare with, if there is not.
    pub reason: Option<String>,
}

/// Explanation of a deviation.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// What candle-transformers does, unlike the original.
    pub differences: Vec<String>,
    /// Deviation if this program does the same.
    pub max_rel: f64,
}

impl CrossCheck {
    /// Whether the deviation is not explained.
    pub fn is_unexplained(&self) -> bool {
        self.verdict == "deviates" && self.explained.is_none()
    }
}
