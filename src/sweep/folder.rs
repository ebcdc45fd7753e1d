//! The folder of a sweep: results, failures and leases, one file a cell.

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    manifest::{Manifest, SweepCell},
    result::CellResult,
};
use crate::{
    disk::{
        self, AppendFile, FoundLease, Lease, NewFile, OWN, Saving, create_folder, names, read_if_exists, remove_file,
        rename, unique_name,
    },
    error::{Error, Result},
};

/// Digits of the manifest's checksum in the name of the folder with results.
const DIGITS: usize = 12;
/// How the names of result files end.
const JSON: &str = ".json";

/// The folder of a sweep and its manifest.
#[derive(Clone, Debug)]
pub struct SweepFolder {
    root: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
}

/// A cell that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedCell {
    /// Its name.
    pub cell: String,
    /// Why it failed.
    pub reason: String,
}

/// A cell during which processes ended without a word, e.g. for lack of memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KilledCell {
    /// Its name.
    pub cell: String,
    /// How many processes.
    pub kills: u64,
}

impl SweepFolder {
    /// Writes the manifest to `folder`, which is created if needed.
    ///
    /// # Errors
    /// If the folder has another sweep, or cannot be written.
    pub fn create(folder: &Path, manifest: &Manifest) -> Result<Self> {
        create_folder(folder)?;
        manifest.write(folder)?;
        Self::open(folder)
    }

    /// Opens the sweep in `folder`.
    ///
    /// # Errors
    /// If there is none, or its manifest was edited.
    pub fn open(folder: &Path) -> Result<Self> {
        let manifest = Manifest::read(folder)?;
        Ok(Self { root: folder.join(&manifest.checksum[..DIGITS]), manifest })
    }

    fn path(&self, kind: &str, cell: &SweepCell) -> PathBuf {
        self.root.join(kind).join(cell.id.clone() + JSON)
    }

    fn done_path(&self, cell: &SweepCell) -> PathBuf {
        self.root.join("done").join(&cell.id[..2]).join(cell.id.clone() + JSON)
    }

    /// Returns whether the cell has a result.
    pub fn is_done(&self, cell: &SweepCell) -> bool {
        self.done_path(cell).is_file()
    }

    /// Returns the ids of the cells that have results.
    pub fn done(&self) -> HashSet<String> {
        let done = self.root.join("done");
        let ids = |folder: String| names(&done.join(folder)).unwrap_or_default();
        names(&done).unwrap_or_default().into_iter().flat_map(ids).filter_map(|name| id(&name)).collect()
    }

