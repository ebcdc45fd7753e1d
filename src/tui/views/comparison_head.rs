//! Head of a comparison: names and accuracies of both runs, the label that they differ in most, and their agreement.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::compare::LabelChange,
    app::state::{comparison::RunComparison, open_run::OpenRun},
    attribution::Split,
    text::printable,
    tui::{theme::Role, widgets::pane},
};

use super::draw_context::{DrawContext, percent};

/// Draws the names and accuracies of both runs on the shared examples, their agreement, and the label that they differ in
/// most.
pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (theme, width) = (ctx.theme, usize::from(area.width));
    let runs = [("A", a, 0), ("B", b, 1)];
    let mut lines: Vec<Line<'_>> = runs
        .map(|(letter, run, side)| {
            let accuracy = accuracy(comparison, (a, b), side, width.saturating_sub(4));
            let room = width.saturating_sub(4 + pane::width(&accuracy));
            Line::from(vec![
                Span::styled(format!("{letter} "), theme.bold(Role::Accent)),
                Span::styled(pane::cut(&name(run, a, b), room), theme.bold(Role::Text)),
                Span::styled(format!("  {accuracy}"), theme.fg(Role::Text)),
            ])
        })
        .into();
    lines.extend(comparison.leaning().map(|(label, change)| {
        let text = finding(&label_name(a, b, label), change, width);
        Line::styled(text, theme.bold(Role::Strong))
    }));
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let agreement = &comparison.agreement;
    let (r, rho, overlap) = (number(agreement.pearson), number(agreement.spearman), agreement.iou_top5);
    let own = if is_all(comparison, a) && is_all(comparison, b) { "" } else { " (each on all its examples)" };
    let long = format!("accuracies agree{own}: r {r}, ρ {rho}, top-5 overlap {overlap:.2}");
    let brief = format!("r {r}  ρ {rho}  top-5 {overlap:.2}");
    let text = if pane::width(&long) <= width { long } else { brief };
    lines.push(Line::styled(text, theme.fg(Role::Dim)));
    pane::stack(buf, area, lines);
}

/// Whether all test examples of a run are shared.
fn is_all(comparison: &RunComparison, run: &OpenRun) -> bool {
    comparison.shared.len() == run.test.items.len()
}

/// Returns the accuracy of a run on the shared examples, with their number: `mix 91.0 % of 200 (model 77.5)`. Where not all
/// its examples are shared, it also has the accuracy on all.
fn accuracy(comparison: &RunComparison, (a, b): (&OpenRun, &OpenRun), side: usize, width: usize) -> String {
    let (runs, count) = ([a, b], comparison.shared.len());
    let run = runs[side];
    let source = if run.mixer.on { "mix" } else { "model" };
    let shown = percent(comparison.accuracies(runs)[side]);
    let model = percent(comparison.model_accuracies(runs)[side]);
    let (whole, brief) = if run.mixer.on {
        (format!(" (model {model})"), format!(" ({model})"))
    } else {
        (String::new(), String::new())
    };
    let forms = if is_all(comparison, run) {
        vec![format!(" of {count}{whole}"), format!(" of {count}{brief}"), format!(" of {count}")]
    } else {
        let (all, own) = (run.test.items.len(), percent(run.accuracy(Split::Test)));
        vec![
            format!(" of {count} shared{whole}, {own} % of all {all}"),
            format!(" of {count} shared{whole}"),
            format!(" of {count} shared"),
            format!(" of {count}"),
        ]
    };
    let lines = forms.into_iter().map(|more| format!("{source} {shown} %{more}"));
    let mut lines: Vec<String> = lines.collect();
    let at = lines.iter().position(|line| pane::width(line) + pane::width(&name(run, a, b)) <= width);
    lines.swap_remove(at.unwrap_or(lines.len() - 1))
}

/// Returns how often each run predicts a label, in a form that fits.
fn finding(name: &str, change: &LabelChange, width: usize) -> String {
    let [a, b] = change.predicted.map(|share| share * 100.0);
    let gold = change.gold * 100.0;
    let forms = [
        format!("A predicts {name} for {a:.0} %, B for {b:.0} %; gold is {gold:.0} %"),
        format!("{name}: A {a:.0} %, B {b:.0} %, gold {gold:.0} %"),
        format!("{name}: A {a:.0} %, B {b:.0} %"),
    ];
    let [.., shortest] = &forms;
    forms.iter().find(|form| pane::width(form) <= width).unwrap_or(shortest).clone()
}

/// Returns the label word, or both words if the two runs differ in it.
pub(super) fn label_name(a: &OpenRun, b: &OpenRun, label: usize) -> String {
    let (first, second) = (a.label(label), b.label(label));
    if first == second { second } else { format!("{first}/{second}") }
}

/// Returns a name for `run` made of what differs between the two runs.
fn name(run: &OpenRun, a: &OpenRun, b: &OpenRun) -> String {
    let (task, prompt) = (&run.task, &run.prompt);
    let mut words = Vec::new();
    if a.model.weights_hash != b.model.weights_hash {
        words.push(run.model_name());
    }
    if a.task.template != b.task.template {
        words.push(printable(&task.template).into_owned());
    }
    if a.prompt.shots != b.prompt.shots {
        words.push(format!("{} shots", prompt.shots));
    }
    if a.demos_name() != b.demos_name() || words.is_empty() {
        words.push(run.demos_name());
    }
    words.join(" · ")
}
