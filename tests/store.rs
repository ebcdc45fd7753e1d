//! The store: it computes nothing twice, loses nothing, and uses no damaged entry.

mod binary;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
};

use binary::{failure, json, partscope_with_store, stdout};
use partscope::{
    Error, Run,
    cancel::Cancel,
    model::{LoadOptions, Model, Source},
    runner::{Event, Note, RunRequest, execute, obtain, plan, run_key},
    store::{Content, EntryKey, Limits, Store},
};
use serde_json::Value;
use tempfile::TempDir;

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::load(&Source::Demo, &LoadOptions::default()).unwrap())
}

/// Examples of the run: 24 labels less 4 shots, and the test examples.
const ALL: usize = 20 + 150;

fn request() -> RunRequest {
    RunRequest { limit: Some(150), ..RunRequest::default() }
}

/// Runs the request; returns the run, the notes and the number of examples that the model computed. Uses one thread, so
/// that nothing is computed after a cancel.
fn run(store: &Store, cancel_after_batches: Option<usize>) -> (Result<Run, Error>, Vec<Note>, usize) {
    let (plan, prompts) = plan(model(), &request()).unwrap();
    let (mut notes, mut batches, mut done, cancel) = (Vec::new(), 0, 0, Cancel::default());
    let mut observe = |event| match event {
        Event::Note(note) => notes.push(note),
        Event::Progress(progress) => {
            (batches, done) = (batches + 1, progress.done);
            if cancel_after_batches == Some(batches) {
                cancel.cancel();
            }
        }
        _ => {}
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let outcome = alone.install(|| obtain(store, model(), plan, &prompts, &cancel, &mut observe));
    let kept = notes.iter().map(|note| if let Note::Resumed { done, .. } = note { *done } else { 0 }).sum::<usize>();
    (outcome, notes, done.saturating_sub(kept))
}

/// The result of an uninterrupted run without a store.
fn expected() -> Run {
    let (plan, prompts) = plan(model(), &request()).unwrap();
    execute(model(), plan, &prompts, &Cancel::default(), &mut |_| {}).unwrap()
}

fn same(a: &Run, b: &Run) {
    assert!(a.train == b.train && a.test == b.test, "the tables differ");
    assert_eq!(a.examples, b.examples);
    assert_eq!((&a.meta.accuracy, &a.meta.exactness), (&b.meta.accuracy, &b.meta.exactness));
}

fn only_folder(folder: &Path) -> PathBuf {
    let all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// The only file with batches of the unfinished run in `folder`.
fn batches(folder: &Path) -> PathBuf {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<PathBuf> = all.filter(|path| path.file_name() != Some("about.json".as_ref())).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[test]
fn a_repeated_request_is_computed_once() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    let (first, notes, computed) = run(&store, None);
    assert_eq!((notes.as_slice(), computed), (&[][..], ALL));
    let (second, notes, computed) = run(&store, None);
    assert_eq!((notes.as_slice(), computed), (&[Note::Kept][..], 0));
    same(&first.unwrap(), &expected());
    same(&second.unwrap(), &expected());
    assert_eq!(store.list().len(), 1, "nothing else is left");
}

#[test]
fn an_interrupted_run_resumes_where_it_stopped() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    let (stopped, _, before) = run(&store, Some(2));
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let Content::Interrupted(about) = &store.list()[0].content else { panic!("{:?}", store.list()) };
    let done = about.done;
    assert!(done > 0 && done == before && about.examples.test == 150);
    let (whole, notes, after) = run(&store, None);
    assert_eq!(notes, [Note::Resumed { done, total: ALL }]);
    same(&whole.unwrap(), &expected());
    assert_eq!(before + after, ALL, "some examples were computed twice, or never");
}

#[test]
fn truncated_or_damaged_batches_are_recomputed() {
    for damage in [
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 7),
        |bytes: &mut Vec<u8>| {
            let at = bytes.len() - 1000;
            bytes[at] ^= 1;
        },
    ] {
        let home = TempDir::new().unwrap();
        let store = Store::at(home.path());
        let (_, _, before) = run(&store, Some(3));
        let path = batches(&only_folder(&home.path().join("partial")));
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let (whole, notes, after) = run(&store, None);
        same(&whole.unwrap(), &expected());
        assert!(matches!(notes[..], [Note::Resumed { done, .. }] if done < before), "{notes:?}");
        assert!(before + after > ALL, "{before} {after}");
    }
}

