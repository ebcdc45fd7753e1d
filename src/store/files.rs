//! The files of a run: their names, how they are written, and the checksums that show later damage.
//!
//! `run.json` contains the checksums of the two other files, and its own in the line of the key `checksum`: BLAKE3 of
//! the text without that line. So the key may be computed over any other keys, and checked with any tool that removes a
//! line.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{hidden_file, table};
use crate::{
    attribution::Split,
    disk::{NewFile, sync_folder},
    error::{Error, Result},
    run::{Run, RunMeta},
};

/// The file that marks a folder as a run.
pub(super) const RUN: &str = "run.json";
/// The tables.
pub(super) const TABLE: &str = "attribution.safetensors";
/// The hidden states, in runs that have them.
pub(super) const HIDDEN: &str = "hidden.safetensors";
/// The examples.
pub(super) const EXAMPLES: &str = "examples.jsonl";

/// Name prefixes of attachments, the results of experiments beside a run; their extension is `.json`.
const PREFIXES: [&str; 4] = ["ablation-", "atlas", "attention-", "logit-lens-"];

/// Returns whether a file of this name is an attachment.
pub(super) fn is_attachment(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && Path::new(name).extension() == Some("json".as_ref())
}

/// How the line with the checksum of `run.json` starts.
const CHECKSUM_LINE: &[u8] = b"  \"checksum\": ";

/// Writes the files of `run` to the empty folder `folder`; returns the metadata as written, with its checksums.
pub(super) fn write(run: &Run, folder: &Path) -> Result<RunMeta> {
    let table = |to: &mut Hashing| table::write(&Split::ALL.map(|split| (split, run.split(split))), to);
    let examples = |to: &mut Hashing| {
        run.examples.iter().try_for_each(|example| {
            serde_json::to_writer(&mut *to, example)?;
            to.write_all(b"\n")
        })
    };
    let mut file_checksums = BTreeMap::new();
    file_checksums.insert(TABLE.to_owned(), write_file(&folder.join(TABLE), table)?);
    file_checksums.insert(EXAMPLES.to_owned(), write_file(&folder.join(EXAMPLES), examples)?);
    if let Some(hidden) = &run.hidden {
        let write = |to: &mut Hashing| hidden_file::write(hidden, to);
        file_checksums.insert(HIDDEN.to_owned(), write_file(&folder.join(HIDDEN), write)?);
    }
    let path = folder.join(RUN);
    let text = |meta: &RunMeta| -> Result<String> {
        let text = serde_json::to_string_pretty(meta);
        Ok(text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })? + "\n")
    };
    let mut meta = RunMeta {
        checksum: None,
        file_checksums,
        hidden: run.hidden.as_ref().map(|hidden| hidden.meta),
        ..run.meta.clone()
    };
    meta.checksum = Some(checksum(text(&meta)?.as_bytes()));
    let text = text(&meta)?;
    write_file(&path, |to| to.write_all(text.as_bytes()))?;
    sync_folder(folder)?;
    Ok(meta)
}

/// Returns the checksum of bytes, in hexadecimal.
pub(super) fn checksum(bytes: &[u8]) -> String {
    blake3::Hasher::new().update_rayon(bytes).finalize().to_hex().to_string()
}

/// Returns the checksum of the text of a `run.json`: of all lines but the one with the checksum itself.
pub(super) fn own_checksum(text: &[u8]) -> String {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    checksum(&lines.filter(|line| !line.starts_with(CHECKSUM_LINE)).collect::<Vec<_>>().concat())
}

/// Writes a file with `fill` and returns its checksum.
fn write_file(path: &Path, fill: impl FnOnce(&mut Hashing) -> io::Result<()>) -> Result<String> {
    let mut to =
        Hashing { file: BufWriter::with_capacity(1 << 20, NewFile::create(path)?), hasher: blake3::Hasher::new() };
    let written = fill(&mut to).and_then(|()| to.file.flush());
    written.map_err(|source| Error::Write { path: path.to_owned(), source })?;
    to.file.get_ref().sync()?;
    Ok(to.hasher.finalize().to_hex().to_string())
}

/// A file whose checksum is computed as it is written.
struct Hashing {
    file: BufWriter<NewFile>,
    hasher: blake3::Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
