//! What weights are kept as in memory, as `--dtype` names it.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// What matrices are kept as; all computation is f32 but for quantised products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtype {
    /// f32 where memory allows, else as the file has them; quantised files stay quantised.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits.
    F16,
    /// 16 bits with the range of f32.
    Bf16,
    /// Quantised while loading: blocks of 32 bytes with one scale.
    Q8,
}

impl Dtype {
    /// All of them, by name.
    pub const NAMES: [(&'static str, Self); 5] =
        [("auto", Self::Auto), ("f32", Self::F32), ("f16", Self::F16), ("bf16", Self::Bf16), ("q8_0", Self::Q8)];

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
        let found = Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, dtype)| dtype);
        found.ok_or_else(|| Error::Unknown {
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

/// What matrices are kept as. Norms, biases and positions are always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Half precision.
    F16,
    /// Half precision with the range of f32.
    BF16,
    /// Blocks of 32 bytes with one scale; matrices whose width is no multiple of 32 stay in f32.
    Q8,
    /// As the file has them.
    Own,
}
