//! `partscope sweep status`.

use std::{fmt::Write, path::PathBuf};

use crate::{
    cli::{
        failure::Failure,
        output::{human_seconds, print, print_json},
    },
    sweep::{SweepFolder, SweepStatus, status},
    text::printable,
};

/// Show which runs of a sweep are done, running or failed, and when all will be done
///
/// Example: partscope sweep status sweep
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Seconds by which clocks of machines may differ without a word.
const CLOCKS: f64 = 10.0;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let found = status(&SweepFolder::open(&args.folder)?);
    if args.json {
        return Ok(print_json(&found)?);
    }
    let SweepStatus { cells, done, running, leases, failed, killed, seconds_left } = &found;
    let mut text = format!("{done} of {cells} runs done, {running} running, {} failed", failed.len());
    if let Some(seconds) = seconds_left.filter(|_| done + failed.len() < *cells) {
        let _ = write!(text, ", about {} left", human_seconds(seconds));
    }
    text.push('\n');
    for lease in leases {
        let (cell, owner) = (printable(&lease.cell), printable(&lease.owner));
        let seen = match lease.age_s {
            age if age >= -CLOCKS => format!("seen {:.0} s ago", age.max(0.0)),
            age => format!("its clock is {:.0} s ahead of this machine's", -age),
        };
        let _ = writeln!(text, "running  {cell}  on {owner}, {seen}");
    }
    for failure in failed {
        let _ = writeln!(text, "failed   {}: {}", printable(&failure.cell), printable(&failure.reason));
    }
    for killed in killed {
        let kills = killed.kills;
        let name = printable(&killed.cell);
        let _ = writeln!(text, "killed   {name}: processes that computed it ended without a word: {kills}");
    }
    Ok(print(&text)?)
}
