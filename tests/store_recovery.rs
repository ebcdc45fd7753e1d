//! Seals that do not fit, stores that cannot be written, and what killed processes left in a store.

mod binary;

use std::{
    fs,
    path::{Path, PathBuf},
};

use binary::{json, partscope_with_store};
use serde_json::Value;
use tempfile::TempDir;

fn only_folder(folder: &Path) -> PathBuf {
    let all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn run(home: &Path, out: &str) {
    let out = home.join(out);
    let args = ["run", "--task", "sentiment", "--limit", "40", "-o", out.to_str().unwrap(), "--json"];
    json(&partscope_with_store(&args, home.join("cache").to_str().unwrap()));
}

/// Stores a run of the demo in `home/cache` and returns the folder of its entry.
fn stored(home: &Path) -> PathBuf {
    run(home, "a");
    only_folder(&home.join("cache/entries"))
}

fn damaged_entries(home: &Path) -> (Option<i32>, Value) {
    let output = partscope_with_store(&["cache", "verify", "--json"], home.join("cache").to_str().unwrap());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_seal_that_does_not_list_exactly_the_files_is_damage() {
    for seal in [
        r#"{"files": {}}"#,
        r#"{"files": {"run.json": "0"}}"#,
        r#"{"files": {"/dev/zero": "0"}}"#,
        r#"{"files": {"../../../a/run.json": "0"}}"#,
    ] {
        let home = TempDir::new().unwrap();
        fs::write(stored(home.path()).join("seal.json"), seal).unwrap();
        let (code, verified) = damaged_entries(home.path());
        assert_eq!((code, verified["damaged"][0]["set_aside"].as_bool()), (Some(1), Some(true)), "{seal}: {verified}");
    }
    #[cfg(unix)]
    {
        let home = TempDir::new().unwrap();
        let folder = stored(home.path());
        fs::remove_file(folder.join("run.json")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join("run.json")).unwrap();
        assert_eq!(damaged_entries(home.path()).0, Some(1));
    }
}

#[test]
fn a_store_that_cannot_be_written_is_verified_and_read_and_said_to_be_unwritable() {
    let home = TempDir::new().unwrap();
    let folder = stored(home.path());
    let cache = home.path().join("cache");
    // Leases cannot be made below a file.
    fs::remove_dir_all(cache.join("leases")).unwrap();
    fs::write(cache.join("leases"), "").unwrap();
    let (code, verified) = damaged_entries(home.path());
    assert_eq!((code, &verified["checked"]), (Some(0), &1.into()), "{verified}");
    let out = home.path().join("b");
    for (more, said) in [(&[][..], false), (&["--demo-seed", "1", "--json"], true), (&["--demo-seeds", "1..3"], true)] {
        let out = out.to_str().unwrap();
        let args = [&["run", "--task", "sentiment", "--limit", "40", "-o", out], more].concat();
        let output = partscope_with_store(&args, cache.to_str().unwrap());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{message}");
        assert_eq!(message.contains("were not stored"), said, "{more:?}: {message}");
        fs::remove_dir_all(out).unwrap();
    }
    fs::write(folder.join("run.json"), "{}").unwrap();
    let (code, verified) = damaged_entries(home.path());
    assert_eq!((code, &verified["damaged"][0]["set_aside"]), (Some(1), &Value::Null), "{verified}");
    assert!(folder.exists());
}

#[test]
fn what_killed_processes_left_in_the_store_is_removed() {
    let home = TempDir::new().unwrap();
    let entry = stored(home.path());
    let (cache, key) = (home.path().join("cache"), entry.file_name().unwrap().to_str().unwrap().to_owned());
    let (other, partial) = ("f".repeat(32), cache.join("partial"));
    for left in [format!("new-{key}-abcdef"), format!("new-{other}-abcdef")] {
        fs::create_dir(cache.join("entries").join(&left)).unwrap();
        fs::write(cache.join("entries").join(&left).join("run.json"), "half").unwrap();
    }
    for left in [&key, &other] {
        fs::create_dir_all(partial.join(left)).unwrap();
    }
    let listing = json(&partscope_with_store(&["cache", "list", "--json"], cache.to_str().unwrap()));
    let kinds: Vec<&str> =
        listing["entries"].as_array().unwrap().iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "run").count(), 1, "{kinds:?}");
    assert_eq!(kinds.len(), 2, "finished batches are not listed: {kinds:?}");
    run(home.path(), "b");
    assert_eq!(only_folder(&cache.join("entries")), entry);
    assert_eq!(only_folder(&partial), partial.join(&other), "only batches of unfinished runs are kept");
}
