//! `partscope report`: writes figures, tables and an HTML page of saved runs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    context::open_run,
    failure::Failure,
    output::{ProgressLine, print, print_json},
};
use crate::{
    cancel::Cancel,
    error::Result,
    report::{LENS_FILE, LensCurve, Report},
    run::Run,
    store::read_attachment,
    text::printable,
};

/// Write figures (SVG, PNG), tables (CSV, Parquet) and one self-contained HTML page of saved runs.
///
/// Shows heat maps of accuracy and fitted weights, the path of the fit, scatter plots and differences of every run with
/// the first, agreement of all runs, and accuracy by method; also the lens by layer of runs for
/// which `partscope logit-lens RUN` has measured it.
///
/// Example: partscope report out out2 -o figures-for-the-paper
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of runs
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder to write to, or `-` to print only the page
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Print one JSON object that lists the files
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Written {
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    line.stage("reading runs");
    let runs = args.runs.iter().map(|folder| open_run(folder)).collect::<Result<Vec<Run>>>()?;
    let lens = |(folder, run): (&PathBuf, &Run)| {
        let curve: Option<LensCurve> = read_attachment(folder, LENS_FILE)?;
        curve.map(|curve| curve.of_run(&folder.join(LENS_FILE), &run.meta)).transpose()
    };
    let lenses = args.runs.iter().zip(&runs).map(lens).collect::<Result<Vec<_>>>()?;
    line.stage("fitting and drawing");
    let cancel = Cancel::default();
    let report = Report::with_lenses(&runs, lenses, &cancel)?;
    if args.output == Path::new("-") {
        return Ok(print(&report.page)?);
    }
    let files = report.write(&args.output, &cancel)?;
    line.clear();
    if args.json {
        print_json(&Written { files })?;
    } else {
        let names: Vec<String> = files.iter().map(|file| printable(&file.display().to_string()).into_owned()).collect();
        print(&(names.join("\n") + "\n"))?;
    }
    Ok(())
}
