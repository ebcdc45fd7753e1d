//! The table behind the screen, as CSV.

use crate::{
    analysis::{Kind, predict::margin},
    app::state::{Screen, State, metric::Metric, open_run::OpenRun},
    attribution::Split,
};

/// Returns the table of the current screen as CSV; the first row names the columns.
pub(super) fn csv(state: &State) -> String {
    let rows = match state.screen {
        Screen::Map | Screen::Mixer | Screen::Experiments => state.run().map(components),
        Screen::Examples => state.run().map(|run| examples(state, run)),
        Screen::Prompt => Some(demonstrations(state)),
        Screen::Compare => comparison(state),
        Screen::Matrix => Some(matrix(state)),
        Screen::Runs => Some(runs(state)),
    };
    rows.unwrap_or_default().iter().map(|row| line(row)).collect()
}

/// Returns a line; fields with commas, quotes or line breaks are quoted (RFC 4180).
fn line(fields: &[String]) -> String {
    let quoted = |field: &String| {
        let plain = !field.contains([',', '"', '\n', '\r']);
        if plain { field.clone() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
    };
    format!("{}\n", fields.iter().map(quoted).collect::<Vec<_>>().join(","))
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Returns a row per component with all quantities that are known.
fn components(run: &OpenRun) -> Vec<Vec<String>> {
    let known: Vec<Metric> = Metric::ALL.iter().copied().filter(|metric| metric.is_known(run)).collect();
    let mut rows =
        vec![[heads(&["component", "kind"]), known.iter().map(|it| it.title().to_owned()).collect()].concat()];
    for component in 0..run.shape.components() {
        let kind = run.kind(component).map_or("", Kind::name).to_owned();
        let values = known.iter().map(|metric| number(metric.value(run, component)));
        rows.push([vec![run.name(component).to_string(), kind], values.collect()].concat());
    }
    rows
}

/// Returns a row per listed example.
fn examples(state: &State, run: &OpenRun) -> Vec<Vec<String>> {
    let mut rows = vec![heads(&["id", "gold", "model", "mix", "margin of the model", "text"])];
    for &example in &state.example_list.rows {
        let item = &run.test.items[example];
        let labels = run.shape.labels;
        let logits = &run.test.table.full()[example * labels..(example + 1) * labels];
        rows.push(vec![
            item.id.clone(),
            run.label(item.gold),
            run.label(run.test.tally.full_predictions()[example]),
            run.label(run.test.mixed.predictions()[example]),
            margin(logits, item.gold).to_string(),
            item.text.clone(),
        ]);
    }
    rows
}

fn demonstrations(state: &State) -> Vec<Vec<String>> {
    let mut rows = vec![heads(&["position", "id", "label", "text"])];
    let demos = state.editor.iter().flat_map(|editor| &editor.demos).enumerate();
    rows.extend(demos.map(|(index, demo)| {
        let text = crate::app::state::demo_editor::summary(demo);
        vec![(index + 1).to_string(), demo.id.clone(), demo.label.clone().unwrap_or_default(), text]
    }));
    rows
}

/// Returns a row per component: the compared quantity in both runs, its change, and the pull on the flipped examples.
fn comparison(state: &State) -> Option<Vec<Vec<String>>> {
    let (run, comparison) = (state.run()?, state.comparison.as_ref()?);
    let quantities = &comparison.quantities;
    let title = quantities.metric.title();
    let names = ["component", &format!("{title} in A"), &format!("{title} in B"), "B - A", "mean pull", "low", "high"];
    let mut rows = vec![heads(&names)];
    for &component in &quantities.ranks {
        let name = run.name(component);
        let movers = comparison.movers.iter().flat_map(|movers| &movers.components);
        let pull = movers.into_iter().find(|mover| mover.component == name).map(|mover| mover.pull);
        let values = [
            quantities.sides[0][component],
            quantities.sides[1][component],
            quantities.change[component],
            pull.map(|pull| pull.mean),
            pull.map(|pull| pull.ci[0]),
            pull.map(|pull| pull.ci[1]),
        ];
        rows.push([vec![name.to_string()], values.map(number).to_vec()].concat());
    }
    Some(rows)
}

/// Returns a row per pair of runs.
fn matrix(state: &State) -> Vec<Vec<String>> {
    let mut rows = vec![heads(&["A", "B", "pearson", "spearman", "iou_top5"])];
    let name = |index: usize| {
        let run = state.runs.iter().find(|run| run.id == state.matrix.runs[index]);
        run.map(OpenRun::short_name).unwrap_or_default()
    };
    for (a, agreements) in state.matrix.agreement.iter().enumerate() {
        for (b, agreement) in agreements.iter().enumerate().skip(a + 1) {
            let (r, rho) = (number(agreement.pearson), number(agreement.spearman));
            rows.push(vec![name(a), name(b), r, rho, agreement.iou_top5.to_string()]);
        }
    }
    rows
}

/// Returns a row per open run.
fn runs(state: &State) -> Vec<Vec<String>> {
    let mut rows = vec![heads(&["run", "model", "train", "test", "accuracy of the model", "accuracy of the mix"])];
    rows.extend(state.runs.iter().map(|run| {
        let mix = run.test.mixed.accuracy().filter(|_| !run.mixer.is_model());
        let counts = [run.train.items.len(), run.test.items.len()].map(|count| count.to_string());
        let [train, test] = counts;
        let accuracy = number(run.accuracy(Split::Test).and(run.test.tally.full_accuracy()));
        vec![run.short_name(), run.model.id.clone(), train, test, accuracy, number(mix)]
    }));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::harness::Harness;

    #[test]
    fn every_screen_has_a_table() {
        let mut harness = Harness::finished(48);
        harness.keys("s");
        harness.run_to_end(48);
        for (keys, start, count) in [
            ("esc", "component,kind,accuracy,", 73),
            ("e", "id,gold,model,mix,", 49),
            ("esc p", "position,id,label,text", 5),
            ("esc c", "component,accuracy in A,accuracy in B,B - A,mean pull,low,high", 73),
            ("esc M", "A,B,pearson,", 2),
            ("esc R", "run,model,", 3),
        ] {
            let table = csv(&harness.keys(keys).state);
            assert!(table.starts_with(start) && table.lines().count() == count, "{keys}: {table}");
            let columns = start.trim_end_matches(',').split(',').count();
            assert!(table.lines().all(|line| line.split(',').count() >= columns), "{keys}: {table}");
        }
        assert_eq!(line(&heads(&["a,b", "say \"hi\"", "c"])), "\"a,b\",\"say \"\"hi\"\"\",c\n");
    }
}