#[test]
fn a_damaged_entry_is_set_aside_and_recomputed() {
    for file in ["attribution.safetensors", "run.json", "examples.jsonl", "seal.json"] {
        let home = TempDir::new().unwrap();
        let store = Store::at(home.path());
        run(&store, None).0.unwrap();
        let folder = only_folder(&home.path().join("entries"));
        let mut bytes = fs::read(folder.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(folder.join(file), bytes).unwrap();
        let (again, notes, _) = run(&store, None);
        assert!(matches!(&notes[..], [Note::Damaged(problem)] if problem.contains("entries")), "{file}: {notes:?}");
        same(&again.unwrap(), &expected());
        assert_eq!(fs::read_dir(home.path().join("damaged")).unwrap().count(), 1);
        assert_eq!(run(&store, None).1, [Note::Kept]);
        assert!(store.damaged_bytes() > 0);
        let pruned = store.prune(&Limits::default()).unwrap();
        assert_eq!((pruned.entries, store.damaged_bytes(), store.list().len()), (1, 0, 1));
    }
}

#[test]
fn a_second_process_waits_for_the_first_and_computes_nothing() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    let (plan, prompts) = plan(model(), &request()).unwrap();
    let key = run_key(model(), &plan, &prompts);
    let lease = store.lease(&key, &Cancel::default(), &mut || panic!("there is no other lease")).unwrap();
    let second_store = store.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let second = thread::spawn(move || {
        let (plan, prompts) = partscope::runner::plan(model(), &request()).unwrap();
        let mut notes = Vec::new();
        obtain(&second_store, model(), plan, &prompts, &Cancel::default(), &mut |event| {
            if let Event::Note(note) = event {
                notes.push(note);
                sender.send(()).unwrap();
            }
        })
        .unwrap();
        notes
    });
    receiver.recv().unwrap();
    store.keep_run(&key, &expected()).unwrap();
    drop(lease);
    assert_eq!(second.join().unwrap(), [Note::Waiting, Note::Kept]);
    assert_eq!(fs::read_dir(home.path().join("leases")).unwrap().count(), 0);
}

#[test]
fn no_process_waits_for_another_entry() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    let key = |n: usize| -> EntryKey { format!("{n:032x}").parse().unwrap() };
    let leases: Vec<_> =
        (0..600).map(|n| store.lease(&key(n), &Cancel::default(), &mut || panic!("{n} waits")).unwrap()).collect();
    assert_eq!(fs::read_dir(home.path().join("leases")).unwrap().count(), leases.len());
}

#[test]
fn two_that_compute_the_same_run_at_once_both_finish_and_lose_nothing() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    let (first, _, before) = run(&store, Some(2));
    assert!(matches!(first, Err(Error::Cancelled)));
    let (plan, prompts) = plan(model(), &request()).unwrap();
    let key = run_key(model(), &plan, &prompts);
    // While one computes, the lease is lost and another one computes the rest and stores the run.
    let mut other = None;
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let cancel = Cancel::default();
    let whole = alone.install(|| {
        obtain(&store, model(), plan, &prompts, &cancel, &mut |event| {
            if matches!(event, Event::Progress(_)) && other.is_none() {
                fs::remove_file(home.path().join("leases").join(key.as_str())).unwrap();
                other = Some(run(&store, None));
            }
        })
    });
    let (found, notes, after) = other.unwrap();
    same(&found.unwrap(), &expected());
    same(&whole.unwrap(), &expected());
    assert!(matches!(notes[..], [Note::Resumed { done, .. }] if done >= before && done + after == ALL), "{notes:?}");
    assert_eq!((run(&store, None).1, store.list().len()), (vec![Note::Kept], 1));
}

#[test]
fn a_shared_store_is_read_and_never_written() {
    let (shared, own) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    run(&Store::at(shared.path()), None).0.unwrap();
    let listing = || {
        let mut all: Vec<_> =
            walk(shared.path()).into_iter().map(|path| (fs::metadata(&path).unwrap(), path)).collect();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        all.into_iter().map(|(data, path)| (path, data.modified().unwrap(), data.len())).collect::<Vec<_>>()
    };
    let before = listing();
    let store = Store::at(own.path()).with_shared(Some(shared.path().to_owned()));
    let (found, notes, computed) = run(&store, None);
    assert_eq!((notes.as_slice(), computed), (&[Note::Kept][..], 0));
    same(&found.unwrap(), &expected());
    store.remove_leftovers();
    store.prune(&Limits { bytes: Some(0), age: None }).unwrap();
    assert_eq!(listing(), before);
    let table = only_folder(&shared.path().join("entries")).join("attribution.safetensors");
    fs::write(&table, "damaged").unwrap();
    let before = listing();
    let (found, notes, computed) = run(&store, None);
    assert!(matches!(&notes[..], [Note::Damaged(_), ..]) && computed == ALL, "{notes:?}");
    same(&found.unwrap(), &expected());
    assert_eq!((listing(), run(&store, None).1), (before, vec![Note::Kept]));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_run_succeeds_if_the_store_cannot_be_written() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let (whole, notes, _) = run(&Store::at(file.join("below")), None);
    same(&whole.unwrap(), &expected());
    assert!(matches!(notes[..], [Note::Unkept(_)]), "{notes:?}");
}

