//! `partscope man`: manual pages, generated from the `--help` texts.

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use super::{failure::Failure, output::print};
use crate::{
    disk::{create_folder, write_whole},
    error::{Error, Result},
};

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
        let page = text(&Man::new(command), Path::new("standard output"))?;
        return Ok(print(&String::from_utf8_lossy(&page))?);
    };
    create_folder(folder)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    Ok(write_pages(&command, folder)?)
}

/// Writes the pages of `command` and of its subcommands to `folder`.
fn write_pages(command: &clap::Command, folder: &Path) -> Result<()> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| write_pages(sub, folder))?;
    let page = Man::new(command.clone());
    let path = folder.join(page.get_filename());
    write_whole(&path, &text(&page, &path)?)
}

/// Returns the text of a page; errors name `path`.
fn text(page: &Man, path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    Ok(text)
}
