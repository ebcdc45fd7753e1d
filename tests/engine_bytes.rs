//! The bytes of stored results change only with the revision of the engine, which is part of all keys of the store.
//!
//! If this test fails after a change that alters results, raise `ENGINE_REVISION` in `src/store/key.rs` and write the
//! file again: `UPDATE_ENGINE_BYTES=1 cargo test --test engine_bytes`.

mod binary;

use std::{fs, path::Path};

use binary::{json, partscope};
use partscope::{model::arithmetic, store::ENGINE_REVISION};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/engine_bytes.json");

/// Runs whose bytes are compared: weights as they are in the file, and in blocks.
const RUNS: [(&str, &[&str]); 2] = [("f32", &[]), ("q8_0", &["--dtype", "q8_0"])];

/// The checksum of the table and the logits of the first test examples, by run.
fn computed() -> [(String, Vec<f64>); 2] {
    RUNS.map(|(name, more)| {
        let home = TempDir::new().unwrap();
        let out = home.path().join(name);
        let args = ["run", "--task", "topic", "--limit", "8", "-o", out.to_str().unwrap(), "--json"];
        json(&partscope(&[&args[..], more].concat()));
        let table = fs::read(out.join("attribution.safetensors")).unwrap();
        (blake3::hash(&table).to_hex().to_string(), logits(&out))
    })
}

fn logits(run: &Path) -> Vec<f64> {
    let text = fs::read_to_string(run.join("examples.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let test = rows.filter(|row| row["split"] == "test").take(4);
    test.flat_map(|row| row["logits"].as_array().unwrap().clone()).map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn bytes_change_only_with_the_revision_of_the_engine() {
    let (found, here) = (computed(), arithmetic().unwrap());
    let stored: Value = serde_json::from_slice(&fs::read(FILE).unwrap_or_else(|_| b"{}".to_vec())).unwrap();
    if std::env::var_os("UPDATE_ENGINE_BYTES").is_some() {
        let same = stored["revision"] == ENGINE_REVISION;
        let mut processors = stored["processors"].as_object().filter(|_| same).cloned().unwrap_or_default();
        let hashes: Map<String, Value> =
            RUNS.iter().zip(&found).map(|((name, _), (hash, _))| ((*name).to_owned(), json!(hash))).collect();
        processors.insert(here.to_owned(), hashes.into());
        let logits: Map<String, Value> =
            RUNS.iter().zip(&found).map(|((name, _), (_, logits))| ((*name).to_owned(), json!(logits))).collect();
        let all = json!({"revision": ENGINE_REVISION, "logits": logits, "processors": processors});
        fs::write(FILE, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        return;
    }
    assert_eq!(stored["revision"], ENGINE_REVISION, "write {FILE} again");
    for ((name, _), (hash, logits)) in RUNS.iter().zip(&found) {
        // Bytes are known for the processors on which the file was written; on others results differ by rounding.
        if let Some(expected) = stored["processors"].get(here) {
            assert_eq!(expected[name], *hash, "{name}: raise ENGINE_REVISION, or mend the change");
        }
        let expected = stored["logits"][name].as_array().unwrap();
        assert_eq!(expected.len(), logits.len());
        for (expected, found) in expected.iter().zip(logits) {
            assert!((expected.as_f64().unwrap() - found).abs() < 1e-3, "{name}: {expected} {found}");
        }
    }
}
