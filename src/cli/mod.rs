//! The command line: one short file per command.
//!
//! Data goes to standard output; progress goes to standard error if that is a terminal.

mod ablate;
mod atlas;
mod attention;
mod bench;
mod cache;
mod classify;
mod compare;
mod completions;
mod components;
mod context;
mod doctor;
#[cfg(feature = "tui")]
mod explore;
mod failure;
mod fit;
mod logit_lens;
mod man;
#[cfg(feature = "mcp")]
mod mcp;
mod options;
mod output;
mod prompt_options;
mod report;
mod reproduce;
mod run;
mod selection_options;
mod signals;
mod store_options;
mod streams;
mod sweep;
mod tasks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;

/// Show which attention heads and MLPs of a language model carry in-context learning, and re-mix them.
///
/// Without a command, opens the explorer on the embedded demo model.
#[derive(Debug, Parser)]
#[command(name = "partscope", version, max_term_width = 100, subcommand_required = false, after_help = LIMITS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The limits on input that can be raised; SECURITY.md lists all.
const LIMITS: &str = "\
Limits that environment variables raise:
  PARTSCOPE_MAX_DATA=4GB      memory for rows, lines and values of JSON; a decoded file may take half [default: 1GB]
  HF_HUB_DOWNLOAD_TIMEOUT=60  seconds for which the Hugging Face hub may be silent [default: 10]";

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "tui")]
    Explore(explore::Args),
    Run(Box<run::Args>),
    Components(components::Args),
    Fit(fit::Args),
    Compare(compare::Args),
    Atlas(atlas::Args),
    Ablate(ablate::Args),
    Attention(attention::Args),
    #[command(visible_alias = "writes")]
    LogitLens(logit_lens::Args),
    Classify(classify::Args),
    Reproduce(reproduce::Args),
    Sweep(sweep::Args),
    Cache(cache::Args),
    Report(report::Args),
    Bench(bench::Args),
    Doctor(doctor::Args),
    Tasks(tasks::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[cfg(feature = "mcp")]
    Mcp(mcp::Args),
}

/// Parses the command line, runs the command, and returns an exit code: 0 done, 1 failure, 2 usage, 3 bad input,
/// 4 some of several runs failed.
pub fn main() -> ExitCode {
    streams::guard_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(streams::print_clap(&error)),
    };
    // The explorer handles signals itself, to restore the terminal.
    #[cfg(feature = "tui")]
    let explores = matches!(cli.command, None | Some(Command::Explore(_)));
    #[cfg(not(feature = "tui"))]
    let explores = false;
    if !explores {
        signals::finish_saves_first();
    }
    let outcome = match cli.command {
        #[cfg(feature = "tui")]
        None => return finish(explore::run(&explore::Args::default())),
        #[cfg(not(feature = "tui"))]
        None => Err(Failure::Usage("this build has no explorer; see `partscope --help` for the commands".to_owned())),
        #[cfg(feature = "tui")]
        Some(Command::Explore(args)) => return finish(explore::run(&args)),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Components(args)) => components::run(&args),
        Some(Command::Fit(args)) => fit::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Atlas(args)) => atlas::run(&args),
        Some(Command::Ablate(args)) => ablate::run(&args),
        Some(Command::Attention(args)) => attention::run(&args),
        Some(Command::LogitLens(args)) => logit_lens::run(&args),
        Some(Command::Classify(args)) => classify::run(&args),
        Some(Command::Reproduce(args)) => reproduce::run(&args),
        Some(Command::Sweep(args)) => sweep::run(&args),
        Some(Command::Cache(args)) => cache::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Tasks(args)) => tasks::run(&args),
        Some(Command::Completions(args)) => completions::run(&args, Cli::command()),
        Some(Command::Man(args)) => man::run(&args, Cli::command()),
        #[cfg(feature = "mcp")]
        Some(Command::Mcp(args)) => mcp::run(&args),
    };
    finish(outcome.map(|()| 0))
}

/// Prints the error, if any, and returns the exit code. Saves in other threads are finished first.
fn finish(outcome: Result<u8, Failure>) -> ExitCode {
    signals::finish_saves();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::BadInput) => ExitCode::from(3),
        Err(Failure::Partial) => ExitCode::from(4),
        Err(Failure::Usage(message)) => {
            streams::say(&format!("partscope: {message}"));
            ExitCode::from(2)
        }
        Err(Failure::Error(error)) => {
            streams::say(&format!("partscope: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_says_where_limits_are_raised() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains(crate::bounded::VARIABLE) && help.contains("HF_HUB_DOWNLOAD_TIMEOUT"), "{help}");
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            let call = format!("partscope {}", command.get_name());
            assert!(about.contains("Example: ") && about.contains(&call), "{call}: {about}");
        }
    }
}
