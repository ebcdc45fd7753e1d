//! Columns that follow from the table alone. A new one is a row of [`COLUMNS`].

use rayon::prelude::*;

use super::{
    column::{AtlasColumn, Cell},
    resampled::Resamples,
};
use crate::{
    analysis::{
        components::ComponentStats,
        measures::interval,
        predict::{label_bias, margin, margin_contributions, predictions, rivals},
        task_subspace::{SubspaceScores, TaskSubspace, subspace_scores},
    },
    attribution::Attribution,
};

/// What the columns are measured from.
struct Inputs<'a> {
    table: &'a Attribution,
    stats: &'a [ComponentStats],
    resamples: Resamples,
    /// The strongest rival of the gold label on each example, `[N]`.
    rivals: Vec<usize>,
    /// Margins of the model itself, `[N]`.
    margins: Vec<f64>,
    /// Scores of every component in the span of the label rows, if the run has their inner products.
    subspace: Option<Vec<SubspaceScores>>,
}

/// A column that follows from the table alone.
struct FreeColumn {
    name: &'static str,
    unit: &'static str,
    source: &'static str,
    /// Measures one component; `None` if the run lacks what is needed.
    measure: fn(&Inputs<'_>, usize) -> Option<Cell>,
    /// What a run without the measure lacks.
    lacks: &'static str,
}

const NO_NORMS: &str = "the run has no norms of component outputs: run again with this version";
const NO_GRAM: &str = "the run has no inner products of the label rows: run again with this version";

const COLUMNS: &[FreeColumn] = &[
    FreeColumn {
        name: "accuracy",
        unit: "share",
        source: "argmax of the component's contribution; Wilson interval, as `partscope components`",
        measure: |inputs, index| {
            let stats = &inputs.stats[index];
            Some(Cell { value: stats.accuracy, lo: stats.ci.0, hi: stats.ci.1 })
        },
        lacks: "",
    },
    FreeColumn {
        name: "margin",
        unit: "nats",
        source: "mean contribution to gold minus the strongest other label of the model; margins add up over components",
        measure: |inputs, index| {
            let (table, gold) = (inputs.table, inputs.table.gold());
            let addends = table.addends(0, index);
            let margins: Vec<f64> = margin_contributions(&addends, gold, &inputs.rivals, table.labels()).collect();
            Some(inputs.resamples.mean(&margins))
        },
        lacks: "",
    },
    FreeColumn {
        name: "bias",
        unit: "share",
        source: "1 − H(predicted) / log Y: 0 if it predicts all labels equally often, 1 if always the same",
        measure: |inputs, index| Some(bias(inputs, index)),
        lacks: "",
    },
    FreeColumn {
        name: "tr",
        unit: "share",
        source: "task recognition: share of the output's squared norm inside the span of the label rows, with the final \
                 norm's weight folded in; after arXiv 2509.24164, whose score is tr_length",
        measure: |inputs, index| scored(inputs, index, |scores| scores.recognition.as_deref()),
        lacks: NO_NORMS,
    },
    FreeColumn {
        name: "tr_length",
        unit: "nats per length of a label row",
        source: "length of the output's projection on the span of the label rows, in units of the final norm (arXiv \
                 2509.24164)",
        measure: |inputs, index| scored(inputs, index, |scores| Some(&scores.length)),
        lacks: NO_GRAM,
    },
    FreeColumn {
        name: "tl",
        unit: "length of a label row",
        source: "task learning: contribution to gold minus the mean of the other labels, over tr_length (arXiv 2509.24164)",
        measure: |inputs, index| scored(inputs, index, |scores| Some(&scores.learning)),
        lacks: NO_GRAM,
    },
    FreeColumn {
        name: "direct",
        unit: "nats",
        source: "mean change of the margin if the component's contribution is taken out of the sum; as the direct effect of \
                 `partscope ablate --each`. Later layers may erase or repair what it added (arXiv 2310.07325, 2402.15390): \
                 see total",
        measure: |inputs, index| Some(direct(inputs, index)),
        lacks: "",
    },
];

/// Measures all columns that follow from `table` alone; `stats` are the statistics of its components.
pub fn free_columns(table: &Attribution, stats: &[ComponentStats]) -> Vec<AtlasColumn> {
    let span = table.label_gram().map(|gram| TaskSubspace::new(gram, table.words().shape().labels));
    let components = 0..table.shape().components();
    let scores = |span: &TaskSubspace| {
        components.clone().into_par_iter().map(|index| subspace_scores(table, span, index)).collect()
    };
    let inputs = Inputs {
        table,
        stats,
        resamples: Resamples::new(table.len()),
        rivals: rivals(table),
        margins: table
            .full()
            .chunks_exact(table.labels())
            .zip(table.gold())
            .map(|(row, &gold)| margin(row, gold))
            .collect(),
        subspace: span.as_ref().map(scores),
    };
    let column = |free: &FreeColumn| {
        let measure = |index| (free.measure)(&inputs, index);
        let cells: Option<Vec<Cell>> = components.clone().into_par_iter().map(measure).collect();
        match cells {
            Some(cells) => AtlasColumn::new(free.name, free.unit, free.source, cells.into_iter().map(Some).collect()),
            None => AtlasColumn::absent(free.name, free.unit, free.source, components.len(), free.lacks),
        }
    };
    COLUMNS.iter().map(column).collect()
}

fn scored(inputs: &Inputs<'_>, index: usize, of: fn(&SubspaceScores) -> Option<&[f64]>) -> Option<Cell> {
    Some(inputs.resamples.mean(of(&inputs.subspace.as_ref()?[index])?))
}

fn bias(inputs: &Inputs<'_>, index: usize) -> Cell {
    let (table, labels) = (inputs.table, inputs.table.labels());
    let predicted = predictions(table.contribution(index), labels);
    let of_label = |label: usize| -> Vec<f64> {
        let indicators: Vec<f64> = predicted.iter().map(|&own| f64::from(u8::from(own == label))).collect();
        inputs.resamples.means(&indicators)
    };
    let shares: Vec<Vec<f64>> = (0..labels).map(of_label).collect();
    let n = table.len() as f64;
    let drawn = |draw: usize| -> f64 {
        let counts: Vec<usize> = shares.iter().map(|shares| (shares[draw] * n).round() as usize).collect();
        label_bias(&counts)
    };
    let value = inputs.stats[index].bias;
    let (lo, hi) = interval((0..shares[0].len()).map(drawn).collect());
    // A resample has at most the evenness of the sample, so the percentiles may lie above the value.
    Cell { value, lo: lo.min(value), hi: hi.max(value) }
}

/// The change of the margin if the component is taken out of the sum of contributions to words.
fn direct(inputs: &Inputs<'_>, index: usize) -> Cell {
    let (table, labels) = (inputs.table, inputs.table.labels());
    let words = table.words();
    let without =
        words.full().iter().zip(words.contribution(index)).map(|(&full, &own)| f64::from(full) - f64::from(own));
    let without = table.by_class(without.collect());
    let rows = without.chunks_exact(labels).zip(table.gold()).zip(&inputs.margins);
    let changes: Vec<f64> = rows.map(|((row, &gold), before)| margin(row, gold) - before).collect();
    inputs.resamples.mean(&changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{
            Thresholds, summarize,
            testing::{SHAPE, table},
        },
        attribution::Batch,
    };

    fn columns(table: &Attribution) -> Vec<AtlasColumn> {
        free_columns(table, &summarize(table, &Thresholds::default()))
    }

    fn column<'a>(columns: &'a [AtlasColumn], name: &str) -> &'a AtlasColumn {
        columns.iter().find(|column| column.meta.name == name).unwrap()
    }

    #[test]
    fn a_run_of_an_older_version_has_reasons_in_place_of_values() {
        let columns = columns(&table(SHAPE, 60, 1, |index| index as f64 / 5.0));
        for name in ["tr", "tr_length", "tl"] {
            let column = column(&columns, name);
            assert!(column.meta.absent.as_ref().is_some_and(|why| why.contains("run again")), "{name}");
            assert_eq!(column.present().count(), 0);
        }
        for name in ["accuracy", "margin", "bias", "direct"] {
            assert_eq!(column(&columns, name).present().count(), SHAPE.components(), "{name}");
        }
    }

    #[test]
    fn values_are_those_of_their_definitions_and_lie_in_their_intervals() {
        let plain = table(SHAPE, 200, 3, |index| if index == 4 { 3.0 } else { 0.0 });
        let components = SHAPE.components();
        let batch = Batch { norms: vec![9.0; components * 200], ..plain.batch(0..200) };
        let gram = [2.0, 0.5, 0.0, 0.5, 1.0, 0.2, 0.0, 0.2, 3.0];
        let mut own = Attribution::new(SHAPE, plain.gold().to_vec()).with_label_gram(Some(gram.into()));
        own.push(&batch);
        let columns = columns(&own);
        for column in &columns {
            assert_eq!(column.present().count(), components, "{}", column.meta.name);
            for (_, cell) in column.present() {
                assert!(cell.lo <= cell.value && cell.value <= cell.hi, "{} {cell:?}", column.meta.name);
            }
        }
        let cell = |name: &str, index: usize| column(&columns, name).cells[index].unwrap();
        let total: f64 = (0..components).map(|index| cell("margin", index).value).sum();
        let rest =
            own.full().iter().zip(own.component_sum()).map(|(full, sum)| f64::from(*full) - sum).collect::<Vec<_>>();
        let gold = own.gold();
        let rivals = rivals(&own);
        let of = |values: &[f64]| {
            values.chunks(3).zip(gold).zip(&rivals).map(|((row, &gold), &rival)| row[gold] - row[rival]).sum::<f64>()
                / 200.0
        };
        let full: Vec<f64> = own.full().iter().map(|&value| f64::from(value)).collect();
        assert!((total + of(&rest) - of(&full)).abs() < 1e-4, "margins add up");
        assert!(cell("direct", 4).hi < -1.0 && cell("margin", 4).lo > 1.0, "{:?}", cell("direct", 4));
        assert!(cell("tl", 4).lo > 0.0 && !cell("tl", 2).is_not_zero(), "{:?}", cell("tl", 2));
        assert!((0.0..=1.0).contains(&cell("tr", 4).value));
    }
}
