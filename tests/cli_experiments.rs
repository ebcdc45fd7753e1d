//! Ablated re-runs, attention and logit lens on the command line.

mod binary;

use std::{fs, path::Path};

use binary::{failure, json, partscope, stdout, unchecked};
use serde_json::Value;
use tempfile::TempDir;

fn make(folder: &Path) -> String {
    let folder = folder.to_str().unwrap().to_owned();
    json(&partscope(&["run", "-m", "demo", "--task", "sentiment", "--limit", "24", "-o", &folder, "--json"]));
    folder
}

#[test]
fn effects_add_up_and_are_saved_with_the_run() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let nothing = json(&partscope(&["ablate", &run, "--set", "L0.H0=1", "--positions", "all", "--json"]));
    assert_eq!(nothing["accuracy"]["effect"]["total"], 0.0);
    assert_eq!(nothing["flipped"].as_array().unwrap().len(), 0);
    let meta: Value = serde_json::from_slice(&fs::read(Path::new(&run).join("run.json")).unwrap()).unwrap();
    assert_eq!(nothing["accuracy"]["total"], meta["accuracy"]["full"], "to the last digit");
    let changed = json(&partscope(&["ablate", &run, "--set", "L7.MLP=0,L2.H3=0.5", "--fill", "mean", "--json"]));
    let effect = &changed["margin"]["effect"];
    let number = |key: &str| effect[key].as_f64().unwrap();
    assert!((number("direct") + number("indirect") - number("total")).abs() < 1e-12);
    assert!(number("total") != 0.0 && changed["reacted"].as_array().unwrap().len() > 10);
    assert_eq!((changed["weights"]["L2.H3"].as_f64(), changed["positions"].as_str()), (Some(0.5), Some("last")));
    let kept = fs::read(Path::new(&run).join("ablation-mix-last-mean.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap(), changed);
    let table = stdout(&partscope(&["ablate", &run, "--set", "L7.MLP=0"]));
    assert!(table.contains("indirect") && table.contains("zero ablation at the last position"), "{table}");
}

#[test]
fn a_sweep_agrees_with_single_re_runs() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    for positions in ["last", "all"] {
        let each = json(&partscope(&["ablate", &run, "--each", "--positions", positions, "--json"]));
        assert_eq!((each["complete"].as_bool(), each["examples"].as_u64()), (Some(true), Some(24)));
        assert!(each["estimate_s"].as_f64().unwrap() > 0.0);
        let components = each["components"].as_array().unwrap();
        assert_eq!(components.len(), 72);
        for name in ["L0.H0", "L4.MLP", "L7.H7"] {
            let set = format!("{name}=0");
            let one = json(&partscope(&["ablate", &run, "--set", &set, "--positions", positions, "--json"]));
            let entry = components.iter().find(|entry| entry["name"] == name).unwrap();
            for side in ["model", "direct", "total"] {
                let (a, b) = (entry["margin"][side].as_f64().unwrap(), one["margin"][side].as_f64().unwrap());
                assert!((a - b).abs() < 1e-4, "{name} {positions} {side}: {a} {b}");
            }
        }
    }
    json(&partscope(&["run", "--task", "sentiment", "--limit", "5", "-o", &run, "--json"]));
    assert!(!Path::new(&run).join("ablation-each-last-zero.json").exists(), "it belongs to the previous run");
}

#[test]
fn attention_shares_cover_the_parts_of_the_prompt() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let found = json(&partscope(&["attention", &run, "--head", "L5.H3", "--json"]));
    let share = found["share"].as_array().unwrap();
    assert_eq!(share.len(), 4 * 2 + 3, "start, four demonstrations with their labels, between, query");
    let sum = |key: &str| share.iter().map(|part| part[key].as_f64().unwrap()).sum::<f64>();
    assert!((sum("mean") - 1.0).abs() < 1e-4 && (sum("example") - 1.0).abs() < 1e-4);
    let tokens = found["example"]["tokens"].as_array().unwrap();
    let labels: Vec<&str> = (tokens.iter().filter(|token| token["part"].get("label").is_some()))
        .map(|token| token["text"].as_str().unwrap())
        .collect();
    assert_eq!(labels.len(), 4);
    assert!(labels.iter().all(|word| [" negative", " positive"].contains(word)), "{labels:?}");
    assert!(Path::new(&run).join("attention-L5.H3.json").exists());
    assert!(stdout(&partscope(&["attention", &run, "--head", "L5.H3"])).contains("label words"));
    let (code, message) = failure(&["attention", &run, "--head", "L5.MLP"]);
    assert!(code == 3 && message.contains("choose a head"), "{message}");
}

