//! `partscope logit-lens`: shows the tokens that a component promotes and suppresses.

use std::fmt::Write;

use serde::Serialize;

use super::{
    context::ComponentOptions,
    failure::Failure,
    output::{ProgressLine, print, print_json},
};
use crate::{
    cancel::Cancel,
    error::Result,
    experiments::{LogitLens, Word, logit_lens},
    text::{printable, visible},
};

/// Show the tokens that a component promotes and suppresses most at the end of one prompt: its output through the whole
/// unembedding, under the same frozen norm as its contributions to the label words.
///
/// Example: partscope logit-lens out --component L5.H3 --top 8
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    at: ComponentOptions,
}

#[derive(Serialize)]
struct Report<'a> {
    example: &'a str,
    #[serde(flatten)]
    lens: &'a LogitLens,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    let (loaded, example) = args.at.open(&mut line)?;
    let (labels, at) = (&loaded.plan.task.label_tokens, (example, args.at.component));
    let lens = logit_lens(&loaded.context()?, &loaded.model.tokenizer, labels, at, args.at.top, &Cancel::default())?;
    line.clear();
    let id = &loaded.plan.test[example].id;
    if args.at.json {
        print_json(&Report { example: id, lens: &lens })?;
    } else {
        print(&text(id, &lens))?;
    }
    Ok(())
}

fn text(id: &str, lens: &LogitLens) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} at the end of {} (nats added to each token's logit)", lens.component, printable(id));
    let words = |words: &[Word]| {
        let word = |word: &Word| format!("`{}` {:+.2}", visible(&word.text), word.logit);
        words.iter().map(word).collect::<Vec<_>>().join("  ")
    };
    let _ = writeln!(text, "label words  {}", words(&lens.labels));
    let _ = writeln!(text, "promotes     {}", words(&lens.promoted));
    let _ = writeln!(text, "suppresses   {}", words(&lens.suppressed));
    let _ = writeln!(text, "mean over the vocabulary {:+.2}", lens.mean);
    text
}
