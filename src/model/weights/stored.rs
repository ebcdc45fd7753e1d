//! Description of tensors in checkpoint files: position, shape, number format.

use super::Precision;
use crate::model::blocks::BlockType;

/// A tensor in a checkpoint file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Index of the file in the checkpoint.
    pub(super) shard: usize,
    /// Offset of the first byte in that file.
    pub(super) offset: u64,
    /// Length in bytes; always matches `shape` and `numbers`.
    pub(super) length: usize,
    /// Shape, rows first.
    pub shape: Vec<usize>,
    /// Number format.
    pub numbers: Numbers,
    /// Order of the rows in the file, if it differs.
    pub(super) reorder: Option<Reorder>,
    /// Constant added to every value.
    pub(super) shift: f32,
    /// Whether the file has the transposed matrix.
    pub(super) transposed: bool,
}

/// Row orders in files that differ from those in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reorder {
    /// Rows of the two halves of each head alternate, or of the two halves of its first `rotated` rows.
    Pairs { heads: usize, rotated: Option<usize> },
    /// Queries of all heads, then keys, then values; in memory, each key/value head's queries are followed by its key and
    /// its value.
    Fused { heads: usize, kv_heads: usize },
}

impl Reorder {
    /// Index in the file of row `row` of `rows`.
    pub(in crate::model) fn row_in_file(self, row: usize, rows: usize) -> usize {
        match self {
            Self::Pairs { heads, rotated } => {
                let width = rows / heads;
                let (within, half) = (row % width, rotated.unwrap_or(width) / 2);
                if within >= 2 * half {
                    return row;
                }
                row - within + (within % half) * 2 + within / half
            }
            Self::Fused { heads, kv_heads } => {
                let width = rows / (heads + 2 * kv_heads);
                let each = heads / kv_heads;
                let (group, within) = (row / ((each + 2) * width), row % ((each + 2) * width));
                let head = match within / width {
                    query if query < each => group * each + query,
                    key if key == each => heads + group,
                    _ => heads + kv_heads + group,
                };
                head * width + within % width
            }
        }
    }

    /// Whether `rows` rows can be in this order.
    pub(super) fn fits(self, rows: usize) -> bool {
        match self {
            Self::Pairs { heads, rotated: None } => heads > 0 && heads <= rows && rows.is_multiple_of(2 * heads),
            Self::Pairs { heads, rotated: Some(rotated) } => {
                heads > 0 && rows.is_multiple_of(heads) && rotated > 0 && rotated <= rows / heads
            }
            Self::Fused { heads, kv_heads } => {
                let most = rows.min(1 << 16);
                (1..=most).contains(&heads)
                    && (1..=heads).contains(&kv_heads)
                    && heads.is_multiple_of(kv_heads)
                    && rows.is_multiple_of(heads + 2 * kv_heads)
            }
        }
    }
}

impl Stored {
    /// Creates a tensor in the first file of a checkpoint.
    pub(crate) const fn new(offset: u64, length: usize, shape: Vec<usize>, numbers: Numbers) -> Self {
        Self { shard: 0, offset, length, shape, numbers, reorder: None, shift: 0.0, transposed: false }
    }

    /// Returns entry `index` along the first dimension.
    pub(crate) fn slice(&self, index: usize) -> Self {
        let length = self.length / self.shape[0];
        let offset = self.offset + (index * length) as u64;
        Self { offset, length, shape: self.shape[1..].to_vec(), ..self.clone() }
    }

    /// Makes a matrix of one row of a vector.
    pub(crate) fn into_row(mut self) -> Self {
        self.shape.insert(0, 1);
        self
    }

    /// Places the tensor in file `index` of the checkpoint.
    pub(crate) fn in_file(self, index: usize) -> Self {
        Self { shard: index, ..self }
    }

    /// Sets the order of the rows in the file.
    pub(crate) fn with_order(self, order: Reorder) -> Self {
        Self { reorder: Some(order), ..self }
    }

    /// Sets the constant added to every value.
    pub(crate) fn with_shift(self, shift: f32) -> Self {
        Self { shift, ..self }
    }

    /// Marks the matrix as transposed in the file and reverses its shape.
    pub(crate) fn transposed(mut self) -> Self {
        self.shape.reverse();
        Self { transposed: true, ..self }
    }

    /// Number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Format in memory of a matrix loaded at `precision`; `width` is the length of its rows in memory.
    pub(super) fn in_memory(&self, precision: Precision, width: usize) -> Numbers {
        let stored = match self.numbers {
            Numbers::Blocks(kind) if self.shift == 0.0 => Numbers::Blocks(kind),
            _ => Numbers::F32,
        };
        match precision {
            Precision::F16 => Numbers::Blocks(BlockType::F16),
            Precision::BF16 => Numbers::Blocks(BlockType::BF16),
            Precision::Q8 if width.is_multiple_of(BlockType::Q8_0.values()) => Numbers::Blocks(BlockType::Q8_0),
            Precision::F32 | Precision::Q8 => Numbers::F32,
            Precision::Stored => stored,
        }
    }

    /// Bytes in memory at `precision`.
    pub fn bytes_in_memory(&self, precision: Precision) -> u64 {
        if matches!(self.numbers, Numbers::Other(_)) {
            return self.length as u64;
        }
        let width = if self.transposed { self.shape.first() } else { self.shape.last() };
        let numbers =
            if self.shape.len() > 1 { self.in_memory(precision, width.copied().unwrap_or(0)) } else { Numbers::F32 };
        numbers.bytes(self.elements()).map_or(u64::MAX, |bytes| bytes as u64)
    }
}

/// Number format of a tensor, in a file or in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// 32-bit floats.
    F32,
    /// Half precision, or quantised, in blocks along rows.
    Blocks(BlockType),
    /// An unsupported format, with its bits per value.
    Other(usize),
}

impl Numbers {
    /// Short name, as in `run.json`.
    pub fn name(self) -> String {
        match self {
            Self::F32 => "f32".to_owned(),
            Self::Blocks(kind) => kind.name().to_owned(),
            Self::Other(bits) => format!("{bits}-bit"),
        }
    }

    /// Computes the bytes of `elements` values; `None` if they do not fill whole blocks or the result overflows.
    pub fn bytes(self, elements: usize) -> Option<usize> {
        match self {
            Self::F32 => elements.checked_mul(4),
            Self::Blocks(kind) => kind.bytes(elements),
            Self::Other(bits) => elements.checked_mul(bits).map(|bits| bits / 8),
        }
    }

    /// Decodes `bytes`, whole blocks, to f32.
    ///
    /// # Errors
    /// Returns a message if the format is not supported.
    pub fn to_f32(self, bytes: &[u8]) -> Result<Vec<f32>, String> {
        match self {
            Self::F32 => Ok(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()),
            Self::Blocks(kind) => {
                let mut values = vec![0.0; bytes.len() / kind.size() * kind.values()];
                let columns = values.len();
                kind.unpack(bytes, &mut values, columns);
                Ok(values)
            }
            Self::Other(_) => Err("weights of this type are not supported; use f32, f16 or bf16".to_owned()),
        }
    }
}

/// Transposes a matrix `[rows, columns]` of values of `width` bytes.
pub(super) fn transpose(bytes: &[u8], rows: usize, columns: usize, width: usize) -> Vec<u8> {
    let value = |row: usize, column: usize| (row * columns + column) * width;
    let mut out = Vec::with_capacity(bytes.len());
    for column in 0..columns {
        for row in 0..rows {
            let at = value(row, column);
            out.extend_from_slice(&bytes[at..at + width]);
        }
    }
    out
}
