//! Parquet, the format in which the Hugging Face hub serves every data set.
//!
//! The library trusts a file where it may not be trusted: it reserves the memory that headers claim, expands pages
//! without a limit, and panics on some values. So footer and pages are checked before it sees them, values are converted
//! here, and the library is called behind a guard.

mod delta;
mod footer;
mod live;
mod lz4;
mod page;
mod pages;
#[cfg(test)]
mod tests;
mod thrift;
mod value;

use std::{collections::HashSet, path::Path, sync::Arc};

use bytes::Bytes;
use live::Live;
use pages::{BATCH, Checked};
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::reader::TreeBuilder,
    schema::types::{SchemaDescPtr, SchemaDescriptor, Type},
};

use super::row::{Columns, DataRow, Slice, Take};
use crate::{
    catch_panic,
    data_memory::Memory,
    disk::{is_lfs_pointer, lfs_pointer},
    error::InputError,
    task::diagnostics::Diagnostics,
};

/// Maximum number of columns of a task's data.
const MOST_COLUMNS: usize = 1000;

pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    (slice, columns): (Slice, Columns<'_>),
    memory: &mut Memory,
    diagnostics: &mut Diagnostics,
    take: Take<'_>,
) {
    if is_lfs_pointer(bytes) {
        return diagnostics.push(lfs_pointer(path));
    }
    let read = catch_panic::catch(|| rows(bytes, (slice, columns), memory, &mut |row| take(row, diagnostics)));
    let error = match read {
        Ok(Ok(())) => return,
        Ok(Err(Failure::Input(error))) => *error,
        Ok(Err(Failure::Library(error))) => InputError::new(format!("the Parquet file cannot be read: {error}")),
        Err(panic) => InputError::new(format!("the Parquet file is damaged: {panic}")),
    };
    let help = error.help.clone().unwrap_or_else(|| "write it again, e.g. with pyarrow; or use JSON lines".to_owned());
    diagnostics.push(error.path(path).help(help));
}

/// Returns the value of `key` in the file's metadata; `None` for other files, and for one that cannot be read, which
/// [`read`] reports.
pub(in crate::task) fn metadata(bytes: &[u8], key: &str) -> Option<String> {
    let value = || {
        footer::check(bytes).ok()?;
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).ok()?;
        let entries = reader.metadata().file_metadata().key_value_metadata()?;
        entries.iter().find(|entry| entry.key == key)?.value.clone()
    };
    catch_panic::catch(value).ok().flatten()
}

/// Why a file cannot be read.
enum Failure {
    Input(Box<InputError>),
    Library(ParquetError),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self::Library(error)
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}

fn rows(
    bytes: &[u8],
    (slice, columns): (Slice, Columns<'_>),
    memory: &mut Memory,
    take: &mut dyn FnMut(DataRow),
) -> Result<(), Failure> {
    footer::check(bytes)?;
    let file = Bytes::copy_from_slice(bytes);
    let reader = SerializedFileReader::new(file.clone())?;
    let schema = projected(reader.metadata().file_metadata().schema(), columns)?;
    let end = slice.to.unwrap_or(usize::MAX);
    let mut row = 0;
    for group in 0..reader.num_row_groups() {
        let inner = reader.get_row_group(group)?;
        let rows = usize::try_from(inner.metadata().num_rows()).unwrap_or(usize::MAX);
        if row >= end {
            break;
        }
        if rows <= slice.from.saturating_sub(row) {
            row += rows;
            continue;
        }
        let live = Live::new(memory.for_part());
        let group = Checked { inner, file: file.clone(), live: live.clone() };
        for fields in TreeBuilder::new().with_batch_size(BATCH).as_iter(schema.clone(), &group)? {
            if row >= end {
                break;
            }
            let fields = fields?;
            live.row();
            if row < slice.from {
                memory.skip()?;
            } else {
                let columns =
                    value::object(fields.into_columns()).map_err(|problem| InputError::new(problem).line(row + 1))?;
                let row = DataRow { line: row + 1, columns };
                memory.hold(&row.columns)?;
                take(row);
            }
            row += 1;
        }
    }
    Ok(())
}

/// Returns the schema with the needed columns only.
fn projected(schema: &Type, needed: Columns<'_>) -> Result<SchemaDescPtr, Failure> {
    let needed = needed.among(&schema.get_fields().iter().map(|field| field.name()).collect());
    let fields = schema.get_fields().iter().filter(|field| needed.contain(field.name()));
    let fields: Vec<_> = fields.cloned().collect();
    let mut names = HashSet::new();
    if let Some(repeated) = fields.iter().find(|field| !names.insert(field.name())) {
        return Err(InputError::new(format!("two columns are called `{}`", repeated.name())).into());
    }
    if fields.len() > MOST_COLUMNS {
        let problem = format!("the file has {} columns, more than {MOST_COLUMNS}", fields.len());
        let help = "name the columns that the task uses in `fields` under [data]";
        return Err(InputError::new(problem).help(help).into());
    }
    let projected = Type::group_type_builder(schema.name()).with_fields(fields).build()?;
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(projected))))
}
