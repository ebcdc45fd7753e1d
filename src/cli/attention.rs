//! `partscope attention`: shows what a head attends to.

use std::{fmt::Write, path::Path};

use serde::Serialize;

use super::{
    context::ExampleOptions,
    failure::Failure,
    output::{ProgressLine, print, print_json},
};
use crate::{
    cancel::Cancel,
    component::{Component, Part},
    error::{Error, InputError},
    experiments::{AttentionPattern, PromptPart, PromptToken, Shares, attention_pattern, attention_shares},
    store::Attachments,
    text::{printable, visible},
};

/// Show what a head attends to from the last token: the weights in one prompt, and the share of each part of the prompt
/// averaged over the run.
///
/// Example: partscope attention out --head L5.H3
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The head, e.g. L5.H3
    #[arg(long, visible_alias = "head", value_name = "COMPONENT")]
    component: Component,
    #[command(flatten)]
    at: ExampleOptions,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    model_hash: &'a str,
    head: Component,
    examples: usize,
    /// Mean total share of the demonstrations' label words.
    labels: f64,
    share: Vec<Share>,
    example: OneExample<'a>,
}

#[derive(Serialize)]
struct Share {
    part: PromptPart,
    name: String,
    mean: f64,
    example: f64,
}

#[derive(Serialize)]
struct OneExample<'a> {
    id: &'a str,
    tokens: Vec<Token<'a>>,
}

#[derive(Serialize)]
struct Token<'a> {
    #[serde(flatten)]
    token: &'a PromptToken,
    weight: f32,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    let (loaded, example) = args.at.open(Some(args.component), &mut line)?;
    let attachments = Attachments::new(&args.at.run)?;
    let shape = loaded.plan.shape;
    let Part::Head(head) = args.component.part else {
        let problem = format!("{} is an MLP, which has no attention", args.component);
        let error = InputError::new(problem).field("--component").help("choose a head, e.g. L5.H3");
        return Err(Error::from(error).into());
    };
    let row = args.component.layer * shape.heads + head;
    let (context, tokenizer, cancel) = (loaded.context()?, &loaded.model.tokenizer, Cancel::default());
    let pattern = attention_pattern(&context, tokenizer, &loaded.rebuilt, example, &cancel)?;
    let means = attention_shares(&context, tokenizer, &loaded.rebuilt, &cancel, &mut |progress| {
        line.count(&progress, "prompts")
    })?;
    line.clear();
    let shares = pattern.shares(row, loaded.rebuilt.demonstrations);
    let report = Report {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        head: args.component,
        examples: means.examples,
        labels: means.of_labels(row),
        share: (means.parts.iter().zip(&means.means[row]).zip(shares))
            .map(|((part, &mean), example)| Share { part: *part, name: part.to_string(), mean, example })
            .collect(),
        example: OneExample {
            id: &loaded.plan.test[example].id,
            tokens: (pattern.tokens.iter().zip(&pattern.weights[row]))
                .map(|(token, &weight)| Token { token, weight })
                .collect(),
        },
    };
    let path = attachments.write(&format!("attention-{}.json", args.component), &report)?;
    if args.at.json {
        print_json(&report)?;
    } else {
        print(&text(args, &report, (&pattern, row), &means, &path))?;
    }
    Ok(())
}

/// Glyphs for weights relative to the largest, from 0 to 1.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

fn text(
    args: &Args,
    report: &Report<'_>,
    (pattern, row): (&AttentionPattern, usize),
    means: &Shares,
    path: &Path,
) -> String {
    let mut text = String::new();
    let over = format!("mean over {} test examples", means.examples);
    let _ = if means.parts.iter().any(|part| matches!(part, PromptPart::Label(_))) {
        writeln!(
            text,
            "{} pays {:.1} % of its attention to label words ({over})",
            args.component,
            100.0 * report.labels
        )
    } else {
        writeln!(text, "attention of {} ({over}); the prompts have no known demonstrations", args.component)
    };
    let _ = writeln!(text, "{:<12}{:>8}{:>10}", "part", "mean", "example");
    for share in &report.share {
        let _ = writeln!(text, "{:<12}{:>7.1}%{:>9.1}%", share.name, 100.0 * share.mean, 100.0 * share.example);
    }
    let _ = writeln!(text, "\nexample {}, tokens with the most attention:", printable(report.example.id));
    let weights = &pattern.weights[row];
    for place in pattern.strongest(row, args.at.top()) {
        let (token, weight) = (&pattern.tokens[place], weights[place]);
        let _ = writeln!(
            text,
            "{:>7.1}%  {:>4}  {:<10} {}",
            100.0 * weight,
            place,
            token.part.to_string(),
            visible(&token.text)
        );
    }
    let most = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let _ = writeln!(text, "\nthe prompt (█ after a token: at least 88 % of the largest weight)");
    for (token, &weight) in pattern.tokens.iter().zip(weights) {
        let shade = SHADES[(weight / most * 4.0).round() as usize];
        let _ = write!(text, "{}", visible(&token.text));
        if shade != ' ' {
            text.push(shade);
        }
        if token.text.ends_with('\n') {
            text.push('\n');
        }
    }
    let _ = writeln!(text, "\nwritten to {}", printable(&path.display().to_string()));
    text
}
