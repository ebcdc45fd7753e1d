//! Files while they are downloaded: `.NAME.HASH.part` beside `NAME`.
//!
//! A file whose hash the hub announces is continued where a download before it stopped, and checked in the end. The
//! lock tells a file in use from one that was left behind.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempPath};

use super::digest::Hash;
use crate::disk::{lock_new, remove_unlocked};

/// Files shorter than this are not kept after a failure.
const SHORTEST: u64 = 1 << 16;
/// End of the names.
const SUFFIX: &str = ".part";

/// A file that is not complete.
#[derive(Debug)]
pub(super) struct Partial {
    file: File,
    /// Removes the file, unless it is kept.
    path: TempPath,
    /// Whether the next download may continue it.
    resumable: bool,
    length: u64,
}

impl Partial {
    /// Opens the file for `target`, with what a download before this one has received, and removes what others left.
    pub(super) fn open(target: &Path, hash: Option<&Hash>) -> io::Result<Self> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        let own = hash.map(|hash| folder.join(format!("{prefix}{}{SUFFIX}", hash.digits())));
        remove_left_behind(folder, &prefix, own.as_deref());
        if let Some(partial) = own.and_then(|path| Self::resume(path).ok().flatten()) {
            return Ok(partial);
        }
        loop {
            let (file, path) = Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder)?.into_parts();
            if lock_new(&file, &path) {
                return Ok(Self { file, path, resumable: false, length: 0 });
            }
        }
    }

    /// Opens the file at `path`; `None` if it is in use.
    fn resume(path: PathBuf) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        // The download that had the lock may have completed the file, which then has its final name.
        if file.try_lock().is_err() || !path.exists() {
            return Ok(None);
        }
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Some(Self { file, path: TempPath::try_from_path(path)?, resumable: true, length }))
    }

    /// Returns the number of bytes received.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Returns whether bytes received before can be continued, because the whole will be checked.
    pub(super) const fn is_resumable(&self) -> bool {
        self.resumable
    }

    /// Forgets all bytes received.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        Ok(())
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns whether the file has the hash.
    pub(super) fn has(&mut self, hash: &Hash) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(0))?;
        let same = hash.is_of(&mut self.file, self.length);
        self.file.seek(SeekFrom::End(0))?;
        same
    }

    /// Gives the complete file its name.
    pub(super) fn complete(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.path.persist(target).map_err(|error| error.error)
    }

    /// Keeps the file for the next download if that can continue it, and removes it otherwise.
    pub(super) fn interrupt(self) {
        if self.resumable && self.length >= SHORTEST {
            let _ = self.path.keep();
        }
    }
}

/// Removes files with this prefix that are not in use and not `own`.
fn remove_left_behind(folder: &Path, prefix: &str, own: Option<&Path>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if !name.starts_with(prefix) || !name.ends_with(SUFFIX) || Some(path.as_path()) == own {
            continue;
        }
        let _ = remove_unlocked(&path, |path| fs::remove_file(path));
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_with_a_hash_is_continued_and_what_others_left_is_removed() {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("weights");
        let (hash, other) = (Hash::from_tag(&"a".repeat(64)).unwrap(), Hash::from_tag(&"b".repeat(64)).unwrap());
        let mut first = Partial::open(&target, Some(&hash)).unwrap();
        first.add(&vec![7; 1 << 17]).unwrap();
        let second = Partial::open(&target, Some(&hash)).unwrap();
        assert_eq!((second.length(), second.is_resumable()), (0, false), "the first is in use");
        assert_eq!(names(folder.path()).len(), 2);
        drop(second);
        first.interrupt();
        fs::write(folder.path().join(".weights.x.part"), "left behind").unwrap();
        fs::write(folder.path().join(".weights2.x.part"), "of another file").unwrap();

        let again = Partial::open(&target, Some(&hash)).unwrap();
        assert_eq!((again.length(), again.is_resumable()), (1 << 17, true));
        again.complete(&target).unwrap();
        assert_eq!(names(folder.path()), [".weights2.x.part", "weights"]);

        for hash in [None, Some(&other)] {
            let mut short = Partial::open(&target, hash).unwrap();
            short.add(b"few bytes").unwrap();
            short.interrupt();
            assert_eq!(names(folder.path()), [".weights2.x.part", "weights"]);
        }
    }
}
