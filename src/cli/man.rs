//! `partscope man`: manual pages, made from the same words as `--help`.

use std::{fs, path::PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::{Cli, Failure, output::print};
use crate::error::{Error, Result};

/// Print the manual page, or write one for every command.
///
/// Example: partscope man -o ~/.local/share/man/man1
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for `partscope.1`, `partscope-run.1` … [default: print `partscope.1`]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let command = Cli::command();
    let Some(folder) = &args.output else {
        return Ok(print(&String::from_utf8_lossy(&page(command)))?);
    };
    let failed = |path: PathBuf| |source| Error::Write { path, source };
    fs::create_dir_all(folder).map_err(failed(folder.clone()))?;
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    let named = subcommands.into_iter().map(|sub| {
        let name = format!("partscope-{}", sub.get_name());
        sub.name(name.clone()).bin_name(name.clone()).display_name(name)
    });
    for command in std::iter::once(command.clone()).chain(named) {
        let path = folder.join(format!("{}.1", command.get_name()));
        fs::write(&path, page(command)).map_err(failed(path))?;
    }
    Ok(())
}

fn page(command: Command) -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(command).render(&mut page);
    page
}
