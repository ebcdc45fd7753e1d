//! The demo model and tasks that are embedded in the program.

/// config.json of the demo model.
pub(crate) const CONFIG: &[u8] = include_bytes!("../assets/demo/model/config.json");
/// tokenizer.json of the demo model.
pub(crate) const TOKENIZER: &[u8] = include_bytes!("../assets/demo/model/tokenizer.json");
/// Weights of the demo model.
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../assets/demo/model/model.safetensors");

/// Defines [`TASKS`] and [`DATA`] for the named tasks, in this order.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// Task files by name.
        pub(crate) const TASKS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../assets/demo/tasks/", $name, ".toml")))),+];

        /// Data files by the name that the task files use.
        pub(crate) const DATA: &[(&str, &str)] = &[$(
            (concat!($name, ".pool.jsonl"), include_str!(concat!("../assets/demo/tasks/", $name, ".pool.jsonl"))),
            (concat!($name, ".dev.jsonl"), include_str!(concat!("../assets/demo/tasks/", $name, ".dev.jsonl"))),
            (concat!($name, ".test.jsonl"), include_str!(concat!("../assets/demo/tasks/", $name, ".test.jsonl"))),
        )+];
    };
}

files!["sentiment", "topic", "reading", "entailment", "inference", "paraphrase", "senses", "choice"];
