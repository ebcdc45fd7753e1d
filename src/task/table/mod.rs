//! Reads tables of examples from JSON lines, CSV, TSV and Parquet, as rows with named columns. Text files may be
//! compressed.
//!
//! Readers collect errors instead of stopping at the first, so that `tasks check` can show all of them.

mod compressed;
mod delimited;
mod json;
mod parquet;
mod row;
mod text;

use std::path::Path;

pub(super) use compressed::without_ending;
pub(super) use json::plain;
pub(super) use parquet::metadata;
pub(super) use row::{Columns, DataRow, Format, Slice, Take};
pub(crate) use text::decode;

use super::diagnostics::Diagnostics;
use crate::{data_memory::Memory, error::InputError};

/// Passes the rows of `bytes` to `take` one by one, until they take more than `memory`. The extension of `path`, before
/// that of a compressed file, gives the format; errors name `path`.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    (format, slice, columns): (&Format, Slice, Columns<'_>),
    memory: &mut Memory,
    diagnostics: &mut Diagnostics,
    take: Take<'_>,
) {
    let name = without_ending(path);
    let ending = name.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    if ending == "parquet" {
        return parquet::read(path, bytes, (slice, columns), memory, diagnostics, take);
    }
    let known = ["jsonl", "ndjson", "json", "csv", "tsv"];
    if !known.contains(&ending.as_str()) {
        let problem = format!("`.{ending}` is not the extension of a table");
        let help =
            "use a .jsonl, .csv, .tsv or .parquet file; text files may be compressed, as in .jsonl.gz or .csv.zst";
        diagnostics.push(InputError::new(problem).path(path).help(help));
        return;
    }
    let text = match text::decode(path, bytes) {
        Ok(text) => text,
        Err(error) => {
            diagnostics.push(error);
            return;
        }
    };
    let for_part = memory.for_part();
    let take = &mut |row: DataRow, diagnostics: &mut Diagnostics| match memory.hold(&row.columns) {
        Ok(()) => {
            take(row, diagnostics);
            !diagnostics.are_enough()
        }
        Err(error) => {
            diagnostics.push(error.path(path).line(row.line));
            false
        }
    };
    match ending.as_str() {
        "csv" => delimited::read(path, &text, format, (b',', true), slice, diagnostics, take),
        "tsv" => delimited::read(path, &text, format, (b'\t', false), slice, diagnostics, take),
        _ => json::read(path, &text, (ending == "json", for_part), slice, diagnostics, take),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rows(name: &str, bytes: &[u8], format: &Format) -> (Vec<DataRow>, Vec<String>) {
        let mut diagnostics = Diagnostics::default();
        let mut rows = Vec::new();
        let how = (format, Slice::default(), Columns::All);
        let memory = &mut Memory::new(1 << 20);
        read(Path::new(name), bytes, how, memory, &mut diagnostics, &mut |row, _| rows.push(row));
        (rows, diagnostics.messages())
    }

    fn row(line: usize, columns: &[(&str, &str)]) -> DataRow {
        let columns = columns.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect();
        DataRow { line, columns }
    }

    #[test]
    fn all_text_formats_and_encodings_give_the_same_rows() {
        let expected = [row(2, &[("text", "a \"b\", c"), ("label", "x")]), row(3, &[("text", "d"), ("label", "y")])];
        let csv = "text,label\n\"a \"\"b\"\", c\",x\nd,y\n";
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
        };
        for (name, bytes) in [
            ("a.csv", csv.as_bytes().to_vec()),
            ("a.CSV", format!("\u{feff}{csv}").into_bytes()),
            ("a.csv", csv.replace('\n', "\r\n").into_bytes()),
            ("a.csv", utf16(csv, u16::to_le_bytes)),
            ("a.csv", utf16(csv, u16::to_be_bytes)),
            ("a.tsv", b"text\tlabel\na \"b\", c\tx\nd\ty\n".to_vec()),
            (
                "a.jsonl",
                b"\n{\"text\": \"a \\\"b\\\", c\", \"label\": \"x\"}\n{\"text\": \"d\", \"label\": \"y\"}".to_vec(),
            ),
        ] {
            let (rows, diagnostics) = rows(name, &bytes, &Format::default());
            assert_eq!((rows.as_slice(), diagnostics), (&expected[..], vec![]), "{name}");
        }
    }

    #[test]
    fn compressed_files_give_the_same_rows() {
        use compressed::tests::{gzip, zstandard};
        let expected = [row(2, &[("text", "a"), ("label", "x")])];
        let utf16: Vec<u8> = "\u{feff}text,label\na,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (name, bytes) in [
            ("a.csv", b"text,label\na,x\n".to_vec()),
            ("a.csv", utf16),
            ("a.tsv", b"text\tlabel\na\tx\n".to_vec()),
            ("a.jsonl", b"\n{\"text\": \"a\", \"label\": \"x\"}".to_vec()),
        ] {
            for (ending, bytes) in [("gz", gzip(&bytes)), ("zst", zstandard(&bytes)), ("GZ", gzip(&bytes))] {
                let name = format!("{name}.{ending}");
                assert_eq!(rows(&name, &bytes, &Format::default()), (expected.to_vec(), vec![]), "{name}");
            }
            assert_eq!(rows(name, &gzip(&bytes), &Format::default()).0, expected, "{name} without the ending");
        }
        let list = gzip(b"[{\"text\": \"a\", \"label\": \"x\"}]");
        assert_eq!(rows("a.json.gz", &list, &Format::default()).0, [row(1, &[("text", "a"), ("label", "x")])]);
    }

    #[test]
    fn column_names_can_be_given_for_files_without_a_header() {
        let format = Format { columns: Some(vec!["label".into(), "text".into()]), ..Format::default() };
        let (rows, diagnostics) = rows("a.tsv", b"x\ta\ny\tb\n", &format);
        assert_eq!(rows, [row(1, &[("label", "x"), ("text", "a")]), row(2, &[("label", "y"), ("text", "b")])]);
        assert!(diagnostics.is_empty());
    }

    #[test]
    fn slices_count_rows_and_stop_early() {
        let text = b"{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\nnot read";
        let mut diagnostics = Diagnostics::default();
        let slice = Slice { from: 1, to: Some(3) };
        let mut lines = Vec::new();
        let take = &mut |row: DataRow, _: &mut Diagnostics| lines.push(row.line);
        let how = (&Format::default(), slice, Columns::All);
        read(Path::new("a.jsonl"), text, how, &mut Memory::new(1 << 20), &mut diagnostics, take);
        assert_eq!(lines, [2, 3]);
        assert!(diagnostics.messages().is_empty());
    }

    #[test]
    fn a_file_full_of_errors_is_not_read_to_its_end() {
        for (name, text) in [
            ("a.jsonl", "1\n".repeat(30_000)),
            ("a.csv", format!("a,b\n{}", "1\n".repeat(30_000))),
            ("a.json", format!("[{}{{}}]", "{},".repeat(30_000))),
        ] {
            let (mut diagnostics, mut taken) = (Diagnostics::default(), 0);
            let how = (&Format::default(), Slice::default(), Columns::All);
            let error = || InputError::new("wrong");
            let memory = &mut Memory::new(1 << 28);
            read(Path::new(name), text.as_bytes(), how, memory, &mut diagnostics, &mut |_, found| {
                taken += 1;
                found.push(error());
            });
            assert!(taken <= 10_000, "{name}: {taken}");
            assert!(diagnostics.messages().last().unwrap().contains("at least 9995 more"), "{name}");
        }
    }

    #[test]
    fn errors_name_their_line() {
        for (name, bytes, expected) in [
            ("a.csv", &b"text,label\na,b,c\nd,e\nf\n"[..], vec!["a.csv, line 2: ", "a.csv, line 4: "]),
            ("a.csv", b"text,text\n", vec!["two columns are called `text`"]),
            ("a.csv", b"", vec!["no header"]),
            ("a.csv", b"text,label\na,\xff\n", vec!["a.csv, line 2: the text is not UTF-8"]),
            ("a.csv", b"text,label\na,\0b\n", vec!["a.csv, line 2: there is a NUL byte"]),
            ("a.jsonl", b"{\"a\": 1}\n{\"a\": }\n[1]\n", vec!["a.jsonl, line 2, column 7", "a.jsonl, line 3"]),
            ("a.jsonl", b"{\"a\": 1, \"b\": 2, \"a\": 1}\n", vec!["a.jsonl, line 1, column 24: "]),
            ("a.json", b"[{\"a\": 1, \"a\": 2}]", vec!["two values are called `a`"]),
            ("a.parquet", b"PAR1", vec!["a.parquet: "]),
            ("a.xlsx", b"", vec!["`.xlsx` is not the extension"]),
            ("a.gz", b"", vec!["`.` is not the extension"]),
            ("a.csv.gz", b"text,label\n", vec!["the content is not compressed"]),
        ] {
            let (_, diagnostics) = rows(name, bytes, &Format::default());
            assert_eq!(diagnostics.len(), expected.len(), "{diagnostics:?}");
            for (mistake, expected) in diagnostics.iter().zip(expected) {
                assert!(mistake.contains(expected), "{mistake}");
            }
        }
    }

    #[test]
    fn rows_beyond_the_memory_are_one_error() {
        let rows = |line: &str| line.repeat(1000);
        let list = format!("[{}{{}}]", rows("{\"text\": \"a\"},\n"));
        for (name, text) in [("a.csv", rows("text\n")), ("a.jsonl", rows("{\"text\": \"a\"}\n")), ("a.json", list)] {
            let (mut diagnostics, mut taken) = (Diagnostics::default(), 0);
            let how = (&Format::default(), Slice::default(), Columns::All);
            let memory = &mut Memory::new(10_000);
            read(Path::new(name), text.as_bytes(), how, memory, &mut diagnostics, &mut |_, _| taken += 1);
            let messages = diagnostics.messages();
            assert!(taken > 10 && taken < 40, "{name}: {taken}");
            assert!(messages.len() == 1 && messages[0].contains("more than 10 kB of memory"), "{messages:?}");
        }
    }

    #[test]
    fn a_very_long_line_is_rejected() {
        let long = vec![b'a'; text::LONGEST_LINE + 2];
        let (_, diagnostics) = rows("a.csv", &[b"text,label\n".as_slice(), &long].concat(), &Format::default());
        assert!(diagnostics[0].contains("line 2: the line has"), "{diagnostics:?}");
    }
}