#[test]
fn the_logit_lens_includes_the_label_words() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let args = [&run, "--component", "L7.MLP", "--top", "3", "--json"];
    let lens = |name: &str| stdout(&partscope(&[&[name], &args[..]].concat()));
    assert_eq!(lens("logit-lens"), lens("writes"), "the old name is an alias");
    let found: Value = serde_json::from_str(&lens("logit-lens")).unwrap();
    let words = |key: &str| found[key].as_array().unwrap().clone();
    assert_eq!((words("promoted").len(), words("suppressed").len()), (3, 3));
    assert_eq!(words("labels")[0]["text"], " negative");
    assert!(words("promoted")[0]["logit"].as_f64() >= words("labels")[0]["logit"].as_f64());
    assert!(stdout(&partscope(&["logit-lens", &run, "--component", "L7.MLP"])).contains("suppresses"));
}

#[test]
fn the_lens_by_layer_ends_in_the_model() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let found = json(&partscope(&["logit-lens", &run, "--json"]));
    let points = found["lens"].as_array().unwrap();
    let meta: Value = serde_json::from_slice(&fs::read(Path::new(&run).join("run.json")).unwrap()).unwrap();
    assert_eq!(points.len() as u64, 2 * meta["model"]["layers"].as_u64().unwrap());
    assert_eq!((&points[0]["layer"], &points[0]["after"]), (&0.into(), &"attn".into()));
    let end = points.last().unwrap();
    for convention in ["own", "realised"] {
        assert_eq!(end[convention]["accuracy"]["value"], meta["accuracy"]["full"], "{convention}");
        for measure in ["accuracy", "margin", "bias", "ece", "nll"] {
            assert!(end[convention][measure]["ci"][1].is_number(), "{measure}");
        }
    }
    assert!(found["exactness"]["max_rel"].as_f64().unwrap() <= 1e-4);
    let kept = Path::new(&run).join("logit-lens-layers.json");
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&kept).unwrap()).unwrap(), found);
    assert!(stdout(&partscope(&["logit-lens", &run])).contains("L0.attn"));
    let report = home.path().join("report").to_str().unwrap().to_owned();
    json(&partscope(&["report", &run, "-o", &report, "--json"]));
    let page = fs::read_to_string(Path::new(&report).join("report.html")).unwrap();
    assert!(page.contains("The lens by layer of sentiment&#x2f;review&#x2f;0 on 24 test examples"));
    let drawn = fs::read_to_string(Path::new(&report).join("figures/lens-sentiment-review-0.svg")).unwrap();
    assert_eq!(drawn.matches("<circle").count(), points.len() * 2 * 4, "four panels, both scales");
    let original = fs::read(&kept).unwrap();
    let mut changed = found.clone();
    changed["lens"].as_array_mut().unwrap().pop();
    fs::write(&kept, changed.to_string()).unwrap();
    let (code, message) = failure(&["report", &run, "-o", &report]);
    assert!(code == 3 && message.contains("not that of this run"), "{code} {message}");
    fs::write(&kept, original).unwrap();
    let id = last_example(&run);
    let words = json(&partscope(&["logit-lens", &run, "--example", &id, "--top", "3", "--json"]));
    assert_eq!(words["lens"].as_array().unwrap().len(), points.len());
    assert_eq!(words["lens"][0]["words"].as_array().unwrap().len(), 3);
    make(Path::new(&run));
    assert!(!kept.exists(), "it belongs to the previous run");
}

/// The id of the last example of a run, which is a test example.
fn last_example(run: &str) -> String {
    let lines = fs::read_to_string(Path::new(run).join("examples.jsonl")).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    last["id"].as_str().unwrap().to_owned()
}

