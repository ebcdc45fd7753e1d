//! Reads the pages of a row group within bounds, in place of the library's own page reader.
//!
//! The library decompresses any page, and reserves memory for as many values as its header claims.

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, Type},
    bloom_filter::Sbbf,
    column::page::{Page, PageMetadata, PageReader},
    errors::Result,
    file::{metadata::RowGroupMetaData, reader::RowGroupReader},
    record::reader::RowIter,
    schema::types::Type as Schema,
};

use super::{
    delta,
    live::Live,
    page::{Header, Kind, broken},
};

/// Rows that the library reads at a time.
pub(super) const BATCH: usize = 64;
/// Bytes that the library takes for a value of a dictionary or of a nested column, without its text.
const VALUE: u64 = 64;

/// A row group whose pages are checked.
pub(super) struct Checked<'a> {
    pub(super) inner: Box<dyn RowGroupReader + 'a>,
    pub(super) file: Bytes,
    pub(super) live: Live,
}

impl RowGroupReader for Checked<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.inner.metadata()
    }

    fn num_columns(&self) -> usize {
        self.inner.num_columns()
    }

    fn get_column_page_reader(&self, column: usize) -> Result<Box<dyn PageReader>> {
        let chunk = self.metadata().column(column);
        let (start, length) = chunk.byte_range();
        let end = start.checked_add(length).filter(|&end| end <= self.file.len() as u64);
        let end = end.ok_or_else(|| broken("a column lies beyond the end of the file"))?;
        let descriptor = chunk.column_descr();
        Ok(Box::new(Pages {
            bytes: self.file.slice(start as usize..end as usize),
            column,
            codec: chunk.compression(),
            texts: descriptor.physical_type() == Type::BYTE_ARRAY,
            longest: u64::try_from(descriptor.type_length()).unwrap_or(0),
            levels: [descriptor.max_rep_level(), descriptor.max_def_level()],
            live: self.live.clone(),
        }))
    }

    fn get_column_bloom_filter(&self, column: usize) -> Option<&Sbbf> {
        self.inner.get_column_bloom_filter(column)
    }

    fn get_row_iter(&self, projection: Option<Schema>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The pages of a column that are not read yet.
struct Pages {
    bytes: Bytes,
    column: usize,
    codec: Compression,
    /// Whether values have a length of their own.
    texts: bool,
    /// Bytes of the longest value in the dictionary, or of any value if all have the same length.
    longest: u64,
    /// Maximum levels of repetition and definition.
    levels: [i16; 2],
    live: Live,
}

impl Pages {
    /// Returns the header of the next page that is not an index, and the position of its bytes.
    fn header(&mut self) -> Result<Option<(Header, usize)>> {
        while !self.bytes.is_empty() {
            let (header, start) = Header::read(&self.bytes)?;
            if header.stored > self.bytes.len() - start {
                return Err(broken("a page lies beyond the end of its column"));
            }
            if header.kind != Kind::Other {
                return Ok(Some((header, start)));
            }
            self.bytes = self.bytes.slice(start + header.stored..);
        }
        Ok(None)
    }

    /// Charges a page before it is decompressed.
    fn charge(&self, header: &Header) -> Result<()> {
        let (size, values) = (header.size as u64, u64::from(header.values()));
        if header.kind == Kind::Dictionary {
            return self.live.dictionary(size + values * VALUE);
        }
        let value = if self.levels[0] > 0 { VALUE + self.longest } else { 8 };
        // Each text may repeat the one before it.
        let copies = if header.encoding()? == Encoding::DELTA_BYTE_ARRAY { BATCH as u64 } else { 1 };
        self.live.page(self.column, values.saturating_mul(value).saturating_add(size * copies))
    }

    /// Checks the values of a page, and remembers the longest one of a dictionary.
    fn check(&mut self, page: &Page) -> Result<()> {
        match page {
            Page::DictionaryPage { buf, .. } if self.texts => self.longest = longest(buf),
            Page::DictionaryPage { .. } => {}
            Page::DataPage { buf, encoding, num_values, .. } => {
                let mut at = 0;
                for _ in self.levels.iter().filter(|&&most| most > 0) {
                    at += 4 + length(buf.get(at..).unwrap_or_default()).unwrap_or(buf.len());
                }
                delta::check(*encoding, buf.get(at..).unwrap_or_default(), *num_values)?;
            }
            Page::DataPageV2 { buf, encoding, num_values, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let at = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                delta::check(*encoding, buf.get(at..).unwrap_or_default(), *num_values)?;
            }
        }
        Ok(())
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some((header, start)) = self.header()? else { return Ok(None) };
        self.charge(&header)?;
        let stored = self.bytes.slice(start..start + header.stored);
        self.bytes = self.bytes.slice(start + header.stored..);
        let page = header.page(&stored, self.codec)?;
        self.check(&page)?;
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let Some((header, _)) = self.header()? else { return Ok(None) };
        let is_dict = header.kind == Kind::Dictionary;
        let num_levels = (!is_dict).then_some(header.values() as usize);
        Ok(Some(PageMetadata { num_rows: header.rows().map(|rows| rows as usize), num_levels, is_dict }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some((header, start)) = self.header()? {
            self.bytes = self.bytes.slice(start + header.stored..);
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// Returns the length at the start of `bytes`.
fn length(bytes: &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?) as usize)
}

/// Returns the length of the longest of the texts in `bytes`, each after its length.
fn longest(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some(length) = length(bytes) {
        let Some(rest) = bytes.get(4 + length..) else { break };
        longest = longest.max(length as u64);
        bytes = rest;
    }
    longest
}
