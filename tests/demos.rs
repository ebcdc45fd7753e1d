//! Demonstrations drawn, listed by id and written out, through the real binary.

mod binary;

use std::{fs, path::Path};

use binary::{failure, json, partscope};
use serde_json::{Value, json};
use tempfile::TempDir;

fn run(folder: &Path, more: &[&str]) -> (Value, Vec<u8>) {
    let out = folder.to_str().unwrap();
    let args = ["run", "--task", "sentiment", "--limit", "12", "--train-examples", "4", "-o", out, "--json"];
    let meta = json(&partscope(&[&args[..], more].concat()));
    (meta, fs::read(folder.join("attribution.safetensors")).unwrap())
}

/// Writes the demonstrations of a run to a file for `--demos`.
fn write_demos(meta: &Value, path: &Path, edit: impl Fn(usize, &mut Value)) {
    let lines = meta["prompt"]["demos"].as_array().unwrap().iter().enumerate().map(|(at, demo)| {
        let mut line = demo["fields"].clone();
        line["id"] = demo["id"].clone();
        line["label"] = demo["label"].clone();
        edit(at, &mut line);
        line.to_string() + "\n"
    });
    fs::write(path, lines.collect::<String>()).unwrap();
}

#[test]
fn a_run_can_be_reproduced_from_its_metadata() {
    let home = TempDir::new().unwrap();
    let (drawn, table) = run(&home.path().join("drawn"), &["--demo-seed", "3", "--num-fewshot", "6"]);
    assert_eq!(drawn["request"]["demos"], "balanced");
    let file = home.path().join("demos.jsonl");
    write_demos(&drawn, &file, |_, _| {});
    let seed = ["--demo-seed", "3", "--demos", file.to_str().unwrap()];
    let (again, same) = run(&home.path().join("again"), &seed);
    assert!(table == same, "the same demonstrations written out give another table");
    assert_eq!(again["prompt"], drawn["prompt"]);
    let ids: Vec<&str> = drawn["prompt"]["demo_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let (by_id, same) = run(&home.path().join("named"), &["--demo-seed", "3", "--demo-ids", &ids.join(",")]);
    assert!(table == same, "the same demonstrations by id give another table");
    assert_eq!(by_id["prompt"], drawn["prompt"]);
}

#[test]
fn labels_and_texts_of_demonstrations_can_be_changed() {
    let home = TempDir::new().unwrap();
    let (drawn, table) = run(&home.path().join("drawn"), &[]);
    let file = home.path().join("demos.jsonl");
    let flipped = |label: &Value| json!(if label == "negative" { "positive" } else { "negative" });
    write_demos(&drawn, &file, |_, line| line["label"] = flipped(&line["label"]));
    let (edited, other) = run(&home.path().join("flipped"), &["--demos", file.to_str().unwrap()]);
    assert!(table != other, "other labels give the same table");
    assert_eq!(edited["prompt"]["demo_ids"], drawn["prompt"]["demo_ids"]);
    assert_ne!(edited["prompt"]["demos"], drawn["prompt"]["demos"]);

    fs::write(&file, r#"{"text": "We loved it.", "label": "positive"}"#).unwrap();
    let (own, _) = run(&home.path().join("own"), &["--demos", file.to_str().unwrap()]);
    assert_eq!(own["prompt"]["demo_ids"], json!(["written-1"]));
    assert_eq!(own["prompt"]["shots"], 1);
}

#[test]
fn unbalanced_sets_differ_from_balanced_ones() {
    let home = TempDir::new().unwrap();
    let (balanced, _) = run(&home.path().join("a"), &[]);
    let (unbalanced, _) = run(&home.path().join("b"), &["--unbalanced"]);
    assert_eq!(unbalanced["request"]["demos"], "unbalanced");
    assert_ne!(balanced["prompt"]["demo_ids"], unbalanced["prompt"]["demo_ids"]);
}

#[test]
fn errors_name_the_unusable_demonstration() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("demos.jsonl");
    let (path, out) = (file.to_str().unwrap(), home.path().join("run"));
    for (line, expected) in [
        (r#"{"text": "x", "label": "happy"}"#, "no label is called `happy`; there are: negative and positive"),
        (r#"{"text": "x"}"#, "`written-1` has no label"),
        (r#"{"id": "sentiment-test-0001"}"#, "it is a test example"),
        (r#"{"txet": "x", "label": "positive"}"#, "its fields are txet"),
        ("[1]", "line 1: not a JSON object"),
    ] {
        fs::write(&file, line).unwrap();
        let (code, message) = failure(&["run", "--task", "sentiment", "-o", out.to_str().unwrap(), "--demos", path]);
        assert!(code == 3 && message.contains(expected), "{line}: {code} {message}");
    }
}
