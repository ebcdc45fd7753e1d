//! The page of a merged sweep: one table of accuracies for every model, budget and number of demonstrations.

use std::{collections::BTreeSet, fmt::Write};

use super::merged::{Group, Merged};

const STYLE: &str = "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}\
    table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.2em .7em;text-align:right}\
    td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f4f4f4}.wide{overflow-x:auto}\
    @media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}tr:nth-child(even){background:#242424}}";

/// Returns the page as HTML that needs no other file.
pub(super) fn page(merged: &Merged) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sweep</title><style>{STYLE}</style></head>\n\
         <body><h1>Sweep</h1>\n<p>{} of {} cells. Accuracies in per cent: mean (standard deviation) over the runs of a task; \
         mean of tasks with its 95% bootstrap interval over demonstration sets, templates and examples. \
         <code>oracle_*</code> use test labels.</p>\n",
        merged.done, merged.cells
    );
    if !merged.missing.is_empty() {
        let _ = write!(html, "<h2>Missing cells</h2>\n<ul>");
        for missing in &merged.missing {
            let reason = missing.reason.as_deref().unwrap_or("not computed yet");
            let _ = write!(html, "<li>{}: {}</li>", escape(&missing.cell), escape(reason));
        }
        html.push_str("</ul>\n");
    }
    for group in &merged.groups {
        table(&mut html, group);
    }
    html.push_str("</body></html>\n");
    html
}

fn table(html: &mut String, group: &Group) {
    let shots = group.shots.map_or("the paper's demonstrations".to_owned(), |shots| format!("{shots} demonstrations"));
    let _ = writeln!(
        html,
        "<h2>{}: {} labels, {shots}</h2>\n<div class=\"wide\"><table>",
        escape(&group.model),
        group.budget
    );
    let tasks: BTreeSet<&String> = group.accuracy.iter().flat_map(|row| row.tasks.keys()).collect();
    let _ = write!(html, "<tr><th>method</th>");
    for task in &tasks {
        let _ = write!(html, "<th>{}</th>", escape(task));
    }
    html.push_str("<th>mean</th></tr>\n");
    for row in &group.accuracy {
        let _ = write!(html, "<tr><td>{}</td>", row.method);
        for task in &tasks {
            let cell = row.tasks.get(*task).filter(|(mean, _)| mean.is_finite());
            let cell = cell.map_or("–".to_owned(), |(mean, sd)| format!("{:.1} ({:.1})", 100.0 * mean, 100.0 * sd));
            let _ = write!(html, "<td>{cell}</td>");
        }
        let (mean, (low, high)) = (100.0 * row.mean, row.ci);
        let _ = writeln!(html, "<td>{mean:.1} [{:.1}, {:.1}]</td></tr>", 100.0 * low, 100.0 * high);
    }
    html.push_str("</table></div>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
