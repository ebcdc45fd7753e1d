//! The atlas kept beside a run, from which columns that ran the model are taken again.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    analysis::atlas::{Atlas, AtlasColumn, AtlasFile},
    cli::output::warn,
    run::RunMeta,
    store::read_attachment,
};

/// Name of the file beside the run.
pub(super) const FILE: &str = "atlas.json";

/// What `atlas --json` prints and the file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) schema: u32,
    /// Checksum of the run that it describes; null if the run has none.
    run: Option<String>,
    model_hash: String,
    examples: usize,
    #[serde(flatten)]
    atlas: AtlasFile,
    /// The label words by layer; empty if they were not measured.
    #[serde(default)]
    lens: Vec<Value>,
}

impl Report {
    pub(super) fn new(meta: &RunMeta, atlas: &Atlas, lens: Vec<Value>) -> Self {
        Self {
            schema: 1,
            run: meta.checksum.clone(),
            model_hash: meta.model.weights_hash.clone(),
            examples: meta.examples.test,
            atlas: atlas.to_file(),
            lens,
        }
    }
}

/// Returns the columns of the file beside the run in `folder`; none if there is no file, or it is of another run.
pub(super) fn columns(folder: &Path, meta: &RunMeta, components: usize) -> Vec<AtlasColumn> {
    let report: Report = match read_attachment(folder, FILE) {
        Ok(Some(report)) => report,
        Ok(None) => return Vec::new(),
        Err(error) => {
            warn(&format!("the kept atlas is not used: {error}"));
            return Vec::new();
        }
    };
    let same = report.schema == 1 && report.run.is_some() && report.run == meta.checksum;
    if !same || report.atlas.components.len() != components {
        return Vec::new();
    }
    report.atlas.into_columns()
}
