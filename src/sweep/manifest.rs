//! The manifest of a sweep: its cells and what determines their results. It is written once and never changed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{sealed, spec::Common};
use crate::{
    disk::{self, names, write_whole},
    error::{Error, InputError, Result},
    store::ENGINE_REVISION,
};

/// Name of the file in the folder of a sweep.
pub(super) const FILE: &str = "manifest.json";
/// Version of the file.
const SCHEMA: u32 = 1;

/// A planned sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    schema: u32,
    /// Revision of the engine that the sweep was planned for.
    engine: u32,
    /// What is the same in all cells.
    pub common: Common,
    /// The models.
    pub models: Vec<PlannedModel>,
    /// The tasks.
    pub tasks: Vec<PlannedTask>,
    /// The cells, model by model.
    pub cells: Vec<SweepCell>,
    /// Checksum of all this, in hexadecimal.
    #[serde(skip)]
    pub checksum: String,
}

/// A model of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedModel {
    /// Its name, as for `-m`.
    pub name: String,
    /// Checksum of its weights; `None` if it was not loaded for the plan.
    pub weights_hash: Option<String>,
    /// Whether costs of its cells are seconds, measured on the machine that planned; else they are relative.
    pub measured: bool,
}

/// A task of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// Its name or file, as given.
    pub source: String,
    /// Its own name.
    pub name: String,
    /// Checksum of its templates and examples.
    pub hash: String,
}

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepCell {
    /// Sixteen hexadecimal digits; names its files.
    pub id: String,
    /// Index into [`Manifest::models`].
    pub model: usize,
    /// Index into [`Manifest::tasks`].
    pub task: usize,
    /// The template.
    pub template: String,
    /// Seed of the demonstration set.
    pub seed: u64,
    /// Label budget, demonstrations included.
    pub budget: usize,
    /// Number of demonstrations; `None` for the paper's.
    pub shots: Option<usize>,
    /// Whether tables count it, or it only serves as a contrastive partner.
    pub counted: bool,
    /// Estimated cost, in seconds if the model was measured.
    pub cost: f64,
}

impl Manifest {
    /// Creates the manifest of these cells and gives them their ids.
    pub(super) fn new(
        common: Common,
        models: Vec<PlannedModel>,
        tasks: Vec<PlannedTask>,
        mut cells: Vec<SweepCell>,
    ) -> Result<Self> {
        for cell in &mut cells {
            let SweepCell { template, seed, budget, shots, .. } = &*cell;
            let facts = (&models[cell.model].name, &tasks[cell.task].source, template, seed, budget, shots);
            blake3::hash(format!("{facts:?}").as_bytes()).to_hex()[..16].clone_into(&mut cell.id);
        }
        let mut manifest =
            Self { schema: SCHEMA, engine: ENGINE_REVISION, common, models, tasks, cells, checksum: String::new() };
        manifest.checksum = manifest.text()?.1;
        Ok(manifest)
    }

    /// Returns the name of a cell for people, with all that distinguishes it.
    pub fn name(&self, cell: &SweepCell) -> String {
        let shots = cell.shots.map_or_else(String::new, |shots| format!(" shots {shots}"));
        let (model, task) = (&self.models[cell.model].name, &self.tasks[cell.task].name);
        format!("{model} {task} {} seed {} budget {}{shots}", cell.template, cell.seed, cell.budget)
    }

    /// Writes it to `folder`, unless the same one is there.
    ///
    /// # Errors
    /// If the folder has another one, or cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        if path.exists() {
            let same_cells = |other: &Self| {
                let key = |cell: &SweepCell| (cell.id.clone(), cell.counted);
                let hashes = |tasks: &[PlannedTask]| tasks.iter().map(|task| task.hash.clone()).collect::<Vec<_>>();
                let weights =
                    |models: &[PlannedModel]| models.iter().map(|model| model.weights_hash.clone()).collect::<Vec<_>>();
                other.common == self.common
                    && hashes(&other.tasks) == hashes(&self.tasks)
                    && weights(&other.models) == weights(&self.models)
                    && other.cells.iter().map(key).eq(self.cells.iter().map(key))
            };
            if Self::read(folder).is_ok_and(|other| same_cells(&other)) {
                return Ok(());
            }
            let problem = "there is another sweep in this folder, which is left as it is";
            return Err(InputError::new(problem).path(path).help("plan into a new folder").into());
        }
        write_whole(&path, self.text()?.0.as_bytes())
    }

    /// Reads the manifest in `folder`.
    ///
    /// # Errors
    /// If there is none or more than one, it was edited, or this program computes other numbers than the one that
    /// planned.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let is_manifest = |name: &&String| {
            name.starts_with("manifest") && Path::new(name).extension().is_some_and(|end| end == "json")
        };
        let found: Vec<String> = names(folder)?.iter().filter(is_manifest).cloned().collect();
        match found.as_slice() {
            [_] if path.exists() => {}
            [] | [_] => {
                let error = InputError::new("this is not the folder of a sweep: it has no manifest.json").path(folder);
                return Err(error.help("write one with `partscope sweep plan FILE.toml -o DIR`").into());
            }
            several => {
                let problem = format!("there are several manifests in this folder: {}", crate::text::list(several));
                let help = "move all but one elsewhere; results of each are kept apart, so nothing is lost";
                return Err(InputError::new(problem).path(folder).help(help).into());
            }
        }
        let bytes = disk::read(&path)?;
        let wrong = |problem: String| {
            let help = "restore the file, or plan again into a new folder; results in the store are used again";
            InputError::new(problem).path(&path).help(help)
        };
        let text = String::from_utf8(bytes).map_err(|_| wrong("this is not text".to_owned()))?;
        let (content, checksum) = sealed::open("sweep", &text).map_err(|error| wrong(error.problem))?;
        let manifest: Self = serde_json::from_str(content).map_err(|error| wrong(error.to_string()))?;
        let manifest = Self { checksum: checksum.to_owned(), ..manifest };
        let (schema, engine) = (manifest.schema, manifest.engine);
        if (schema, engine) != (SCHEMA, ENGINE_REVISION) {
            let problem = format!(
                "the sweep was planned for revision {engine} of the engine (manifest {schema}), this program has \
                 {ENGINE_REVISION} ({SCHEMA}): their numbers differ"
            );
            return Err(wrong(problem).help("use the program that planned it, or plan again into a new folder").into());
        }
        Ok(manifest)
    }

    /// Returns the text of the file, one cell a line, and its checksum.
    fn text(&self) -> Result<(String, String)> {
        let failed = |error: serde_json::Error| Error::Write { path: FILE.into(), source: error.into() };
        let head = serde_json::to_string(&Self { cells: Vec::new(), ..self.clone() }).map_err(failed)?;
        let cells = self.cells.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let content = head.replace("\"cells\":[]", &format!("\"cells\":[\n{}\n]", cells.join(",\n")));
        Ok(sealed::seal("sweep", &content))
    }
}
