//! The residual stream by layer: label words on all test examples, or the top tokens of one.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        context::{ExampleOptions, LoadedRun},
        failure::Failure,
        output::{ProgressLine, print, print_json},
    },
    component,
};
use crate::{
    analysis::{
        logit_scores::{LogitScores, logit_scores},
        measures::Measured,
    },
    attribution::{Exactness, F32_TOLERANCE},
    cancel::Cancel,
    experiments::{Point, TopWords, layer_lens, top_words},
    report::LENS_FILE,
    run::{Run, RunMeta},
    store::{Attachments, read_attachment},
    text::{printable, signed},
};

/// What `logit-lens RUN` prints and writes.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    /// Checksum of the run; null if it has none.
    run: Option<&'a str>,
    model_hash: &'a str,
    examples: usize,
    labels: &'a [String],
    chance: f64,
    /// The model's own accuracy.
    full: f64,
    /// How well both curves end in the model's own logits.
    exactness: Exactness,
    lens: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(flatten)]
    point: Point,
    /// With each stream's own scale.
    own: LogitScores,
    /// With the scale of the last stream.
    realised: LogitScores,
}

/// Prints the label words by layer on all test examples.
pub(super) fn run(at: &ExampleOptions, line: &mut ProgressLine) -> Result<(), Failure> {
    if at.top.is_some() {
        let advice = "--top lists tokens of one example or one component; add --example ID or --component COMPONENT";
        return Err(Failure::Usage(advice.to_owned()));
    }
    let loaded = LoadedRun::open(&at.run, &at.model, line)?;
    let (report, path) = report(&at.run, &loaded, line)?;
    if at.json {
        print_json(&report)?;
    } else {
        print(&text(&report, &path))?;
    }
    check(&report, line)
}

/// Measures the label words by layer and writes them beside the run in `folder`. The inner error is that of a lens that does
/// not end in the run's own logits.
///
/// # Errors
/// If the computation fails or the file cannot be written.
pub(in crate::cli) fn measure(
    folder: &Path,
    loaded: &LoadedRun,
    line: &mut ProgressLine,
) -> Result<Result<(), Failure>, Failure> {
    let (report, _) = report(folder, loaded, line)?;
    Ok(check(&report, line))
}

/// Returns the points that [`measure`] wrote beside the run in `folder`; none if there is no such file, or it is of another
/// run.
pub(in crate::cli) fn kept(folder: &Path, meta: &RunMeta) -> Vec<Value> {
    let Ok(Some(kept)) = read_attachment::<Value>(folder, LENS_FILE) else { return Vec::new() };
    let same = kept["run"].as_str().is_some_and(|run| Some(run) == meta.checksum.as_deref());
    let accuracy = |point: &Value| point["own"]["accuracy"]["value"].clone();
    let with_accuracy = |mut point: Value| {
        let accuracy = accuracy(&point);
        point.as_object_mut()?.insert("accuracy".to_owned(), accuracy);
        Some(point)
    };
    let points = kept["lens"].as_array().filter(|_| same).cloned().unwrap_or_default();
    points.into_iter().filter_map(with_accuracy).collect()
}

fn report<'a>(folder: &Path, loaded: &'a LoadedRun, line: &mut ProgressLine) -> Result<(Report<'a>, PathBuf), Failure> {
    let attachments = Attachments::new(folder)?;
    let lens = layer_lens(&loaded.context()?, &Cancel::default(), &mut |progress| line.count(&progress, "prompts"))?;
    line.stage("measuring…");
    let Run { meta, test, .. } = &loaded.run;
    let scores = |points: &[Vec<f64>]| logit_scores(points, test.gold(), test.labels());
    let terms = meta.exactness.terms;
    let report = Report {
        schema: 1,
        run: meta.checksum.as_deref(),
        model_hash: &meta.model.weights_hash,
        examples: test.len(),
        labels: meta.task.class_names(),
        chance: meta.accuracy.chance,
        full: meta.accuracy.full,
        exactness: Exactness { terms, ..lens.exactness(test.full(), test.labels()) },
        lens: (Point::all(loaded.plan.shape.layers).zip(scores(&lens.own)).zip(scores(&lens.realised)))
            .map(|((point, own), realised)| Entry { point, own, realised })
            .collect(),
    };
    line.clear();
    let path = attachments.write(LENS_FILE, &report)?;
    Ok((report, path))
}

