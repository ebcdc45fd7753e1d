//! The atlas on the command line.

mod binary;

use std::{fs, path::Path};

use binary::{failure, json, partscope, stdout};
use serde_json::Value;
use tempfile::TempDir;

fn make(folder: &Path, more: &[&str]) -> String {
    let folder = folder.to_str().unwrap().to_owned();
    let args = [&["run", "--task", "sentiment", "--limit", "30", "-o", &folder], more].concat();
    stdout(&partscope(&args));
    folder
}

#[test]
fn the_atlas_keeps_the_contract() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"), &[]);
    let found = json(&partscope(&["atlas", &run, "--json"]));
    let columns: Vec<&str> =
        found["columns"].as_array().unwrap().iter().map(|own| own["name"].as_str().unwrap()).collect();
    for name in ["accuracy", "margin", "bias", "tr", "tr_length", "tl", "direct"] {
        assert!(columns.contains(&name), "{name} is missing from {columns:?}");
    }
    assert!(
        found["columns"].as_array().unwrap().iter().all(|own| own["unit"].is_string() && own["source"].is_string())
    );
    let components = found["components"].as_array().unwrap();
    assert_eq!((components.len(), &components[8]["name"]), (72, &"L0.MLP".into()));
    for component in components {
        for (name, cell) in component["values"].as_object().unwrap() {
            let at = |key: &str| cell[key].as_f64().unwrap();
            assert!(at("lo") <= at("value") && at("value") <= at("hi"), "{} {name} {cell}", component["name"]);
        }
        assert!((0.0..=1.0).contains(&component["values"]["tr"]["value"].as_f64().unwrap()));
    }
    let listing = json(&partscope(&["components", &run, "--json"]));
    let accuracy = |value: &Value| value.as_f64().unwrap();
    let (own, other) = (&listing["components"][3]["accuracy"], &components[3]["values"]["accuracy"]["value"]);
    assert!((accuracy(own) - accuracy(other)).abs() < 1e-8, "{own} {other}");
    let correlation = &found["correlation"];
    assert_eq!(correlation["columns"].as_array().unwrap().len(), columns.len());
    assert_eq!((&correlation["spearman"][2][2], &correlation["n"][0][1]), (&1.0.into(), &72.into()));
    assert!(correlation["lo"][0][1].as_f64() < correlation["spearman"][0][1].as_f64());
    let kept = Path::new(&run).join("atlas.json");
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(&kept).unwrap()).unwrap(), found);
    let before = fs::read(&kept).unwrap();
    stdout(&partscope(&["atlas", &run]));
    assert_eq!(fs::read(&kept).unwrap(), before, "the same bytes the second time");
    make(Path::new(&run), &["--demo-seed", "1"]);
    assert!(!kept.exists(), "it belongs to the previous run");
}

#[test]
fn the_atlas_is_text_a_table_or_one_component() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"), &[]);
    let text = stdout(&partscope(&["atlas", &run]));
    assert!(text.contains("tr_length") && text.contains("L7.MLP") && text.contains("rank correlations"), "{text}");
    let one = stdout(&partscope(&["atlas", &run, "--component", "L7.MLP"]));
    assert!(one.contains(" of 72") && one.contains("components like it"), "{one}");
    let csv = stdout(&partscope(&["atlas", &run, "-o", "-"]));
    assert!(csv.starts_with("component,layer,kind,signs_differ,accuracy,accuracy_low,accuracy_high,margin"), "{csv}");
    assert_eq!(csv.lines().count(), 73);
    for name in ["atlas.csv", "atlas.parquet"] {
        let file = home.path().join(name);
        stdout(&partscope(&["atlas", &run, "-o", file.to_str().unwrap()]));
        assert!(fs::metadata(&file).unwrap().len() > 1000, "{name}");
    }
    assert_eq!(fs::read_to_string(home.path().join("atlas.csv")).unwrap(), csv);
    for (args, advice) in [
        (["atlas", &run, "--sort", "size"], "it has accuracy"),
        (["atlas", &run, "-o", "atlas.xlsx"], ".csv or .parquet"),
        (["atlas", &run, "--component", "L9.H0"], "8 layers of 8 heads"),
    ] {
        let (code, message) = failure(&args);
        assert!(code == 3 && message.contains(advice), "{code} {message}");
    }
}

