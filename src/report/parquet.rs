//! Tables as Parquet files: one row group, optional columns, Snappy compression.

use std::sync::Arc;

use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::table::{Column, Table, Values};
use crate::error::{Error, Result};

/// Returns the table as the bytes of a Parquet file.
///
/// # Errors
/// Never in practice, since it writes to memory.
pub fn bytes(table: &Table) -> Result<Vec<u8>> {
    write(table).map_err(|error| Error::Write { path: "a table".into(), source: std::io::Error::other(error) })
}

fn write(table: &Table) -> Result<Vec<u8>, ParquetError> {
    let fields = table.columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("partscope ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in &table.columns {
        match &column.values {
            Values::Text(values) => {
                let bytes = |text: &String| ByteArray::from(text.as_bytes().to_vec());
                fill::<ByteArrayType>(&mut group, &cells(values, bytes))?;
            }
            Values::Number(values) => fill::<DoubleType>(&mut group, &cells(values, |value| *value))?,
            Values::Count(values) => fill::<Int64Type>(&mut group, &cells(values, |value| *value))?,
        }
    }
    group.close()?;
    writer.into_inner()
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let physical = match column.values {
        Values::Text(_) => Physical::BYTE_ARRAY,
        Values::Number(_) => Physical::DOUBLE,
        Values::Count(_) => Physical::INT64,
    };
    let text = physical == Physical::BYTE_ARRAY;
    let builder = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(text.then_some(LogicalType::String))
        .with_converted_type(if text { ConvertedType::UTF8 } else { ConvertedType::NONE });
    builder.build().map(Arc::new)
}

/// Returns the present values, and the definition level of every row: 1 if it has a value, else 0.
fn cells<T, U>(values: &[Option<T>], convert: impl Fn(&T) -> U) -> (Vec<U>, Vec<i16>) {
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (values.iter().flatten().map(convert).collect(), levels)
}

fn fill<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    (values, levels): &(Vec<T::T>, Vec<i16>),
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, Some(levels), None)?;
        column.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };

    use super::*;

    #[test]
    fn a_written_table_can_be_read() {
        let table = Table::new()
            .text("name", ["L0.H1", "L0.MLP"])
            .number("accuracy", [Some(0.25), None])
            .count("n", [600, 601]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes(&table).unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get_string(0).unwrap(), "L0.H1");
        assert_eq!((rows[0].get_double(1).unwrap(), rows[1].get_long(2).unwrap()), (0.25, 601));
        assert!(rows[1].get_double(1).is_err(), "an empty field is null");
    }
}
