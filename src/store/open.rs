//! Reads run folders. This is the only way to a saved run, and what it returns is checked.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};

use super::{
    consistency,
    contradiction::Contradiction,
    files::{EXAMPLES, RUN, TABLE, checksum, own_checksum},
    metadata, swap,
    table::LABEL_GRAM,
};
use crate::{
    attribution::{Attribution, Batch, Split, WordClasses},
    component::Shape,
    disk::{self, FolderLock},
    error::{Error, InputError, Result},
    run::{ExampleRecord, Run, RunMeta, SCHEMA},
};

const NEW_HELP: &str = "create one with `partscope run -m demo --task sentiment -o DIR`";
const HELP: &str = "write the run again with `partscope run -o`";
const CHANGED_HELP: &str = "write the run again with `partscope run -o`, or, if the change is yours, delete the keys \
                            `checksum` and `file_checksums` from run.json";

/// Reads the run in `folder` and checks it: its checksums, if it has them ([`RunMeta::has_checksums`]), and its files
/// against each other.
///
/// # Errors
/// If a file is missing or damaged, has a newer schema, contradicts the other files, or contains numbers that are not
/// finite.
pub fn open(folder: &Path) -> Result<Run> {
    exists(folder)?;
    let _lock = FolderLock::shared(folder);
    let files = Files { folder };
    let text = files.read(RUN)?;
    let meta = files.meta(&text)?;
    let shape = metadata::shape(&meta).map_err(|wrong| files.contradiction(wrong))?;
    let bytes = files.read_checked(TABLE, &meta)?;
    let lines = files.read_checked(EXAMPLES, &meta)?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|error| files.wrong(TABLE, format!("not a table of a run: {error}")).help(HELP))?;
    let tables = Tables { tensors, path: files.path(TABLE), shape, classes: meta.task.word_classes.as_ref() };
    let (train, test) =
        (tables.read(Split::Train, meta.examples.train)?, tables.read(Split::Test, meta.examples.test)?);
    let examples = files.examples(&lines)?;
    let run = Run { meta, train, test, examples, hidden: None };
    consistency::check(&run).map_err(|wrong| files.contradiction(wrong))?;
    Ok(run)
}

/// Returns an error if there is no such folder.
fn exists(folder: &Path) -> Result<()> {
    let problem = match folder.try_exists() {
        Ok(false) => "there is no such folder",
        Ok(true) if !folder.is_dir() => "this is a file, not the folder of a run",
        _ => return Ok(()),
    };
    Err(InputError::new(problem).path(folder).help(NEW_HELP).into())
}

/// The files of a run folder.
struct Files<'a> {
    folder: &'a Path,
}

impl Files<'_> {
    fn path(&self, name: &str) -> PathBuf {
        swap::current(self.folder, name)
    }

    fn wrong(&self, name: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(self.path(name))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        disk::read(&self.path(name)).map_err(|error| match error {
            Error::Read { source, .. } if [NotFound, NotADirectory].contains(&source.kind()) => {
                InputError::new(format!("not a run: it has no {name}")).path(self.folder).help(NEW_HELP).into()
            }
            other => other,
        })
    }

    /// Reads a file and checks it against its checksum in `run.json`, if there is one.
    fn read_checked(&self, name: &str, meta: &RunMeta) -> Result<Vec<u8>> {
        let bytes = self.read(name)?;
        match meta.file_checksums.get(name) {
            Some(expected) if checksum(&bytes) != *expected => Err(self.changed(name)),
            _ => Ok(bytes),
        }
    }

    fn changed(&self, name: &str) -> Error {
        let problem = "the file has changed since it was written (its checksum differs)";
        self.wrong(name, problem).help(CHANGED_HELP).into()
    }

    fn meta(&self, text: &[u8]) -> Result<RunMeta> {
        /// The keys that decide whether the others can be read.
        #[derive(serde::Deserialize)]
        struct Head {
            schema: u32,
            checksum: Option<String>,
        }
        let broken = |error: serde_json::Error| {
            self.wrong(RUN, format!("this is not the run.json of a run: {error}")).line(error.line().max(1)).help(HELP)
        };
        let head: Head = serde_json::from_slice(text).map_err(broken)?;
        if head.schema != SCHEMA {
            let problem = format!("the run has schema {}, but this version reads schema {SCHEMA}", head.schema);
            let help = "use the version that wrote it, or run again";
            return Err(self.wrong(RUN, problem).field("schema").help(help).into());
        }
        if head.checksum.is_some_and(|expected| own_checksum(text) != expected) {
            return Err(self.changed(RUN));
        }
        let meta: RunMeta = serde_json::from_slice(text).map_err(broken)?;
        // Each key without the other would leave a part unchecked.
        let listed = [TABLE, EXAMPLES].map(|name| meta.file_checksums.contains_key(name));
        if listed != [meta.checksum.is_some(); 2] {
            return Err(self.changed(RUN));
        }
        Ok(meta)
    }

    fn examples(&self, bytes: &[u8]) -> Result<Vec<ExampleRecord>> {
        let lines = bytes.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        let record = |(index, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|error| {
                let problem = format!("this is not an example of a run: {error}");
                self.wrong(EXAMPLES, problem).line(index + 1).help(HELP).into()
            })
        };
        lines.map(record).collect()
    }

    fn contradiction(&self, Contradiction { file, field, line, problem }: Contradiction) -> Error {
        let error = self.wrong(file, problem).field(field).help(HELP);
        if let Some(line) = line { error.line(line).into() } else { error.into() }
    }
}

