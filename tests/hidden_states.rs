//! `run --with-hidden`: hidden states beside a run, and the methods that need them.

mod binary;

use std::{fs, path::Path};

use binary::{failure, json, keys, partscope, partscope_with_store, stdout};
use partscope::store::{open, open_with_hidden};
use safetensors::SafeTensors;
use tempfile::TempDir;

const METHODS: [&str; 3] = ["hidden_centroid", "hidden_logistic", "sav"];

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_stored_run_is_completed_and_fit_scores_the_methods_on_hidden_states() {
    let home = TempDir::new().unwrap();
    let (cache, plain, with) = (home.path().join("cache"), home.path().join("plain"), home.path().join("with"));
    let args = ["run", "--task", "topic", "--limit", "30", "--json", "-o"];
    json(&partscope_with_store(&[&args[..], &[path(&plain)]].concat(), path(&cache)));
    let again = [&args[..], &[path(&with), "--with-hidden"]].concat();
    let meta = json(&partscope_with_store(&again, path(&cache)));
    let sizes = &meta["hidden"];
    let values = |name: &str| sizes[name].as_u64().unwrap() as usize;
    let bytes = fs::read(with.join("hidden.safetensors")).unwrap();
    let stored = SafeTensors::deserialize(&bytes).unwrap();
    let (layers, heads) = (values("layers"), values("heads"));
    assert_eq!(stored.tensor("test.state").unwrap().shape(), [30, values("width")]);
    assert_eq!(stored.tensor("train.z").unwrap().shape(), [20, layers, heads, values("head_dim")]);
    let same = |name: &str| fs::read(plain.join(name)).unwrap() == fs::read(with.join(name)).unwrap();
    assert!(same("attribution.safetensors") && same("examples.jsonl"), "the run itself is the stored one");
    assert!(meta["file_checksums"]["hidden.safetensors"].is_string());

    let report = json(&partscope(&["fit", path(&with), "--json"]));
    for method in METHODS {
        assert!(report["accuracy"][method].as_f64().unwrap() > 0.3, "{method}: {}", report["accuracy"]);
    }
    assert!(report["ece"]["sav"].is_null() && report["nll"]["hidden_logistic"].is_f64());
    let lacking = json(&partscope(&["fit", path(&plain), "--json"]));
    for method in METHODS {
        assert!(!keys(&lacking["accuracy"]).contains(&method));
        assert_eq!(lacking["missing"][method], "run --with-hidden");
    }
    let text = stdout(&partscope(&["fit", path(&plain)]));
    assert!(text.contains("run --with-hidden adds hidden_centroid, hidden_logistic and sav"), "{text}");
    assert!(text.contains("--with-model adds ") && text.contains("--from adds transfer"), "{text}");

    // A run without hidden states that replaces one with them leaves no file of the old run.
    stdout(&partscope_with_store(&[&args[..], &[path(&with)]].concat(), path(&cache)));
    assert!(!with.join("hidden.safetensors").exists() && open(&with).unwrap().meta.hidden.is_none());
}

#[test]
fn leave_one_out_runs_have_hidden_states_too_and_damage_is_noticed() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("run");
    stdout(&partscope(&["run", "--task", "topic", "--limit", "20", "--loo", "--with-hidden", "-o", path(&out)]));
    let run = open_with_hidden(&out).unwrap();
    let hidden = run.hidden.unwrap();
    assert_eq!(hidden.len(partscope::attribution::Split::Train), 24);
    let file = out.join("hidden.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 64;
    fs::write(&file, &bytes).unwrap();
    let (code, message) = failure(&["fit", path(&out)]);
    assert!(code == 3 && message.contains("hidden.safetensors") && message.contains("has changed"), "{message}");
    fs::remove_file(&file).unwrap();
    let (code, message) = failure(&["fit", path(&out)]);
    assert!(code != 0 && message.contains("hidden.safetensors"), "{message}");
}
