//! Tables over the results of a sweep.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::protocol::{AccuracyRow, AgreementRow};

/// Tables of a sweep: the content of `tables.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Merged {
    /// Number of cells.
    pub cells: usize,
    /// Number of cells with results.
    pub done: usize,
    /// The others.
    pub missing: Vec<MissingCell>,
    /// Tables of every model, budget and number of demonstrations, as `reproduce` prints them.
    pub groups: Vec<Group>,
    /// How the processors that computed the cells add; if there are several, their rows differ by rounding.
    #[serde(skip)]
    pub processors: BTreeSet<String>,
    /// Problems with results that were set aside, which are missing now.
    #[serde(skip)]
    pub damaged: Vec<String>,
}

/// A cell without a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingCell {
    /// Its name.
    pub cell: String,
    /// Why it failed; `None` if it was not computed yet.
    pub reason: Option<String>,
}

/// Tables over the runs of one model, budget and number of demonstrations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The model.
    pub model: String,
    /// The label budget.
    pub budget: usize,
    /// The number of demonstrations; `None` for the paper's.
    pub shots: Option<usize>,
    /// Accuracy by method.
    pub accuracy: Vec<AccuracyRow>,
    /// Agreement of component accuracies.
    pub agreement: Vec<AgreementRow>,
}
