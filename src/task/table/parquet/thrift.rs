//! Reads values in Thrift's compact protocol, the encoding of Parquet's footer and page headers.
//!
//! The Parquet library has a reader of its own, but allocates what a header asks for. This one only looks, so that
//! sizes are checked before the library sees them.

/// Type codes of fields and elements.
pub(super) const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
/// Values nested deeper are rejected.
const DEEPEST: usize = 32;

/// A position in encoded bytes. Methods return `None` if the bytes are not Thrift or end too early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    /// Starts at the first of `bytes`.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the number of bytes read.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Reads an integer of 16, 32 or 64 bits.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads the head of a list: the type and the number of its elements.
    pub(super) fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Some((head & 0x0f, count))
    }

    /// Reads a structure, and passes the number and the type of each field to `read`, which returns whether it has read
    /// the value; other values are skipped.
    pub(super) fn structure(&mut self, read: &mut dyn FnMut(i64, u8, &mut Self) -> Option<bool>) -> Option<()> {
        self.fields(0, read)
    }

    fn fields(&mut self, depth: usize, read: &mut dyn FnMut(i64, u8, &mut Self) -> Option<bool>) -> Option<()> {
        let mut number = 0_i64;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Some(());
            }
            number = match head >> 4 {
                0 => self.integer()?,
                delta => number.checked_add(i64::from(delta))?,
            };
            if !read(number, kind, self)? {
                self.skip(kind, depth + 1)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.byte().map(|_| ()),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.jump(8),
            BINARY => {
                let length = self.varint()?;
                self.jump(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.element(kind, depth))
            }
            MAP => {
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| {
                    self.element(kinds >> 4, depth)?;
                    self.element(kinds & 0x0f, depth)
                })
            }
            STRUCT => self.fields(depth, &mut |_, _, _| Some(false)),
            _ => None,
        }
    }

    /// Skips an element of a list; unlike a field, a boolean takes a byte.
    fn element(&mut self, kind: u8, depth: usize) -> Option<()> {
        if matches!(kind, TRUE | FALSE) { self.byte().map(|_| ()) } else { self.skip(kind, depth + 1) }
    }

    fn jump(&mut self, length: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        self.at = (end <= self.bytes.len()).then_some(end)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_others_skipped() {
        // 1: i32 5, 2: list of two binaries, 3: struct { 1: true }, 20: i64 -2
        let bytes = [0x15, 10, 0x19, 0x28, 1, b'a', 0, 0x1c, 0x11, 0, 0x06, 40, 3, 0, 99];
        let mut thrift = Thrift::new(&bytes);
        let mut found = Vec::new();
        let read = thrift.structure(&mut |number, kind, thrift| {
            let wanted = matches!(kind, I32 | I64);
            found.push((number, if wanted { thrift.integer()? } else { 0 }));
            Some(wanted)
        });
        assert!(read.is_some());
        assert_eq!(found, [(1, 5), (2, 0), (3, 0), (20, -2)]);
        assert_eq!(thrift.position(), bytes.len() - 1);
    }

    #[test]
    fn nothing_is_read_beyond_the_end_or_deeper_than_allowed() {
        for bytes in [
            &[][..],
            &[0x15],
            &[0x15, 0x80],
            &[0x18, 5, 1, 0],
            &[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x19, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x1d, 0],
            &[0x1c; 1000],
        ] {
            assert!(Thrift::new(bytes).structure(&mut |_, _, _| Some(false)).is_none(), "{bytes:?}");
        }
    }
}
