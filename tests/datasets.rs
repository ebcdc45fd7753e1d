//! Data sets of the hub through the real binary: downloaded once, pinned, and then read from the cache.

mod binary;
mod server;

use std::{fs, path::Path};

use server::{COMMIT, Hub, Seen, response};
use tempfile::TempDir;

/// Serves `tests/quiz` with a configuration `plain` (a split `train` in two files and a split `test` in one), and a
/// file of the repository itself.
fn hub(seen: &Seen, _: u16) -> Vec<u8> {
    let commit = format!("x-repo-commit: {COMMIT}\r\n");
    let Some(rest) = seen.path.strip_prefix("/datasets/tests/quiz/resolve/") else {
        return response("401 Unauthorized", "x-error-code: RepoNotFound\r\n", b"no");
    };
    let (first, second) =
        (include_bytes!("golden/tables/nested-0.parquet"), include_bytes!("golden/tables/nested-1.parquet"));
    let body: Option<&[u8]> = match rest.split_once('/') {
        Some(
            ("refs%2Fconvert%2Fparquet" | COMMIT, "plain/train/0000.parquet") | (COMMIT, "plain/train/0001.parquet"),
        ) => Some(second),
        Some(("refs%2Fconvert%2Fparquet" | COMMIT, "plain/test/0000.parquet")) => Some(first),
        Some(("main" | COMMIT, "own/test.csv")) => Some(b"question,answerKey,choices\nq,A,x\nr,B,y\n"),
        Some((_, "classes/test/0000.parquet")) => Some(include_bytes!("golden/tables/classes.parquet")),
        Some((_, "plain/bare/0000.parquet")) => Some(include_bytes!("golden/tables/test.parquet")),
        Some(("main" | COMMIT, "own/numbers.csv")) => Some(b"text,label\na,0\nb,1\n"),
        Some(("main" | COMMIT, "README.md")) => Some(CARD),
        _ => None,
    };
    match body {
        Some(body) => response("200 OK", &commit, body),
        None => response("404 Not Found", "x-error-code: EntryNotFound\r\n", b"no"),
    }
}

/// The card of `tests/quiz`.
const CARD: &[u8] =
    b"---\ndataset_info:\n- config_name: plain\n  features:\n  - name: label\n    dtype:\n      class_label:\n        \
    names:\n          '0': good\n          '1': bad\n---\n";

const TASK: &str = r#"name = "quiz"
labels = ["A", "B"]

[data]
hub = "tests/quiz"
config = "plain"
pool = "train"
test = "test"
label = "answerKey"
label_values = [["A", "1"], ["B", "2"]]
skip_labels = ["C"]

[[template]]
name = "choices"
example = "{{ question }}{% for choice in choices.text %}\n{{ loop.index }} {{ choice }}{% endfor %}\nA:"
label_words = [" A", " B"]
"#;

