//! Files made to hurt: each must give its rows, or one error, within the memory that is allowed.

use std::{collections::HashSet, time::Instant};

use parquet::{
    basic::{Compression, Encoding, GzipLevel, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    file::{
        properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};
use serde_json::{Value, json};

use super::*;

/// Values of a column with its levels of definition and repetition.
type Levels = (Vec<i16>, Vec<i16>);

enum Column {
    Texts(Vec<ByteArray>, Option<Levels>),
    Days(Vec<i32>),
    Moments(Vec<i64>),
}

fn texts(values: &[&str]) -> Column {
    Column::Texts(values.iter().map(|text| ByteArray::from(*text)).collect(), None)
}

fn gzip() -> Compression {
    Compression::GZIP(GzipLevel::default())
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

fn file(
    schema: &str,
    groups: Vec<Vec<Column>>,
    how: impl Fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder,
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {schema} }}")).unwrap());
    let properties = Arc::new(how(WriterProperties::builder()).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut writer = group.next_column().unwrap().unwrap();
            match column {
                Column::Texts(values, levels) => {
                    let (definition, repetition) = levels.unzip();
                    let writer = writer.typed::<ByteArrayType>();
                    writer.write_batch(&values, definition.as_deref(), repetition.as_deref()).unwrap();
                }
                Column::Days(values) => write::<Int32Type>(&mut writer, &values),
                Column::Moments(values) => write::<Int64Type>(&mut writer, &values),
            }
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn write<T: DataType>(writer: &mut parquet::file::writer::SerializedColumnWriter<'_>, values: &[T::T]) {
    writer.typed::<T>().write_batch(values, None, None).unwrap();
}

fn read_within(limit: u64, bytes: &[u8], slice: Slice, columns: Columns<'_>) -> Result<Vec<Value>, String> {
    let (mut diagnostics, mut found) = (Diagnostics::default(), Vec::new());
    let mut memory = Memory::new(limit);
    read(Path::new("a.parquet"), bytes, (slice, columns), &mut memory, &mut diagnostics, &mut |row, _| {
        found.push(Value::Object(row.columns));
    });
    match diagnostics.into_first() {
        None => Ok(found),
        Some(error) => Err(error.to_string()),
    }
}

fn all(bytes: &[u8]) -> Result<Vec<Value>, String> {
    read_within(64_000_000, bytes, Slice::default(), Columns::All)
}

#[test]
fn dates_far_away_are_texts() {
    let schema =
        "required int32 day (DATE); required int64 milli (TIMESTAMP_MILLIS); required int64 micro (TIMESTAMP_MICROS);";
    let moments = vec![0, i64::MAX, i64::MIN];
    let columns =
        vec![Column::Days(vec![0, i32::MAX, i32::MIN]), Column::Moments(moments.clone()), Column::Moments(moments)];
    let rows = all(&file(schema, vec![columns], |how| how)).unwrap();
    assert_eq!(
        rows[0],
        json!({"day": "1970-01-01", "milli": "1970-01-01 00:00:00.000 +00:00", "micro": "1970-01-01 00:00:00.000000 +00:00"})
    );
    assert_eq!((&rows[1]["day"], &rows[2]["day"]), (&json!("+5881580-07-11"), &json!("-5877641-06-23")));
    assert_eq!(rows[2]["milli"], "-292275055-05-16 16:47:04.192 +00:00");
}

#[test]
fn bytes_that_are_no_text_and_two_columns_of_one_name_are_errors() {
    let raw = Column::Texts(vec![ByteArray::from(b"fine".to_vec()), ByteArray::from(b"a\xff".to_vec())], None);
    let message = all(&file("required binary text;", vec![vec![raw]], |how| how)).unwrap_err();
    assert!(message.contains("line 2: the text is not UTF-8"), "{message}");
    let twice = vec![texts(&["a"]), texts(&["b"])];
    let schema = "required binary text (UTF8); required binary text (UTF8);";
    let message = all(&file(schema, vec![twice], |how| how)).unwrap_err();
    assert!(message.contains("two columns are called `text`"), "{message}");
}

#[test]
fn a_small_dictionary_does_not_fill_the_memory() {
    let long = ByteArray::from("x".repeat(20_000).as_str());
    let bytes = file("required binary text (UTF8);", vec![vec![Column::Texts(vec![long; 100_000], None)]], |how| how);
    assert!(bytes.len() < 40_000, "{}", bytes.len());
    let message = all(&bytes).unwrap_err();
    assert!(message.contains("the rows of the task take more than 64 MB"), "{message}");
    assert!(message.contains("train.jsonl[:10000]") && message.contains("PARTSCOPE_MAX_DATA=4GB"), "{message}");
    let rows = read_within(64_000_000, &bytes, Slice { from: 0, to: Some(1000) }, Columns::All).unwrap();
    assert_eq!((rows.len(), rows[999]["text"].as_str().unwrap().len()), (1000, 20_000));
}

#[test]
fn a_row_of_countless_values_does_not_fill_the_memory() {
    let long = ByteArray::from("x".repeat(10_000).as_str());
    let count = 200_000;
    let levels = (vec![1; count], [&[0][..], &vec![1; count - 1]].concat());
    let column = Column::Texts(vec![long; count], Some(levels));
    let bytes = file("repeated binary text (UTF8);", vec![vec![column]], |how| how);
    assert!(bytes.len() < 40_000, "{}", bytes.len());
    let message = all(&bytes).unwrap_err();
    assert!(message.contains("pages can take more than 32 MB of memory at once"), "{message}");
}

#[test]
fn a_page_expands_within_the_limit_only() {
    for codec in [zstd(), gzip(), Compression::SNAPPY] {
        let mut zeros = vec![0; 64 << 20];
        let compressed = match codec {
            Compression::ZSTD(_) => zstd::stream::encode_all(&zeros[..], 1).unwrap(),
            Compression::SNAPPY => snap::raw::Encoder::new().compress_vec(&zeros).unwrap(),
            _ => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(
                    &mut flate2::read::GzEncoder::new(&zeros[..], flate2::Compression::fast()),
                    &mut bytes,
                )
                .unwrap();
                bytes
            }
        };
        assert!(page::decompress(codec, &compressed, 1000).is_err(), "{codec}");
        assert!(page::decompress(codec, &compressed, zeros.len() + 1).map_or(true, |bytes| bytes == zeros), "{codec}");
        assert!(page::decompress(codec, &compressed, zeros.len()).unwrap() == zeros, "{codec}");
        zeros.truncate(10);
    }
    let zeros = vec![ByteArray::from(vec![0; 40 << 20])];
    let plain = |how: WriterPropertiesBuilder| how.set_dictionary_enabled(false).set_compression(zstd());
    let bytes = file("required binary text;", vec![vec![Column::Texts(zeros, None)]], plain);
    assert!(bytes.len() < 40_000, "{}", bytes.len());
    assert!(all(&bytes).unwrap_err().contains("pages can take more than 32 MB"), "{:?}", all(&bytes));
}

#[test]
fn every_encoding_and_codec_gives_the_same_rows() {
    let words: Vec<String> = (0..3000).map(|i| format!("example number {}", i % 1000)).collect();
    let values: Vec<ByteArray> = words.iter().map(|text| ByteArray::from(text.as_str())).collect();
    let expected: Vec<Value> =
        (0..1500).map(|i| json!({"text": words[i], "tag": [words[2 * i], words[2 * i + 1]]})).collect();
    let encodings = [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
    for encoding in encodings.map(Some).into_iter().chain([None]) {
        for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip(), zstd()] {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                let how = |how: WriterPropertiesBuilder| {
                    let how = how.set_compression(codec).set_writer_version(version);
                    let how = how.set_data_page_row_count_limit(700).set_write_batch_size(100);
                    match encoding {
                        Some(encoding) => how.set_dictionary_enabled(false).set_encoding(encoding),
                        None => how,
                    }
                };
                let flat = Column::Texts(values[..1500].to_vec(), Some((vec![1; 1500], vec![0; 1500])));
                let repetition = (0..3000).map(|i| i % 2).collect();
                let nested = Column::Texts(values.clone(), Some((vec![1; 3000], repetition)));
                let schema = "optional binary text (UTF8); repeated binary tag (UTF8);";
                let rows = all(&file(schema, vec![vec![flat, nested]], how)).unwrap();
                assert!(rows == expected, "{encoding:?} {codec} {version:?}");
            }
        }
    }
}

#[test]
fn only_needed_columns_are_read() {
    let schema = "required binary text (UTF8); required binary label (UTF8); required binary image;";
    let marked = "never to be decoded";
    let mut bytes = file(schema, vec![vec![texts(&["a", "b"]), texts(&["x", "y"]), texts(&[marked, "!"])]], |how| how);
    let at = bytes.windows(marked.len()).position(|part| part == marked.as_bytes()).unwrap();
    bytes[at - 4..at].fill(0xff);
    assert!(all(&bytes).is_err());
    let required: HashSet<&str> = ["text", "label"].into();
    let named = Columns::Named { required: &required, optional: &["id"] };
    let rows = read_within(1 << 20, &bytes, Slice::default(), named).unwrap();
    assert_eq!(rows, [json!({"text": "a", "label": "x"}), json!({"text": "b", "label": "y"})]);
    let required: HashSet<&str> = ["sentence"].into();
    let fine = file("required binary text (UTF8);", vec![vec![texts(&["a"])]], |how| how);
    let missing = Columns::Named { required: &required, optional: &["id"] };
    assert_eq!(read_within(1 << 20, &fine, Slice::default(), missing).unwrap(), [json!({"text": "a"})]);
}

#[test]
fn ranges_skip_row_groups() {
    let groups = (0..4).map(|group| vec![texts(&[["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]][group])]).collect();
    let mut bytes = file("required binary text (UTF8);", groups, |how| how);
    let at = bytes.iter().position(|&byte| byte == b'a').unwrap();
    bytes[at - 4..at].fill(0xff);
    let rows = read_within(1 << 20, &bytes, Slice { from: 3, to: Some(6) }, Columns::All).unwrap();
    assert_eq!(rows, ["d", "e", "f"].map(|text| json!({"text": text})));
    assert!(all(&bytes).is_err());
}

#[test]
fn damage_anywhere_is_an_error_or_changes_values_only() {
    let schema = "required binary text (UTF8); required int32 day (DATE); repeated binary tag (UTF8);";
    let tags = Column::Texts(vec![ByteArray::from("t"); 3], Some((vec![1; 3], vec![0, 1, 0])));
    let bytes = file(schema, vec![vec![texts(&["a", "b"]), Column::Days(vec![1, 2]), tags]], |how| how);
    assert_eq!(all(&bytes).unwrap()[0], json!({"text": "a", "day": "1970-01-02", "tag": ["t", "t"]}));
    let start = Instant::now();
    for at in 0..bytes.len() {
        for flip in [1, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let _ = all(&bytes);
        }
        let _ = all(&bytes[..at]);
    }
    assert!(start.elapsed().as_secs() < 60);
}