#[test]
fn options_that_do_not_fit_the_run_are_rejected() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama");
    for (args, expected) in [
        (vec!["ablate", &run, "-m", other, "--each"], "other weights"),
        (vec!["ablate", &run, "--set", "L9.H0=0"], "no component L9.H0"),
        (vec!["ablate", &run, "--set", "L1.H0=0,L1.H0=1"], "L1.H0 has two weights"),
        (vec!["attention", &run, "--head", "L5.H3", "--example", "nosuch"], "test example"),
        (vec!["logit-lens", "/no/such/run", "--component", "L0.H0"], "there is no such folder"),
    ] {
        let (code, message) = failure(&args);
        assert!(code == 3 && message.contains(expected), "{args:?}: {code} {message}");
    }
    assert_eq!(partscope(&["ablate", &run]).status.code(), Some(2));
    assert_eq!(partscope(&["ablate", &run, "--set", "L1.H1=x"]).status.code(), Some(2));
    assert_eq!(partscope(&["ablate", &run, "--set", "L1.H1=1e300"]).status.code(), Some(2));
    let path = Path::new(&run).join("run.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    meta["prompt"]["demo_ids"][0] = "another".into();
    fs::write(&path, unchecked(meta).to_string()).unwrap();
    let output = partscope(&["ablate", &run, "--each"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("`prompt.demo_ids`: the id `another` belongs to the demonstration"), "{message}");
}

/// A run on explicit prompts with a model in a folder: commands find the model without `-m`, and the demonstrations are
/// unknown.
#[test]
fn a_run_finds_its_model_and_names_it_if_it_is_missing() {
    let home = TempDir::new().unwrap();
    let (model, run) = (home.path().join("model"), home.path().join("run"));
    fs::create_dir(&model).unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), model.join(file.file_name())).unwrap();
    }
    let prompts = home.path().join("prompts.jsonl");
    fs::write(&prompts, "{\"prompt\": \"w3 w4 w5\", \"label\": 0}\n{\"prompt\": \"w3 w6\", \"label\": 1}\n").unwrap();
    let [model, run, prompts] = [&model, &run, &prompts].map(|path| path.to_str().unwrap().to_owned());
    let made = ["run", "-m", &model, "--prompts", &prompts, "--label-tokens", "7,8", "-o", &run, "--json"];
    json(&partscope(&made));
    assert!(json(&partscope(&["ablate", &run, "--set", "L0.H0=0", "--json"]))["margin"]["effect"]["total"] != 0.0);
    let found = json(&partscope(&["attention", &run, "--head", "L0.H0", "--json"]));
    assert!(found["labels"].as_f64().unwrap().is_sign_positive());
    assert!(stdout(&partscope(&["attention", &run, "--head", "L0.H0"])).contains("no known demonstrations"));
    fs::remove_dir_all(&model).unwrap();
    let (code, message) = failure(&["ablate", &run, "--each"]);
    assert!(code == 3 && message.contains(&model), "{code} {message}");
}

/// Nothing ties the prompts of a run without checksums to its table but the logits that they give.
#[test]
fn prompts_that_do_not_give_the_runs_logits_are_refused() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"));
    let path = Path::new(&run).join("run.json");
    let whole: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    fs::write(&path, unchecked(whole.clone()).to_string()).unwrap();
    assert!(partscope(&["ablate", &run, "--set", "L6.H2=0"]).status.success(), "an unchanged run is taken");
    let reversed = |pointer: &str| {
        let mut meta = unchecked(whole.clone());
        meta.pointer_mut(pointer).unwrap().as_array_mut().unwrap().reverse();
        meta.to_string()
    };
    for pointer in ["/prompt/prefix", "/task/label_tokens"] {
        fs::write(&path, reversed(pointer)).unwrap();
        for args in [&["ablate", &run, "--set", "L6.H2=0"][..], &["logit-lens", &run]] {
            let output = partscope(args);
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(3), "{pointer} {args:?} {message}");
            assert!(output.stdout.is_empty(), "{pointer} {args:?}");
        }
    }
}
