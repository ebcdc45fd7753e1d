//! `partscope doctor`: examines a model.

use std::{fmt::Write, path::PathBuf};

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, print, print_json},
};
use crate::{
    doctor::{Checks, CrossCheck, DoctorReport, Drift, Loaded, Reference, Step, examine},
    model::inspect::Inspection,
    size::format_size,
    text::printable,
};

/// Examine a model: its properties, whether it loads, whether contributions add up, and how far other dtypes deviate.
///
/// Example: partscope doctor -m ./SmolLM2-135M --drift
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Load the model in every dtype and measure its deviation from f32
    #[arg(long)]
    drift: bool,
    /// Compare logits and contributions with those in a file of tools/export_reference.py
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// Compare logits with those of candle-transformers, which computes them from a copy of the same weights in f32
    #[arg(long)]
    cross_check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    line.stage("examining the model");
    let mut printed = Ok(());
    let show = |step: Step<'_>| match step {
        Step::Inspected(inspection) => {
            line.clear();
            if !args.json {
                printed = print(&header_page(inspection, args.cross_check));
            }
            line.stage("loading and checking the model");
        }
        Step::Stage(stage) => line.stage(stage),
        Step::Progress(unit, progress) => line.count(&progress, unit),
    };
    let checks = Checks { drift: args.drift, reference: args.reference.clone(), cross_check: args.cross_check };
    let (report, failure) = examine(&args.model.source()?, &args.model.load_options()?, &checks, show)?;
    line.clear();
    printed?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&check_page(&report))?;
    }
    match failure {
        Some(error) => Err(error.into()),
        None if report.problem.is_some() => Err(Failure::Reported),
        None => Ok(()),
    }
}

/// Appends a row with a name and a value to `text`.
fn add_row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name:<12} {}", printable(value));
}

/// Lists what the headers of the files tell.
fn header_page(facts: &Inspection, cross_check: bool) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| add_row(&mut text, name, value);
    row("model", &facts.id);
    row("family", &facts.family);
    row("parameters", &format!("{:.1} million, stored as {}", facts.parameters as f64 / 1e6, facts.stored_as));
    let types: Vec<String> = facts.types.iter().map(|count| format!("{} {}", count.tensors, count.name)).collect();
    row("  tensors", &types.join(", "));
    row("free memory", &facts.free.map_or_else(|| "unknown".to_owned(), format_size));
    for need in &facts.memory {
        let auto = if facts.auto.as_ref() == Some(&need.dtype) { ", chosen by auto" } else { "" };
        let fits = if need.fits == Some(false) { ", exceeds free memory" } else { "" };
        row("  memory", &format!("{} in {}{auto}{fits}", format_size(need.bytes), need.dtype));
    }
    if let Some(copy) = facts.memory.iter().find(|need| cross_check && need.dtype == "f32") {
        row("  memory", &format!("{} for the copy that candle-transformers gets", format_size(copy.bytes)));
    }
    let tokenizer = &facts.tokenizer;
    row("tokenizer", &format!("{} ids, the largest {}", tokenizer.ids, tokenizer.largest));
    row("  adds", &if tokenizer.around.is_empty() { "nothing".to_owned() } else { tokenizer.around.join(" ") });
    row("  example", &tokenizer.example.join("|"));
    for note in &facts.notes {
        row("note", note);
    }
    text
}

/// Lists what loading the model and running it tells.
fn check_page(report: &DoctorReport) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| add_row(&mut text, name, value);
    if let Some(loaded) = &report.loaded {
        shapes(loaded, &mut row);
    }
    if let Some(reference) = &report.reference {
        row("reference", &reference_line(reference));
    }
    if let Some(check) = &report.cross_check {
        row("cross-check", &cross_check_line(check));
    }
    for drift in report.drift.iter().flatten() {
        row("drift", &drift_line(drift));
    }
    let compared = report.reference.is_some() || report.cross_check.is_some();
    let verdict = match &report.problem {
        None => "usable",
        Some(problem) if compared => problem,
        Some(_) => "cannot be used; see the error",
    };
    row("verdict", verdict);
    text
}

fn shapes(loaded: &Loaded, row: &mut impl FnMut(&str, &str)) {
    let Loaded { layers, heads, kv_heads, head_dim, hidden, .. } = loaded;
    row("shape", &format!("{layers} layers, {heads} heads ({kv_heads} key/value) of {head_dim}, width {hidden}"));
    row("vocabulary", &format!("{} ids; context {} tokens", loaded.vocabulary, loaded.context));
    if !loaded.windows.is_empty() {
        let windows: Vec<String> = loaded.windows.iter().map(ToString::to_string).collect();
        row("windows", &format!("{} tokens", windows.join(", ")));
    }
    row("loaded", &format!("{} on {} in {:.1} s", loaded.dtype, loaded.device, loaded.load_s));
    let exactness = &loaded.exactness;
    row("exactness", &format!("contributions add up within {:.1e} of the largest logit", exactness.max_rel));
}

fn reference_line(reference: &Reference) -> String {
    let Reference { against, prompts, max_rel, top5_equal, verdict, .. } = reference;
    let contributions = match &reference.contributions {
        Some(own) => format!("contributions within {:.1e} ({}), ", own.max_rel, own.worst),
        None => String::new(),
    };
    format!(
        "{verdict}: all logits within {max_rel:.1e} of the largest, {contributions}{top5_equal} of {prompts} prompts with \
         the same five best tokens; against {against}"
    )
}

fn cross_check_line(check: &CrossCheck) -> String {
    let CrossCheck { against, prompts, longest, verdict, .. } = check;
    let (Some(max_rel), Some(top5_equal)) = (check.max_rel, check.top5_equal) else {
        return format!("nothing to compare with: {}", check.reason.as_deref().unwrap_or(verdict));
    };
    let hidden = match check.hidden_max_rel {
        Some(hidden) => format!("hidden states within {hidden:.1e}, "),
        None => String::new(),
    };
    let measured = format!(
        "{verdict}: all logits within {max_rel:.1e} of the largest, {hidden}{top5_equal} of {prompts} prompts of up to \
         {longest} tokens with the same five best; against {against}"
    );
    match &check.explained {
        Some(known) => format!(
            "{measured}. It is candle-transformers that deviates from the original: {}. If partscope does the same, all \
             logits are within {:.1e}",
            known.differences.join("; "),
            known.max_rel
        ),
        None if check.is_unexplained() => format!(
            "{measured}. No known difference explains it; find out who is wrong with --reference and \
             tools/export_reference.py"
        ),
        None => measured,
    }
}

fn drift_line(drift: &Drift) -> String {
    if let Some(reason) = &drift.refused {
        return format!("{}: not measured: {reason}", drift.dtype);
    }
    format!(
        "{}: label logits differ by up to {:.1e} ({:.2} %), {} of {} predictions changed; \
         contributions add up within {:.1e}",
        drift.dtype,
        drift.max_abs,
        100.0 * drift.max_rel,
        drift.predictions_changed,
        drift.prompts,
        drift.exactness.max_rel
    )
}
