//! Lets every file operation fail in turn, and lets the process die at each, while a run is computed, saved and saved
//! over, and while entries of the store, batches and weights are written: what is read afterwards is the old state or
//! the new one, and the same command works again and leaves nothing behind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    analysis::testing::{run, table},
    attribution::{Batch, Split},
    cancel::Cancel,
    component::Shape,
    disk::{Fault, Operation, with_fault, write_whole},
    error::Result,
    model::{LoadOptions, Model, Source},
    run::{Run, RunMeta},
    runner::{Event, Note, Prompting, execute, obtain, plan_explicit},
    store::{About, Attachments, Destination, EntryKey, KeyMaker, Store, open},
    task::ExplicitPrompt,
};

const SHAPE: Shape = Shape { layers: 2, heads: 2, labels: 2 };
const FILES: [&str; 3] = ["attribution.safetensors", "examples.jsonl", "run.json"];

fn toy(seed: u64) -> Run {
    run(table(SHAPE, 4, seed, |_| 0.5), table(SHAPE, 6, seed + 1, |_| 0.5))
}

/// Calls `attempt` with every fault that it reaches, and returns how many there were.
fn every_fault(mut attempt: impl FnMut(Fault) -> bool) -> usize {
    use Operation::{Create, Read, Remove, Rename, Sync, Write};
    /// More operations than any attempt has.
    const MOST: usize = 1000;
    let mut faults = 0;
    for operation in [Create, Write, Sync, Rename, Remove, Read] {
        faults += (0..MOST).take_while(|&nth| attempt(Fault::Once(operation, nth))).count();
    }
    faults + (0..MOST).take_while(|&nth| attempt(Fault::Death(nth))).count()
}

fn same(a: &Run, b: &Run) -> bool {
    a.train == b.train && a.test == b.test && a.examples == b.examples
}

fn save(folder: &Path, run: &Run) -> Result<()> {
    Destination::prepare(folder)?.write(run).map(drop)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Checks that other programs never see the files of two runs together: if there is a `run.json`, it belongs to the
/// other files.
fn check_files_in_place(folder: &Path, fault: Fault) {
    if folder.join("run.json").exists() {
        let copy = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
        open(copy.path()).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
}

#[test]
fn a_run_that_would_be_refused_later_is_not_saved_over_another() {
    let home = tempfile::tempdir().unwrap();
    let (folder, old, mut wrong) = (home.path().join("run"), toy(1), toy(10));
    save(&folder, &old).unwrap();
    wrong.meta.accuracy.full = 2.0;
    let message = save(&folder, &wrong).unwrap_err().to_string();
    assert!(message.contains("accuracy.full"), "{message}");
    assert!(same(&open(&folder).unwrap(), &old));
}

#[test]
fn saving_leaves_the_old_run_or_the_new_one() {
    let (old, new) = (toy(1), toy(10));
    for existing in [None, Some(&old)] {
        let faults = every_fault(|fault| {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("run");
            if let Some(old) = existing {
                save(&folder, old).unwrap();
                Attachments::new(&folder).unwrap().write("attention-L0.H0.json", &1).unwrap();
            }
            let (saved, reached) = with_fault(fault, || save(&folder, &new));
            match (open(&folder), existing) {
                (Ok(found), _) if same(&found, &new) => {}
                (Ok(found), Some(old)) if same(&found, old) => assert!(saved.is_err(), "{fault:?}: not saved"),
                (Err(_), None) => assert!(saved.is_err(), "{fault:?}: not saved"),
                (found, _) => panic!("{fault:?}: neither the old run nor the new one: {:?}", found.map(|run| run.meta)),
            }
            check_files_in_place(&folder, fault);
            save(&folder, &new).unwrap_or_else(|error| panic!("{fault:?}: the same command again: {error}"));
            assert!(same(&open(&folder).unwrap(), &new), "{fault:?}");
            assert_eq!(names(&folder), FILES, "{fault:?}");
            reached
        });
        assert!(faults > 40, "only {faults} faults were reached");
    }
}

#[test]
fn an_attachment_is_written_whole_and_waits_for_a_half_replaced_run() {
    every_fault(|fault| {
        let home = tempfile::tempdir().unwrap();
        save(home.path(), &toy(1)).unwrap();
        let (_, reached) = with_fault(fault, || save(home.path(), &toy(10)));
        let Ok(attachments) = Attachments::new(home.path()) else { panic!("{fault:?}: not a run") };
        let path = attachments.write("attention-L0.H0.json", &vec![1; 1000]).unwrap();
        let _ = with_fault(fault, || attachments.write("attention-L0.H0.json", &vec![2; 2000]));
        let values: Vec<i32> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert!(values == [1; 1000] || values == [2; 2000], "{fault:?}");
        assert!(open(home.path()).is_ok() && names(home.path()).contains(&"run.json".to_owned()), "{fault:?}");
        reached
    });
}

#[test]
fn a_file_is_old_or_new_and_its_temporary_is_removed() {
    let faults = every_fault(|fault| {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x".repeat(255));
        write_whole(&path, b"old").unwrap();
        let (written, reached) = with_fault(fault, || write_whole(&path, b"the new content"));
        let found = fs::read(&path).unwrap();
        assert!(found == b"the new content" || (found == b"old" && written.is_err()), "{fault:?}: {found:?}");
        write_whole(&path, b"again").unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(home.path()).len()), (b"again".to_vec(), 1), "{fault:?}");
        reached
    });
    assert!(faults >= 8, "only {faults} faults were reached");
}

