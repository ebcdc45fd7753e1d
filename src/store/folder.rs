//! Reads and writes run folders: `run.json`, `attribution.safetensors` and `examples.jsonl`.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use safetensors::{SafeTensors, tensor::Dtype};

use super::{
    attachments::{RUN, is_attachment, remove_attachments},
    table,
};
use crate::{
    attribution::{Attribution, Batch, Split},
    component::Shape,
    disk::temporary,
    error::{Error, InputError, Result},
    run::{ExampleRecord, Run, RunMeta, SCHEMA},
};

const TABLE: &str = "attribution.safetensors";
const EXAMPLES: &str = "examples.jsonl";

/// A folder that can take a run.
///
/// Created before the work starts, so that a folder that cannot be written fails before, not after, an hour of work.
#[derive(Debug)]
pub struct Destination {
    folder: PathBuf,
}

impl Destination {
    /// Creates `folder` if needed and checks that it can be written.
    ///
    /// # Errors
    /// If it cannot be written, or contains files that do not belong to a run.
    pub fn prepare(folder: &Path) -> Result<Self> {
        let failed = |source| Error::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let foreign = fs::read_dir(folder)
            .map_err(failed)?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .find(|name| ![RUN, TABLE, EXAMPLES].contains(&name.as_str()) && !is_attachment(name));
        if let Some(name) = foreign {
            return Err(InputError::new(format!("the folder is neither empty nor a run: it contains `{name}`"))
                .path(folder)
                .help("name a new folder with -o")
                .into());
        }
        temporary(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes `run`, each file atomically and `run.json` last: a folder without it is not a run.
    ///
    /// # Errors
    /// If the disk is full or the folder was removed.
    pub fn write(&self, run: &Run) -> Result<()> {
        let marker = self.folder.join(RUN);
        match fs::remove_file(&marker) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Write { path: marker, source });
            }
            _ => {}
        }
        remove_attachments(&self.folder)?;
        self.write_with(TABLE, |path| table::write(&Split::ALL.map(|split| (split, run.split(split))), path))?;
        self.write_with(EXAMPLES, |path| {
            let mut lines = BufWriter::new(fs::File::create(path)?);
            for example in &run.examples {
                serde_json::to_writer(&mut lines, example)?;
                lines.write_all(b"\n")?;
            }
            lines.flush()
        })?;
        let mut meta =
            serde_json::to_vec_pretty(&run.meta).map_err(io::Error::from).map_err(|source| self.failed(RUN, source))?;
        meta.push(b'\n');
        self.write_file(RUN, &meta)
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_with(name, |path| fs::write(path, bytes))
    }

    fn write_with(&self, name: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
        let write = || -> io::Result<()> {
            let file = temporary(&self.folder)?;
            fill(file.path())?;
            file.as_file().sync_all()?;
            file.persist(self.folder.join(name)).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| self.failed(name, source))
    }

    fn failed(&self, name: &str, source: io::Error) -> Error {
        Error::Write { path: self.folder.join(name), source }
    }
}

/// Reads the run in `folder`.
///
/// # Errors
/// If a file is missing or damaged, has a newer schema, or does not match the other files.
pub fn open(folder: &Path) -> Result<Run> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                InputError::new(format!("not a run: it has no {name}"))
                    .path(folder)
                    .help("create one with `partscope run -m demo --task sentiment -o DIR`")
                    .into()
            }
            _ => Error::Read { path, source },
        })
    };
    let wrong = |name: &str, problem: String| InputError::new(problem).path(folder.join(name));
    let meta: RunMeta =
        serde_json::from_slice(&read(RUN)?).map_err(|error| wrong(RUN, error.to_string()).line(error.line()))?;
    if meta.schema != SCHEMA {
        let problem = format!("the run has schema {}, but this version reads schema {SCHEMA}", meta.schema);
        return Err(wrong(RUN, problem).field("schema").help("use the version that wrote it, or run again").into());
    }
    let bytes = read(TABLE)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(TABLE, error.to_string()))?;
    let table = Tables { tensors, path: folder.join(TABLE), meta: &meta };
    let (train, test) = (table.read(Split::Train, meta.examples.train)?, table.read(Split::Test, meta.examples.test)?);
    let examples = read_examples(&folder.join(EXAMPLES), &read(EXAMPLES)?)?;
    if examples.len() != train.len() + test.len() {
        let problem = format!("{} examples, but the tables have {} rows", examples.len(), train.len() + test.len());
        return Err(wrong(EXAMPLES, problem).into());
    }
    Ok(Run { meta, train, test, examples })
}

struct Tables<'a> {
    tensors: SafeTensors<'a>,
    path: PathBuf,
    meta: &'a RunMeta,
}

impl Tables<'_> {
    fn read(&self, split: Split, n: usize) -> Result<Attribution> {
        let labels = self.meta.task.label_words.len().max(self.meta.task.label_tokens.len());
        let shape = Shape { layers: self.meta.model.layers, heads: self.meta.model.heads, labels };
        let (l, h) = (shape.layers, shape.heads);
        let heads = self.tensor(split, "heads", Dtype::F32, &[l, h, n, labels])?;
        let mlps = self.tensor(split, "mlps", Dtype::F32, &[l, n, labels])?;
        let gold = self.tensor(split, "labels", Dtype::I64, &[n])?;
        let gold: Vec<usize> = gold.chunks_exact(8).map(|bytes| i64::from_le_bytes(array(bytes)) as usize).collect();
        if gold.iter().any(|&label| label >= labels) {
            return Err(self.wrong(split, "labels", format!("a label index is not below {labels}")).into());
        }
        let layer = 4 * n * labels;
        let mut components = Vec::with_capacity(shape.components() * n * labels);
        for at in 0..l {
            components.extend(floats(&heads[at * h * layer..(at + 1) * h * layer]));
            components.extend(floats(&mlps[at * layer..(at + 1) * layer]));
        }
        let table = |name: &str| -> Result<Vec<f32>> {
            Ok(floats(self.tensor(split, name, Dtype::F32, &[n, labels])?).collect())
        };
        let (rest, full) = (table("rest")?, table("full")?);
        Ok(Attribution::complete(shape, gold, Batch { examples: n, components, rest, full }))
    }

    fn tensor(&self, split: Split, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&[u8]> {
        let full_name = format!("{}.{name}", split.name());
        let view = self.tensors.tensor(&full_name).map_err(|error| self.wrong(split, name, error.to_string()))?;
        if view.dtype() != dtype || view.shape() != shape {
            let problem = format!(
                "the tensor is {:?} {:?}, but run.json requires {dtype:?} {shape:?}",
                view.dtype(),
                view.shape()
            );
            return Err(self.wrong(split, name, problem).into());
        }
        Ok(view.data())
    }

    fn wrong(&self, split: Split, name: &str, problem: String) -> InputError {
        InputError::new(problem).path(&self.path).field(format!("{}.{name}", split.name()))
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

fn read_examples(path: &Path, bytes: &[u8]) -> Result<Vec<ExampleRecord>> {
    let lines = bytes.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_slice(line)
                .map_err(|error| InputError::new(error.to_string()).path(path).line(index + 1).into())
        })
        .collect()
}
