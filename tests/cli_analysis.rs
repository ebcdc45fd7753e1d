//! The commands that analyse runs (`fit`, `compare`, `classify`, `reproduce`, `report`), `completions` and `man`.

mod binary;

use std::{
    fs,
    path::{Path, PathBuf},
};

use binary::{TASK, failure, json, keys, partscope, partscope_with_input, stdout, task_folder};
use serde_json::Value;
use tempfile::TempDir;

/// Makes a run of the demo model on the task `topic`.
fn run(home: &TempDir, name: &str, more: &[&str]) -> PathBuf {
    let folder = home.path().join(name);
    let args = ["run", "--task", "topic", "--limit", "40", "-o", folder.to_str().unwrap()];
    stdout(&partscope(&[&args[..], more].concat()));
    folder
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn fit_reports_every_method_on_the_same_examples() {
    let home = TempDir::new().unwrap();
    let folder = run(&home, "run", &["--template", "article-hash"]);
    let report = json(&partscope(&["fit", path(&folder), "--with-model", "--json"]));
    for key in ["objective", "kkt", "iterations", "seconds", "rest", "train_n", "test_n"] {
        assert!(report[key].is_number(), "{key}");
    }
    assert_eq!((report["train_n"].as_u64(), report["test_n"].as_u64()), (Some(20), Some(40)));
    assert_eq!(report["weights"].as_object().unwrap().len(), 72);
    assert!(report["kkt"].as_f64().unwrap() <= 1e-6);
    let methods = keys(&report["accuracy"]);
    for method in [
        "standard",
        "standard_k",
        "prompts",
        "calib",
        "contextual",
        "batch",
        "best_component",
        "vote",
        "random",
        "comprw",
        "comprw_released",
        "partscope",
        "oracle_best_component",
    ] {
        assert!(methods.contains(&method), "{method} is missing from {methods:?}");
    }
    let text = stdout(&partscope(&["fit", path(&folder), "--method", "comprw"]));
    assert!(text.starts_with("comprw fitted on 20 labels") && text.contains("(leakage)"), "{text}");
}

#[test]
fn fitted_weights_label_new_texts_only_with_their_model() {
    let home = TempDir::new().unwrap();
    let folder = run(&home, "run", &[]);
    let weights = home.path().join("weights.json");
    stdout(&partscope(&["fit", path(&folder), "-o", path(&weights)]));
    let file: Value = serde_json::from_slice(&fs::read(&weights).unwrap()).unwrap();
    for key in
        ["schema", "model_hash", "task", "template", "demo_ids", "label_words", "label_tokens", "method", "lambda"]
    {
        assert!(!file[key].is_null(), "{key}");
    }
    let texts = "The soup was superb.\n{\"id\": \"x\", \"text\": \"The race was dull.\"}\n";
    let labelled = stdout(&partscope_with_input(&["classify", "--weights", path(&weights), "-"], texts));
    let lines: Vec<Value> = labelled.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ["line-1", "x"]);
    assert_eq!(lines[0]["label"], "food");

    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama");
    let texts = home.path().join("texts");
    fs::write(&texts, "w3 w4\n").unwrap();
    let (code, _) = failure(&["classify", "-m", other, "--weights", path(&weights), path(&texts)]);
    assert_eq!(code, 3);
    let mut changed = file;
    changed["model_hash"] = "0".into();
    fs::write(&weights, changed.to_string()).unwrap();
    let (code, message) = failure(&["classify", "--weights", path(&weights), path(&texts)]);
    assert!(code == 3 && message.contains("`origin_checksum`"), "{message}");
    changed.as_object_mut().unwrap().shift_remove("origin_checksum");
    fs::write(&weights, changed.to_string()).unwrap();
    let output = partscope(&["classify", "--weights", path(&weights), path(&texts)]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(message.contains("have no `origin_checksum`") && message.contains("another model"), "{message}");
}

#[test]
fn compare_lists_flipped_examples_and_their_components() {
    let home = TempDir::new().unwrap();
    let (a, b) = (run(&home, "a", &[]), run(&home, "b", &["--demo-seed", "1"]));
    let comparison = json(&partscope(&["compare", path(&a), path(&b), "--json"]));
    for key in ["pearson", "spearman", "iou_top5", "contribution_pearson"] {
        let value = comparison[key].as_f64().unwrap();
        assert!((-1.0..=1.0).contains(&value), "{key} {value}");
    }
    assert_eq!((comparison["accuracy"].as_array().unwrap().len(), &comparison["shared"]), (2, &Value::from(40)));
    let fewer = home.path().join("fewer");
    stdout(&partscope(&["run", "--task", "topic", "--limit", "30", "--demo-seed", "1", "-o", path(&fewer)]));
    let mixed = json(&partscope(&["compare", path(&a), path(&fewer), "--mix", "--json"]));
    assert_eq!((&mixed["examples"], &mixed["shared"]), (&serde_json::json!([40, 30]), &Value::from(30)));
    assert_eq!(mixed["shared_accuracy"][1], mixed["accuracy"][1]);
    assert_eq!(mixed["mixes"]["shared_accuracy"][0][1], mixed["mixes"]["accuracy"][0][1]);
    let text = stdout(&partscope(&["compare", path(&a), path(&fewer), "--mix"]));
    let of = |key: &str, side: usize| format!("{:.1}%", 100.0 * mixed[key][side].as_f64().unwrap());
    let of_a = format!("full model {} (n = 30 shared; {} of all 40)", of("shared_accuracy", 0), of("accuracy", 0));
    assert!(text.contains(&of_a), "{text}");
    assert!(text.contains(&format!("full model {} (n = 30)", of("accuracy", 1))), "{text}");
    assert!(text.contains("accuracy of the fitted mixes, % (n = 30, shared by A and B):"), "{text}");
    let itself = json(&partscope(&["compare", path(&a), path(&a), "--json"]));
    assert!((itself["pearson"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(itself["flips"].as_array().unwrap().len(), 0);
    let other = home.path().join("other");
    stdout(&partscope(&["run", "--task", "sentiment", "--limit", "5", "-o", path(&other)]));
    let (code, message) = failure(&["compare", path(&a), path(&other)]);
    assert!(code == 3 && message.contains("label"), "{message}");
}

#[test]
fn compared_demonstrations_have_the_words_that_the_model_reads() {
    let task = TASK.replace("\" bad\", \" good\"", "\" no\", \" yes\"");
    let home = task_folder(&[("task.toml", task.as_bytes())]);
    let (file, out) = (home.path().join("task.toml"), home.path().join("run"));
    let options = ["--num-fewshot", "2", "--train-examples", "0", "-o"];
    let args = [&["run", "--task", path(&file)][..], &options, &[path(&out)]].concat();
    stdout(&partscope(&args));
    let text = stdout(&partscope(&["compare", path(&out), path(&out)]));
    assert!(text.contains(" = no: b") && text.contains(" = yes: a"), "{text}");
    fs::remove_file(file).unwrap();
    let text = stdout(&partscope(&["compare", path(&out), path(&out)]));
    assert!(text.contains(" = bad: b") && text.contains(" = good: a"), "without the task's file: {text}");
}

#[test]
fn invalid_fits_are_rejected() {
    let home = TempDir::new().unwrap();
    let bare = run(&home, "bare", &["--train-examples", "0"]);
    let (code, _) = failure(&["fit", path(&bare)]);
    assert_eq!(code, 3);
    let folder = run(&home, "run", &[]);
    for (method, lambda) in [("standard", None), ("comprw", Some("0.1")), ("nonsense", None)] {
        let mut args = vec!["fit", path(&folder), "--method", method];
        args.extend(lambda.iter().flat_map(|lambda| ["--lambda", lambda]));
        assert!(!partscope(&args).status.success(), "{args:?}");
    }
}

#[test]
fn reproduce_scores_hidden_states_as_fit_does() {
    let home = TempDir::new().unwrap();
    let (cache, out) = (home.path().join("cache"), home.path().join("out"));
    let common = ["--limit", "12", "--cache", path(&cache), "--with-hidden"];
    let protocol = ["reproduce", "--tasks", "sentiment", "--templates", "1", "--seeds", "1", "--json"];
    json(&partscope(&[&protocol[..], &common[..4]].concat()));
    let output = partscope(&[&protocol[..], &common].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("runs to compute"), "hidden states are work, too: {said}");
    let report = json(&output);
    let row = report["rows"].as_array().unwrap().iter().find(|row| row["counted"] == true).unwrap();
    let template = row["template"].as_str().unwrap();
    let request = ["--template", template, "--num-fewshot", "4", "--train-examples", "20", "-o", path(&out)];
    stdout(&partscope(&[&["run", "--task", "sentiment"], &request[..], &common].concat()));
    let fitted = json(&partscope(&["fit", path(&out), "--json"]));
    for method in ["hidden_centroid", "hidden_logistic", "sav"] {
        assert!(row["accuracy"][method].is_number(), "{method}");
        assert_eq!(row["accuracy"][method], fitted["accuracy"][method], "{method}");
    }
}

#[test]
fn reproduce_runs_the_model_once() {
    let home = TempDir::new().unwrap();
    let (cache, out) = (home.path().join("cache"), home.path().join("out"));
    let args = [
        "reproduce",
        "--tasks",
        "sentiment",
        "--templates",
        "2",
        "--seeds",
        "2",
        "--limit",
        "12",
        "--json",
        "--cache",
        path(&cache),
        "-o",
        path(&out),
    ];
    let rows = |report: &Value| -> Vec<Value> { report["rows"].as_array().unwrap().clone() };
    let first = json(&partscope(&args));
    let counted: Vec<Value> = rows(&first).into_iter().filter(|row| row["counted"] == true).collect();
    assert_eq!(counted.len(), 4);
    for key in ["task", "template", "demo_seed", "chance", "accuracy", "held_out_best", "label_biased_n", "share"] {
        assert!(!counted[0][key].is_null(), "{key}");
    }
    let agreement = &first["agreement"][0];
    for pairs in ["demos", "templates", "contrastive"] {
        assert!(agreement["pearson"][pairs].is_number() && agreement["iou_top5"][pairs].is_number(), "{pairs}");
    }
    assert!(fs::read_to_string(out.join("accuracy.csv")).unwrap().contains("standard_k,sentiment,"));

    // Changed logits with a valid checksum are used, so the model did not run; damaged ones are recomputed.
    let entries = fs::read_dir(cache.join("entries")).unwrap().map(|entry| entry.unwrap().path().join("logits.f32"));
    let logits: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    assert!(!logits.is_empty());
    for file in &logits {
        let negated: Vec<u8> = fs::read(file)
            .unwrap()
            .as_chunks()
            .0
            .iter()
            .flat_map(|&b| (-f32::from_le_bytes(b)).to_le_bytes())
            .collect();
        let seal = serde_json::json!({"files": {"logits.f32": blake3::hash(&negated).to_hex().to_string()}});
        fs::write(file, negated).unwrap();
        fs::write(file.with_file_name("seal.json"), seal.to_string()).unwrap();
    }
    let accuracy = |report: &Value| rows(report)[0]["accuracy"]["prompts"].as_f64().unwrap();
    assert!((accuracy(&json(&partscope(&args))) - (1.0 - accuracy(&first))).abs() < 1e-9);
    for file in &logits {
        fs::write(file, b"cut").unwrap();
    }
    assert_eq!(first, json(&partscope(&args)), "damaged entries were not recomputed");
}

#[test]
fn a_report_of_two_runs_is_written_to_one_folder() {
    let home = TempDir::new().unwrap();
    let (a, b) = (run(&home, "a", &["--template", "article-hash"]), run(&home, "b", &["--template", "article"]));
    let folder = home.path().join("paper");
    let written = json(&partscope(&["report", path(&a), path(&b), "-o", path(&folder), "--json"]));
    let files: Vec<&str> = written["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(files.iter().all(|file| fs::metadata(file).unwrap().len() > 0));
    let ends = |end: &str| files.iter().filter(|file| file.ends_with(end)).count();
    assert_eq!((ends(".svg"), ends(".png"), ends("report.html")), (12, 12, 1), "{files:?}");
    assert_eq!((ends(".csv"), ends(".parquet")), (9, 9), "{files:?}");
    let page = stdout(&partscope(&["report", path(&a), path(&b), "-o", "-"]));
    assert_eq!(page, fs::read_to_string(folder.join("report.html")).unwrap());
    let (code, message) = failure(&["report", path(&a.join("none")), "-o", path(&folder)]);
    assert!(code == 3 && message.contains("there is no such folder"), "{message}");
    let blocked = a.join("run.json");
    let (code, message) = failure(&["report", path(&a), "-o", path(&blocked)]);
    assert!(code == 1 && message.contains("cannot write"), "{message}");
}

#[test]
fn completions_and_man_pages_cover_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&partscope(&["completions", shell]));
        assert!(script.contains("reproduce") && script.contains("demo-seed"), "{shell}");
    }
    let home = TempDir::new().unwrap();
    stdout(&partscope(&["man", "-o", path(home.path())]));
    let run = fs::read_to_string(home.path().join("partscope-run.1")).unwrap();
    assert!(run.starts_with(".ie") && run.contains("num\\-fewshot"), "{run}");
    assert!(stdout(&partscope(&["man"])).contains(".SH SUBCOMMANDS"));
}
