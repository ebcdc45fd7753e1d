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

/// transformers gives Mistral a window of 4096 tokens where the configuration does not name it, and none where it is null.
#[test]
fn a_window_that_is_not_named_is_the_one_of_transformers() {
    let named = "\"sliding_window\": 6,";
    for (field, expected) in [(named, "windows      6 tokens"), ("", "windows      4096 tokens")] {
        assert!(with_config("mistral", named, field).contains(expected), "{field}");
    }
    assert!(!with_config("mistral", named, "\"sliding_window\": null,").contains("windows"));
    assert!(with_config("mistral", named, "\"sliding_window\": 0,").contains("`sliding_window`: 0 is not a size"));
}

/// Returns the report on a copy of a golden model whose configuration has `new` in place of `old`.
fn with_config(name: &str, old: &str, new: &str) -> String {
    let copy = tempfile::TempDir::new().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(common::folder(name).join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    assert!(config.contains(old));
    std::fs::write(path, config.replace(old, new)).unwrap();
    let output = doctor(copy.path().to_str().unwrap(), &[]);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
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

/// A reference with the golden values of a model and, as its logits over the whole vocabulary, `logits`.
fn reference(folder: &std::path::Path, name: &str, change: impl Fn(&str, &mut Vec<f32>)) -> String {
    use safetensors::{Dtype, SafeTensors, tensor::TensorView};
    let golden = common::Golden::load(name);
    let bytes = std::fs::read(common::folder(name).join("golden.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        tensors.tensor(name).unwrap().data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    let vocabulary = golden.model.decoder.vocabulary().unwrap();
    let all: Vec<u32> = (0..vocabulary as u32).collect();
    let projection = partscope::decompose::LabelProjection::new(&golden.model.decoder, &all).unwrap();
    let logits = golden.attribute(&projection, &golden.prompts, partscope::decompose::BatchSize::default());
    let ids = |values: Vec<u32>| values.into_iter().flat_map(|id| i64::from(id).to_le_bytes()).collect::<Vec<u8>>();
    let lengths = golden.prompts.iter().map(|prompt| prompt.len() as u32).collect();
    let mut data = vec![
        ("tokens", Dtype::I64, vec![golden.prompts.iter().map(Vec::len).sum()], ids(golden.prompts.concat())),
        ("lengths", Dtype::I64, vec![golden.prompts.len()], ids(lengths)),
        ("labels", Dtype::I64, vec![golden.labels.len()], ids(golden.labels.clone())),
    ];
    for name in ["heads", "mlps", "rest", "logits"] {
        let (shape, mut values) = match name {
            "logits" => (vec![golden.prompts.len(), vocabulary], logits.full().to_vec()),
            name => (tensors.tensor(name).unwrap().shape().to_vec(), floats(name)),
        };
        change(name, &mut values);
        data.push((name, Dtype::F32, shape, values.into_iter().flat_map(f32::to_le_bytes).collect()));
    }
    let views =
        data.iter().map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let facts = std::collections::HashMap::from([("made_with".to_owned(), "a test".to_owned())]);
    let path = folder.join("reference.safetensors");
    std::fs::write(&path, safetensors::serialize(views, Some(facts)).unwrap()).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn a_reference_agrees_or_names_what_deviates() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |path: &str| {
        let output = doctor(&golden("bloom"), &["--reference", path, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["reference"].clone(), report["problem"].clone())
    };
    let (code, report, _) = run(&reference(folder.path(), "bloom", |_, _| ()));
    assert_eq!((code, &report["verdict"], &report["against"]), (Some(0), &"agrees".into(), &"a test".into()));
    assert_eq!((&report["prompts"], &report["top5_equal"]), (&4.into(), &4.into()));
    assert!(report["max_rel"].as_f64().unwrap() < 1e-5 && report["contributions"]["max_rel"].as_f64().unwrap() < 1e-5);
    let (code, report, problem) = run(&reference(folder.path(), "bloom", |name, values| {
        if name == "mlps" {
            values[12] += 0.5;
        }
    }));
    assert_eq!(
        (code, &report["verdict"], &report["contributions"]["worst"]),
        (Some(1), &"deviates".into(), &"L1.MLP".into())
    );
    assert!(problem.as_str().unwrap().contains("deviates from a test"), "{problem}");
    let (code, report, _) = run(&reference(folder.path(), "bloom", |name, values| {
        if name == "logits" {
            values[3] += 100.0;
        }
    }));
    assert_eq!((code, &report["top5_equal"], &report["verdict"]), (Some(1), &3.into(), &"deviates".into()));
    for tensor in ["logits", "heads", "mlps", "rest"] {
        let (code, report, problem) = run(&reference(folder.path(), "bloom", |name, values| {
            if name == tensor {
                *values.last_mut().unwrap() = f32::NAN;
            }
        }));
        assert_eq!((code, report), (Some(3), Value::Null), "{tensor}");
        assert!(problem.as_str().unwrap().contains(&format!("`{tensor}`: value ")), "{problem}");
    }
    let path = folder.path().join("other.safetensors");
    std::fs::write(&path, b"no tensors").unwrap();
    let (code, report, problem) = run(&path.to_string_lossy());
    assert_eq!((code, report), (Some(3), Value::Null));
    assert!(problem.as_str().unwrap().contains("tools/export_reference.py"), "{problem}");
}
