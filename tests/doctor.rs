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

/// Returns a copy of a golden model whose configuration has `new` in place of `old`.
fn copy(name: &str, old: &str, new: &str) -> tempfile::TempDir {
    let copy = tempfile::TempDir::new().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(common::folder(name).join(file), copy.path().join(file)).unwrap();
    }
    let path = copy.path().join("config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    assert!(config.contains(old));
    std::fs::write(path, config.replace(old, new)).unwrap();
    copy
}

/// Returns the report on such a copy.
fn with_config(name: &str, old: &str, new: &str) -> String {
    let output = doctor(copy(name, old, new).path().to_str().unwrap(), &[]);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_model_that_does_not_load_is_reported_and_exits_3() {
    let copy = copy("llama", "\"hidden_size\": 42", "\"hidden_size\": 48");
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

#[test]
fn a_reference_is_read_within_bounds() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("long.safetensors");
    std::fs::write(&path, vec![0; 3_000_000]).unwrap();
    let run = |limit: &str| {
        let args = ["doctor", "-m", &golden("bloom"), "--reference", path.to_str().unwrap()];
        let output = binary::command(&args).env("PARTSCOPE_MAX_DATA", limit).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let refused = run("5MB");
    assert!(
        refused.contains("the file has more than 2.5 MB") && refused.contains("PARTSCOPE_MAX_DATA=4GB"),
        "{refused}"
    );
    assert!(!run("7MB").contains("more than"));
    // Brackets of JSON become a hundred times their size in memory.
    let header = "[".repeat(2_000_000);
    std::fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()).unwrap();
    let refused = run("7MB");
    assert!(refused.contains("`header`") && refused.contains("more than 7 MB of memory"), "{refused}");
}

#[cfg(feature = "cross-check")]
mod cross_check {
    use super::*;

    fn check(model: &str, more: &[&str]) -> (Option<i32>, Value, Value) {
        let output = doctor(model, &[&["--cross-check", "--json"], more].concat());
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{model}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), report["cross_check"].clone(), report["problem"].clone())
    }

    fn small(value: &Value, model: &str) {
        assert!(value.as_f64().is_some_and(|deviation| deviation < 1e-5), "{model}: {value}");
    }

    /// Golden models of the families that candle-transformers has, in layouts that it computes as the original does.
    #[test]
    fn another_implementation_agrees() {
        let models = [
            "mixtral-square",
            "qwen2",
            "qwen3",
            "qwen2-moe",
            "qwen3-moe",
            "qwen3-moe-sparse",
            "gemma",
            "gemma3-single",
        ];
        let more = ["phi", "phi3-partial", "olmo", "olmo2-square", "smollm3", "stablelm", "glm4"];
        let folders = models.into_iter().chain(more).map(|name| (name.to_owned(), golden(name)));
        let files = ["gguf/qwen2.gguf", "gguf/phi.gguf", "gguf/olmo.gguf", "gguf/qwen3-moe.gguf"];
        let files = files.map(|name| (name.to_owned(), common::golden(name).to_string_lossy().into_owned()));
        for (name, path) in folders.chain(files).chain([("demo".to_owned(), "demo".to_owned())]) {
            let (code, report, problem) = check(&path, &[]);
            assert_eq!((code, &report["verdict"]), (Some(0), &"agrees".into()), "{name}: {report} {problem}");
            assert_eq!(report["top5_equal"], report["prompts"], "{name}");
            assert!(report["prompts"].as_u64().unwrap() >= 8 && report["longest"].as_u64().unwrap() >= 48, "{name}");
            assert!(report["against"].as_str().unwrap().starts_with("candle-transformers "), "{report}");
            small(&report["max_rel"], &name);
            if ["qwen2", "qwen3", "smollm3", "glm4"].contains(&&*name) {
                small(&report["hidden_max_rel"], &name);
            }
            assert_eq!((&report["explained"], &report["reason"]), (&Value::Null, &Value::Null), "{name}");
        }
    }

    /// Where candle-transformers is known to differ from the original, both agree once this program does the same.
    #[test]
    fn known_differences_explain_deviations() {
        for (model, what) in [
            ("mistral", "its windows hold one token more"),
            ("qwen2-windowed", "it has a window in every layer"),
            ("gemma2", "it has a window in every layer"),
            ("gemma2-scaled", "query_pre_attn_scalar"),
            ("phi3", "it has no windows"),
            ("llama-wide", "it leaves out the biases"),
            ("granite-square", "it leaves out the factors"),
            ("falcon-square", "it approximates GELU by tanh"),
        ] {
            let (code, report, problem) = check(&golden(model), &[]);
            assert_eq!((code, &report["verdict"]), (Some(0), &"deviates".into()), "{model}: {report} {problem}");
            assert!(report["max_rel"].as_f64().unwrap() > 1e-4, "{model}: {report}");
            assert!(report["explained"]["differences"].to_string().contains(what), "{model}: {report}");
            small(&report["explained"]["max_rel"], model);
        }
        let folder = copy("qwen2", "\"rope_type\": \"default\"", "\"rope_type\": \"linear\", \"factor\": 4.0");
        let (code, report, problem) = check(folder.path().to_str().unwrap(), &[]);
        assert_eq!((code, &report["verdict"]), (Some(0), &"deviates".into()), "{report} {problem}");
        assert_eq!(report["explained"]["differences"][0], "it leaves out the scaling of positions");
        small(&report["explained"]["max_rel"], "qwen2");
        let page = String::from_utf8(doctor(&golden("mistral"), &["--cross-check"]).stdout).unwrap();
        for text in ["for the copy that candle-transformers gets", "deviates from the original: its windows", "usable"]
        {
            assert!(page.contains(text), "`{text}` is not in:\n{page}");
        }
    }

    /// The copy has the values that this program computes with, also if they are rounded.
    #[test]
    fn rounded_weights_are_compared_with_the_same_weights() {
        for dtype in ["f32", "bf16", "q8_0"] {
            let (code, report, problem) = check(&golden("stablelm"), &["--dtype", dtype]);
            assert_eq!((code, &report["verdict"]), (Some(0), &"agrees".into()), "{dtype}: {report} {problem}");
            small(&report["max_rel"], dtype);
        }
    }

    /// candle-transformers rotates whole heads in Qwen 2; that is in no list of differences.
    #[test]
    fn a_deviation_without_a_known_reason_fails() {
        let named = "\"rope_theta\": 10000.0,";
        let folder = copy("qwen2", named, &format!("{named} \"partial_rotary_factor\": 0.5,"));
        let (code, report, problem) = check(folder.path().to_str().unwrap(), &[]);
        assert_eq!((code, &report["verdict"], &report["explained"]), (Some(1), &"deviates".into(), &Value::Null));
        assert!(problem.as_str().unwrap().contains("deviates from candle-transformers"), "{problem}");
        let output = doctor(folder.path().to_str().unwrap(), &["--cross-check"]);
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.contains("No known difference explains it"), "{page}");
    }

    #[test]
    fn a_copy_that_does_not_fit_is_refused_before_anything_is_loaded() {
        use partscope::{doctor, model};
        let source = model::Source::Gguf(common::golden("gguf/quantised/llama-wide-q4_0.gguf"));
        let options = |memory| model::LoadOptions { memory, ..common::options() };
        let checks = doctor::Checks { cross_check: true, ..doctor::Checks::default() };
        let mut steps = Vec::new();
        let observe = |step: doctor::Step<'_>| {
            if let doctor::Step::Progress(unit, progress) = step {
                steps.push((unit, progress.done));
            }
        };
        let (doctor::DoctorReport { inspection, cross_check, .. }, _) =
            doctor::examine(&source, &options(None), &checks, observe).unwrap();
        assert!(!cross_check.unwrap().is_unexplained());
        for (unit, total) in [("prompts of the cross-check", 12), ("prompts by candle-transformers", 12)] {
            let counted: Vec<usize> = steps.iter().filter(|step| step.0 == unit).map(|step| step.1).collect();
            assert!(counted.starts_with(&(1..=total).collect::<Vec<_>>()), "{unit}: {steps:?}");
        }
        let as_stored = inspection.memory.iter().find(|need| need.dtype.contains("as stored")).unwrap().bytes;
        let (report, failure) = doctor::examine(&source, &options(Some(as_stored)), &checks, |_| ()).unwrap();
        assert!(report.loaded.is_none() && report.cross_check.is_none());
        let message = failure.unwrap().to_string();
        assert!(message.contains("the copy of the weights in f32 takes about"), "{message}");
        let checks = doctor::Checks::default();
        assert!(doctor::examine(&source, &options(Some(as_stored)), &checks, |_| ()).unwrap().1.is_none());
    }

    #[test]
    fn a_family_without_another_implementation_is_named() {
        for (model, reason) in [
            ("gpt2", "has no implementation of gpt2"),
            ("llama-yarn", "does not compute this variant"),
            ("falcon-40b", "new_decoder_architecture is not supported"),
            ("phi3-longrope", "computes another model"),
        ] {
            let (code, report, problem) = check(&golden(model), &[]);
            assert_eq!((code, &report["verdict"]), (Some(0), &"unknown family".into()), "{model}: {report} {problem}");
            assert!(report["reason"].as_str().unwrap().contains(reason), "{model}: {report}");
            assert_eq!(report["max_rel"], Value::Null);
        }
        let page = String::from_utf8(doctor(&golden("gpt2"), &["--cross-check"]).stdout).unwrap();
        assert!(page.contains("nothing to compare with: candle-transformers") && page.contains("usable"), "{page}");
    }
}

#[cfg(not(feature = "cross-check"))]
#[test]
fn a_build_without_candle_transformers_says_so() {
    let output = doctor(&golden("llama"), &["--cross-check"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("built without candle-transformers"));
}