/// Runs of older versions have no norms: what needs them is empty and says so. A kept atlas that is damaged or of another
/// run is not believed.
#[test]
fn runs_without_norms_say_what_is_missing_and_foreign_files_are_not_used() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"), &[]);
    let mut old = partscope::store::open(Path::new(&run)).unwrap();
    old.test = {
        let mut batch = old.test.batch(0..old.test.len());
        batch.norms.clear();
        let mut table = partscope::Attribution::new(old.test.shape(), old.test.gold().to_vec());
        table.push(&batch);
        table
    };
    let folder = home.path().join("old");
    partscope::store::Destination::prepare(&folder).unwrap().write(&old).unwrap();
    let folder = folder.to_str().unwrap();
    let found = json(&partscope(&["atlas", folder, "--json"]));
    let tr = found["columns"].as_array().unwrap().iter().find(|own| own["name"] == "tr").unwrap();
    assert!(tr["absent"].as_str().unwrap().contains("run again"), "{tr}");
    assert_eq!(found["components"][0]["values"]["tr"], Value::Null);
    assert!(stdout(&partscope(&["atlas", folder])).contains("tr is empty: the run has no norms"));

    let kept = Path::new(&run).join("atlas.json");
    let mut foreign = json(&partscope(&["atlas", &run, "--json"]));
    let fresh = foreign.clone();
    foreign["run"] = "0".repeat(64).into();
    let extra = serde_json::json!({"name": "guess", "unit": "share", "source": "nowhere"});
    foreign["columns"].as_array_mut().unwrap().push(extra);
    fs::write(&kept, foreign.to_string()).unwrap();
    assert_eq!(json(&partscope(&["atlas", &run, "--json"])), fresh);
    for damaged in ["{\"schema\": 1", "[]", "{\"schema\":1,\"columns\":7}"] {
        fs::write(&kept, damaged).unwrap();
        let output = partscope(&["atlas", &run, "--json"]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("the kept atlas is not used"));
        assert_eq!(json(&output), fresh);
    }
}

/// Measures that run the model are kept beside the run, agree with the commands that measure them too, and are not measured
/// again.
#[test]
fn columns_that_run_the_model_agree_with_the_other_commands_and_are_kept() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"), &[]);
    let offered = stdout(&partscope(&["atlas", &run]));
    for group in ["prior: label_prior (about", "induction: ", "attention: ", "total: total (about", "lens, label words"]
    {
        assert!(offered.contains(group), "{group}: {offered}");
    }
    let found = json(&partscope(&["atlas", &run, "--with", "all", "--json"]));
    let value = |index: usize, name: &str| found["components"][index]["values"][name]["value"].as_f64();
    let each = json(&partscope(&["ablate", &run, "--each", "--json"]));
    for index in 0..72 {
        let effect = &each["components"][index]["margin"]["effect"];
        for (name, key) in [("direct", "direct"), ("total", "total")] {
            let (own, other) = (value(index, name).unwrap(), effect[key].as_f64().unwrap());
            assert!((own - other).abs() < 1e-4, "{index} {name}: {own} {other}");
        }
        let heads_only = ["attention_labels", "attention_gold", "induction", "previous_token", "duplicate_token"];
        assert!(heads_only.iter().all(|name| value(index, name).is_some() == (index % 9 != 8)), "{index}");
        assert!(value(index, "label_prior").unwrap() >= 0.0);
        assert!(found["components"][index]["signs_differ"].is_boolean());
    }
    let attention = json(&partscope(&["attention", &run, "--head", "L5.H3", "--json"]));
    let (own, other) = (value(5 * 9 + 3, "attention_labels").unwrap(), attention["labels"].as_f64().unwrap());
    assert!((own - other).abs() < 1e-6, "{own} {other}");
    let lens = found["lens"].as_array().unwrap();
    let meta: Value = serde_json::from_slice(&fs::read(Path::new(&run).join("run.json")).unwrap()).unwrap();
    assert_eq!((lens.len(), &lens[15]["after"], &lens[15]["accuracy"]), (16, &"mlp".into(), &meta["accuracy"]["full"]));

    let again = partscope(&["atlas", &run, "--with", "all", "-m", "no-such-model", "--json"]);
    assert_eq!(json(&again), found, "kept: the model is not even opened");
    let text = stdout(&partscope(&["atlas", &run, "--sort", "induction"]));
    assert!(!text.contains("more with --with"), "{text}");
    let refused = partscope(&["atlas", &run, "--with", "colour"]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && message.contains("induction"), "{message}");
}

/// Without demonstrations there is no attention to their labels, and without a template no content-free input.
#[test]
fn columns_that_do_not_exist_say_why() {
    let home = TempDir::new().unwrap();
    let run = make(&home.path().join("run"), &["--num-fewshot", "0"]);
    let found = json(&partscope(&["atlas", &run, "--with", "attention,prior", "--json"]));
    let absent = |found: &Value, name: &str| {
        let columns = found["columns"].as_array().unwrap();
        columns.iter().find(|own| own["name"] == name).unwrap()["absent"].as_str().map(str::to_owned)
    };
    assert!(absent(&found, "attention_labels").unwrap().contains("no demonstrations"));
    assert_eq!(absent(&found, "label_prior"), None);

    let prompts = home.path().join("prompts.jsonl");
    let line = |text: &str, label: usize| format!("{{\"prompt\": \"{text} It is\", \"label\": {label}}}\n");
    fs::write(&prompts, line("A fine film.", 1) + &line("A dull film.", 0)).unwrap();
    let folder = home.path().join("explicit");
    let folder = folder.to_str().unwrap();
    let args = ["run", "--prompts", prompts.to_str().unwrap(), "--labels", " negative| positive", "-o", folder];
    stdout(&partscope(&args));
    let found = json(&partscope(&["atlas", folder, "--with", "all", "--json"]));
    assert!(absent(&found, "label_prior").unwrap().contains("explicit prompts"));
    assert!(absent(&found, "attention_gold").unwrap().contains("no demonstrations"));
    assert_eq!(absent(&found, "total"), None);
}
