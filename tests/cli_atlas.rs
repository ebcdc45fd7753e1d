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
