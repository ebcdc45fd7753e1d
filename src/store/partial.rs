//! Batches of unfinished runs, from which an interrupted run resumes.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{directories::create, key::EntryKey, root::Store};
use crate::{
    attribution::{Batch, Split},
    component::Shape,
    error::{Error, InputError, Result},
    run::{ExampleCounts, ModelMeta, PromptMeta, TaskMeta},
};

const ABOUT: &str = "about.json";
const BATCHES: &str = "batches.bin";
/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = blake3::OUT_LEN;

/// Description of an unfinished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The model.
    pub model: ModelMeta,
    /// The task and template.
    pub task: TaskMeta,
    /// The demonstrations.
    pub prompt: PromptMeta,
    /// Number of examples in each split.
    pub examples: ExampleCounts,
    /// Number of finished examples.
    #[serde(skip)]
    pub done: usize,
}

/// Batches of an unfinished run on disk, open for appending.
#[derive(Debug)]
pub struct Partial {
    file: Option<File>,
}

impl Store {
    /// Opens the batches of the unfinished run `key` and returns those already stored, in order.
    ///
    /// The list ends at a truncated or damaged batch, which is overwritten.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn partial(&self, key: &EntryKey, about: &About, shape: Shape) -> Result<(Partial, Vec<(Split, Batch)>)> {
        let Some(folder) = self.partial_folder(key) else { return Ok((Partial { file: None }, Vec::new())) };
        create(&folder)?;
        let path = folder.join(ABOUT);
        let text = serde_json::to_vec(about).unwrap_or_default();
        fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
        let path = folder.join(BATCHES);
        let failed = |source| Error::Write { path: path.clone(), source };
        let options = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = options.map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let (mut batches, mut valid_bytes) = (Vec::new(), 0);
        while let Some((split, batch, bytes)) = record(&mut reader, shape) {
            batches.push((split, batch));
            valid_bytes += bytes;
        }
        file.set_len(valid_bytes).map_err(failed)?;
        Ok((Partial { file: Some(file) }, batches))
    }

    /// Removes the stored batches of the unfinished run `key`.
    ///
    /// # Errors
    /// If they cannot be removed.
    pub fn forget_partial(&self, key: &EntryKey) -> Result<()> {
        let Some(folder) = self.partial_folder(key).filter(|folder| folder.exists()) else { return Ok(()) };
        fs::remove_dir_all(&folder).map_err(|source| Error::Write { path: folder, source })
    }
}

impl Partial {
    /// Appends a batch. If writing fails, later batches are not stored; the run continues.
    pub fn push(&mut self, split: Split, batch: &Batch) {
        let Some(file) = &mut self.file else { return };
        let values = [&batch.components, &batch.rest, &batch.full];
        let mut bytes = vec![u8::from(split == Split::Test)];
        bytes.extend((batch.examples as u32).to_le_bytes());
        bytes.extend(values.iter().flat_map(|values| values.iter().flat_map(|value| value.to_le_bytes())));
        let check = blake3::hash(&bytes);
        bytes.extend(check.as_bytes());
        if file.write_all(&bytes).is_err() {
            self.file = None;
        }
    }

    /// Describes the unfinished run in `folder` and its progress.
    pub(super) fn about(folder: &Path) -> Result<About> {
        let read = |name: &str| {
            let path = folder.join(name);
            File::open(&path).map_err(|source| Error::Read { path, source })
        };
        let about: About = serde_json::from_reader(read(ABOUT)?)
            .map_err(|error| InputError::new(error.to_string()).path(folder.join(ABOUT)))?;
        let labels = about.task.label_words.len().max(about.task.label_tokens.len());
        let shape = Shape { layers: about.model.layers, heads: about.model.heads, labels };
        let mut reader = BufReader::new(read(BATCHES)?);
        let done = std::iter::from_fn(|| record(&mut reader, shape)).map(|(_, batch, _)| batch.examples).sum();
        Ok(About { done, ..about })
    }
}

/// Reads the next batch and its size in bytes; `None` at the end or at a damaged batch.
fn record(reader: &mut impl Read, shape: Shape) -> Option<(Split, Batch, u64)> {
    /// Upper limit of examples in a batch; a larger number means that the file is damaged.
    const MOST: usize = 1 << 20;
    let mut head = [0; 5];
    reader.read_exact(&mut head).ok()?;
    let split = [Split::Train, Split::Test].into_iter().nth(usize::from(head[0]))?;
    let examples = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if examples > MOST {
        return None;
    }
    let rows = examples * shape.labels;
    let counts = [shape.components() * rows, rows, rows];
    let length = 4 * counts.iter().sum::<usize>();
    let mut body = Vec::new();
    reader.take((length + CHECKSUM_BYTES) as u64).read_to_end(&mut body).ok()?;
    let (values, check) = body.split_at_checked(length).filter(|(_, check)| check.len() == CHECKSUM_BYTES)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head).update(values);
    if hasher.finalize().as_bytes() != check {
        return None;
    }
    let mut floats = values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let [components, rest, full] = counts.map(|count| floats.by_ref().take(count).collect());
    Some((split, Batch { examples, components, rest, full }, (head.len() + body.len()) as u64))
}