fn key(text: &str) -> EntryKey {
    KeyMaker::new("run").text(text).finish()
}

/// State of an entry before another process stores it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Absent,
    Damaged,
    Sound,
}

#[test]
fn an_entry_of_the_store_is_complete_or_absent_and_a_sound_one_stays() {
    let (old, new) = (toy(1), toy(10));
    for before in [Before::Absent, Before::Damaged, Before::Sound] {
        // A sound entry that could not be read at the time may have been replaced.
        let is_sound = |found: &Run| same(found, &new) || (before == Before::Sound && same(found, &old));
        let faults = every_fault(|fault| {
            let home = tempfile::tempdir().unwrap();
            let (store, key) = (Store::at(home.path()), key("a"));
            let entries = home.path().join("entries");
            if before != Before::Absent {
                store.keep_run(&key, &old).unwrap();
            }
            if before == Before::Damaged {
                fs::write(entries.join(key.as_str()).join("examples.jsonl"), "").unwrap();
            }
            let (kept, reached) = with_fault(fault, || store.keep_run(&key, &new));
            store.remove_leftovers();
            let mut damaged = false;
            match store.run(&key, &mut |_| damaged = true) {
                Some(found) => assert!(is_sound(&found) && !damaged, "{before:?} {fault:?}"),
                None => assert!(before != Before::Sound && kept.is_err(), "{before:?} {fault:?}"),
            }
            assert!(!damaged || before == Before::Damaged, "{before:?} {fault:?}");
            store.keep_run(&key, &new).unwrap();
            assert!(is_sound(&store.run(&key, &mut |problem| panic!("{problem}")).unwrap()), "{before:?} {fault:?}");
            assert_eq!(names(&entries), [key.as_str()], "{before:?} {fault:?}");
            reached
        });
        assert!(faults > 20, "only {faults} faults were reached");
    }
}

fn about(run: &Run) -> About {
    let RunMeta { model, task, prompt, examples, .. } = run.meta.clone();
    About { model, task, prompt, examples, request: None, done: 0 }
}

#[test]
fn stored_batches_are_never_lost() {
    let run = toy(1);
    let about = about(&run);
    let batches = [(Split::Train, run.train.batch(0..4)), (Split::Test, run.test.batch(0..6))];
    let stored = |store: &Store| -> Vec<(Split, Batch)> { store.partial(&key("a"), &about, SHAPE).unwrap().1 };
    every_fault(|fault| {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path());
        store.partial(&key("a"), &about, SHAPE).unwrap().0.push(batches[0].0, &batches[0].1).unwrap();
        let (pushed, reached) = with_fault(fault, || {
            let (mut partial, done) = store.partial(&key("a"), &about, SHAPE)?;
            assert_eq!(done, batches[..1]);
            partial.push(batches[1].0, &batches[1].1)
        });
        let found = stored(&store);
        assert!(found == batches || (found == batches[..1] && pushed.is_err()), "{fault:?}: {}", found.len());
        reached
    });
}

