//! `partscope doctor` from the command line.

mod binary;
mod common;

use std::process::Output;

use serde_json::Value;

fn doctor(model: &str, more: &[&str]) -> Output {
    binary::command(&["doctor", "-m", model]).args(more).env("HF_HUB_OFFLINE", "1").output().unwrap()
}

fn golden(name: &str) -> String {
    common::folder(name).to_string_lossy().into_owned()
}

#[test]
fn a_valid_model_is_usable_and_its_drift_is_measured() {
    let output = doctor(&golden("llama-wide"), &["--drift", "--json"]);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["family"].as_str(), report["problem"].as_str()), (Some("llama"), None));
    assert_eq!(report["parameters"], 43_776);
    assert_eq!((&report["loaded"]["heads"], &report["loaded"]["kv_heads"]), (&4.into(), &2.into()));
    assert!(report["loaded"]["exactness"]["max_rel"].as_f64().unwrap() < 1e-5);
    let drift = report["drift"].as_array().unwrap();
    let dtypes: Vec<_> = drift.iter().map(|row| row["dtype"].as_str().unwrap()).collect();
    assert_eq!(dtypes, ["f16", "bf16", "q8_0"]);
    for row in drift {
        assert!(row["exactness"]["max_rel"].as_f64().unwrap() < 1e-5, "{row}");
        assert!((1e-5..0.2).contains(&row["max_rel"].as_f64().unwrap()), "{row}");
    }
    assert_eq!(report["memory"].as_array().unwrap().len(), 4);
}

#[test]
fn the_text_report_has_the_main_facts() {
    let output = doctor(&golden("gemma2"), &[]);
    let page = String::from_utf8(output.stdout).unwrap();
    for text in [
        "family       gemma2",
        "3 layers, 6 heads (2 key/value) of 8, width 42",
        "windows      6 tokens",
        "chosen by auto",
        "w1",
        "final soft-cap",
        "verdict      usable",
    ] {
        assert!(page.contains(text), "`{text}` is not in:\n{page}");
    }
}

#[test]
fn a_model_that_does_not_load_is_reported_and_exits_3() {
    let copy = tempfile::TempDir::new().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(common::folder("llama").join(file), copy.path().join(file)).unwrap();
    }
    let config = std::fs::read_to_string(copy.path().join("config.json")).unwrap();
    std::fs::write(copy.path().join("config.json"), config.replace("\"hidden_size\": 42", "\"hidden_size\": 48"))
        .unwrap();
    let output = doctor(&copy.path().to_string_lossy(), &["--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["problem"].as_str().unwrap().contains("model.embed_tokens.weight"), "{report}");
    assert_eq!(doctor("tests/absent", &[]).status.code(), Some(3));
}
