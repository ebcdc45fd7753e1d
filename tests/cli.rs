//! The command line of the real binary: files, JSON keys and exit codes of the contract.

mod binary;

use std::{fs, path::Path, process::Stdio};

use binary::{command, failure, json, keys, partscope, stdout, task_folder};
use partscope::{
    Attribution,
    run::AccuracyMeta,
    store::{self, Destination},
};
use serde_json::Value;
use tempfile::TempDir;

fn run(folder: &Path, more: &[&str]) -> Value {
    let folder = folder.to_str().unwrap();
    let args = [&["run", "-m", "demo", "--task", "sentiment", "--limit", "30", "-o", folder, "--json"], more].concat();
    json(&partscope(&args))
}

#[test]
fn a_run_keeps_the_contract() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("deep/run");
    let meta = run(&folder, &[]);
    for (section, expected) in [
        ("model", vec!["device", "dtype", "family", "heads", "hidden", "id", "layers", "weights_hash"]),
        ("task", vec!["label_tokens", "label_words", "name", "template", "template_hash"]),
        ("prompt", vec!["bos", "demo_ids", "demo_seed", "demos", "prefix", "prefix_tokens", "shots", "tokens"]),
        ("selection", vec!["balanced", "by_id", "duplicates", "leaked", "limit", "of", "seed"]),
        ("examples", vec!["test", "train"]),
        ("accuracy", vec!["chance", "components", "full", "majority"]),
        ("exactness", vec!["argmax_mismatches", "max_abs", "max_rel", "terms"]),
        ("timing", vec!["attribute_s", "examples_per_s", "load_s", "tokens_per_s"]),
        ("file_checksums", vec!["attribution.safetensors", "examples.jsonl"]),
    ] {
        assert_eq!(keys(&meta[section]), expected);
    }
    assert!(meta["exactness"]["max_rel"].as_f64().unwrap() <= 1e-4);
    assert!(meta["prompt"]["prefix_tokens"].as_u64().unwrap() > 10);
    assert_eq!((meta["examples"]["train"].as_u64(), meta["examples"]["test"].as_u64()), (Some(20), Some(30)));
    let stored: Value = serde_json::from_slice(&fs::read(folder.join("run.json")).unwrap()).unwrap();
    assert_eq!(stored, meta);
    let examples = fs::read_to_string(folder.join("examples.jsonl")).unwrap();
    assert_eq!(examples.lines().count(), 50);
    let first: Value = serde_json::from_str(examples.lines().next().unwrap()).unwrap();
    assert_eq!(keys(&first), ["full", "gold", "id", "logits", "split", "text", "tokens"]);
    let table = fs::read(folder.join("attribution.safetensors")).unwrap();
    let table = safetensors::SafeTensors::deserialize(&table).unwrap();
    let shape = |name: &str| table.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("test.heads"), [8, 8, 30, 2]);
    assert_eq!(shape("train.mlps"), [8, 20, 2]);
    assert_eq!((shape("test.rest"), shape("test.full"), shape("test.labels")), (vec![30, 2], vec![30, 2], vec![30]));
    assert_eq!((shape("test.norms"), shape("train.norms")), (vec![8, 9, 30], vec![8, 9, 20]));
    assert_eq!(shape("label_gram"), [2, 2]);
    assert_eq!(table.names().len(), 13);
}

#[test]
fn the_same_request_gives_the_same_bytes_on_any_number_of_threads() {
    let home = TempDir::new().unwrap();
    let table = |name: &str, threads: &str, dtype: &str| {
        run(&home.path().join(name), &["--threads", threads, "--dtype", dtype]);
        fs::read(home.path().join(name).join("attribution.safetensors")).unwrap()
    };
    for dtype in ["f32", "q8_0"] {
        let first = table("a", "2", dtype);
        assert!(first == table("b", "2", dtype), "{dtype}: a second run differs");
        assert!(first == table("c", "1", dtype), "{dtype}: one thread differs from two");
    }
}

#[test]
fn a_run_can_be_overwritten_but_other_files_cannot() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, &[]);
    assert_eq!(run(&folder, &["--demo-seed", "1"])["prompt"]["demo_seed"], 1);
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let (code, message) = failure(&["run", "--task", "sentiment", "-o", folder.to_str().unwrap()]);
    assert!(code == 3 && message.contains("notes.txt"), "{code} {message}");
}

#[test]
fn components_lists_every_component() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, &[]);
    let listing = json(&partscope(&["components", folder.to_str().unwrap(), "--json"]));
    let components = listing["components"].as_array().unwrap();
    assert_eq!(components.len(), 72);
    assert_eq!(components[0]["name"], "L0.H0");
    for key in ["accuracy", "ci", "kind", "beats_full", "predicted", "kappa", "q"] {
        assert!(!components[8][key].is_null(), "{key}");
    }
    let text = stdout(&partscope(&["components", folder.to_str().unwrap()]));
    assert!(text.contains("L7.MLP") && text.contains("Wilson"), "{text}");
}

