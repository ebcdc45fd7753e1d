//! `partscope sweep plan`.

use std::{fmt::Write, path::PathBuf};

use serde::Serialize;

use crate::{
    cancel::Cancel,
    cli::{
        failure::Failure,
        options::ModelOptions,
        output::{human_seconds, print, print_json, read_text},
    },
    error::Result,
    model::Model,
    sweep::{LoadModel, Manifest, SweepFolder, parse_spec, plan},
    text::printable,
};

/// List the runs of a sweep with their estimated cost, and write them to a manifest that never changes
///
/// Example: partscope sweep plan sweep.toml -o sweep
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file that describes the sweep; docs/clusters.md lists its fields
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Folder of the sweep
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Do not load the models: costs are then relative, and a model that changes later is not noticed
    #[arg(long)]
    no_measure: bool,
    /// Number of threads for measuring [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Never connect to the network
    #[arg(long)]
    offline: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `sweep plan --json` prints.
#[derive(Serialize)]
struct Planned<'a> {
    cells: usize,
    checksum: &'a str,
    /// Estimated seconds of all cells together; `null` if a model was not measured.
    seconds: Option<f64>,
    models: Vec<PlannedCost<'a>>,
}

#[derive(Serialize)]
struct PlannedCost<'a> {
    name: &'a str,
    cells: usize,
    seconds: Option<f64>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let spec = parse_spec(&args.file, &read_text(&args.file)?)?;
    let mut threads = args.threads;
    let mut load = |name: &str| -> Result<Model> {
        ModelOptions::of_sweep(name, &spec.common.dtype, &spec.common.device, (threads.take(), args.offline)).load()
    };
    let load: Option<&mut LoadModel<'_>> = if args.no_measure { None } else { Some(&mut load) };
    let planned = plan(&spec, load, &Cancel::default())?;
    let sweep = SweepFolder::create(&args.output, &planned)?;
    let planned = Planned::new(&sweep.manifest);
    if args.json {
        print_json(&planned)?
    } else {
        print(&planned.text())?
    }
    Ok(())
}

impl<'a> Planned<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        let mut models: Vec<PlannedCost<'a>> = Vec::new();
        for model in &manifest.models {
            models.push(PlannedCost { name: &model.name, cells: 0, seconds: model.measured.then_some(0.0) });
        }
        for cell in &manifest.cells {
            let model = &mut models[cell.model];
            model.cells += 1;
            model.seconds = model.seconds.map(|seconds| seconds + cell.cost);
        }
        let seconds = models.iter().map(|model| model.seconds).sum();
        Self { cells: manifest.cells.len(), checksum: &manifest.checksum, seconds, models }
    }

    fn text(&self) -> String {
        let time =
            |seconds: Option<f64>| seconds.map_or("not measured".to_owned(), |s| format!("about {}", human_seconds(s)));
        let mut text = String::new();
        for model in &self.models {
            let _ = writeln!(text, "{}: {} runs, {}", printable(model.name), model.cells, time(model.seconds));
        }
        let _ = writeln!(text, "{} runs together, {} on this machine", self.cells, time(self.seconds));
        text
    }
}
