//! Runs the real binary.

#![allow(dead_code, unreachable_pub)] // each test file uses only some functions

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// Path of the binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_partscope");

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

/// The pool of [`TASK`].
pub const POOL: &str = "{\"text\": \"a\", \"label\": \"good\"}\n{\"text\": \"b\", \"label\": \"bad\"}\n";
const TEST: &str = "{\"id\": 1, \"text\": \"c\", \"label\": 0}\n{\"id\": 2, \"text\": \"d\", \"label\": 1}\n";

/// The binary with these arguments, without a store and without standard input.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env("PARTSCOPE_CACHE", "off").stdin(Stdio::null());
    command
}

/// Runs the binary without a store.
pub fn partscope(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Runs the binary with a store in the folder `cache`.
pub fn partscope_with_store(args: &[&str], cache: &str) -> Output {
    command(args).env("PARTSCOPE_CACHE", cache).output().unwrap()
}

/// Runs the binary with `input` on standard input.
pub fn partscope_with_input(args: &[&str], input: &str) -> Output {
    let mut command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Standard output of a command that succeeded.
pub fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The JSON object printed by a command that succeeded.
pub fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// Exit code and message of a command that must fail with one line on standard error and no other output.
pub fn failure(args: &[&str]) -> (i32, String) {
    let output = partscope(args);
    assert!(output.stdout.is_empty(), "data on standard output of a failed command");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    (output.status.code().unwrap(), message)
}

/// The content of a `run.json` without its checksums, to change it or the other files of the run.
pub fn unchecked(mut meta: Value) -> Value {
    let keys = meta.as_object_mut().unwrap();
    assert!(keys.shift_remove("checksum").is_some() && keys.shift_remove("file_checksums").is_some());
    meta
}

/// The sorted keys of a JSON object.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A folder with a valid task, some of whose files are replaced.
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
