//! `partscope mcp`: tools for agents.

use std::path::PathBuf;

use super::failure::Failure;
use crate::mcp::{Folders, Limits, serve};

/// Serve tools for agents on standard input and output (Model Context Protocol): run, components, fit, compare, ablate,
/// report.
///
/// Only the folders named here are read and written; relative paths of a call are relative to the first. Answers say how
/// many examples they rest on, and ranking on test labels must be asked for.
///
/// Example: partscope mcp runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders that may be read and written
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// Most test examples of a run
    #[arg(long, value_name = "N", default_value_t = 2000)]
    max_examples: usize,
    /// Most seconds of a call
    #[arg(long, value_name = "S", default_value_t = 600)]
    max_seconds: u64,
    /// Allow models of the Hugging Face hub, which may be downloaded
    #[arg(long)]
    hub: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let limits = Limits { examples: args.max_examples, seconds: args.max_seconds, hub: args.hub };
    Ok(serve(Folders::new(&args.folders)?, limits)?)
}
