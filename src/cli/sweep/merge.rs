//! `partscope sweep merge`.

use std::path::PathBuf;

use crate::{
    cancel::Cancel,
    cli::{
        failure::Failure,
        output::{print, print_json, warn},
        streams::say,
    },
    sweep::{Merged, MissingCell, SweepFolder, merge},
    text::printable,
};

/// Join the results of a sweep: rows.parquet, rows.csv, tables.json and report.html
///
/// The files are the same bytes whoever computed the runs. Exits with 4 if runs are missing.
///
/// Example: partscope sweep merge sweep -o tables
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Folder for the files
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let sweep = SweepFolder::open(&args.folder)?;
    let merged = merge(&sweep, &args.output, &Cancel::default())?;
    let Merged { cells, done, missing, processors, damaged, .. } = &merged;
    for problem in damaged {
        warn(&format!("a damaged result was set aside: {problem}"));
    }
    if processors.len() > 1 {
        warn(&format!("runs come from {} kinds of processors; their numbers differ by rounding", processors.len()));
    }
    if args.json {
        print_json(&merged)?;
    } else {
        print(&format!("{done} of {cells} runs merged into {}\n", printable(&args.output.display().to_string())))?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    let name = |missing: &MissingCell| printable(&missing.cell).into_owned();
    let first: Vec<String> = missing.iter().take(3).map(name).collect();
    let more = if missing.len() > first.len() { ", …" } else { "" };
    say(&format!("partscope: {} runs are missing: {}{more}; tables.json lists them", missing.len(), first.join(", ")));
    Err(Failure::Partial)
}
