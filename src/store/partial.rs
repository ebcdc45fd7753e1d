//! Batches as they come: what an interruption leaves, and where the next attempt goes on.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{directories::made, key::EntryKey, root::Store};
use crate::{
    attribution::{Batch, Split},
    component::Shape,
    error::{Error, InputError, Result},
    run::{ExampleCounts, ModelMeta, PromptMeta, TaskMeta},
};

const ABOUT: &str = "about.json";
const BATCHES: &str = "batches.bin";
/// Bytes of a checksum.
const CHECK: usize = blake3::OUT_LEN;

/// What an interrupted run was to become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The model.
    pub model: ModelMeta,
    /// The task and template.
    pub task: TaskMeta,
    /// The demonstrations.
    pub prompt: PromptMeta,
    /// How many examples each split has.
    pub examples: ExampleCounts,
    /// How many are done.
    #[serde(skip)]
    pub done: usize,
}

/// The beginning of a run on disk, open for more.
#[derive(Debug)]
pub struct Partial {
    file: Option<File>,
}

impl Store {
    /// Opens the beginning of the run `key` and returns the batches that are there, in order.
    ///
    /// A batch that was cut off or damaged ends the list, and is overwritten.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn partial(&self, key: &EntryKey, about: &About, shape: Shape) -> Result<(Partial, Vec<(Split, Batch)>)> {
        let Some(folder) = self.partial_folder(key) else { return Ok((Partial { file: None }, Vec::new())) };
        made(&folder)?;
        let path = folder.join(ABOUT);
        let text = serde_json::to_vec(about).unwrap_or_default();
        fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
        let path = folder.join(BATCHES);
        let failed = |source| Error::Write { path: path.clone(), source };
        let options = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = options.map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let (mut batches, mut sound) = (Vec::new(), 0);
        while let Some((split, batch, bytes)) = record(&mut reader, shape) {
            batches.push((split, batch));
            sound += bytes;
        }
        file.set_len(sound).map_err(failed)?;
        Ok((Partial { file: Some(file) }, batches))
    }

    /// Removes the beginning of the run `key`.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn forget_partial(&self, key: &EntryKey) -> Result<()> {
        let Some(folder) = self.partial_folder(key).filter(|folder| folder.exists()) else { return Ok(()) };
        fs::remove_dir_all(&folder).map_err(|source| Error::Write { path: folder, source })
    }
}

impl Partial {
    /// Adds a batch. A disk that takes no more ends the record, not the run.
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

    /// What the beginning in `folder` was to become, and how far it came.
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

/// The next batch and its size in bytes; `None` at the end or where the file is no longer sound.
fn record(reader: &mut impl Read, shape: Shape) -> Option<(Split, Batch, u64)> {
    /// More examples than any batch has: a number beyond is no number of ours.
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
    reader.take((length + CHECK) as u64).read_to_end(&mut body).ok()?;
    let (values, check) = body.split_at_checked(length).filter(|(_, check)| check.len() == CHECK)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head).update(values);
    if hasher.finalize().as_bytes() != check {
        return None;
    }
    let mut floats = values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let [components, rest, full] = counts.map(|count| floats.by_ref().take(count).collect());
    Some((split, Batch { examples, components, rest, full }, (head.len() + body.len()) as u64))
}
