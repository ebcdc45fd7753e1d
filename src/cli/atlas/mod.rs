//! `partscope atlas`: one row a component, one column a measure.

mod kept;
mod measure;
mod text;

use std::path::{Path, PathBuf};

use super::{
    context::{index_of, open_run},
    failure::Failure,
    options::ModelOptions,
    output::{is_stream, print, print_json, warn},
    streams::print_data,
};
use crate::{
    analysis::atlas::Atlas,
    component::Component,
    disk::write_whole,
    error::{Error, InputError, Result},
    report::{atlas_table, table_as_parquet},
    run::Run,
    store::Attachments,
};

/// Show what kind of component each head and MLP is: accuracy, margin, bias, task recognition (tr) and task learning (tl),
/// direct effect, each with a 95% interval; and how these measures agree.
///
/// tr is the share of a component's output inside the span of the label rows, tl how it separates the gold label from the
/// others inside it (after arXiv 2509.24164). --with adds what needs the model: attention to the demonstrations' label words,
/// induction scores on repeated random sequences, the label prior on content-free input, the total effect, and the label words
/// by layer (lens). Without it the text says how long each would take. All is written to the run's folder (atlas.json) and
/// taken from there the next time.
///
/// Example: partscope atlas out
///
/// Example: partscope atlas out --with attention,induction --sort induction
///
/// Example: partscope atlas out --component L5.H3
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Also measure what needs the model: prior, induction, attention, total, lens, or all
    #[arg(long, value_name = "GROUPS", value_delimiter = ',', value_parser = measure::names())]
    with: Vec<String>,
    /// Show one component with its intervals, its rank in every column, and the components that resemble it
    #[arg(long, visible_alias = "head", value_name = "COMPONENT", conflicts_with = "json")]
    component: Option<Component>,
    /// AtlasColumn by which components are ordered in the text
    #[arg(long, value_name = "COLUMN", default_value = "accuracy")]
    sort: String,
    /// Write the table to a file, .csv or .parquet; `-` prints CSV
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["json", "component"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
    /// Print one JSON object, components in layer order
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let run = open_run(&args.run)?;
    let index = args.component.map(|component| index_of(run.test.shape(), component)).transpose()?;
    let mut atlas = atlas(&args.run, &run);
    let lens_ends = measure::measure((&args.run, &args.model), &args.with, &run, &mut atlas)?;
    if atlas.column(&args.sort).is_none() {
        let names: Vec<&str> = atlas.columns.iter().map(|column| column.meta.name.as_str()).collect();
        let error = InputError::new(format!("the atlas has no column `{}`", args.sort)).field("--sort");
        return Err(Error::from(error.help(format!("it has {}", names.join(", ")))).into());
    }
    let report = kept::Report::new(&run.meta, &atlas, measure::lens(&args.run, &run));
    let path = keep(&args.run, &report);
    if let Some(file) = &args.output {
        write(&atlas, file)?;
    } else if args.json {
        print_json(&report)?;
    } else if let Some(index) = index {
        print(&text::component(&run.meta, &atlas, index))?;
    } else {
        let more = measure::offers(&args.run, &run, &atlas);
        print(&text::table(&run.meta, &atlas, &args.sort, &more, path.as_deref()))?;
    }
    lens_ends
}

/// Measures what the run's tables say, and adds what was measured before.
fn atlas(folder: &Path, run: &Run) -> Atlas {
    let mut atlas = Atlas::new(&run.test);
    let mut columns = kept::columns(folder, &run.meta, run.test.shape().components());
    columns.retain(|column| atlas.column(&column.meta.name).is_none());
    atlas.add(columns);
    atlas
}

/// Writes the atlas beside the run. A folder that cannot be written is no reason to show nothing.
fn keep(folder: &Path, report: &kept::Report) -> Option<PathBuf> {
    match Attachments::new(folder).and_then(|attachments| attachments.write(kept::FILE, report)) {
        Ok(path) => Some(path),
        Err(error) => {
            warn(&format!("the atlas is not kept: {error}"));
            None
        }
    }
}

fn write(atlas: &Atlas, file: &Path) -> Result<()> {
    let table = atlas_table(atlas);
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        _ if is_stream(file) => print_data(&String::from_utf8_lossy(&table.csv()?)),
        "csv" => write_whole(file, &table.csv()?),
        "parquet" => write_whole(file, &table_as_parquet(&table)?),
        _ => {
            let error = InputError::new("a table is written as .csv or .parquet").path(file).field("--output");
            Err(error.help("name the file so, or use --json").into())
        }
    }
}
