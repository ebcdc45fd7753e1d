//! Precision of weights in memory, and the values of `--dtype`.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// Value of `--dtype`: precision of matrices in memory. On the CPU all computation is f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtype {
    /// The file's own precision; on a card f32 if memory allows.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 16-bit floats with the range of f32.
    Bf16,
    /// Quantised while loading to blocks of 32 8-bit integers with one scale.
    Q8,
}

impl Dtype {
    /// All values with their names.
    pub const NAMES: [(&'static str, Self); 5] =
        [("auto", Self::Auto), ("f32", Self::F32), ("f16", Self::F16), ("bf16", Self::Bf16), ("q8_0", Self::Q8)];

    /// Returns the precision, or `None` for [`Dtype::Auto`].
    pub(in crate::model) const fn precision(self) -> Option<Precision> {
        match self {
            Self::Auto => None,
            Self::F32 => Some(Precision::F32),
            Self::F16 => Some(Precision::F16),
            Self::Bf16 => Some(Precision::BF16),
            Self::Q8 => Some(Precision::Q8),
        }
    }
}

impl FromStr for Dtype {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let dtype = Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, dtype)| dtype);
        dtype.ok_or_else(|| Error::Unknown {
            what: "dtype",
            given: text.to_owned(),
            known: Self::NAMES.map(|(name, _)| name.to_owned()).to_vec(),
        })
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, dtype)| dtype == self).map_or("auto", |(name, _)| name);
        f.write_str(name)
    }
}

/// Precision of matrices in memory. Norms, biases and positions are always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats.
    F16,
    /// 16-bit floats with the range of f32.
    BF16,
    /// Blocks of 32 8-bit integers with one scale; matrices whose width is not a multiple of 32 stay in f32.
    Q8,
    /// The file's own precision.
    Stored,
}
