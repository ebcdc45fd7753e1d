//! How far a sweep is.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::folder::{FailedCell, KilledCell, SweepFolder};

/// State of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepStatus {
    /// Number of cells.
    pub cells: usize,
    /// Number of cells with results.
    pub done: usize,
    /// Number of cells that are being computed.
    pub running: usize,
    /// Their leases.
    pub leases: Vec<LeasedCell>,
    /// Cells that failed.
    pub failed: Vec<FailedCell>,
    /// Cells during which processes ended without a word, whether or not they failed.
    pub killed: Vec<KilledCell>,
    /// Estimated seconds until all cells are done with as many processes as now, at least one; `None` before any cell
    /// was measured.
    pub seconds_left: Option<f64>,
}

/// A cell that is being computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeasedCell {
    /// Its name.
    pub cell: String,
    /// The machine and process.
    pub owner: String,
    /// Seconds since the process last said that it is there, by this machine's clock; below 0 if its own is ahead.
    pub age_s: f64,
}

/// Returns the state of `sweep`, from the names of its files.
pub fn status(sweep: &SweepFolder) -> SweepStatus {
    let manifest = &sweep.manifest;
    let (done, failed) = (sweep.done(), sweep.failed());
    let cells: HashMap<&str, _> = manifest.cells.iter().map(|cell| (cell.id.as_str(), cell)).collect();
    let leased = |(id, lease): (&String, &crate::disk::FoundLease)| {
        let cell = cells.get(id.as_str()).filter(|_| !done.contains(id) && !lease.is_abandoned())?;
        Some(LeasedCell { cell: manifest.name(cell), owner: lease.owner(), age_s: lease.age_in_seconds() })
    };
    let leases: Vec<LeasedCell> = sweep.leases().iter().filter_map(leased).collect();
    // Seconds per unit of estimated cost, by model: measured here, or for the plan.
    let mut taken: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
    for (id, seconds) in sweep.seconds() {
        if let Some(cell) = cells.get(id.as_str()) {
            let [sum, cost] = taken.entry(cell.model).or_default();
            (*sum, *cost) = (*sum + seconds, *cost + cell.cost);
        }
    }
    let rate = |model: usize| match taken.get(&model) {
        Some([seconds, cost]) => Some(seconds / cost),
        None => manifest.models[model].measured.then_some(1.0),
    };
    let open = manifest.cells.iter().filter(|cell| !done.contains(&cell.id) && !failed.contains_key(&cell.id));
    let left: Option<f64> = open.map(|cell| Some(cell.cost * rate(cell.model)?)).sum();
    SweepStatus {
        cells: manifest.cells.len(),
        done: manifest.cells.iter().filter(|cell| done.contains(&cell.id)).count(),
        running: leases.len(),
        seconds_left: left.map(|left| left / leases.len().max(1) as f64),
        leases,
        failed: failed.into_values().collect(),
        killed: sweep.killed().into_values().collect(),
    }
}
