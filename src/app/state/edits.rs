//! What the user changed about a run: its mix, its demonstrations, its marks and its filters.
//!
//! Edits outlive the run on screen. They return when the same run is shown, computed or opened again, also in a later
//! session.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{Fit, Kind, Method, Mix},
    runner::Demonstration,
};

use super::{
    demo_editor::Editor,
    example_list::Filter,
    fit::Path,
    mixer::{Mixer, SavedMixer},
};

/// The mix of a run that is not open, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptMix {
    pub(super) mixer: Mixer,
    pub(super) fit: Option<Fit>,
    pub(super) path: Option<Path>,
    pub(super) loaded: Option<(Mix, (Method, f64))>,
}

/// Edits of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunEdits {
    pub(super) marks: BTreeSet<usize>,
    pub(super) kinds: Option<Kind>,
    pub(super) filter: Filter,
    pub(super) label: Option<usize>,
    pub(super) needle: String,
    pub(super) editor: Option<Editor>,
    /// Edited demonstrations from an earlier session.
    pub(super) demos: Option<Vec<Demonstration>>,
    pub(super) mix: Option<KeptMix>,
}

/// Edits of one run as stored between sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedEdits {
    #[serde(skip_serializing_if = "Option::is_none")]
    mix: Option<SavedMixer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demos: Option<Vec<Demonstration>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    marks: BTreeSet<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<usize>,
    #[serde(skip_serializing_if = "String::is_empty")]
    needle: String,
}

impl SavedEdits {
    /// Whether mix and demonstrations are those of `other`.
    pub fn has_work_of(&self, other: &Self) -> bool {
        (&self.mix, &self.demos) == (&other.mix, &other.demos)
    }
}

impl From<SavedEdits> for RunEdits {
    fn from(saved: SavedEdits) -> Self {
        let mixer = saved.mix.and_then(SavedMixer::mixer);
        Self {
            marks: saved.marks,
            kinds: saved.kinds,
            filter: saved.filter.unwrap_or_default(),
            label: saved.label,
            needle: saved.needle,
            editor: None,
            demos: saved.demos,
            mix: mixer.map(|mixer| KeptMix { mixer, fit: None, path: None, loaded: None }),
        }
    }
}

impl RunEdits {
    /// Returns the edits to store.
    pub(super) fn saved(&self) -> SavedEdits {
        let edited = self.editor.as_ref().filter(|editor| editor.is_edited()).map(|editor| editor.demos.clone());
        SavedEdits {
            mix: self.mix.as_ref().and_then(|mix| mix.mixer.saved()),
            demos: edited.or_else(|| self.demos.clone()),
            marks: self.marks.clone(),
            kinds: self.kinds,
            filter: Some(self.filter).filter(|&filter| filter != Filter::All),
            label: self.label,
            needle: self.needle.clone(),
        }
    }
}
