//! What programs that call partscope rely on, above all the reader in Python: figures on standard output, and progress as
//! lines.

mod binary;

use std::{fs, path::Path, process::Output};

use binary::{command, failure, json, partscope, partscope_with_input, stdout};
use serde_json::Value;
use tempfile::TempDir;

fn run(folder: &Path, template: &str) -> Output {
    let folder = folder.to_str().unwrap();
    let made = partscope(&[
        "run",
        "-m",
        "demo",
        "--task",
        "topic",
        "--template",
        template,
        "--limit",
        "40",
        "--train-examples",
        "20",
        "-o",
        folder,
    ]);
    assert!(made.status.success());
    made
}

#[test]
fn heat_maps_are_those_of_the_report() {
    let home = TempDir::new().unwrap();
    let (a, b, report) = (home.path().join("a"), home.path().join("b"), home.path().join("report"));
    run(&a, "article-hash");
    run(&b, "article");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (a, b, report) = (text(&a), text(&b), text(&report));
    assert!(partscope(&["report", &a, &b, "-o", &report]).status.success());
    let figure = |name: &str| fs::read_to_string(format!("{report}/figures/{name}.svg")).unwrap();
    for (name, args) in [
        ("accuracy-topic-article-hash-0", vec!["components", &a, "--svg"]),
        ("weights-topic-article-hash-0", vec!["fit", &a, "--svg"]),
        ("difference-topic-article-hash-0-topic-article-0", vec!["compare", &a, &b, "--svg"]),
    ] {
        assert_eq!(stdout(&partscope(&args)), figure(name), "{args:?}");
    }
    for args in [
        vec!["components", &a, "--svg", "--json"],
        vec!["compare", &a, &b, "--svg", "--json"],
        vec!["fit", &a, "--svg", "--json"],
        vec!["fit", &a, "--svg", "-o", "weights.json"],
    ] {
        assert_eq!(partscope(&args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn components_are_scored_on_either_split() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    run(&folder, "article-hash");
    let listing =
        |more: &[&str]| json(&partscope(&[&["components", folder.to_str().unwrap(), "--json"], more].concat()));
    let (train, test) = (listing(&["--split", "train"]), listing(&[]));
    for (listing, split, n) in [(&train, "train", 20), (&test, "test", 40)] {
        assert_eq!((&listing["split"], &listing["components"][0]["n"]), (&split.into(), &n.into()));
        let best = &listing["held_out_best"];
        assert!(best["accuracy"].as_f64() <= best["in_sample"].as_f64(), "{best}");
    }
    let text = stdout(&partscope(&["components", folder.to_str().unwrap(), "--split", "train"]));
    assert!(text.starts_with("20 training examples"), "{text}");
    let none = home.path().join("none");
    let args = ["run", "-m", "demo", "--task", "topic", "--limit", "8", "--train-examples", "0", "-o"];
    assert!(partscope(&[&args[..], &[none.to_str().unwrap()]].concat()).status.success());
    let (code, message) = failure(&["components", none.to_str().unwrap(), "--split", "train"]);
    assert!(code == 3 && message.contains("no training examples"), "{message}");
}

#[test]
fn classify_prints_the_tokens_of_whole_prompts() {
    let home = TempDir::new().unwrap();
    let (folder, weights) = (home.path().join("run"), home.path().join("weights.json"));
    run(&folder, "article");
    let (folder, weights) = (folder.to_str().unwrap(), weights.to_str().unwrap());
    assert!(partscope(&["fit", folder, "-o", weights]).status.success());
    let examples = fs::read_to_string(format!("{folder}/examples.jsonl")).unwrap();
    let example: Value = serde_json::from_str(examples.lines().last().unwrap()).unwrap();
    let meta: Value = serde_json::from_str(&fs::read_to_string(format!("{folder}/run.json")).unwrap()).unwrap();
    let classify = |more: &[&str]| {
        let args = [&["classify", "-w", weights, "-"], more].concat();
        let text = example["text"].as_str().unwrap();
        serde_json::from_str::<Value>(&stdout(&partscope_with_input(&args, text))).unwrap()
    };
    let ids = |value: &Value| value.as_array().unwrap().clone();
    let whole = [ids(&meta["prompt"]["prefix"]), ids(&example["tokens"])].concat();
    assert_eq!(classify(&["--with-tokens"])["tokens"], Value::from(whole));
    assert!(classify(&[]).get("tokens").is_none());
}

#[test]
fn progress_is_lines_for_programs_and_nothing_in_files() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run").to_str().unwrap().to_owned();
    let args = ["run", "-m", "demo", "--task", "sentiment", "--limit", "20", "-o", &folder];
    let said = |value: Option<&str>| {
        let mut command = command(&args);
        value.map(|value| command.env("PARTSCOPE_PROGRESS", value));
        let output = command.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let lines = said(Some("lines"));
    assert!(lines.contains("progress: loading the model…\n"), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with("progress: ")) && !lines.contains('\u{1b}'), "{lines}");
    assert_eq!(said(None), "");
    assert_eq!(said(Some("1")), "");
}

/// Long work has a progress line with a rate.
#[test]
fn methods_that_run_prompts_show_their_progress() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run").to_str().unwrap().to_owned();
    let args = ["run", "-m", "demo", "--task", "sentiment", "--limit", "20", "-o", &folder];
    assert!(partscope(&args).status.success());
    let said = |more: &str| {
        let output = command(&["fit", &folder, more]).env("PARTSCOPE_PROGRESS", "lines").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let lines = said("--with-model");
    let counted = |lines: &str, unit: &str| lines.lines().any(|line| line.contains(unit) && line.contains("/s"));
    assert!(counted(&lines, " prompts with all labelled examples, "), "{lines}");
    let lines = said("--with-reruns");
    assert!(counted(&lines, " sets of heads, "), "{lines}");
}
