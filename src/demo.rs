//! The model and the tasks that are part of the program.

/// config.json of the demo model.
pub(crate) const CONFIG: &[u8] = include_bytes!("../assets/demo/model/config.json");
/// tokenizer.json of the demo model.
pub(crate) const TOKENIZER: &[u8] = include_bytes!("../assets/demo/model/tokenizer.json");
/// Weights of the demo model.
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../assets/demo/model/model.safetensors");

/// Task files by name.
pub(crate) const TASKS: &[(&str, &str)] = &[
    ("sentiment", include_str!("../assets/demo/tasks/sentiment.toml")),
    ("topic", include_str!("../assets/demo/tasks/topic.toml")),
];

/// Data files by the name that stands in the task files.
pub(crate) const DATA: &[(&str, &str)] = &[
    ("sentiment.pool.jsonl", include_str!("../assets/demo/tasks/sentiment.pool.jsonl")),
    ("sentiment.dev.jsonl", include_str!("../assets/demo/tasks/sentiment.dev.jsonl")),
    ("sentiment.test.jsonl", include_str!("../assets/demo/tasks/sentiment.test.jsonl")),
    ("topic.pool.jsonl", include_str!("../assets/demo/tasks/topic.pool.jsonl")),
    ("topic.dev.jsonl", include_str!("../assets/demo/tasks/topic.dev.jsonl")),
    ("topic.test.jsonl", include_str!("../assets/demo/tasks/topic.test.jsonl")),
];
