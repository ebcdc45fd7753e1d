//! `partscope writes`: the words that a component promotes and suppresses.

use std::fmt::Write;

use serde::Serialize;

use super::{
    context::ExampleOptions,
    failure::Failure,
    output::{ProgressLine, print, print_json},
};
use crate::{
    cancel::Cancel,
    component::Component,
    error::Result,
    experiments::{LogitLens, Word, logit_lens},
    text::{printable, visible},
};

/// Show the words that a component promotes and suppresses most at the end of one prompt: its result through the whole
/// unembedding, under the same frozen norm as its contributions to the label words.
///
/// Example: partscope writes out --component L5.H3 --top 8
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The head or MLP, e.g. L5.H3 or L5.MLP
    #[arg(long, value_name = "COMPONENT")]
    component: Component,
    /// Words listed on each side
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    at: ExampleOptions,
}

#[derive(Serialize)]
struct Report<'a> {
    example: &'a str,
    #[serde(flatten)]
    written: &'a LogitLens,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    let (loaded, example) = args.at.open(args.component, &mut line)?;
    let (labels, at) = (&loaded.plan.task.label_tokens, (example, args.component));
    let written = logit_lens(&loaded.context()?, &loaded.model.tokenizer, labels, at, args.top, &Cancel::default())?;
    line.clear();
    let id = &loaded.plan.test[example].id;
    if args.at.json {
        print_json(&Report { example: id, written: &written })?;
    } else {
        print(&text(id, &written))?;
    }
    Ok(())
}

fn text(id: &str, written: &LogitLens) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} at the end of {} (nats added to a word's logit)", written.component, printable(id));
    let words = |words: &[Word]| {
        let word = |word: &Word| format!("`{}` {:+.2}", visible(&word.text), word.logit);
        words.iter().map(word).collect::<Vec<_>>().join("  ")
    };
    let _ = writeln!(text, "label words  {}", words(&written.labels));
    let _ = writeln!(text, "promotes     {}", words(&written.promoted));
    let _ = writeln!(text, "suppresses   {}", words(&written.suppressed));
    let _ = writeln!(text, "mean over the vocabulary {:+.2}", written.mean);
    text
}
