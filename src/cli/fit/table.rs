//! The table of methods that `partscope fit` prints, and the flags that bring methods it lacks.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    analysis::{
        Fit, Method,
        baseline::Outcome,
        measures::{Measured, Measures},
    },
    run::Run,
    text::{list, printable, signed},
};

/// Returns the methods that were not scored, each with the flag that brings it.
pub(super) fn missing(outcomes: &[Outcome], run: &Run) -> BTreeMap<Method, &'static str> {
    let left_out = run.meta.prompt.loo.is_some();
    let lacks = |method: Method| outcomes.iter().all(|outcome| outcome.method != method);
    let bringing = |method| match method {
        Method::LooCalib | Method::LooCompRw | Method::LooCompRwReleased | Method::LooPartscope if left_out => None,
        Method::Transfer => Some("--from"),
        other if other.needs_reruns() => Some("--with-reruns").filter(|_| !left_out),
        other if other.needs_hidden() => Some("run --with-hidden"),
        other if other.runs_prompts() => Some("--with-model"),
        _ => None,
    };
    Method::ALL.iter().filter(|&&method| lacks(method)).filter_map(|&own| Some((own, bringing(own)?))).collect()
}

/// Formats the offsets that the mix adds to the labels; empty if there are none.
fn offsets(run: &Run, fitted: &Fit) -> String {
    let words = run.meta.task.class_names().iter().map(|word| printable(word.trim()));
    let added: Vec<String> =
        words.zip(&fitted.mix.offsets).map(|(word, &offset)| format!("{word} {}", signed(offset, 2))).collect();
    if added.is_empty() {
        return String::new();
    }
    format!("offset of each label, nats: {}\n", added.join(", "))
}

pub(super) fn table(run: &Run, fitted: &Fit, outcomes: &[Outcome], seconds: f64) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} fitted on {} labels in {:.0} ms: λ {:.2e}, objective {:.6}, KKT residual {:.1e}, {} iterations",
        fitted.method,
        run.train.len(),
        1000.0 * seconds,
        fitted.lambda,
        fitted.objective,
        fitted.kkt,
        fitted.iterations
    );
    if fitted.words_change {
        text.push_str(
            "note: the label words that rank first in their classes do not stay the same under these weights; objective \
             and KKT residual are those with the words held\n",
        );
    }
    text.push_str(&offsets(run, fitted));
    let _ = writeln!(
        text,
        "{:<24}{:>9}{:>17}{:>9}{:>7}{:>7}{:>7}{:>9}  on {} test examples (95%, Wilson)",
        "method",
        "accuracy",
        "interval",
        "macro F1",
        "ECE",
        "NLL",
        "shares",
        "Δ",
        run.test.len()
    );
    for outcome in outcomes {
        let interval = format!("{:.3}–{:.3}", outcome.ci.0, outcome.ci.1);
        let Measures { macro_f1, ece, nll, share_sd, difference } = outcome.measures;
        let number = |measured: Option<Measured>| measured.map_or("–".to_owned(), |own| format!("{:.3}", own.value));
        let _ = writeln!(
            text,
            "{:<24}{:>9.3}{:>17}{:>9.3}{:>7}{:>7}{:>7.3}{:>9}  {}",
            outcome.method.name(),
            outcome.accuracy,
            interval,
            macro_f1.value,
            number(ece),
            number(nll),
            share_sd.value,
            difference.map_or("–".to_owned(), |own| signed(own.value, 3)),
            outcome.method.about()
        );
    }
    text.push_str(
        "ECE: calibration error; NLL in nats; shares: deviation of label shares; Δ: accuracy minus partscope's\n",
    );
    let mut flags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (method, flag) in missing(outcomes, run) {
        flags.entry(flag).or_default().push(method.name());
    }
    for (flag, methods) in flags {
        let _ = writeln!(text, "{flag} adds {}", list(methods));
    }
    text
}
