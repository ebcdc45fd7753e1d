//! Replaces the run in a folder as a whole.
//!
//! The three files cannot be renamed in one step, and the folder cannot be exchanged on every file system. So the new
//! run is written to a folder inside, `.partscope-new-…`, which is then renamed to `.partscope-ready`. From that moment
//! it is the run: [`current`] finds its files there, and [`recover`] moves them into place, now or after a crash.
//! `run.json` is removed first and comes back last, so that no other program sees the files of two runs as one.

use std::path::{Path, PathBuf};

use super::files::{self, EXAMPLES, HIDDEN, RUN, TABLE, is_attachment};
use crate::{
    disk::{OWN, names, remove_file, remove_folder, remove_leftovers, rename, sync_folder, temporary_folder},
    error::Result,
    run::{Run, RunMeta},
};

/// The folder of a complete run whose files are being moved into place.
const READY: &str = ".partscope-ready";

/// Returns the path of a file of the run in `folder`.
pub(super) fn current(folder: &Path, name: &str) -> PathBuf {
    let ready = folder.join(READY).join(name);
    if ready.exists() { ready } else { folder.join(name) }
}

/// Replaces the run in `folder` by `run`; returns its metadata as written. Must be called with a lock on the folder,
/// after [`recover`].
///
/// # Errors
/// If a file cannot be written; the old run then stays.
pub(super) fn replace(folder: &Path, run: &Run) -> Result<RunMeta> {
    let staging = temporary_folder(folder, &format!("{OWN}new-"))?;
    let ready = folder.join(READY);
    let written = files::write(run, &staging).and_then(|meta| {
        rename(&staging, &ready)?;
        sync_folder(folder)?;
        Ok(meta)
    });
    let meta = match written.and_then(|meta| remove_file(&folder.join(RUN)).map(|()| meta)) {
        Ok(meta) => meta,
        Err(error) => {
            // Nothing of the old run is gone yet. A folder that cannot be removed is left to `recover`.
            let _ = rename(&ready, &staging);
            let _ = remove_folder(&staging);
            return Err(error);
        }
    };
    move_into_place(folder)?;
    Ok(meta)
}

/// Finishes or undoes what a killed process began in `folder`, and removes its temporaries. Must be called with a lock
/// on the folder.
///
/// # Errors
/// If a file cannot be moved or removed.
pub(super) fn recover(folder: &Path) -> Result<()> {
    if !names(folder)?.iter().any(|name| name.starts_with(OWN)) {
        return Ok(());
    }
    if folder.join(READY).exists() {
        move_into_place(folder)?;
    }
    remove_leftovers(folder, OWN)
}

fn move_into_place(folder: &Path) -> Result<()> {
    let ready = folder.join(READY);
    if ready.join(RUN).exists() {
        remove_file(&folder.join(RUN))?;
        remove_attachments(folder)?;
        remove_file(&folder.join(HIDDEN))?;
        for name in [TABLE, EXAMPLES, HIDDEN, RUN] {
            if ready.join(name).exists() {
                rename(&ready.join(name), &folder.join(name))?;
            }
        }
        sync_folder(folder)?;
    }
    remove_folder(&ready)
}

/// Removes the attachments of an earlier run from `folder`.
fn remove_attachments(folder: &Path) -> Result<()> {
    names(folder)?.iter().filter(|name| is_attachment(name)).try_for_each(|name| remove_file(&folder.join(name)))
}
