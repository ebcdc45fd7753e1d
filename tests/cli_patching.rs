//! `partscope ablate --fill-from`: replacement values from another run, on the command line.

mod binary;

use std::{fs, path::Path};

use binary::{json, partscope, partscope_with_store, stdout, unchecked};
use serde_json::Value;
use tempfile::TempDir;

/// The demonstrations of a run with `--demo-seed 0`, with their labels exchanged.
const FLIPPED: &str = r#"{"id": "sentiment-pool-0131", "label": "negative"}
{"id": "sentiment-pool-0068", "label": "positive"}
{"id": "sentiment-pool-0049", "label": "positive"}
{"id": "sentiment-pool-0105", "label": "negative"}
"#;

/// Makes a run of the demo in `name` with 24 examples.
fn make(home: &TempDir, name: &str, options: &[&str]) -> String {
    let folder = home.path().join(name).to_str().unwrap().to_owned();
    let mut args = vec!["run", "-m", "demo", "-o", &folder, "--json"];
    if !options.contains(&"--task") {
        args.extend(["--task", "sentiment"]);
    }
    if !options.contains(&"--limit") {
        args.extend(["--limit", "24"]);
    }
    args.extend(options);
    let cache = home.path().join("cache");
    json(&partscope_with_store(&args, cache.to_str().unwrap()));
    folder
}

/// Makes a run and one with exchanged labels in its demonstrations.
fn clean_and_flipped(home: &TempDir) -> (String, String) {
    let demos = home.path().join("flipped.jsonl");
    fs::write(&demos, FLIPPED).unwrap();
    (make(home, "clean", &[]), make(home, "flipped", &["--demos", demos.to_str().unwrap()]))
}

fn read(folder: &str, start: &str) -> Value {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    serde_json::from_slice(&fs::read(Path::new(folder).join(&found[0])).unwrap()).unwrap()
}

#[test]
fn values_of_another_run_are_named_with_its_key() {
    let home = TempDir::new().unwrap();
    let (clean, flipped) = clean_and_flipped(&home);
    for positions in ["last", "all"] {
        let args =
            ["ablate", &flipped, "--set", "L5.MLP=0,L6.MLP=0,L7.MLP=0", "--fill", "paired", "--fill-from", &clean];
        let found = json(&partscope(&[&args[..], &["--positions", positions, "--json"]].concat()));
        assert_ne!(found["margin"]["effect"]["total"], 0.0);
        assert_eq!((&found["fill"], &found["fill_from"]["run"]), (&"paired".into(), &clean.as_str().into()));
        let key = found["fill_from"]["key"].as_str().unwrap().to_owned();
        let file = format!("ablation-mix-{positions}-paired-{}.json", &key[..12]);
        assert_eq!(read(&flipped, &file), found);
        let listed = partscope_with_store(&["cache", "list", "--json"], home.path().join("cache").to_str().unwrap());
        assert!(stdout(&listed).contains(&key), "the key of the stored run");
    }
    let text = stdout(&partscope(&["ablate", &flipped, "--each", "--fill", "paired", "--fill-from", &clean]));
    assert!(text.contains("activation patching at the last position of each component, values from"), "{text}");
}

#[test]
fn a_run_patched_with_itself_changes_nothing() {
    let home = TempDir::new().unwrap();
    let run = make(&home, "run", &[]);
    for positions in ["last", "all"] {
        let args =
            ["ablate", &run, "--each", "--fill", "paired", "--fill-from", &run, "--positions", positions, "--json"];
        let each = json(&partscope(&args));
        for component in each["components"].as_array().unwrap() {
            let moved = &component["margin"]["effect"];
            assert!(moved["total"].as_f64().unwrap().abs() < 1e-5, "{component}");
            assert!(moved["direct"].as_f64().unwrap().abs() < 1e-5, "{component}");
            assert_eq!(component["accuracy"]["effect"]["total"], 0.0);
        }
    }
}

#[test]
fn means_of_another_run_give_function_vector_scores() {
    let home = TempDir::new().unwrap();
    let (clean, flipped) = clean_and_flipped(&home);
    let each = |args: &[&str]| json(&partscope(&[&["ablate", &flipped, "--each", "--json"], args].concat()));
    let found = each(&["--fill", "mean", "--fill-from", &clean]);
    for component in found["components"].as_array().unwrap() {
        let number = |value: &Value| value.as_f64().unwrap();
        let (score, chance) = (&component["function_vector_score"], &component["probability"]);
        let rise = number(&chance["total"]) - number(&chance["model"]);
        assert!((number(&score["value"]) - rise).abs() < 1e-12, "{component}");
        assert!(number(&score["ci"][0]) <= rise && rise <= number(&score["ci"][1]), "{component}");
        assert!((0.0..=1.0).contains(&number(&chance["model"])));
    }
    assert!(each(&["--fill", "mean"])["components"][0]["function_vector_score"].is_null());
    assert_eq!(read(&flipped, "ablation-each-last-mean.json")["fill_from"], Value::Null);
    let text = stdout(&partscope(&["ablate", &flipped, "--each", "--fill", "mean", "--fill-from", &clean]));
    assert!(text.contains("function vector scores"), "{text}");
}

#[test]
fn runs_that_do_not_fit_are_refused_with_the_difference() {
    let home = TempDir::new().unwrap();
    let (run, topic) = (make(&home, "run", &[]), make(&home, "topic", &["--task", "topic"]));
    let (fewer, hashed) = (make(&home, "fewer", &["--limit", "12"]), make(&home, "shots", &["--num-fewshot", "2"]));
    let changed = make(&home, "changed", &[]);
    let path = Path::new(&changed).join("run.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    meta["model"]["weights_hash"] = "0".repeat(64).into();
    fs::write(&path, unchecked(meta).to_string()).unwrap();
    for (other, positions, expected) in [
        (&topic, "last", "4 labels, this one 2"),
        (&fewer, "last", "is not in the other run"),
        (&hashed, "all", "; 24 of 24 prompts differ in length"),
        (&changed, "last", "another model"),
        (&"/no/such/run".to_owned(), "last", "there is no such folder"),
    ] {
        let args = ["ablate", &run, "--each", "--fill", "paired", "--fill-from", other, "--positions", positions];
        let output = partscope(&args);
        let (code, message) = (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(
            code == Some(3) && message.contains(expected) && message.contains(other.as_str()),
            "{code:?} {message}"
        );
    }
    for args in [&["--fill", "paired"][..], &["--fill-from", &run], &["--fill", "zero", "--fill-from", &run]] {
        let output = partscope(&[&["ablate", &run, "--each"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
