//! Saved runs are checked when they are opened: against their checksums, against themselves, and within the size of
//! their files.

mod binary;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use binary::{json, partscope, stdout, unchecked};
use partscope::{Run, store};
use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

const FILES: [&str; 3] = ["run.json", "attribution.safetensors", "examples.jsonl"];

/// A folder with a run of the demo: 8 layers of 8 heads, 4 training and 6 test examples, two labels.
fn original() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let home = FOLDER.get_or_init(|| {
        let home = TempDir::new().unwrap();
        let out = home.path().join("run");
        let args = ["run", "--task", "sentiment", "--limit", "6", "--train-examples", "4", "--json", "-o"];
        json(&partscope(&[&args[..], &[out.to_str().unwrap()]].concat()));
        home
    });
    Path::new(Box::leak(home.path().join("run").into_boxed_path()))
}

fn copy() -> (TempDir, PathBuf) {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("run");
    fs::create_dir(&folder).unwrap();
    for name in FILES {
        fs::copy(original().join(name), folder.join(name)).unwrap();
    }
    (home, folder)
}

fn edit_meta(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let path = folder.join("run.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    if meta["checksum"].is_string() {
        meta = unchecked(meta);
    }
    edit(&mut meta);
    fs::write(path, serde_json::to_string_pretty(&meta).unwrap()).unwrap();
}