#[test]
fn a_run_that_does_not_add_up_is_marked_everywhere() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, &[]);
    let mut run = store::open(&folder).unwrap();
    let mut batch = run.test.batch(0..run.test.len());
    batch.components[0] += 1.0;
    run.test = Attribution::new(run.test.shape(), run.test.gold().to_vec());
    run.test.push(&batch);
    run.meta.exactness = run.train.exactness().merge(run.test.exactness());
    run.meta.accuracy = AccuracyMeta::measure(&run.test);
    Destination::prepare(&folder).unwrap().write(&run).unwrap();
    assert!(stdout(&partscope(&["components", folder.to_str().unwrap()])).starts_with("NOT EXACT"));
}

#[test]
fn tasks_lists_labels_and_contrastive_pairs() {
    let listing = json(&partscope(&["tasks", "--json"]));
    let tasks = listing["tasks"].as_array().unwrap();
    let expected = [
        ("sentiment", 2),
        ("topic", 4),
        ("reading", 2),
        ("entailment", 2),
        ("inference", 3),
        ("paraphrase", 2),
        ("senses", 2),
        ("choice", 4),
    ];
    assert_eq!(tasks.len(), expected.len());
    for (name, labels) in expected {
        let task = tasks.iter().find(|task| task["name"] == name).unwrap();
        assert_eq!(task["labels"].as_array().unwrap().len(), labels);
        let templates = task["templates"].as_array().unwrap();
        assert!(templates.len() >= 3 && templates.iter().any(|template| template["contrast"].is_string()));
        assert!(task["pool"].as_u64() >= Some(120) && task["dev"].as_u64() >= Some(300), "{task}");
        assert!(task["test"].as_u64() >= Some(500), "{task}");
    }
}

#[test]
fn explicit_prompts_run_on_any_folder() {
    let home = TempDir::new().unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama");
    let prompts = home.path().join("p.jsonl");
    let lines = r#"{"prompt": "w3 w4 w5", "label": 0, "split": "train"}
{"prompt": "w3 w4 w6 w7", "label": 1}
{"prompt": "w3 w9", "label": 0}
"#;
    fs::write(&prompts, lines).unwrap();
    let (file, out) = (prompts.to_str().unwrap(), home.path().join("run"));
    let args = ["run", "-m", model, "--prompts", file, "-o", out.to_str().unwrap(), "--json"];
    let meta = json(&partscope(&[&args[..], &["--labels", " w11| w42"]].concat()));
    assert_eq!(meta["task"]["label_tokens"], serde_json::json!([11, 42]));
    assert_eq!((meta["examples"]["train"].as_u64(), meta["examples"]["test"].as_u64()), (Some(1), Some(2)));
    assert_eq!(meta["prompt"]["prefix_tokens"], 2);
    let same = json(&partscope(&[&args[..], &["--label-tokens", "11,42"]].concat()));
    assert_eq!(meta["accuracy"], same["accuracy"]);
    let (code, message) = failure(&[&args[..], &["--labels", " w11| w11"]].concat());
    assert!(code == 3 && message.contains("share the token"), "{message}");
    let (code, message) = failure(&[&args[..], &["--labels", " w11| w1 w2"]].concat());
    assert!(code == 3 && message.contains("2 tokens, not one"), "{message}");
    let (code, message) = failure(&[&args[..], &["--label-tokens", "11,97"]].concat());
    assert!(code == 3 && message.contains("97"), "{message}");
}

