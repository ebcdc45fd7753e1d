//! `partscope cache`: lists, checks and prunes stored results.

use std::{
    fmt::Write,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::Subcommand;
use serde::Serialize;

use super::{
    failure::Failure,
    output::{print, print_json},
    store_options::StoreOptions,
};
use crate::{
    cancel::Cancel,
    error::InputError,
    size::{format_size, parse_size},
    store::{CheckResult, Content, Entry, EntryKey, Limits, Store},
    text::printable,
};

/// List, measure, verify and prune the store of computed results, which avoids computing a request twice.
///
/// PARTSCOPE_CACHE sets the store's folder (default: the user's cache folder); PARTSCOPE_CACHE=off disables it.
/// PARTSCOPE_SHARED_CACHE names a second store that is only read, for results that this one lacks.
///
/// Example: partscope cache list
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// Folder of the store [default: PARTSCOPE_CACHE, or the user's cache folder]
    #[arg(long, value_name = "DIR", global = true)]
    cache: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, logits and interrupted runs, most recently used first
    ///
    /// Example: partscope cache list --json
    List,
    /// Show the store's size and folder
    ///
    /// Example: partscope cache size
    Size,
    /// Check every entry against its checksums; damaged ones are set aside and recomputed when needed
    ///
    /// Example: partscope cache verify
    Verify,
    /// Remove entries by age, size or key, and all damaged ones that were set aside
    ///
    /// Example: partscope cache prune --older-than 30d --keep 2GB
    Prune {
        /// Remove entries not used for this long: 12h, 30d
        #[arg(long, value_name = "TIME", value_parser = duration)]
        older_than: Option<Duration>,
        /// Remove the least recently used entries until this much is left: 500MB, 2GB
        #[arg(long, value_name = "SIZE", value_parser = size)]
        keep: Option<u64>,
        /// Remove everything
        #[arg(long, conflicts_with_all = ["older_than", "keep"])]
        all: bool,
        /// Remove the entries with these keys
        #[arg(value_name = "KEY", conflicts_with_all = ["older_than", "keep", "all"])]
        keys: Vec<String>,
    },
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let store = StoreOptions::with_folder(args.cache.clone()).as_is()?;
    let Some(root) = store.root() else {
        return Err(InputError::new("the store is disabled").help("unset PARTSCOPE_CACHE, or set --cache").into());
    };
    let place = printable(&root.display().to_string()).into_owned();
    match &args.command {
        Command::List => list(&store, args.json),
        Command::Size => sizes(&store, &place, args.json),
        Command::Verify => verify(&store, args.json),
        Command::Prune { older_than, keep, all, keys } => {
            let limits =
                if *all { Limits { age: None, bytes: Some(0) } } else { Limits { age: *older_than, bytes: *keep } };
            prune(&store, keys, &limits, args.json)
        }
    }
}

/// A row of `cache list --json`.
#[derive(Serialize)]
struct Row {
    key: String,
    kind: &'static str,
    bytes: u64,
    used_s_ago: Option<u64>,
    folder: String,
    model: Option<String>,
    task: Option<String>,
    template: Option<String>,
    demo_seed: Option<u64>,
    examples: Option<usize>,
    done: Option<usize>,
    accuracy: Option<f64>,
    problem: Option<String>,
    /// Whether `verify` moved it out of the way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    set_aside: bool,
}

#[derive(Serialize)]
struct Listing {
    entries: Vec<Row>,
}

fn row(entry: &Entry) -> Row {
    let mut row = Row {
        key: entry.key.to_string(),
        kind: "logits",
        bytes: entry.bytes,
        used_s_ago: entry.used.and_then(|used| SystemTime::now().duration_since(used).ok()).map(|age| age.as_secs()),
        folder: entry.folder.display().to_string(),
        model: None,
        task: None,
        template: None,
        demo_seed: None,
        examples: None,
        done: None,
        accuracy: None,
        problem: None,
        set_aside: false,
    };
    match &entry.content {
        Content::Run(meta) => {
            row.kind = "run";
            (row.model, row.task) = (Some(meta.model.id.clone()), Some(meta.task.name.clone()));
            (row.template, row.demo_seed) = (Some(meta.task.template.clone()), Some(meta.prompt.demo_seed));
            row.examples = Some(meta.examples.train + meta.examples.test);
            row.accuracy = Some(meta.accuracy.full);
        }
        Content::Interrupted(about) => {
            row.kind = "interrupted";
            (row.model, row.task) = (Some(about.model.id.clone()), Some(about.task.name.clone()));
            (row.template, row.demo_seed) = (Some(about.task.template.clone()), Some(about.prompt.demo_seed));
            row.examples = Some(about.examples.train + about.examples.test);
            row.done = Some(about.done);
        }
        Content::Logits => {}
        Content::Damaged(problem) => {
            row.kind = "damaged";
            row.problem = Some(problem.clone());
        }
    }
    row
}

fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let listing = Listing { entries: store.list().iter().map(row).collect() };
    if json {
        return Ok(print_json(&listing)?);
    }
    let mut text = String::new();
    for row in &listing.entries {
        let shown =
            |text: &Option<String>| text.as_deref().map_or_else(String::new, |text| printable(text).into_owned());
        let what = match (row.kind, row.done) {
            ("run", _) => format!(
                "{} · {} · {} · demo seed {} · {} examples · full model {:.1}%",
                shown(&row.model),
                shown(&row.task),
                shown(&row.template),
                row.demo_seed.unwrap_or(0),
                row.examples.unwrap_or(0),
                100.0 * row.accuracy.unwrap_or(f64::NAN)
            ),
            (_, Some(done)) => format!(
                "{} · {} · {} · demo seed {} · {done} of {} examples",
                shown(&row.model),
                shown(&row.task),
                shown(&row.template),
                row.demo_seed.unwrap_or(0),
                row.examples.unwrap_or(0)
            ),
            _ => shown(&row.problem),
        };
        let _ = writeln!(text, "{}  {:<11}  {:>8}  {what}", row.key, row.kind, format_size(row.bytes));
    }
    if listing.entries.is_empty() {
        text.push_str("the store is empty\n");
    }
    Ok(print(&text)?)
}

#[derive(Serialize)]
struct Sizes {
    folder: String,
    entries: usize,
    bytes: u64,
    damaged_bytes: u64,
}

fn sizes(store: &Store, place: &str, json: bool) -> Result<(), Failure> {
    let entries = store.list();
    let sizes = Sizes {
        folder: place.to_owned(),
        entries: entries.len(),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        damaged_bytes: store.damaged_bytes(),
    };
    if json {
        return Ok(print_json(&sizes)?);
    }
    let Sizes { folder, entries, bytes, damaged_bytes } = sizes;
    let aside = if damaged_bytes > 0 {
        format!(", {} of damaged entries set aside", format_size(damaged_bytes))
    } else {
        String::new()
    };
    Ok(print(&format!("{} in {entries} entries{aside}, in {folder}\n", format_size(bytes)))?)
}

#[derive(Serialize)]
struct Verified {
    checked: usize,
    damaged: Vec<Row>,
}

fn verify(store: &Store, json: bool) -> Result<(), Failure> {
    let mut verified = Verified { checked: 0, damaged: Vec::new() };
    store.verify(&Cancel::default(), &mut |CheckResult { entry, problem, set_aside }| {
        verified.checked += 1;
        if problem.is_some() {
            verified.damaged.push(Row {
                kind: "damaged",
                problem: problem.clone(),
                set_aside: *set_aside,
                ..row(entry)
            });
        }
    })?;
    if json {
        print_json(&verified)?;
    } else {
        let mut text = String::new();
        for row in &verified.damaged {
            let verdict = if row.set_aside { "set aside" } else { "damaged, and the store cannot be written" };
            let _ = writeln!(text, "{}  {verdict}: {}", row.key, printable(row.problem.as_deref().unwrap_or_default()));
        }
        let _ = writeln!(text, "{} entries checked, {} damaged", verified.checked, verified.damaged.len());
        print(&text)?;
    }
    if verified.damaged.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}

#[derive(Serialize)]
struct Removed {
    entries: usize,
    bytes: u64,
}

fn prune(store: &Store, keys: &[String], limits: &Limits, json: bool) -> Result<(), Failure> {
    let keys = keys.iter().map(|key| key.parse()).collect::<Result<Vec<EntryKey>, _>>()?;
    let listed = store.list();
    let size = |key: &EntryKey| listed.iter().filter(|entry| entry.key == *key).map(|entry| entry.bytes).sum::<u64>();
    let mut removed = Removed { entries: 0, bytes: 0 };
    for key in &keys {
        if !store.remove(key)? {
            let problem = format!("the store has no entry `{key}`");
            return Err(InputError::new(problem).help("`partscope cache list` shows its entries").into());
        }
        removed = Removed { entries: removed.entries + 1, bytes: removed.bytes + size(key) };
    }
    if keys.is_empty() {
        let pruned = store.prune(limits)?;
        removed = Removed { entries: pruned.entries, bytes: pruned.bytes };
    }
    if json {
        return Ok(print_json(&removed)?);
    }
    Ok(print(&format!("{} entries removed, {}\n", removed.entries, format_size(removed.bytes)))?)
}

/// Parses `90s`, `45m`, `12h`, `30d`.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];
    let scaled = units.iter().find_map(|(unit, seconds)| {
        let count: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        Some(Duration::from_secs(count.checked_mul(*seconds)?))
    });
    scaled.ok_or_else(|| "write a number and a unit: 12h, 30d".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    parse_size(text).ok_or_else(|| "write a number and a unit: 500MB, 2GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_parse_with_units() {
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86400)));
        assert_eq!((size("2GB"), size("500MB"), size("0")), (Ok(2_000_000_000), Ok(500_000_000), Ok(0)));
        assert!(duration("30").is_err() && duration("d").is_err() && size("2XB").is_err() && size("-1").is_err());
    }
}
