//! Writes the demo's task files and the corpus its model is trained on.
//!
//! ```text
//! cargo run --release --example demo_corpus -- --tasks assets/demo/tasks --corpus /tmp/corpus.jsonl --documents 40000
//! ```
//! The same seed writes the same bytes. No text of a pool, development or test split occurs in the corpus.

mod corpus;
mod draw;
mod opinion;
mod sentiment;
mod splits;
mod task;
mod topic;
mod words;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let mut folder = PathBuf::from("assets/demo/tasks");
    let mut file = None;
    let mut documents = 40_000;
    let mut seed = 2026;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| usage(&name))?;
        match name.as_str() {
            "--tasks" => folder = value.into(),
            "--corpus" => file = Some(PathBuf::from(value)),
            "--documents" => documents = value.parse().map_err(|_| usage(&name))?,
            "--seed" => seed = value.parse().map_err(|_| usage(&name))?,
            _ => return Err(usage(&name)),
        }
    }
    let tasks = [sentiment::task(), topic::task()];
    let mut held_out = HashSet::new();
    fs::create_dir_all(&folder)?;
    for task in &tasks {
        splits::write(&folder, task, seed, &mut held_out)?;
    }
    if let Some(file) = file {
        let mut out = BufWriter::new(File::create(file)?);
        corpus::write(&mut out, &tasks, documents, seed, &held_out)?;
        out.flush()?;
    }
    Ok(())
}

fn usage(name: &str) -> io::Error {
    io::Error::other(format!("{name}: expected --tasks DIR, --corpus FILE, --documents N or --seed N, each with a value"))
}