    /// Stores the result of a cell, and removes the notes on its failures.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn record(&self, cell: &SweepCell, result: &CellResult) -> Result<()> {
        let path = self.done_path(cell);
        let text = result.text(&self.manifest.checksum, &cell.id);
        write_new(&path, &text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })?)?;
        self.forget(cell)
    }

    /// Returns the result of a cell, if it has one.
    ///
    /// # Errors
    /// If it was changed, or belongs to another cell.
    pub fn result(&self, cell: &SweepCell) -> Result<Option<CellResult>> {
        let path = self.done_path(cell);
        let Some(bytes) = read_if_exists(&path)? else { return Ok(None) };
        let parsed = CellResult::parse(&String::from_utf8_lossy(&bytes), &self.manifest.checksum, &cell.id);
        parsed.map(Some).map_err(|error| error.path(path).into())
    }

    /// Moves a damaged result out of the way, so that its cell is computed again.
    pub(super) fn set_aside(&self, cell: &SweepCell) -> Result<()> {
        let damaged = self.root.join("damaged");
        create_folder(&damaged)?;
        rename(&self.done_path(cell), &damaged.join(format!("{}.{}{JSON}", cell.id, unique_name())))
    }

    /// Notes that a cell failed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn fail(&self, cell: &SweepCell, reason: String) -> Result<()> {
        self.note("failed", cell, &FailedCell { cell: self.manifest.name(cell), reason })
    }

    /// Returns the failed cells by id.
    pub fn failed(&self) -> BTreeMap<String, FailedCell> {
        self.notes("failed")
    }

    /// Returns by id the cells during which processes ended without a word.
    pub fn killed(&self) -> BTreeMap<String, KilledCell> {
        self.notes("killed")
    }

    /// Notes that one more process ended during a cell; returns how many did.
    pub(super) fn add_kill(&self, cell: &SweepCell) -> Result<u64> {
        let before: Option<KilledCell> = read_note(&self.path("killed", cell));
        let kills = before.map_or(0, |note| note.kills) + 1;
        self.note("killed", cell, &KilledCell { cell: self.manifest.name(cell), kills })?;
        Ok(kills)
    }

    /// Removes the notes on failures of a cell.
    pub(super) fn forget(&self, cell: &SweepCell) -> Result<()> {
        remove_file(&self.path("failed", cell))?;
        remove_file(&self.path("killed", cell))
    }

    fn note(&self, kind: &str, cell: &SweepCell, note: &impl Serialize) -> Result<()> {
        let path = self.path(kind, cell);
        let text = serde_json::to_string(note);
        write_new(&path, &text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })?)
    }

    fn notes<T: DeserializeOwned>(&self, kind: &str) -> BTreeMap<String, T> {
        let folder = self.root.join(kind);
        let note = |name: String| Some((id(&name)?, read_note(&folder.join(name))?));
        names(&folder).unwrap_or_default().into_iter().filter_map(note).collect()
    }

    /// Returns where the lease on a cell is.
    pub(super) fn lease_path(&self, cell: &SweepCell) -> Result<PathBuf> {
        let folder = self.root.join("leases");
        create_folder(&folder)?;
        Ok(folder.join(&cell.id))
    }

    /// Takes the lease on a cell; `None` if another process has it.
    pub(super) fn try_lease(&self, cell: &SweepCell) -> Result<Option<Lease>> {
        Lease::try_acquire(&self.lease_path(cell)?)
    }

    /// Returns the leases of cells by id.
    pub(super) fn leases(&self) -> BTreeMap<String, FoundLease> {
        let folder = self.root.join("leases");
        let lease = |name: String| Some((id(&(name.clone() + JSON))?, FoundLease::read(&folder.join(name))?));
        names(&folder).unwrap_or_default().into_iter().filter_map(lease).collect()
    }

    /// Returns the checksum that the weights of a model must have: that of the plan, or else of the first process that
    /// loaded it, which is `found` if this is the first.
    pub(super) fn expected_weights(&self, model: usize, found: &str) -> Result<String> {
        if let Some(planned) = &self.manifest.models[model].weights_hash {
            return Ok(planned.clone());
        }
        let path = self.root.join("weights").join(model.to_string());
        if read_if_exists(&path)?.is_none() {
            write_new(&path, found)?;
        }
        Ok(String::from_utf8_lossy(&disk::read(&path)?).into_owned())
    }

    /// Opens a file for the times that cells take in this process.
    pub(super) fn rates_file(&self) -> Result<AppendFile> {
        let folder = self.root.join("rates");
        create_folder(&folder)?;
        AppendFile::open(&folder.join(unique_name()))
    }

    /// Returns the ids of cells with the seconds that they took, as far as processes could write them.
    pub(super) fn seconds(&self) -> Vec<(String, f64)> {
        let folder = self.root.join("rates");
        let texts =
            names(&folder).unwrap_or_default().into_iter().filter_map(|name| disk::read(&folder.join(name)).ok());
        let mut seconds = Vec::new();
        for text in texts {
            let text = String::from_utf8_lossy(&text).into_owned();
            let pair =
                |line: &str| line.split_once(' ').and_then(|(id, time)| Some((id.to_owned(), time.parse().ok()?)));
            seconds.extend(text.lines().filter_map(pair));
        }
        seconds
    }
}

/// Returns the id in the name of a file, if it is that of a cell.
fn id(name: &str) -> Option<String> {
    let id = name.strip_suffix(JSON)?;
    (id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

fn read_note<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&disk::read(path).ok()?).ok()
}

/// Writes a file under a name of its own and renames it, so that it appears whole, whoever else writes it at once.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let _saving = Saving::begin();
    let folder = path.parent().unwrap_or(path);
    create_folder(folder)?;
    let temporary = folder.join(format!("{OWN}{}", unique_name()));
    let mut file = NewFile::create(&temporary)?;
    let written = file.write_all(text.as_bytes()).map_err(|source| Error::Write { path: path.to_owned(), source });
    let placed = written.and_then(|()| file.sync()).and_then(|()| rename(&temporary, path));
    if placed.is_err() {
        let _ = remove_file(&temporary);
    }
    placed
}
