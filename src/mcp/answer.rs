//! The form of every answer: what it rests on, beside the result.

use serde_json::{Value, json};

use crate::analysis::intervals::{Z95, wilson};

/// What an answer rests on.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    /// Number of test and training examples.
    pub(super) n: Value,
    /// What the intervals are.
    pub(super) interval: &'static str,
    /// How tests of many components were adjusted.
    pub(super) fdr: &'static str,
    /// Whether test labels chose anything, and what.
    pub(super) test_labels: String,
}

/// Intervals of accuracies.
pub(super) const WILSON: &str = "95 % Wilson intervals over the test examples, [low, high]";
/// Adjustment of the kinds of components.
pub(super) const FDR: &str = "Benjamini-Hochberg over all components: `q`; kinds are good or bad at q <= 0.05";
/// Where nothing was tested.
pub(super) const NO_TESTS: &str = "no significance test in this answer";

impl Basis {
    /// Returns the whole answer.
    pub(super) fn answer(self, result: Value) -> Value {
        let Self { n, interval, fdr, test_labels } = self;
        let mut answer = json!({ "n": n, "interval": interval, "fdr": fdr, "test_labels": test_labels });
        answer["result"] = result;
        answer
    }
}

/// Returns an accuracy with its interval over `n` examples.
pub(super) fn accuracy(share: &Value, n: usize) -> Value {
    share.as_f64().map_or(Value::Null, |share| {
        let (low, high) = wilson((share * n as f64).round() as usize, n, Z95);
        json!({ "accuracy": share, "ci": [low, high] })
    })
}

/// Returns the fields `names` of an object.
pub(super) fn fields(object: &Value, names: &[&str]) -> Value {
    let own = names.iter().filter(|name| !object[**name].is_null());
    own.map(|name| ((*name).to_owned(), object[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}
