//! A page of a column chunk: its header, and its bytes decompressed within bounds.

use std::io::Read;

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding},
    column::page::Page,
    errors::{ParquetError, Result},
};

use super::{
    lz4,
    thrift::{I32, STRUCT, TRUE, Thrift},
};
use crate::bounded;

/// What a page contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    DataV2,
    Dictionary,
    /// An index, which readers skip.
    Other,
}

/// Header of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes after and before decompression.
    pub(super) size: usize,
    pub(super) stored: usize,
    /// Integers of the inner header by field, as numbered in Parquet's definition.
    fields: [u32; 8],
    /// Whether the values of a version 2 page are compressed.
    compressed: bool,
}

impl Header {
    /// Reads the header at the start of `bytes`, and returns it with its length.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        let mut thrift = Thrift::new(bytes);
        let (mut kind, mut size, mut stored) = (None, None, None);
        let mut header = Self { kind: Kind::Other, size: 0, stored: 0, fields: [0; 8], compressed: true };
        let read = thrift.structure(&mut |number, field, thrift| {
            match (number, field) {
                (1, I32) => kind = thrift.integer(),
                (2, I32) => size = Some(usize::try_from(thrift.integer()?).ok()?),
                (3, I32) => stored = Some(usize::try_from(thrift.integer()?).ok()?),
                (5 | 7 | 8, STRUCT) => header.inner(thrift)?,
                _ => return Some(false),
            }
            Some(true)
        });
        header.kind = match kind {
            Some(0) => Kind::Data,
            Some(2) => Kind::Dictionary,
            Some(3) => Kind::DataV2,
            _ => Kind::Other,
        };
        let (Some(()), Some(size), Some(stored), Some(_)) = (read, size, stored, kind) else {
            return Err(broken("a page has no valid header"));
        };
        Ok((Self { size, stored, ..header }, thrift.position()))
    }

    fn inner(&mut self, thrift: &mut Thrift<'_>) -> Option<()> {
        thrift.structure(&mut |number, field, thrift| {
            match (number, field) {
                (1..8, I32) => self.fields[number as usize] = u32::try_from(thrift.integer()?).ok()?,
                (7, TRUE) => self.compressed = true,
                (7, _) => self.compressed = false,
                _ => return Some(false),
            }
            Some(true)
        })
    }

    /// Returns the number of values or nulls in the page.
    pub(super) const fn values(&self) -> u32 {
        self.fields[1]
    }

    /// Returns the number of rows, which only a version 2 page knows.
    pub(super) fn rows(&self) -> Option<u32> {
        (self.kind == Kind::DataV2).then_some(self.fields[3])
    }

    /// Returns the encoding of the values.
    pub(super) fn encoding(&self) -> Result<Encoding> {
        encoding(self.fields[if self.kind == Kind::DataV2 { 4 } else { 2 }])
    }

    /// Returns the number of bytes before the values, which are levels and never compressed.
    fn levels(&self) -> usize {
        if self.kind == Kind::DataV2 { self.fields[5] as usize + self.fields[6] as usize } else { 0 }
    }

    /// Returns the page with the bytes `stored` in the file.
    pub(super) fn page(&self, stored: &Bytes, codec: Compression) -> Result<Page> {
        let levels = self.levels();
        if levels > self.size || levels > stored.len() {
            return Err(broken("the levels of a page are longer than the page"));
        }
        let buf = if self.compressed && codec != Compression::UNCOMPRESSED {
            let values = decompress(codec, &stored[levels..], self.size - levels)?;
            if levels == 0 { values.into() } else { [&stored[..levels], &values].concat().into() }
        } else {
            stored.clone()
        };
        if buf.len() != self.size {
            return Err(broken("the size of a page is not what its header says"));
        }
        let (num_values, fields) = (self.values(), self.fields);
        Ok(match self.kind {
            Kind::DataV2 => Page::DataPageV2 {
                buf,
                num_values,
                encoding: self.encoding()?,
                num_nulls: fields[2],
                num_rows: fields[3],
                def_levels_byte_len: fields[5],
                rep_levels_byte_len: fields[6],
                is_compressed: self.compressed,
                statistics: None,
            },
            Kind::Dictionary => Page::DictionaryPage { buf, num_values, encoding: self.encoding()?, is_sorted: false },
            _ => Page::DataPage {
                buf,
                num_values,
                encoding: self.encoding()?,
                def_level_encoding: encoding(fields[3])?,
                rep_level_encoding: encoding(fields[4])?,
                statistics: None,
            },
        })
    }
}

/// Decompresses `bytes` to `size` bytes at most.
pub(super) fn decompress(codec: Compression, bytes: &[u8], size: usize) -> Result<Vec<u8>> {
    let all =
        |reader: &mut dyn Read| bounded::read_all(reader, size as u64).map_err(|error| broken(&error.to_string()));
    match codec {
        _ if size == 0 => Ok(Vec::new()),
        Compression::SNAPPY => {
            let claimed = snap::raw::decompress_len(bytes).map_err(|error| broken(&error.to_string()))?;
            if claimed != size {
                return Err(broken("the size of a page is not what its header says"));
            }
            snap::raw::Decoder::new().decompress_vec(bytes).map_err(|error| broken(&error.to_string()))
        }
        Compression::GZIP(_) => all(&mut flate2::read::MultiGzDecoder::new(bytes)),
        Compression::ZSTD(_) => {
            let reader = zstd::stream::read::Decoder::new(bytes);
            all(&mut reader.map_err(|error| broken(&error.to_string()))?)
        }
        Compression::LZ4_RAW => lz4::block(bytes, size).map_err(|problem| broken(&problem)),
        Compression::LZ4 => lz4::frames(bytes, size).map_err(|problem| broken(&problem)),
        #[cfg(feature = "codecs")]
        Compression::BROTLI(_) => all(&mut brotli_decompressor::Decompressor::new(bytes, 4096)),
        other => Err(broken(&format!("it is compressed with {other}; write it with snappy, gzip, zstd or lz4"))),
    }
}

fn encoding(number: u32) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(broken(&format!("a page has the encoding {number}, which is unknown or no longer in use"))),
    })
}

pub(super) fn broken(problem: &str) -> ParquetError {
    ParquetError::General(problem.to_owned())
}
