//! Batches of unfinished runs, from which an interrupted run resumes.
//!
//! Every process that computes a run appends to a file of its own, since two may compute the same run at once. A batch
//! carries the number of examples before it, so that batches of several files fit together, and none is used twice.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{key::EntryKey, root::Store};
use crate::{
    attribution::{Batch, Split},
    component::Shape,
    disk::{self, AppendFile, create_folder, names, remove_folder, unique_name, write_whole},
    error::{InputError, Result},
    request::RunRequest,
    run::{ExampleCounts, ModelMeta, PromptMeta, TaskMeta},
};

const ABOUT: &str = "about.json";
/// How the names of files with batches start.
const BATCHES: &str = "batches-";
/// Added to the first byte of a batch with norms of component outputs.
const WITH_NORMS: u8 = 2;
/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = blake3::OUT_LEN;
/// Bytes before the values of a batch: its split and whether it has norms, its number of examples (u32) and that of the examples before it (u64).
const HEAD_BYTES: usize = 13;

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
    /// The request that produces the run; `None` for explicit prompts and in entries of older versions.
    #[serde(default)]
    pub request: Option<RunRequest>,
    /// Number of finished examples.
    #[serde(skip)]
    pub done: usize,
}

/// Batches of an unfinished run on disk, open for appending.
#[derive(Debug)]
pub struct Partial {
    file: Option<AppendFile>,
    /// Number of examples before the next batch.
    examples: usize,
}

impl Store {
    /// Opens the batches of the unfinished run `key` and returns those already stored, in order, up to the first that is
    /// missing or damaged.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn partial(&self, key: &EntryKey, about: &About, shape: Shape) -> Result<(Partial, Vec<(Split, Batch)>)> {
        let Some(folder) = self.partial_folder(key) else {
            return Ok((Partial { file: None, examples: 0 }, Vec::new()));
        };
        create_folder(&folder)?;
        write_whole(&folder.join(ABOUT), &serde_json::to_vec(about).unwrap_or_default())?;
        let batches = stored(&folder, shape, about.examples, |batch| batch)?;
        let examples = batches.iter().map(|(_, batch)| batch.examples).sum();
        let file = AppendFile::open(&folder.join(format!("{BATCHES}{}", unique_name())))?;
        Ok((Partial { file: Some(file), examples }, batches))
    }

    /// Removes the stored batches of the unfinished run `key`.
    ///
    /// # Errors
    /// If they cannot be removed.
    pub fn forget_partial(&self, key: &EntryKey) -> Result<()> {
        self.partial_folder(key).map_or(Ok(()), |folder| remove_folder(&folder))
    }
}

impl Partial {
    /// Appends the batch that follows those already stored.
    ///
    /// # Errors
    /// If it cannot be written; later batches are then not stored, without further errors.
    pub fn push(&mut self, split: Split, batch: &Batch) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let values = [&batch.components, &batch.rest, &batch.full, &batch.norms];
        let mut bytes = vec![u8::from(split == Split::Test) + if batch.norms.is_empty() { 0 } else { WITH_NORMS }];
        bytes.extend((batch.examples as u32).to_le_bytes());
        bytes.extend((self.examples as u64).to_le_bytes());
        bytes.extend(values.iter().flat_map(|values| values.iter().flat_map(|value| value.to_le_bytes())));
        let check = blake3::hash(&bytes);
        bytes.extend(check.as_bytes());
        let written = file.append(&bytes);
        if written.is_err() {
            self.file = None;
        }
        self.examples += batch.examples;
        written
    }

    /// Describes the unfinished run in `folder` and its progress.
    pub(super) fn about(folder: &Path) -> Result<About> {
        let about: About = serde_json::from_slice(&disk::read(&folder.join(ABOUT))?)
            .map_err(|error| InputError::new(error.to_string()).path(folder.join(ABOUT)))?;
        let labels = about.task.label_words.len().max(about.task.label_tokens.len());
        let shape = Shape { layers: about.model.layers, heads: about.model.heads, labels };
        let batches = stored(folder, shape, about.examples, |batch| batch.examples)?;
        let done = batches.iter().map(|(_, examples)| examples).sum();
        Ok(About { done, ..about })
    }
}

/// Reads what `part` returns for the batches of all files in `folder`, in order, as far as they follow one another. The
/// training split comes first, and no split has more examples than the run.
fn stored<T>(folder: &Path, shape: Shape, run: ExampleCounts, part: impl Fn(Batch) -> T) -> Result<Vec<(Split, T)>> {
    let mut found: BTreeMap<usize, (Split, usize, T)> = BTreeMap::new();
    for name in names(folder)?.iter().filter(|name| name.starts_with(BATCHES)) {
        let mut reader = BufReader::new(disk::open(&folder.join(name))?);
        while let Some((split, first, batch)) = record(&mut reader, shape) {
            found.entry(first).or_insert_with(|| (split, batch.examples, part(batch)));
        }
    }
    let (mut done, mut batches) = (0, Vec::new());
    while let Some((split, examples, value)) = found.remove(&done) {
        let range = if split == Split::Train { 0..run.train } else { run.train..run.train + run.test };
        if examples == 0 || !range.contains(&done) || done + examples > range.end {
            break;
        }
        done += examples;
        batches.push((split, value));
    }
    Ok(batches)
}

/// Reads the next batch and the number of examples before it; `None` at the end or at a damaged batch.
fn record(reader: &mut impl Read, shape: Shape) -> Option<(Split, usize, Batch)> {
    /// Upper limit of examples in a batch; a larger number means that the file is damaged.
    const MOST: usize = 1 << 20;
    let mut head = [0; HEAD_BYTES];
    reader.read_exact(&mut head).ok()?;
    let split = [Split::Train, Split::Test].into_iter().nth(usize::from(head[0] & !WITH_NORMS))?;
    let examples = u32::from_le_bytes(head[1..5].try_into().ok()?) as usize;
    let first = usize::try_from(u64::from_le_bytes(head[5..].try_into().ok()?)).ok()?;
    if examples > MOST {
        return None;
    }
    let rows = examples.checked_mul(shape.labels)?;
    let components = shape.heads.checked_add(1)?.checked_mul(shape.layers)?;
    let norms = if head[0] & WITH_NORMS == 0 { 0 } else { components.checked_mul(examples)? };
    let counts = [components.checked_mul(rows)?, rows, rows, norms];
    let length = counts[0].checked_add(2 * rows)?.checked_add(norms)?.checked_mul(4)?;
    let mut body = Vec::new();
    reader.take(length.checked_add(CHECKSUM_BYTES)? as u64).read_to_end(&mut body).ok()?;
    let (values, check) = body.split_at_checked(length).filter(|(_, check)| check.len() == CHECKSUM_BYTES)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head).update(values);
    if hasher.finalize().as_bytes() != check {
        return None;
    }
    let mut floats = values.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let [components, rest, full, norms] = counts.map(|count| floats.by_ref().take(count).collect());
    Some((split, first, Batch { examples, components, rest, full, norms }))
}
