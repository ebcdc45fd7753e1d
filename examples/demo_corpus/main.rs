//! Writes the demo's task files and its model's training corpus.
//!
//! ```text
//! cargo run --release --example demo_corpus -- --tasks tasks --corpus corpus.jsonl --documents 40000
//! ```
//! Task files, corpus and model belong together: `assets/demo/README.md` names the commit whose generator made the
//! shipped ones. The same seed writes the same bytes. No text of a pool, development or test split occurs in the
//! corpus.

mod choice;
mod corpus;
mod draw;
mod drill;
mod entailment;
mod inference;
mod opinion;
mod paraphrase;
mod reading;
mod scene;
mod senses;
mod sentiment;
mod splits;
mod task;
mod topic;
mod words;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Seed of the splits, which do not depend on the corpus options.
const SPLIT_SEED: u64 = 2026;

fn main() -> io::Result<()> {
    let mut folder = None;
    let mut file = None;
    let mut plan = corpus::Plan {
        documents: 40_000,
        from: 0.0,
        to: 1.0,
        longest: 26,
        habits: 1.0,
        noise: 1.0,
        calm: 0.25,
        settle: f64::INFINITY,
        drills: 0.0,
        seed: 2026,
    };
    let mut only = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| usage(&name))?;
        match name.as_str() {
            "--tasks" => folder = Some(PathBuf::from(value)),
            "--corpus" => file = Some(PathBuf::from(value)),
            "--longest" => plan.longest = value.parse().map_err(|_| usage(&name))?,
            "--habits" => plan.habits = value.parse().map_err(|_| usage(&name))?,
            "--noise" => plan.noise = value.parse().map_err(|_| usage(&name))?,
            "--calm" => plan.calm = value.parse().map_err(|_| usage(&name))?,
            "--settle" => plan.settle = value.parse().map_err(|_| usage(&name))?,
            "--drills" => plan.drills = value.parse().map_err(|_| usage(&name))?,
            "--only" => only = value,
            "--documents" => plan.documents = value.parse().map_err(|_| usage(&name))?,
            "--from" => plan.from = value.parse().map_err(|_| usage(&name))?,
            "--to" => plan.to = value.parse().map_err(|_| usage(&name))?,
            "--seed" => plan.seed = value.parse().map_err(|_| usage(&name))?,
            _ => return Err(usage(&name)),
        }
    }
    let tasks = [
        sentiment::task(),
        topic::task(),
        reading::task(),
        entailment::task(),
        inference::task(),
        paraphrase::task(),
        senses::task(),
        choice::task(),
    ];
    let mut held_out = HashSet::new();
    if let Some(folder) = &folder {
        fs::create_dir_all(folder)?;
    }
    for task in &tasks {
        splits::write(folder.as_deref(), task, SPLIT_SEED, &mut held_out)?;
    }
    if let Some(file) = file {
        let tasks = shares(tasks.into(), &only);
        let mut out = BufWriter::new(File::create(file)?);
        corpus::write(&mut out, &tasks, &plan, &held_out)?;
        out.flush()?;
    }
    Ok(())
}

/// Keeps the tasks named in `only` (all if it is empty); `name=share` also sets a task's share of the corpus.
fn shares(mut tasks: Vec<task::Task>, only: &str) -> Vec<task::Task> {
    let named: Vec<(&str, &str)> = only.split(',').map(|item| item.split_once('=').unwrap_or((item, ""))).collect();
    tasks.retain_mut(|task| {
        let Some((_, share)) = named.iter().find(|(name, _)| *name == task.name) else {
            return only.is_empty();
        };
        task.weight = share.parse().unwrap_or(task.weight);
        true
    });
    tasks
}

fn usage(name: &str) -> io::Error {
    io::Error::other(format!(
        "{name}: expected --tasks DIR, --corpus FILE, --only TASK=SHARE,TASK, --documents N, --longest N, --habits R, --noise R, --calm SHARE, --settle N, --drills SHARE, --from R, --to R or --seed N, each with a value"
    ))
}
