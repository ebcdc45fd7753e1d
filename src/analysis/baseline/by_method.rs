//! Measures keyed by method, as JSON output has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::{
    baseline::Outcome,
    measures::{Measured, Measures},
    method::Method,
};

/// 95% interval by method; `null` where a method has none.
pub type IntervalByMethod = BTreeMap<Method, Option<(f64, f64)>>;

/// Measures beside accuracy by method; `null` where a method has no probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuresByMethod {
    /// Macro-F1.
    pub macro_f1: BTreeMap<Method, Option<f64>>,
    /// Expected calibration error.
    pub ece: BTreeMap<Method, Option<f64>>,
    /// Negative log likelihood.
    pub nll: BTreeMap<Method, Option<f64>>,
    /// Deviation of label shares.
    pub share_sd: BTreeMap<Method, Option<f64>>,
    /// Accuracy minus that of the default method; empty without it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub difference: BTreeMap<Method, Option<f64>>,
    /// 95% intervals over test examples by measure, for this set of training labels; Wilson's for `accuracy`.
    pub intervals: BTreeMap<String, IntervalByMethod>,
}

/// A measure by its name, with its place in [`Measures`].
type Column = (&'static str, fn(&Measures) -> Option<Measured>);

const COLUMNS: [Column; 5] = [
    ("macro_f1", |measures| Some(measures.macro_f1)),
    ("ece", |measures| measures.ece),
    ("nll", |measures| measures.nll),
    ("share_sd", |measures| Some(measures.share_sd)),
    ("difference", |measures| measures.difference),
];

impl MeasuresByMethod {
    /// Sorts the measures of `outcomes` by method.
    pub fn new(outcomes: &[Outcome]) -> Self {
        let mut found = Self::default();
        let accuracy = outcomes.iter().map(|outcome| (outcome.method, Some(outcome.ci))).collect();
        found.intervals.insert("accuracy".to_owned(), accuracy);
        for (name, of) in COLUMNS {
            let measured = |outcome: &Outcome| of(&outcome.measures);
            if name == "difference" && outcomes.iter().all(|outcome| measured(outcome).is_none()) {
                continue;
            }
            let values = outcomes.iter().map(|own| (own.method, measured(own).map(|measured| measured.value)));
            let column = match name {
                "macro_f1" => &mut found.macro_f1,
                "ece" => &mut found.ece,
                "nll" => &mut found.nll,
                "share_sd" => &mut found.share_sd,
                _ => &mut found.difference,
            };
            column.extend(values);
            let intervals = outcomes.iter().map(|own| (own.method, measured(own).map(|measured| measured.ci)));
            found.intervals.insert(name.to_owned(), intervals.collect());
        }
        found
    }
}
