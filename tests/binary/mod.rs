//! Helpers that run the real binary.

#![allow(dead_code, unreachable_pub)] // each test file uses only some items

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A valid task file.
pub const TASK: &str = r#"name = "mood"
labels = ["bad", "good"]

[data]
pool = "pool.jsonl"
test = "test.jsonl"

[[template]]
name = "plain"
example = "Text: {{ text }}\nMood:"
label_words = [" bad", " good"]
"#;

/// Pool of [`TASK`].
pub const POOL: &str = "{\"text\": \"a\", \"label\": \"good\"}\n{\"text\": \"b\", \"label\": \"bad\"}\n";
const TEST: &str = "{\"id\": 1, \"text\": \"c\", \"label\": 0}\n{\"id\": 2, \"text\": \"d\", \"label\": 1}\n";

/// Runs the program without its store, so that no result is cached.
pub fn partscope(args: &[&str]) -> Output {
    partscope_keeping(args, "off")
}

/// Runs the program with a store in the folder `cache`.
pub fn partscope_keeping(args: &[&str], cache: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partscope"));
    command.args(args).env("PARTSCOPE_CACHE", cache).stdin(Stdio::null()).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// Returns exit code and message of a command that must fail with exactly one line of output, on standard error.
pub fn failure(args: &[&str]) -> (i32, String) {
    let output = partscope(args);
    assert!(output.stdout.is_empty(), "data on standard output of a failed command");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    (output.status.code().unwrap(), message)
}

pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Creates a folder with a valid task, whose files are then replaced or extended by `files`.
pub fn task_folder(files: &[(&str, &[u8])]) -> TempDir {
    let home = TempDir::new().unwrap();
    for (name, bytes) in [("task.toml", TASK), ("pool.jsonl", POOL), ("test.jsonl", TEST)] {
        fs::write(home.path().join(name), bytes).unwrap();
    }
    for (name, bytes) in files {
        fs::write(home.path().join(name), bytes).unwrap();
    }
    home
}
