//! Runs in the store: complete, interrupted or damaged.

use crate::{
    run::{PromptMeta, RunMeta},
    runner::RunRequest,
    store::{Content, Entry},
};

/// A store entry of a complete or incomplete run.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Key in the store.
    pub key: String,
    /// Content of the entry.
    pub content: StoredContent,
    /// Size on disk in bytes.
    pub bytes: u64,
}

/// Content of a store entry.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredContent {
    /// A complete run.
    Run(Box<RunMeta>),
    /// An interrupted run.
    Interrupted {
        /// Name of the task.
        task: String,
        /// Name of the template.
        template: String,
        /// Name of the model.
        model: String,
        /// Demonstrations and what else is in the prompts.
        prompt: Box<PromptMeta>,
        /// The request that produces the run, if it is known.
        request: Option<Box<RunRequest>>,
        /// Examples done.
        done: usize,
        /// Total number of examples.
        total: usize,
    },
    /// A damaged entry, with the error message.
    Damaged(String),
}

/// Converts a store entry; `None` if it holds label logits.
pub(super) fn stored(entry: Entry) -> Option<StoredRun> {
    let content = match entry.content {
        Content::Run(meta) => StoredContent::Run(meta),
        Content::Interrupted(about) => StoredContent::Interrupted {
            task: about.task.name,
            template: about.task.template,
            model: about.model.id,
            prompt: Box::new(about.prompt),
            request: about.request.map(Box::new),
            done: about.done,
            total: about.examples.train + about.examples.test,
        },
        Content::Damaged(why) => StoredContent::Damaged(why),
        Content::Logits => return None,
    };
    Some(StoredRun { key: entry.key.to_string(), content, bytes: entry.bytes })
}