struct Tables<'a> {
    tensors: SafeTensors<'a>,
    path: PathBuf,
    shape: Shape,
    classes: Option<&'a WordClasses>,
}

impl Tables<'_> {
    /// Reads the table of one split. The shapes of all tensors are compared first; a header's shapes fit the file, so
    /// nothing larger than the file is allocated.
    fn read(&self, split: Split, n: usize) -> Result<Attribution> {
        let Shape { layers, heads: per_layer, labels } = self.shape;
        let heads = self.tensor(split, "heads", Dtype::F32, &[layers, per_layer, n, labels])?;
        let mlps = self.tensor(split, "mlps", Dtype::F32, &[layers, n, labels])?;
        let rest = self.tensor(split, "rest", Dtype::F32, &[n, labels])?;
        let full = self.tensor(split, "full", Dtype::F32, &[n, labels])?;
        let gold = self.tensor(split, "labels", Dtype::I64, &[n])?;
        let gold: Vec<usize> = gold.chunks_exact(8).map(|bytes| i64::from_le_bytes(array(bytes)) as usize).collect();
        let classes = self.classes.map_or(labels, WordClasses::count);
        if let Some(row) = gold.iter().position(|&label| label >= classes) {
            let problem = format!("the gold label of row {row} is not below the number of labels, {classes}");
            return Err(self.wrong(&format!("{}.labels", split.name()), problem).into());
        }
        let mut components = Vec::with_capacity((heads.len() + mlps.len()) / 4);
        let layer = 4 * n * labels;
        for at in 0..if n == 0 { 0 } else { layers } {
            components.extend(floats(&heads[at * per_layer * layer..(at + 1) * per_layer * layer]));
            components.extend(floats(&mlps[at * layer..(at + 1) * layer]));
        }
        let (rest, full): (Vec<f32>, Vec<f32>) = (floats(rest).collect(), floats(full).collect());
        let norms = self.optional(split, "norms", Dtype::F32, &[layers, per_layer + 1, n])?;
        let norms = norms.map_or_else(Vec::new, |bytes| floats(bytes).collect());
        let batch = Batch { examples: n, components, rest, full, norms };
        Ok(Attribution::complete(self.shape, self.classes.cloned(), gold, batch).with_label_gram(self.label_gram()?))
    }

    /// Reads the inner products of the label rows, if the run has them.
    fn label_gram(&self) -> Result<Option<Arc<[f64]>>> {
        let words = self.shape.labels;
        let bytes = self.stored(LABEL_GRAM, Dtype::F64, &[words, words])?;
        Ok(bytes.map(|bytes| bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(array(bytes))).collect()))
    }

    /// Returns the bytes of a tensor that runs of older versions lack.
    fn optional(&self, split: Split, name: &str, dtype: Dtype, shape: &[usize]) -> Result<Option<&[u8]>> {
        self.stored(&format!("{}.{name}", split.name()), dtype, shape)
    }

    fn stored(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<Option<&[u8]>> {
        match self.tensors.tensor(name) {
            Ok(view) => self.checked(name, &view, dtype, shape).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn tensor(&self, split: Split, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&[u8]> {
        let full_name = format!("{}.{name}", split.name());
        let view = self.tensors.tensor(&full_name).map_err(|error| self.wrong(&full_name, error.to_string()))?;
        self.checked(&full_name, &view, dtype, shape)
    }

    /// Returns the bytes of the tensor `name` if it has this type and shape.
    fn checked<'v>(&self, name: &str, view: &TensorView<'v>, dtype: Dtype, shape: &[usize]) -> Result<&'v [u8]> {
        if view.dtype() != dtype || view.shape() != shape {
            let problem = format!(
                "the tensor is {:?} {:?}, but run.json requires {dtype:?} {shape:?}",
                view.dtype(),
                view.shape()
            );
            return Err(self.wrong(name, problem).into());
        }
        Ok(view.data())
    }

    fn wrong(&self, tensor: &str, problem: String) -> InputError {
        InputError::new(problem).path(&self.path).field(tensor).help(HELP)
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(array(bytes)))
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
