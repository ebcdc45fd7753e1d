//! `partscope attention`: where a head looks.

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

/// Show where a head looks from the last token: one prompt with its weights, and shares by part of the prompt averaged
/// over the run.
///
/// Example: partscope attention out --head L5.H3
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The attention head, e.g. L5.H3
    #[arg(long, value_name = "HEAD")]
    head: Component,
    /// Tokens listed
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    at: ExampleOptions,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    model_hash: &'a str,
    head: Component,
    examples: usize,
    /// Mean share of all label words of demonstrations together.
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
    let (loaded, example) = args.at.open(args.head, &mut line)?;
    let attachments = Attachments::new(&args.at.run)?;
    let shape = loaded.plan.shape;
    let Part::Head(head) = args.head.part else {
        let problem = format!("{} is an MLP: it does not attention_pattern at other tokens", args.head);
        let error = InputError::new(problem).field("--head").cure("name a head, e.g. L5.H3");
        return Err(Error::from(error).into());
    };
    let row = args.head.layer * shape.heads + head;
    let (context, tokenizer, cancel) = (loaded.context()?, &loaded.model.tokenizer, Cancel::default());
    let seen = attention_pattern(&context, tokenizer, &loaded.rebuilt, example, &cancel)?;
    let means = attention_shares(&context, tokenizer, &loaded.rebuilt, &cancel, &mut |progress| {
        line.count(&progress, "prompts")
    })?;
    line.clear();
    let own = seen.shares(row, loaded.rebuilt.demonstrations.len());
    let report = Report {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        head: args.head,
        examples: means.examples,
        labels: means.of_labels(row),
        share: (means.parts.iter().zip(&means.means[row]).zip(own))
            .map(|((part, &mean), example)| Share { part: *part, name: part.to_string(), mean, example })
            .collect(),
        example: OneExample {
            id: &loaded.plan.test[example].id,
            tokens: (seen.tokens.iter().zip(&seen.weights[row]))
                .map(|(token, &weight)| Token { token, weight })
                .collect(),
        },
    };
    let path = attachments.write(&format!("attention-{}.json", args.head), &report)?;
    if args.at.json {
        print_json(&report)?;
    } else {
        print(&text(args, &report, (&seen, row), &means, &path))?;
    }
    Ok(())
}

/// Glyphs for shares of the largest weight, from none to all of it.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

fn text(
    args: &Args,
    report: &Report<'_>,
    (seen, row): (&AttentionPattern, usize),
    means: &Shares,
    path: &Path,
) -> String {
    let mut text = String::new();
    let over = format!("mean over {} test examples", means.examples);
    let _ = if means.parts.iter().any(|part| matches!(part, PromptPart::Label(_))) {
        writeln!(
            text,
            "{} looks at label words with {:.1} % of its attention ({over})",
            args.head,
            100.0 * report.labels
        )
    } else {
        writeln!(text, "where {} looks ({over}); the prompts have no demonstrations that are told apart", args.head)
    };
    let _ = writeln!(text, "{:<12}{:>8}{:>10}", "part", "mean", "example");
    for share in &report.share {
        let _ = writeln!(text, "{:<12}{:>7.1}%{:>9.1}%", share.name, 100.0 * share.mean, 100.0 * share.example);
    }
    let _ = writeln!(text, "\nexample {}, tokens with the most attention:", printable(report.example.id));
    let weights = &seen.weights[row];
    for place in seen.strongest(row, args.top) {
        let (token, weight) = (&seen.tokens[place], weights[place]);
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
    let _ = writeln!(text, "\nthe prompt (█ behind a token: 88 % and more of the largest weight)");
    for (token, &weight) in seen.tokens.iter().zip(weights) {
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
