//! `partscope man`: manual pages, generated from the `--help` texts.

use std::{fs, path::PathBuf};

use clap_mangen::Man;

use super::{failure::Failure, output::print};
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

pub(super) fn run(args: &Args, command: clap::Command) -> Result<(), Failure> {
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        let failed = |source| Error::Write { path: "standard output".into(), source };
        Man::new(command).render(&mut page).map_err(failed)?;
        return Ok(print(&String::from_utf8_lossy(&page))?);
    };
    let write = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    Ok(write.map_err(|source| Error::Write { path: folder.clone(), source })?)
}