fn edit_lines(folder: &Path, edit: impl FnOnce(&mut Vec<Value>)) {
    let path = folder.join("examples.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    edit(&mut lines);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// Overwrites the value at `index` of a tensor.
fn edit_tensor<const N: usize>(folder: &Path, tensor: &str, index: usize, value: [u8; N]) {
    let path = folder.join("attribution.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let start = {
        let table = SafeTensors::deserialize(&bytes).unwrap();
        table.tensor(tensor).unwrap().data().as_ptr() as usize - bytes.as_ptr() as usize
    };
    bytes[start + N * index..start + N * (index + 1)].copy_from_slice(&value);
    fs::write(path, bytes).unwrap();
}

fn refused(folder: &Path) -> String {
    let error = store::open(folder).map(|run: Run| run.meta).expect_err("the run was opened");
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
}

/// A change to a run: how it is made, and a part of the message that it must give.
type Change = (&'static str, fn(&Path));

/// Changes that leave a run without checksums readable, but wrong.
const CONTRADICTIONS: &[Change] = &[
    ("examples.jsonl, line 5: `gold`", |folder| edit_lines(folder, |lines| lines[4]["gold"] = 9.into())),
    ("examples.jsonl, line 5: `full`", |folder| edit_lines(folder, |lines| lines[4]["full"] = 9.into())),
    ("`full`: the prediction is", |folder| {
        edit_lines(folder, |lines| lines[0]["full"] = (1 - lines[0]["full"].as_u64().unwrap()).into());
    }),
    ("line 1: `gold`: the label is", |folder| {
        edit_lines(folder, |lines| lines[0]["gold"] = (1 - lines[0]["gold"].as_u64().unwrap()).into());
    }),
    ("line 3: `logits`", |folder| edit_lines(folder, |lines| lines[2]["logits"][0] = 3.5.into())),
    ("line 3: `logits`", |folder| edit_lines(folder, |lines| lines[2]["logits"] = serde_json::json!([1.0]))),
    ("line 4: `split`", |folder| edit_lines(folder, |lines| lines[3]["split"] = "test".into())),
    ("line 1: `split`", |folder| edit_lines(folder, |lines| lines.reverse())),
    ("examples.jsonl, line", |folder| edit_lines(folder, |lines| lines.swap(5, 8))),
    ("is used twice", |folder| edit_lines(folder, |lines| lines[5]["id"] = lines[4]["id"].clone())),
    ("9 examples, but the tables have 10 rows", |folder| edit_lines(folder, |lines| drop(lines.pop()))),
    ("line 2: this is not an example of a run", |folder| edit_lines(folder, |lines| lines[1] = 3.into())),
    ("not below the number of labels", |folder| edit_tensor(folder, "test.labels", 2, 2_i64.to_le_bytes())),
    ("not below the number of labels", |folder| edit_tensor(folder, "train.labels", 0, (-1_i64).to_le_bytes())),
    ("`test.heads`: the tensor has values", |folder| edit_tensor(folder, "test.heads", 7, f32::NAN.to_le_bytes())),
    ("`test.mlps`: the tensor has values", |folder| edit_tensor(folder, "test.mlps", 7, f32::INFINITY.to_le_bytes())),
    ("`train.rest`: the tensor has values", |folder| edit_tensor(folder, "train.rest", 1, f32::NAN.to_le_bytes())),
    ("`test.full`: the tensor has values", |folder| edit_tensor(folder, "test.full", 1, f32::NAN.to_le_bytes())),
    ("examples.jsonl, line 5: `", |folder| edit_tensor(folder, "test.full", 1, 77_f32.to_le_bytes())),
    ("but the tables give", |folder| edit_tensor(folder, "test.heads", 7, 77_f32.to_le_bytes())),
    ("`exactness.max_abs`: the file says", |folder| {
        edit_meta(folder, |meta| meta["exactness"]["max_abs"] = 0.5.into())
    }),
    ("`exactness.max_rel`", |folder| edit_meta(folder, |meta| meta["exactness"]["max_rel"] = 0.5.into())),
    ("`exactness.argmax_mismatches`", |folder| {
        edit_meta(folder, |meta| meta["exactness"]["argmax_mismatches"] = 3.into());
    }),
    ("`accuracy.full`", |folder| edit_meta(folder, |meta| meta["accuracy"]["full"] = 0.123.into())),
    ("`accuracy.chance`", |folder| edit_meta(folder, |meta| meta["accuracy"]["chance"] = 0.25.into())),
    ("`accuracy.majority`", |folder| edit_meta(folder, |meta| meta["accuracy"]["majority"] = 0.99.into())),
    ("requires F32 [8, 8, 0, 2]", |folder| {
        edit_meta(folder, |meta| meta["examples"] = serde_json::json!({"train": 0, "test": 10}));
    }),
    ("`examples.test`: there must be at least 1", |folder| {
        edit_meta(folder, |meta| meta["examples"] = serde_json::json!({"train": 10, "test": 0}));
    }),
    ("`model.layers`: there must be at least 1", |folder| {
        edit_meta(folder, |meta| meta["model"]["layers"] = 0.into());
    }),
    ("`model.heads`: there must be at least 1", |folder| edit_meta(folder, |meta| meta["model"]["heads"] = 0.into())),
    ("the tensor is F32 [8, 8, 4, 2]", |folder| edit_meta(folder, |meta| meta["model"]["layers"] = 7.into())),
    ("`task.label_words`: there must be at least 2", |folder| {
        edit_meta(folder, |meta| meta["task"]["label_words"] = serde_json::json!([]));
    }),
    ("`task.label_tokens`: there are 1", |folder| {
        edit_meta(folder, |meta| meta["task"]["label_tokens"] = serde_json::json!([5]));
    }),
    ("`task.label_tokens`: two label words", |folder| {
        edit_meta(folder, |meta| meta["task"]["label_tokens"][1] = meta["task"]["label_tokens"][0].clone());
    }),
    ("`prompt.shots`: there are 5 shots", |folder| edit_meta(folder, |meta| meta["prompt"]["shots"] = 5.into())),
    ("`prompt.tokens`: the file says 9", |folder| edit_meta(folder, |meta| meta["prompt"]["tokens"] = 9.into())),
    ("`prompt.prefix`: there are 1 tokens", |folder| {
        edit_meta(folder, |meta| meta["prompt"]["prefix"] = serde_json::json!([5]));
    }),
    ("line 6: `tokens`: the prompt has no tokens", |folder| {
        edit_lines(folder, |lines| lines[5]["tokens"] = serde_json::json!([]));
    }),
    ("`prompt.tokens`", |folder| edit_lines(folder, |lines| drop(lines[5]["tokens"].as_array_mut().unwrap().pop()))),
    ("`selection.of`: ", |folder| edit_meta(folder, |meta| meta["selection"]["of"] = 5.into())),
    ("`selection.limit`: ", |folder| edit_meta(folder, |meta| meta["selection"]["limit"] = 5.into())),
    ("`selection.duplicates`: ", |folder| edit_meta(folder, |meta| meta["selection"]["duplicates"] = 7.into())),
    ("`request.task`: ", |folder| edit_meta(folder, |meta| meta["request"]["task"] = "topic".into())),
    ("`request.train_examples`: ", |folder| edit_meta(folder, |meta| meta["request"]["train_examples"] = 99.into())),
    ("`request.template`: ", |folder| edit_meta(folder, |meta| meta["request"]["template"] = "it-was".into())),
    ("`request.shots`: ", |folder| edit_meta(folder, |meta| meta["request"]["shots"] = 3.into())),
    ("`request.demo_seed`: ", |folder| edit_meta(folder, |meta| meta["request"]["demo_seed"] = 3.into())),
    ("`request.shots`: ", |folder| {
        edit_meta(folder, |meta| meta["request"]["demos"] = serde_json::json!({"listed": []}))
    }),
    ("`request.loo`: ", |folder| {
        edit_meta(folder, |meta| {
            (meta["request"]["loo"], meta["request"]["shots"]) = (true.into(), 0.into());
        });
    }),
    ("`request.train_examples`: ", |folder| edit_meta(folder, |meta| meta["request"]["train_examples"] = 3.into())),
    ("`request.limit`: ", |folder| edit_meta(folder, |meta| meta["request"]["limit"] = Value::Null)),
    ("`request.prompting.bos`: ", |folder| {
        edit_meta(folder, |meta| meta["request"]["prompting"]["bos"] = "never".into());
    }),
    ("`request.selection.seed`: ", |folder| edit_meta(folder, |meta| meta["request"]["selection"]["seed"] = 7.into())),
    ("`exactness.terms`: ", |folder| edit_meta(folder, |meta| meta["exactness"]["terms"] = (-1.0).into())),
    ("`timing.load_s`: ", |folder| edit_meta(folder, |meta| meta["timing"]["load_s"] = (-0.5).into())),
    ("`test.norms`: the tensor has values", |folder| edit_tensor(folder, "test.norms", 3, (-1_f32).to_le_bytes())),
    ("`label_gram`: the tensor is no matrix", |folder| edit_tensor(folder, "label_gram", 1, 1e9_f64.to_le_bytes())),
    ("`prompt.demos`", |folder| edit_meta(folder, |meta| drop(meta["prompt"]["demos"].as_array_mut().unwrap().pop()))),
    ("`schema`: the run has schema 9", |folder| edit_meta(folder, |meta| meta["schema"] = 9.into())),
    ("run.json, line 1: this is not the run.json of a run", |folder| {
        fs::write(folder.join("run.json"), "{").unwrap();
    }),
    ("not a table of a run", |folder| fs::write(folder.join("attribution.safetensors"), "short").unwrap()),
];

#[test]
fn contradictions_are_refused_with_file_and_field() {
    for (expected, change) in CONTRADICTIONS {
        let (_home, folder) = copy();
        edit_meta(&folder, |_| {});
        store::open(&folder).unwrap();
        change(&folder);
        let message = refused(&folder);
        assert!(message.contains(expected) && message.contains("; "), "{expected}: {message}");
    }
}

#[test]
fn checksums_show_a_change_of_any_byte() {
    let (_home, folder) = copy();
    assert!(store::open(&folder).unwrap().meta.has_checksums());
    for name in FILES {
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        // Every byte of the first line of `run.json` with its checksum, and a sample of the others.
        let dense = if name == "run.json" { 120 } else { 0 };
        for at in (0..dense).chain((dense..bytes.len()).step_by(bytes.len() / 40 + 1)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let message = refused(&folder);
            assert!(message.contains(name), "{name} at {at}: {message}");
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(store::open(&folder).is_ok());
}

#[test]
fn a_checksum_can_be_recomputed_by_removing_a_line() {
    let text = fs::read_to_string(original().join("run.json")).unwrap();
    let meta: Value = serde_json::from_str(&text).unwrap();
    let (own, others): (Vec<&str>, Vec<&str>) =
        text.split_inclusive('\n').partition(|line| line.starts_with("  \"checksum\": "));
    assert_eq!(own.len(), 1);
    assert_eq!(meta["checksum"], blake3::hash(others.concat().as_bytes()).to_hex().as_str());
    let mut without = meta.clone();
    without.as_object_mut().unwrap().shift_remove("checksum");
    assert_eq!(serde_json::from_str::<Value>(&others.concat()).unwrap(), without);
    for name in &FILES[1..] {
        let hash = blake3::hash(&fs::read(original().join(name)).unwrap());
        assert_eq!(meta["file_checksums"][name], hash.to_hex().as_str());
    }
}

#[test]
fn a_run_without_checksums_opens_and_is_said_to_be_unchecked() {
    let (_home, folder) = copy();
    let path = folder.to_str().unwrap();
    assert!(partscope(&["components", path]).stderr.is_empty());
    edit_meta(&folder, |_| {});
    for command in [&["components", path][..], &["compare", path, path], &["fit", path], &["report", path, "-o", "-"]] {
        let output = partscope(command);
        stdout(&output);
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = if command[0] == "compare" { 2 } else { 1 };
        assert_eq!(said.matches("the run has no checksums").count(), expected, "{command:?}: {said}");
    }
}

#[test]
fn sizes_are_bounded_by_the_file() {
    let (_home, folder) = copy();
    for (layers, heads, train, test) in
        [(1_u64 << 31, 2, 0, 0), (1 << 31, 2, 0, 1), (u64::MAX, u64::MAX, 0, 1), (1 << 31, 2, 1 << 40, 1 << 40)]
    {
        let mut meta: Value = serde_json::from_slice(&fs::read(original().join("run.json")).unwrap()).unwrap();
        meta = unchecked(meta);
        (meta["model"]["layers"], meta["model"]["heads"]) = (layers.into(), heads.into());
        meta["examples"] = serde_json::json!({"train": train, "test": test});
        fs::write(folder.join("run.json"), meta.to_string()).unwrap();
        // A header that claims these shapes, without any data.
        let mut header = serde_json::Map::new();
        for (split, n) in [("train", train), ("test", test)] {
            let shapes = [
                ("heads", vec![layers, heads, n, 2]),
                ("mlps", vec![layers, n, 2]),
                ("rest", vec![n, 2]),
                ("full", vec![n, 2]),
            ];
            for (name, shape) in shapes {
                let info = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [0, 0]});
                header.insert(format!("{split}.{name}"), info);
            }
            let info = serde_json::json!({"dtype": "I64", "shape": [n], "data_offsets": [0, 0]});
            header.insert(format!("{split}.labels"), info);
        }
        let header = serde_json::to_vec(&header).unwrap();
        let bytes = [&(header.len() as u64).to_le_bytes()[..], &header].concat();
        fs::write(folder.join("attribution.safetensors"), bytes).unwrap();
        let start = Instant::now();
        let message = refused(&folder);
        assert!(start.elapsed() < Duration::from_secs(2), "{message}");
    }
}

/// What a process that was killed in the middle of a save leaves behind.
#[test]
fn what_a_killed_process_left_is_finished_or_removed() {
    let (_home, folder) = copy();
    let again = || {
        let args = ["run", "--task", "sentiment", "--limit", "6", "--train-examples", "4", "-o"];
        stdout(&partscope(&[&args[..], &[folder.to_str().unwrap()]].concat()));
        let mut names: Vec<String> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["attribution.safetensors", "examples.jsonl", "run.json"]);
    };
    // Killed before the new run was complete.
    fs::create_dir(folder.join(".partscope-new-abcdef")).unwrap();
    fs::write(folder.join(".partscope-new-abcdef/attribution.safetensors"), "half").unwrap();
    fs::write(folder.join(".partscope-0123456789abcdef-abcdef"), "half").unwrap();
    store::open(&folder).unwrap();
    again();
    // Killed while the complete run was moved into place.
    let ready = folder.join(".partscope-ready");
    fs::create_dir(&ready).unwrap();
    for name in ["examples.jsonl", "run.json"] {
        fs::rename(folder.join(name), ready.join(name)).unwrap();
    }
    assert_eq!(store::open(&folder).unwrap().examples, store::open(original()).unwrap().examples);
    again();
}
