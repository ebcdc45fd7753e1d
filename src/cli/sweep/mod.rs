//! `partscope sweep`: plans many runs, computes parts of them on many machines, and joins the results.

mod compute;
mod merge;
mod plan;
mod status;

use clap::Subcommand;

use super::failure::Failure;

/// Run models × tasks × templates × seeds × budgets × shots on one machine or many.
///
/// The folder of a sweep is all that its processes share: any number may run at once, be killed, and start again.
///
/// Example: partscope sweep plan sweep.toml -o sweep && partscope sweep run sweep && partscope sweep merge sweep -o tables
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Args),
    Run(compute::Args),
    Status(status::Args),
    Merge(merge::Args),
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Plan(args) => plan::run(args),
        Command::Run(args) => compute::run(args),
        Command::Status(args) => status::run(args),
        Command::Merge(args) => merge::run(args),
    }
}