#[test]
fn stored_runs_get_the_names_of_the_new_request() {
    let home = TempDir::new().unwrap();
    let store = Store::at(home.path());
    run(&store, None).0.unwrap();
    let (mut plan, prompts) = plan(model(), &request()).unwrap();
    plan.task.name = "another name".to_owned();
    let again = obtain(&store, model(), plan, &prompts, &Cancel::default(), &mut |_| {}).unwrap();
    assert_eq!(again.meta.task.name, "another name");
    assert_eq!(store.list().len(), 1);
}

fn run_binary(home: &Path, out: &str, more: &[&str]) -> Value {
    let out = home.join(out);
    let args = ["run", "--task", "sentiment", "--limit", "40", "-o", out.to_str().unwrap(), "--json"];
    json(&partscope_with_store(&[&args[..], more].concat(), home.join("cache").to_str().unwrap()))
}

#[test]
fn two_processes_at_once_give_the_same_run() {
    let home = TempDir::new().unwrap();
    let metas: Vec<Value> = thread::scope(|scope| {
        let both = ["a", "b"].map(|out| scope.spawn(in_process(home.path(), out)));
        both.map(|one| one.join().unwrap()).to_vec()
    });
    let table = |out: &str| fs::read(home.path().join(out).join("attribution.safetensors")).unwrap();
    assert!(table("a") == table("b"));
    assert_eq!(
        metas[0]["timing"]["attribute_s"], metas[1]["timing"]["attribute_s"],
        "one of them computed, one waited"
    );
}

fn in_process<'a>(home: &'a Path, out: &'a str) -> impl FnOnce() -> Value + Send + 'a {
    move || run_binary(home, out, &[])
}

#[test]
fn the_cache_command_lists_verifies_and_prunes() {
    let home = TempDir::new().unwrap();
    let cache = home.path().join("cache");
    let cached = |args: &[&str]| partscope_with_store(&[&["cache"], args].concat(), cache.to_str().unwrap());
    assert_eq!(stdout(&cached(&["list"])), "the store is empty\n");
    let meta = run_binary(home.path(), "a", &[]);
    run_binary(home.path(), "b", &["--demo-seed", "1"]);
    run_binary(home.path(), "c", &["--demo-seed", "1"]);
    let listing = json(&cached(&["list", "--json"]));
    let entries = listing["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["demo_seed"], 1, "the most recently used comes first");
    assert_eq!((&entries[1]["task"], &entries[1]["accuracy"]), (&"sentiment".into(), &meta["accuracy"]["full"]));
    assert!(stdout(&cached(&["list"])).contains("demo · sentiment · review · demo seed 1 · 60 examples"));
    assert_eq!(json(&cached(&["size", "--json"]))["entries"], 2);
    assert_eq!(json(&cached(&["verify", "--json"]))["checked"], 2);

    let key = entries[1]["key"].as_str().unwrap();
    let path = cache.join("entries").join(key).join("attribution.safetensors");
    fs::write(&path, "short").unwrap();
    let output = cached(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("checksum"), "{output:?}");
    assert_eq!(json(&cached(&["prune", "--json"]))["entries"], 1);
    let other = entries[0]["key"].as_str().unwrap();
    assert_eq!(json(&cached(&["prune", other, "--json"]))["entries"], 1);
    assert_eq!(stdout(&cached(&["list"])), "the store is empty\n");
    run_binary(home.path(), "a", &[]);
    assert_eq!(json(&cached(&["prune", "--keep", "1GB", "--older-than", "1d", "--json"]))["entries"], 0);
    assert_eq!(json(&cached(&["prune", "--all", "--json"]))["entries"], 1);
}

#[test]
fn the_store_can_be_disabled() {
    let home = TempDir::new().unwrap();
    run_binary(home.path(), "a", &["--no-cache"]);
    assert!(!home.path().join("cache").exists());
    let (code, message) = failure(&["cache", "list"]);
    assert!(code == 3 && message.contains("disabled"), "{message}");
}
