//! Runs as the store has them: complete, interrupted or damaged.

use crate::{
    run::RunMeta,
    store::{Content, Entry},
};

/// An entry of the store that is a run or was to become one.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Its name in the store.
    pub key: String,
    /// What it holds.
    pub kept: StoredContent,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What the store has of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredContent {
    /// All of it.
    Run(Box<RunMeta>),
    /// Its beginning.
    Interrupted {
        /// Name of the task.
        task: String,
        /// Name of the template.
        template: String,
        /// The model.
        model: String,
        /// Examples done.
        done: usize,
        /// Examples in all.
        total: usize,
    },
    /// Nothing that can be read, and why.
    Damaged(String),
}

/// An entry of the store as a run; `None` if it holds label logits.
pub(super) fn stored(entry: Entry) -> Option<StoredRun> {
    let kept = match entry.content {
        Content::Run(meta) => StoredContent::Run(meta),
        Content::Interrupted(about) => StoredContent::Interrupted {
            task: about.task.name,
            template: about.task.template,
            model: about.model.id,
            done: about.done,
            total: about.examples.train + about.examples.test,
        },
        Content::Damaged(why) => StoredContent::Damaged(why),
        Content::Logits => return None,
    };
    Some(StoredRun { key: entry.key.to_string(), kept, bytes: entry.bytes })
}
