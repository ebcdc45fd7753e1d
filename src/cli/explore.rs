//! `partscope explore`: the terminal explorer.

use super::{Failure, ModelOptions, options::PromptOptions};

/// Open the terminal explorer.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    prompt: PromptOptions,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let _ = args;
    Err(Failure::Usage("not merged yet".to_owned()))
}
