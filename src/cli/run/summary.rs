//! Summaries printed by `run`.

use std::fmt::Write;

use crate::{
    attribution::{Exactness, F32_TOLERANCE},
    cli::output::human_rate,
    run::{OverflowMeta, RunMeta},
    runner::{Note, Overflow},
    text::{printable, visible},
};

/// Formats a detailed summary of one run.
pub(super) fn summary(meta: &RunMeta, folder: &std::path::Path, notes: &[Note]) -> String {
    let RunMeta { model, task, prompt, examples, accuracy, exactness, timing, .. } = meta;
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    row(
        "model",
        format!(
            "{} ({}, {} layers × {} heads, width {}, {})",
            printable(&model.id),
            model.family,
            model.layers,
            model.heads,
            model.hidden,
            model.dtype
        ),
    );
    let words: Vec<String> = task.label_words.iter().map(|word| format!("`{}`", printable(word))).collect();
    row(
        "task",
        format!("{}, template {}, label words {}", printable(&task.name), printable(&task.template), words.join(" ")),
    );
    if let Some(classes) = &task.word_classes {
        row("", printable(&classes.describe(&task.label_words)).into_owned());
    }
    let shared =
        format!("{} shots, demo seed {}, {} tokens shared", prompt.shots, prompt.demo_seed, prompt.prefix_tokens);
    row("prompt", shared);
    if prompt.loo.is_some() {
        row("", "leave-one-out: each demonstration is a training example behind the others".to_owned());
    }
    if !task.scored.is_empty() {
        let scored: Vec<String> = task.scored.iter().map(|piece| format!("`{}`", visible(piece))).collect();
        row("", format!("scored by the first token that distinguishes the label words: {}", scored.join(" ")));
    }
    row("examples", format!("{} train, {} test", examples.train, examples.test));
    if let Some(overflow) = &prompt.overflow {
        row("too long", overflow_line(overflow));
    }
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    row(
        "accuracy",
        format!(
            "full model {}, heads and MLPs alone {}, majority {}, chance {}",
            percent(accuracy.full),
            percent(accuracy.components),
            percent(accuracy.majority),
            percent(accuracy.chance)
        ),
    );
    row("exactness", exactness_line(exactness));
    for remark in meta.remarks() {
        row("note", printable(&remark).into_owned());
    }
    row("time", format!("{:.2} s, {} prompts/s", timing.attribute_s, human_rate(timing.examples_per_s)));
    for note in notes {
        row("store", printable(&note.to_string()).into_owned());
    }
    row("saved in", printable(&folder.display().to_string()).into_owned());
    text
}

fn exactness_line(exactness: &Exactness) -> String {
    let Exactness { max_abs, max_rel, argmax_mismatches, terms } = exactness;
    let exact = if exactness.holds(F32_TOLERANCE) { "exact" } else { "NOT EXACT" };
    if *max_rel > F32_TOLERANCE && exactness.is_rounding() {
        return format!(
            "{exact}: contributions add up to the logits within {max_abs:.1e}, the rounding of terms of {terms:.1e} \
             that cancel ({argmax_mismatches} predictions differ)"
        );
    }
    format!(
        "{exact}: contributions add up to the logits within {max_rel:.1e} relative ({argmax_mismatches} predictions \
         differ)"
    )
}

/// Describes how prompts that were too long were handled.
pub(super) fn overflow_line(overflow: &OverflowMeta) -> String {
    let OverflowMeta { context, longest, skipped, dropped, .. } = overflow;
    let done = match overflow.policy {
        Overflow::Skip => format!("{} examples skipped", skipped.len()),
        _ => format!("{} prompts without their first demonstrations", dropped.len()),
    };
    format!("{done}; the model's context is {context} tokens, the longest prompt has {longest}")
}

/// Formats one of several runs in one line.
pub(super) fn line(meta: &RunMeta, folder: &std::path::Path, notes: &[Note]) -> String {
    let exact = if meta.exactness.holds(F32_TOLERANCE) { "exact" } else { "NOT EXACT" };
    let kept = if notes.contains(&Note::Kept) { ", kept from an earlier run" } else { "" };
    let mut text = format!(
        "{:<16} demo seed {:<3} full model {:5.1}%, heads and MLPs alone {:5.1}%, {exact}{kept}, in {}\n",
        printable(&meta.task.template),
        meta.prompt.demo_seed,
        100.0 * meta.accuracy.full,
        100.0 * meta.accuracy.components,
        printable(&folder.display().to_string())
    );
    for remark in meta.remarks() {
        let _ = writeln!(text, "{:<16} {}", "", printable(&remark));
    }
    text
}
