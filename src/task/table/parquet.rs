//! Parquet, the format in which the Hugging Face hub serves every data set.

use std::path::Path;

use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use serde_json::{Map, Value};

use super::row::{DataRow, Slice, Take};
use crate::{
    disk::{is_lfs_pointer, lfs_pointer},
    error::InputError,
    task::diagnostics::Diagnostics,
};

pub(super) fn read(path: &Path, bytes: &[u8], slice: Slice, diagnostics: &mut Diagnostics, take: Take<'_>) {
    if is_lfs_pointer(bytes) {
        return diagnostics.push(lfs_pointer(path));
    }
    if let Err(error) = rows(bytes.to_vec(), slice, &mut |row| take(row, diagnostics)) {
        diagnostics.push(InputError::new(format!("the Parquet file cannot be read: {error}")).path(path));
    }
}

fn rows(bytes: Vec<u8>, slice: Slice, take: &mut dyn FnMut(DataRow)) -> Result<(), ParquetError> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes))?;
    let end = slice.to.unwrap_or(usize::MAX);
    for (row, columns) in reader.get_row_iter(None)?.take(end).enumerate().skip(slice.from) {
        take(DataRow { line: row + 1, columns: object(columns?.into_columns()) });
    }
    Ok(())
}

fn object(columns: Vec<(String, Field)>) -> Map<String, Value> {
    columns.into_iter().map(|(name, field)| (name, value(field))).collect()
}

/// Converts a value to JSON; types without a JSON counterpart become text.
fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into(),
        Field::Group(row) => object(row.into_columns()).into(),
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect(),
        other => other.to_string().into(),
    }
}
