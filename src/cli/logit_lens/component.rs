//! The tokens that a component promotes and suppresses.

use std::fmt::Write;

use serde::Serialize;

use super::super::{
    context::ExampleOptions,
    failure::Failure,
    output::{ProgressLine, print, print_json},
};
use crate::{
    cancel::Cancel,
    component::Component,
    experiments::{LogitLens, Word, logit_lens},
    text::{printable, visible},
};

#[derive(Serialize)]
struct Report<'a> {
    example: &'a str,
    #[serde(flatten)]
    lens: &'a LogitLens,
}

pub(super) fn run(at: &ExampleOptions, component: Component, line: &mut ProgressLine) -> Result<(), Failure> {
    let (loaded, example) = at.open(Some(component), line)?;
    let labels = &loaded.plan.task.label_tokens;
    let (context, tokenizer, cancel) = (loaded.context()?, &loaded.model.tokenizer, Cancel::default());
    let lens = logit_lens(&context, tokenizer, labels, (example, component), at.top(), &cancel)?;
    line.clear();
    let id = &loaded.plan.test[example].id;
    if at.json {
        print_json(&Report { example: id, lens: &lens })?;
    } else {
        print(&text(id, &lens))?;
    }
    Ok(())
}

fn text(id: &str, lens: &LogitLens) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} at the end of {} (nats added to each token's logit)", lens.component, printable(id));
    let _ = writeln!(text, "label words  {}", words(&lens.labels));
    let _ = writeln!(text, "promotes     {}", words(&lens.promoted));
    let _ = writeln!(text, "suppresses   {}", words(&lens.suppressed));
    let _ = writeln!(text, "mean over the vocabulary {:+.2}", lens.mean);
    text
}

/// Formats words with their logits on one line.
pub(super) fn words(words: &[Word]) -> String {
    let word = |word: &Word| format!("`{}` {:+.2}", visible(&word.text), word.logit);
    words.iter().map(word).collect::<Vec<_>>().join("  ")
}
