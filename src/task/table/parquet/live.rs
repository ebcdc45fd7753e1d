//! Accounts for the memory of pages in use.
//!
//! A page of a few bytes can stand for billions of values, of which a nested column puts any number into one row. So a
//! page is charged before it is decoded, with what its values take if they are all in the next row.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use parquet::errors::Result;

use super::page::broken;
use crate::size::format_size;

/// The pages of all columns of a row group.
#[derive(Clone, Debug)]
pub(super) struct Live(Arc<Mutex<Charges>>);

#[derive(Debug)]
struct Charges {
    limit: u64,
    /// Bytes of dictionaries, which stay until the row group ends.
    dictionaries: u64,
    /// Bytes of the last page of each column.
    last: HashMap<usize, u64>,
    /// Bytes of all pages since the last row.
    pages: u64,
    /// Whether a page was charged since the last row.
    changed: bool,
}

impl Live {
    pub(super) fn new(limit: u64) -> Self {
        let (last, pages, changed) = (HashMap::new(), 0, false);
        Self(Arc::new(Mutex::new(Charges { limit, dictionaries: 0, last, pages, changed })))
    }

    /// Charges a dictionary.
    pub(super) fn dictionary(&self, bytes: u64) -> Result<()> {
        self.with(|charges| {
            charges.dictionaries = charges.dictionaries.saturating_add(bytes);
            charges.check()
        })
    }

    /// Charges a data page of a column.
    pub(super) fn page(&self, column: usize, bytes: u64) -> Result<()> {
        self.with(|charges| {
            charges.last.insert(column, bytes);
            charges.pages = charges.pages.saturating_add(bytes);
            charges.changed = true;
            charges.check()
        })
    }

    /// Notes that a row is complete: of the pages before it, only the last of each column is still in use.
    pub(super) fn row(&self) {
        self.with(|charges| {
            if std::mem::take(&mut charges.changed) {
                charges.pages = charges.last.values().fold(0, |sum, &bytes| sum.saturating_add(bytes));
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Charges) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Charges {
    fn check(&self) -> Result<()> {
        if self.dictionaries.saturating_add(self.pages) <= self.limit {
            return Ok(());
        }
        let limit = format_size(self.limit);
        Err(broken(&format!("its pages can take more than {limit} of memory at once; write it with smaller pages")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_in_use_until_the_row_after_the_next_page() {
        let live = Live::new(100);
        live.dictionary(20).unwrap();
        live.page(0, 40).unwrap();
        live.page(1, 40).unwrap();
        live.row();
        assert!(live.page(0, 1).is_err(), "both pages of column 0 may be in the same row");
        live.row();
        live.page(0, 39).unwrap();
        live.row();
        assert!(live.page(1, u64::MAX).is_err());
    }
}
