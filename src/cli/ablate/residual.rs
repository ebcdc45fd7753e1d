//! Patches the residual stream of one example by layer and position, and prints the effects as a map.

use std::path::Path;

use serde::Serialize;

use super::{
    super::{
        failure::Failure,
        output::print_json,
        streams::{Tone, print_toned},
    },
    args::AblationJob,
    fill_source::{FillFrom, from},
};
use crate::{
    analysis::predict::rival,
    cancel::Cancel,
    experiments::{ResidualPatching, patch_residual},
    runner::find_example,
    text::{printable, signed, visible},
};

/// Width of tokens in the map, in characters.
const TOKEN: usize = 14;

/// What `ablate --residual` prints and writes.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    model_hash: &'a str,
    fill_from: Option<FillFrom>,
    example: &'a str,
    gold: usize,
    /// The strongest other label without patches.
    rival: usize,
    margin: Margins,
    tokens: Vec<PatchedToken>,
    /// Change of the margin with the input of a layer patched at a position, `[layer][position]`, in nats.
    effect: Vec<Vec<f64>>,
    /// Label logits with the same patches, `[layer][position][label]`.
    logits: &'a [Vec<Vec<f64>>],
}

/// Gold logit minus that of the rival, in nats.
#[derive(Serialize)]
struct Margins {
    model: f64,
    other: f64,
}

#[derive(Serialize)]
struct PatchedToken {
    token: u32,
    text: String,
    other_token: u32,
    other_text: String,
}

pub(super) fn run(job: AblationJob<'_>) -> Result<(), Failure> {
    let (context, fill_from, name) = (job.context()?, job.fill_from(), job.residual_file());
    let AblationJob { args, loaded, attachments, mut line, .. } = job;
    let example = find_example(&loaded.plan, args.example.as_deref())?;
    let found =
        patch_residual(&context, example, &Cancel::default(), &mut |progress| line.count(&progress, "positions"))?;
    line.clear();
    let planned = &loaded.plan.test[example];
    let (gold, rival) = (planned.gold, rival(&found.logits, planned.gold));
    let margin = |logits: &[f64]| logits[gold] - logits[rival];
    let pieces =
        |tokens: &[u32]| tokens.iter().map(|&token| loaded.model.tokenizer.pieces(&[token]).swap_remove(0)).collect();
    let (own, other): (Vec<String>, Vec<String>) = (pieces(&found.tokens), pieces(&found.other_tokens));
    let tokens = found.tokens.iter().zip(own).zip(found.other_tokens.iter().zip(other));
    let report = Report {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        fill_from,
        example: &planned.id,
        gold,
        rival,
        margin: Margins { model: margin(&found.logits), other: margin(&found.other_logits) },
        tokens: tokens
            .map(|((&token, text), (&other_token, other_text))| PatchedToken { token, text, other_token, other_text })
            .collect(),
        effect: (found.patched.iter())
            .map(|row| row.iter().map(|logits| margin(logits) - margin(&found.logits)).collect())
            .collect(),
        logits: &found.patched,
    };
    let path = attachments.write(&name, &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print_toned(&map(&report, &found, &path))?;
    }
    Ok(())
}

/// Draws the effects as a map of positions × layers.
fn map(report: &Report<'_>, found: &ResidualPatching, path: &Path) -> Vec<(Tone, String)> {
    let first = found.first_difference();
    let largest = report.effect.iter().flatten().fold(0.0_f64, |most, effect| most.max(effect.abs()));
    let mut pieces = vec![(
        Tone::Plain,
        format!(
            "residual stream of {} patched before each layer at each position{}\nmargin {} nats, in the other prompt {}; \
             cells: its change, where 9 is {largest:.2} nats\n",
            printable(report.example),
            from(report.fill_from.as_ref()),
            signed(report.margin.model, 2),
            signed(report.margin.other, 2)
        ),
    )];
    let header = (0..report.effect.len()).map(|layer| format!("{layer:>3}")).collect::<Vec<_>>().concat();
    pieces.push((Tone::Plain, format!("{:>4} {:<TOKEN$} layer\n{:20}{header}\n", "", "token", "")));
    if first > 0 {
        let same = format!("{:>4} the first {first} tokens are the same in both prompts: no effect\n", "");
        pieces.push((Tone::Plain, same));
    }
    for (position, token) in report.tokens.iter().enumerate().skip(first) {
        let text = if token.token == token.other_token {
            visible(&token.text)
        } else {
            format!("{}←{}", visible(&token.text), visible(&token.other_text))
        };
        let text: String = text.chars().take(TOKEN).collect();
        let space = " ".repeat((TOKEN + 1).saturating_sub(text.chars().count()));
        pieces.push((Tone::Plain, format!("{position:>4} {text}{space}")));
        pieces.extend(report.effect.iter().map(|row| cell(row[position], largest)));
        pieces.push((Tone::Plain, "\n".to_owned()));
    }
    pieces.push((Tone::Plain, format!("written to {}\n", printable(&path.display().to_string()))));
    pieces
}

/// Formats an effect as a digit with its sign, where 9 is the largest; a dot if it rounds to 0.
fn cell(effect: f64, largest: f64) -> (Tone, String) {
    match (9.0 * effect / largest.max(f64::MIN_POSITIVE)).round() as i64 {
        0 => (Tone::Plain, "  ·".to_owned()),
        digit @ 1.. => (Tone::Raised, format!(" +{digit}")),
        digit => (Tone::Lowered, format!(" −{}", -digit)),
    }
}