#[test]
fn batches_that_the_run_does_not_have_are_not_used() {
    let run = toy(1);
    let (train, test) = ((Split::Train, run.train.batch(0..4)), (Split::Test, run.test.batch(0..6)));
    for (pushed, used) in [(vec![&train, &train], 1), (vec![&test], 0), (vec![&train, &test, &test], 2)] {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path());
        let mut partial = store.partial(&key("a"), &about(&run), SHAPE).unwrap().0;
        for (split, batch) in pushed {
            partial.push(*split, batch).unwrap();
        }
        assert_eq!(store.partial(&key("a"), &about(&run), SHAPE).unwrap().1.len(), used);
    }
}

#[test]
fn a_run_is_computed_and_resumed_if_any_operation_of_the_store_fails() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama");
    let model = Model::load(&Source::Folder(folder.into()), &LoadOptions::default()).unwrap();
    let prompt = |id: usize, split: Split| ExplicitPrompt {
        id: id.to_string(),
        prompt: format!("w3 w{}", 4 + id),
        label: id % 2,
        split,
    };
    let prompts = [(0, Split::Train), (1, Split::Train), (2, Split::Test)].map(|(id, split)| prompt(id, split));
    let words = || vec![" w11".to_owned(), " w42".to_owned()];
    let planned = || {
        let words = (words(), Vec::new(), None);
        plan_explicit(&model, "toy", prompts.to_vec(), words, Prompting::default(), (None, None), &mut |_| Ok(()))
            .unwrap()
    };
    let (made, prompts) = planned();
    let expected = execute(&model, made, &prompts, &Cancel::default(), &mut |_| {}).unwrap();
    let obtained = |store: &Store, stop: bool| {
        let (mut notes, cancel, (made, prompts)) = (Vec::new(), Cancel::default(), planned());
        let run = obtain(store, &model, made, &prompts, &cancel, &mut |event| match event {
            Event::Note(note) => notes.push(note),
            Event::Batch(..) if stop => cancel.cancel(),
            _ => {}
        });
        (run, notes)
    };
    for stopped_before in [false, true] {
        let faults = every_fault(|fault| {
            let home = tempfile::tempdir().unwrap();
            let store = Store::at(home.path());
            if stopped_before {
                drop(obtained(&store, true));
            }
            let ((found, _), reached) = with_fault(fault, || obtained(&store, false));
            assert!(same(&found.unwrap(), &expected), "{fault:?}");
            let (again, notes) = obtained(&store, false);
            assert!(same(&again.unwrap(), &expected), "{fault:?}");
            assert!(!notes.iter().any(Note::is_problem), "{fault:?}: {notes:?}");
            store.remove_leftovers();
            let left: Vec<PathBuf> = ["entries", "partial"].map(|name| home.path().join(name)).into();
            let left: Vec<usize> = left.iter().map(|folder| names(folder).len()).collect();
            assert_eq!(left, [1, 0], "{fault:?}");
            reached
        });
        assert!(faults > 30, "only {faults} faults were reached");
    }
}

#[test]
fn a_run_whose_files_cannot_be_read_is_refused_and_unchanged() {
    let home = tempfile::tempdir().unwrap();
    save(home.path(), &toy(1)).unwrap();
    let faults = every_fault(|fault| {
        let (found, reached) = with_fault(fault, || open(home.path()));
        assert_eq!(found.is_err(), reached, "{fault:?}");
        assert!(same(&open(home.path()).unwrap(), &toy(1)));
        reached
    });
    assert_eq!(faults, 6, "each of three files, failing once and for good");
}