/// Checks that the lens ends in the run's own logits.
fn check(report: &Report<'_>, line: &mut ProgressLine) -> Result<(), Failure> {
    if report.exactness.holds(F32_TOLERANCE) {
        return Ok(());
    }
    line.warn(&format!(
        "the lens does not end in the run's own logits (max_rel {:.1e}); compute both with the same --dtype and --device",
        report.exactness.max_rel
    ));
    Err(Failure::Reported)
}

fn text(report: &Report<'_>, path: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "label words by layer · {} test examples · full model {:.3}, chance {:.3} · 95% intervals\n\
         own: the norm's scale of each stream; realised: that of the last one (margins are sums of contributions)",
        report.examples, report.full, report.chance
    );
    let _ = writeln!(
        text,
        "{:<10}{:>9}{:>14}{:>22}{:>7}{:>7}{:>7}{:>11}{:>7}{:>7}",
        "after", "accuracy", "interval", "own: margin", "bias", "ece", "nll", "realised:", "ece", "nll"
    );
    for Entry { point, own, realised } in &report.lens {
        let number = |measured: Option<Measured>, digits: usize| {
            measured.map_or_else(|| "–".to_owned(), |measured| format!("{:.digits$}", measured.value))
        };
        let interval = |measured: Measured| format!("{:.3}–{:.3}", measured.ci.0, measured.ci.1);
        let margin =
            format!("{} ({}, {})", signed(own.margin.value, 2), signed(own.margin.ci.0, 2), signed(own.margin.ci.1, 2));
        let _ = writeln!(
            text,
            "{:<10}{:>9.3}{:>14}{margin:>22}{:>7.2}{:>7}{:>7}{:>11}{:>7}{:>7}",
            format!("L{}.{}", point.layer, point.after()),
            own.accuracy.value,
            interval(own.accuracy),
            own.bias.value,
            number(own.ece, 3),
            number(own.nll, 2),
            signed(realised.margin.value, 2),
            number(realised.ece, 3),
            number(realised.nll, 2)
        );
    }
    let same = |entry: &Entry| entry.own.accuracy == entry.realised.accuracy && entry.own.bias == entry.realised.bias;
    if !report.lens.iter().all(same) {
        let _ = writeln!(
            text,
            "logits have terms that the norm does not scale, so accuracy and bias depend on the scale: those above are own, --json \
             has both"
        );
    }
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}

#[derive(Serialize)]
struct WordsReport<'a> {
    example: &'a str,
    lens: &'a [TopWords],
}

/// Prints the top tokens by layer of one example.
pub(super) fn words(at: &ExampleOptions, line: &mut ProgressLine) -> Result<(), Failure> {
    let (loaded, example) = at.open(None, line)?;
    let lens = top_words(&loaded.context()?, &loaded.model.tokenizer, example, at.top(), &Cancel::default())?;
    line.clear();
    let id = &loaded.plan.test[example].id;
    if at.json {
        print_json(&WordsReport { example: id, lens: &lens })?;
        return Ok(());
    }
    let mut text = String::new();
    let _ =
        writeln!(text, "top tokens by layer at the end of {} (logits in nats, the norm's own scale)", printable(id));
    for TopWords { point, words } in &lens {
        let name = format!("L{}.{}", point.layer, point.after());
        let _ = writeln!(text, "{name:<10}{}", component::words(words));
    }
    print(&text)?;
    Ok(())
}