#[test]
fn explicit_prompts_can_have_any_encoding_and_be_too_long() {
    let home = TempDir::new().unwrap();
    let (file, out) = (home.path().join("p.jsonl"), home.path().join("run"));
    let (path, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let args = ["run", "--prompts", path, "--labels", " negative| positive", "-o", out];
    let short = "{\"prompt\": \"It was\", \"label\": 1, \"id\": \"short\"}\n";
    let long = format!("{{\"prompt\": \"{}\", \"label\": 0, \"id\": \"long\"}}\n", "the ".repeat(2000).trim());
    fs::write(&file, format!("{short}{long}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    assert!(failure(&args).1.contains("NUL byte: the file is not text, or UTF-16 without its byte order mark"));
    fs::write(&file, format!("\u{feff}{short}{long}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
        .unwrap();
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("1 of 2 prompts exceed") && !message.contains("drop-demos"), "{message}");
    let meta = json(&partscope(&[&args[..], &["--on-overflow", "skip", "--json"]].concat()));
    assert_eq!((&meta["examples"]["test"], &meta["prompt"]["overflow"]["skipped"][0]), (&1.into(), &"long".into()));
    fs::write(&file, format!("\u{feff}{short}{short}")).unwrap();
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("line 2: `id`: the id `short` is already used in line 1"), "{message}");
    assert_eq!(partscope(&[&args[..], &["--num-fewshot", "2"]].concat()).status.code(), Some(2));
}

#[test]
fn only_files_can_go_to_standard_output() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, &[]);
    let weights = stdout(&partscope(&["fit", folder.to_str().unwrap(), "-o", "-"]));
    assert_eq!(serde_json::from_str::<Value>(&weights).unwrap()["weights"].as_object().unwrap().len(), 72);
    let output = partscope(&["run", "--task", "sentiment", "--limit", "2", "-o", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!Path::new("-").exists());
}

#[test]
fn baselines_are_scored_on_the_examples_of_the_run() {
    let row = |id: usize, words: usize, label: usize| {
        let text = format!("{}soup {id}", "the ".repeat(words));
        serde_json::json!({"id": id, "text": text, "label": label}).to_string() + "\n"
    };
    let pool: String = (0..24).map(|id| row(id, 25, id % 2)).collect();
    // One example fits with two demonstrations, but not with the whole label budget; another never fits.
    let kept = [row(100, 1, 1), row(101, 500, 1), row(102, 2, 0), row(103, 3, 0)].concat();
    let home = task_folder(&[("pool.jsonl", pool.as_bytes())]);
    let fitted = |test: &str, policy: &str| {
        fs::write(home.path().join("test.jsonl"), test).unwrap();
        let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
        let (task, out) = (task.to_str().unwrap(), out.to_str().unwrap());
        let args = ["run", "--task", task, "--num-fewshot", "2", "--on-overflow", policy, "-o", out, "--json"];
        let meta = json(&partscope(&args));
        (meta["examples"]["test"].clone(), json(&partscope(&["fit", out, "--with-model", "--json"])))
    };
    let (count, expected) = fitted(&kept, "drop-demos");
    assert_eq!(count, 4);
    let (count, fit) = fitted(&(row(99, 1100, 0) + &kept), "skip");
    assert_eq!(count, 4);
    assert_eq!(fit["accuracy"], expected["accuracy"]);
}

#[test]
fn errors_list_the_alternatives() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("run");
    let out = out.to_str().unwrap();
    for (args, expected) in [
        (vec!["run", "--task", "sentimint", "-o", out], "sentiment"),
        (vec!["run", "-m", "nosuch", "--task", "topic", "-o", out], "demo"),
        (vec!["run", "--task", "topic", "--template", "x", "-o", out], "article"),
        (vec!["run", "--task", "topic", "--num-fewshot", "4000", "-o", out], "--num-fewshot"),
        (vec!["run", "--task", "topic", "--limit", "0", "-o", out], "--limit"),
        (vec!["components", "/no/such/run"], "there is no such folder"),
    ] {
        let (code, message) = failure(&args);
        assert!(code == 3 && message.contains(expected), "{args:?}: {code} {message}");
    }
    assert_eq!(partscope(&["run", "--bogus"]).status.code(), Some(2));
}

#[test]
#[cfg(unix)]
fn a_failed_run_does_not_stop_the_others() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("runs");
    let args = ["run", "--task", "sentiment", "--limit", "4", "--demo-seeds", "0..3", "-o", folder.to_str().unwrap()];
    let mut command = command(&[&args[..], &["--json"]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A file appears in the second run's folder after it was checked, and before it is written.
    while !folder.join("review-s2").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    fs::write(folder.join("review-s1/mine.txt"), "mine").unwrap();
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("template review, demo seed 1: "), "{message}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seeds: Vec<u64> =
        report["runs"].as_array().unwrap().iter().map(|run| run["prompt"]["demo_seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [0, 2]);
}

#[test]
fn an_unwritable_folder_fails_before_the_work() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("run");
    let (code, message) = failure(&["run", "--task", "sentiment", "-o", below.to_str().unwrap()]);
    assert!(code == 1 && message.contains("cannot write"), "{message}");
}

#[test]
fn errors_name_the_damaged_file() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, &[]);
    for (file, bytes) in [("attribution.safetensors", &b"short"[..]), ("run.json", b"{"), ("examples.jsonl", b"{}\n")] {
        let path = folder.join(file);
        let original = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let (code, message) = failure(&["components", folder.to_str().unwrap()]);
        assert!(code == 3 && message.contains(file), "{file}: {message}");
        fs::write(&path, original).unwrap();
    }
}
