//! The block types: names, numbers in GGUF files, sizes.

use super::{
    codebooks::{Iq4Nl, Iq4Xs, Mxfp4},
    k_quants::{Q2K, Q3K, Q4K, Q5K, Q6K},
    plain::{Bf16, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0},
    unpack::Unpack,
};

macro_rules! block_types {
    ($($(#[$doc:meta])* $name:ident, $kind:ident, $ggml:literal, $text:literal;)*) => {
        /// Type of the blocks of a weight matrix.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum BlockType { $($(#[$doc])* $name,)* }

        impl BlockType {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns its name, as in `run.json`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the type with the number `ggml` in GGUF files.
            pub const fn from_ggml(ggml: u32) -> Option<Self> {
                match ggml { $($ggml => Some(Self::$name),)* _ => None }
            }

            /// Returns the number of values in a block.
            pub const fn values(self) -> usize {
                match self { $(Self::$name => <$kind as Unpack>::VALUES,)* }
            }

            /// Returns the number of bytes of a block.
            pub const fn size(self) -> usize {
                match self { $(Self::$name => <$kind as Unpack>::BYTES,)* }
            }

            /// Unpacks `bytes`, whole rows, to `out`, rows of `columns` values, on the calling thread.
            pub fn unpack(self, bytes: &[u8], out: &mut [f32], columns: usize) {
                match self { $(Self::$name => super::unpack::rows::<$kind>(bytes, out, columns),)* }
            }
        }
    };
}

block_types! {
    /// 16-bit floats.
    F16, F16, 1, "f16";
    /// 16-bit floats with the range of f32.
    BF16, Bf16, 30, "bf16";
    /// 32 4-bit integers and a scale.
    Q4_0, Q4_0, 2, "q4_0";
    /// 32 4-bit integers, a scale and a minimum.
    Q4_1, Q4_1, 3, "q4_1";
    /// 32 5-bit integers and a scale.
    Q5_0, Q5_0, 6, "q5_0";
    /// 32 5-bit integers, a scale and a minimum.
    Q5_1, Q5_1, 7, "q5_1";
    /// 32 8-bit integers and a scale.
    Q8_0, Q8_0, 8, "q8_0";
    /// 256 2-bit integers; scales and minima per 16.
    Q2K, Q2K, 10, "q2_k";
    /// 256 3-bit integers; scales per 16.
    Q3K, Q3K, 11, "q3_k";
    /// 256 4-bit integers; scales and minima per 32.
    Q4K, Q4K, 12, "q4_k";
    /// 256 5-bit integers; scales and minima per 32.
    Q5K, Q5K, 13, "q5_k";
    /// 256 6-bit integers; scales per 16.
    Q6K, Q6K, 14, "q6_k";
    /// 32 entries of a codebook of 16 values, and a scale.
    Iq4Nl, Iq4Nl, 20, "iq4_nl";
    /// 256 entries of that codebook; scales per 32.
    Iq4Xs, Iq4Xs, 23, "iq4_xs";
    /// 32 4-bit floats and a scale that is a power of two (OCP Microscaling Formats 1.0).
    Mxfp4, Mxfp4, 39, "mxfp4";
}

impl BlockType {
    /// Whether its values are rounded to few bits; half precision is not counted as that.
    pub const fn is_quantised(self) -> bool {
        !matches!(self, Self::F16 | Self::BF16)
    }

    /// Computes the bytes of `values` values; `None` if they do not fill whole blocks or the result overflows.
    pub fn bytes(self, values: usize) -> Option<usize> {
        if !values.is_multiple_of(self.values()) {
            return None;
        }
        (values / self.values()).checked_mul(self.size())
    }
}