fn check(home: &Path, port: u16, task: &str, more: &[&str]) -> (Option<i32>, String) {
    let path = home.join("task.toml");
    fs::write(&path, task).unwrap();
    let output = binary::command(&[&["tasks", "check", path.to_str().unwrap()], more].concat())
        .env("HF_HOME", home.join("hf"))
        .env("HF_ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env_remove("HF_HUB_OFFLINE")
        .env_remove("HF_HUB_CACHE")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_split_is_downloaded_once_and_then_read_from_the_cache() {
    let (hub, home) = (Hub::start(hub), TempDir::new().unwrap());
    let (code, text) = check(home.path(), hub.port, TASK, &["--offline"]);
    assert!(code == Some(3) && text.contains("is not in the cache; --offline forbids"), "{text}");
    assert!(hub.requests().is_empty());

    let (code, text) = check(home.path(), hub.port, TASK, &[]);
    assert!(code == Some(0) && text.contains("6 pool, 0 dev, 2 test; examples by label 3, 5"), "{text}");
    assert!(text.contains("  | q1\n  | 1 one\n  | 2 two\n  | A:\n  answer: ` A`"), "{text}");
    let requests = hub.requests().len();
    let folder = home.path().join("hf/hub/datasets--tests--quiz");
    assert_eq!(fs::read_to_string(folder.join("refs/refs/convert/parquet")).unwrap(), COMMIT);
    assert!(folder.join("snapshots").join(COMMIT).join("plain/train/0001.parquet").is_file());

    for more in [&[][..], &["--offline"]] {
        let (code, again) = check(home.path(), hub.port, TASK, more);
        assert_eq!((code, again), (Some(0), text.clone()));
    }
    let pinned = TASK.replace("tests/quiz", &format!("tests/quiz@{COMMIT}"));
    assert_eq!(check(home.path(), hub.port, &pinned, &["--offline"]).0, Some(0));
    assert_eq!(hub.requests().len(), requests, "a complete cache needs no requests");
}

#[test]
fn files_of_the_repository_can_be_used() {
    let (hub, home) = (Hub::start(hub), TempDir::new().unwrap());
    let task = TASK.replace("test = \"test\"", "test = \"own/test.csv\"").replace("pool = \"train\"\n", "");
    let task = task.replace("choices.text", "choices");
    let (code, text) = check(home.path(), hub.port, &task, &[]);
    assert!(code == Some(0) && text.contains("0 pool, 0 dev, 2 test"), "{text}");
}

#[test]
fn missing_data_is_reported_with_advice() {
    let (hub, home) = (Hub::start(hub), TempDir::new().unwrap());
    for (from, to, expected) in [
        ("\"train\"", "\"trian\"", "check `hub`, `config` and the split's name"),
        ("tests/quiz", "tests/none", "the data set is private, gated, or does not exist"),
        ("tests/quiz", "quiz", "write org/name"),
        ("\"test\"", "\"../test\"", "is not a split or file"),
    ] {
        let (code, text) = check(home.path(), hub.port, &TASK.replace(from, to), &[]);
        assert!(code == Some(3) && text.contains(expected), "{to}: {text}");
    }
}

#[test]
fn class_names_of_a_data_set_decide_what_integers_mean() {
    let home = TempDir::new().unwrap();
    let hub = Hub::start(hub);
    let task = |config: &str, test: &str, labels: &str| {
        format!(
            "name = \"mood\"\nlabels = {labels}\n[data]\nhub = \"tests/quiz\"\nconfig = \"{config}\"\ntest = \"{test}\"\n\
             [[template]]\nname = \"t\"\nexample = \"{{{{ text }}}} is\"\nlabel_words = [\" x\", \" y\"]\n"
        )
    };
    for (config, test, source) in [
        ("classes", "test", "the metadata of 0000.parquet"),
        ("plain", "bare", "README.md"),
        ("plain", "own/numbers.csv", "README.md"),
    ] {
        for more in [&[][..], &["--offline"]] {
            let (code, text) = check(home.path(), hub.port, &task(config, test, "[\"bad\", \"good\"]"), more);
            let expected = format!("{source} names the classes 0 good and 1 bad, but `labels` has another order");
            assert!(code == Some(3) && text.contains(&expected), "{text}");
        }
        let (code, text) = check(home.path(), hub.port, &task(config, test, "[\"good\", \"bad\"]"), &[]);
        assert!(code == Some(0) && text.contains("0 pool, 0 dev, 2 test"), "{text}");
    }
}

#[test]
fn the_memory_for_rows_has_a_limit_that_can_be_raised() {
    let home = binary::task_folder(&[("pool.jsonl", binary::POOL.repeat(500).as_bytes())]);
    let path = home.path().join("task.toml");
    for (value, code, expected) in [
        ("", 0, "1000 pool"),
        ("2MB", 0, "1000 pool"),
        ("100KB", 3, "the rows of the task take more than 100 kB of memory"),
        ("much", 3, "`PARTSCOPE_MAX_DATA`: `much` is not a size; write a size such as 500MB or 4GB"),
    ] {
        let mut command = binary::command(&["tasks", "check", path.to_str().unwrap()]);
        let output = command.env("PARTSCOPE_MAX_DATA", value).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.code() == Some(code) && text.contains(expected), "{value}: {text}");
    }
}
