//! Settings of the mixer's channels.

use serde::{Deserialize, Serialize};

use crate::analysis::Mix;

/// Settings of all channels, `[C + 1]`, and label offsets of a fit, `[Y]` or empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Setting {
    pub(super) gains: Vec<f64>,
    pub(super) muted: Vec<bool>,
    pub(super) solo: Vec<bool>,
    pub(super) offsets: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
}

/// Where weights came from, before edits by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// In words: `fit by partscope`.
    pub(super) what: String,
    /// Whether they were edited since.
    pub(super) edited: bool,
}

impl Setting {
    pub(super) fn model(components: usize) -> Self {
        let channels = components + 1;
        Self {
            gains: vec![1.0; channels],
            muted: vec![false; channels],
            solo: vec![false; channels],
            offsets: Vec::new(),
            origin: None,
        }
    }

    pub(super) fn from_mix(mix: &Mix, what: &str) -> Self {
        let gains = [&mix.weights[..], &[mix.rest]].concat();
        let origin = Some(Origin { what: what.to_owned(), edited: false });
        Self { gains, offsets: mix.offsets.clone(), origin, ..Self::model(mix.weights.len()) }
    }

    /// Whether all weights are those of the model.
    pub(super) fn is_model(&self) -> bool {
        Self { origin: None, ..self.clone() } == Self::model(self.gains.len() - 1)
    }
}
