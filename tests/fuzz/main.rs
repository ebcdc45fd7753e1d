//! Hostile input for everything that reads from outside: see `targets.rs` for the list.
//!
//! Every seed of `corpus/NAME` is read as it is, and then mutants of the seeds. `PARTSCOPE_FUZZ=1000000` sets the number
//! of mutants for each target, `PARTSCOPE_FUZZ_SECONDS` stops earlier, `PARTSCOPE_FUZZ_SEED` gives other ones. An input
//! that panics is written to a file, which belongs into the corpus. `cargo test --test fuzz -- --nocapture` prints the
//! number of executions.

mod mutate;
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mutate::{Random, mutant};
use targets::{TARGETS, Target};
use tempfile::TempDir;

/// The longest that one input may take, on a machine that has other work.
const LONGEST: Duration = Duration::from_secs(20);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Returns the seeds of a target.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target.name);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Reads one input, and returns the time that it took. One that takes too long gets a second chance, because the process
/// may just have been stopped.
fn execute(target: &Target, folder: &Path, bytes: &[u8]) -> Duration {
    let read = || {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(folder, bytes)));
        (outcome.is_err(), start.elapsed())
    };
    let (mut panics, mut time) = read();
    if !panics && time > LONGEST {
        (panics, time) = read();
    }
    if panics || time > LONGEST {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", target.name, bytes.len()));
        fs::write(&path, bytes).unwrap();
        panic!("{} fails after {time:?} on {}; put that into its corpus", target.name, path.display());
    }
    time
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let (seeds, folder) = (corpus(target), TempDir::new().unwrap());
    let executions = number("PARTSCOPE_FUZZ").map_or(target.executions, |count| count as usize);
    let mut random = Random::new(number("PARTSCOPE_FUZZ_SEED").unwrap_or(1));
    let start = Instant::now();
    let mut slowest = seeds.iter().map(|seed| execute(target, folder.path(), seed)).max().unwrap();
    let seconds = number("PARTSCOPE_FUZZ_SECONDS").unwrap_or(u64::MAX);
    let mut count = seeds.len();
    for _ in 0..executions {
        if start.elapsed().as_secs() >= seconds {
            break;
        }
        count += 1;
        let bytes = mutant(&seeds, target.tokens, target.longest, &mut random);
        slowest = slowest.max(execute(target, folder.path(), &bytes));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{name}: {count} executions in {seconds:.1} s, the slowest {:.3} s", slowest.as_secs_f64());
}

#[test]
fn every_target_has_seeds_that_are_read_and_mutants_that_differ() {
    for target in TARGETS {
        let seeds = corpus(target);
        assert!(!seeds.is_empty() && seeds.iter().all(|seed| seed.len() <= target.longest), "{}", target.name);
        let mutants = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| mutant(&seeds, target.tokens, target.longest, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(mutants(1), mutants(1), "the same seed gives the same mutants");
        assert_ne!(mutants(1), mutants(2));
        assert!(mutants(1).iter().filter(|bytes| !seeds.contains(bytes)).count() > 80);
    }
}

/// The targets are a part of two crates: what one of them uses, the other must name too.
#[test]
fn the_crate_for_libfuzzer_names_what_the_targets_use() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = |path: &str, names: &[&str]| -> Vec<String> {
        let parsed: toml::Table = fs::read_to_string(root.join(path)).unwrap().parse().unwrap();
        names.iter().flat_map(|name| parsed[*name].as_table().unwrap().keys().cloned().collect::<Vec<_>>()).collect()
    };
    let own = table("Cargo.toml", &["dependencies", "dev-dependencies"]);
    let theirs = table("fuzz/Cargo.toml", &["dependencies"]);
    let source = fs::read_to_string(root.join("tests/fuzz/targets.rs")).unwrap();
    let words: Vec<&str> = source
        .split("::")
        .filter_map(|part| part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next())
        .collect();
    let used: Vec<&String> = own.iter().filter(|name| words.contains(&name.replace('-', "_").as_str())).collect();
    assert!(used.iter().any(|name| *name == "serde_json"), "{used:?}");
    for name in used {
        assert!(theirs.contains(name), "`{name}` is missing in fuzz/Cargo.toml");
    }
}
