//! The result of one cell, as it is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{exact, sealed};
use crate::{
    error::InputError,
    protocol::{ProtocolRow, RowDetails},
};

/// The result of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellResult {
    /// How the processor that computed it adds; rows of different ones differ by rounding.
    pub processor: String,
    /// Checksum of the model's weights.
    pub weights_hash: String,
    /// The row, with its details.
    pub row: ProtocolRow,
}

/// Content of the file.
#[derive(Serialize, Deserialize)]
struct Stored {
    sweep: String,
    cell: String,
    processor: String,
    weights_hash: String,
    row: Value,
    details: RowDetails,
}

impl CellResult {
    /// Returns the text of the file for the cell `cell` of the sweep with the checksum `sweep`.
    pub(super) fn text(&self, sweep: &str, cell: &str) -> Result<String, serde_json::Error> {
        let mut row = self.row.clone();
        // No table over several rows has them, and they are half of the numbers.
        row.measures.intervals.clear();
        let mut row = serde_json::to_value(&row)?;
        exact::encode(&mut row);
        let stored = Stored {
            sweep: sweep.to_owned(),
            cell: cell.to_owned(),
            processor: self.processor.clone(),
            weights_hash: self.weights_hash.clone(),
            row,
            details: self.row.details.clone(),
        };
        Ok(sealed::seal("result", &serde_json::to_string(&stored)?).0)
    }

    /// Reads the `text` of the file.
    ///
    /// # Errors
    /// If it has changed since it was written, or belongs to another cell or sweep.
    pub(super) fn parse(text: &str, sweep: &str, cell: &str) -> Result<Self, InputError> {
        let (content, _) = sealed::open("result", text)?;
        let wrong = |error: serde_json::Error| InputError::new(format!("not the result of a cell: {error}"));
        let mut stored: Stored = serde_json::from_str(content).map_err(wrong)?;
        if (stored.sweep.as_str(), stored.cell.as_str()) != (sweep, cell) {
            return Err(InputError::new(format!("the result belongs to cell {} of another sweep", stored.cell)));
        }
        exact::decode(&mut stored.row);
        let mut row: ProtocolRow = serde_json::from_value(stored.row).map_err(wrong)?;
        row.details = stored.details;
        Ok(Self { processor: stored.processor, weights_hash: stored.weights_hash, row })
    }
}
