//! Sweeps: many runs (models × tasks × templates × seeds × budgets × shots), split over machines by a manifest.
//!
//! The folder of a sweep is all that its processes share. They need no server and no locks: a result is a file that
//! appears whole under the name of its cell, and leases only keep two processes from doing the same work.
//!
//! ```text
//! DIR/manifest.json            what is to be computed; never changed
//! DIR/SWEEP/done/xx/ID.json    results; SWEEP is the start of the manifest's checksum
//! DIR/SWEEP/failed/ID.json     why a cell failed
//! DIR/SWEEP/killed/ID.json     how many processes ended while they computed a cell
//! DIR/SWEEP/leases/ID          which cells are being computed
//! DIR/SWEEP/rates/PROCESS      how long cells took
//! DIR/SWEEP/weights/INDEX      checksum of the weights of a model that was not loaded for the plan
//! ```

mod cell_table;
mod event;
mod exact;
mod folder;
mod manifest;
mod merge;
mod merged;
mod partition;
mod plan;
mod report_page;
mod result;
mod run;
mod sealed;
mod spec;
mod status;
mod worker;

pub use event::{CellEvent, RunOptions};
pub use folder::{FailedCell, KilledCell, SweepFolder};
pub use manifest::{Manifest, PlannedModel, PlannedTask, SweepCell};
pub use merge::merge;
pub use merged::{Group, Merged, MissingCell};
pub use partition::Partition;
pub use plan::{LoadModel, plan};
pub use result::CellResult;
pub use run::{RunSummary, run};
pub use spec::{Common, Seeds, SweepSpec, Templates, parse_spec};
pub use status::{LeasedCell, SweepStatus, status};
