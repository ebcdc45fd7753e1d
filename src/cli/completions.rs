//! `partscope completions`: prints completion scripts.

use clap_complete::{Shell, generate};

use super::{failure::Failure, output::print};

/// Print the completion script of a shell.
///
/// Example: partscope completions bash > ~/.local/share/bash-completion/completions/partscope
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args, mut command: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "partscope", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}
