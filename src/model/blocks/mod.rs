//! Weights as checkpoint files store them, in half precision or in blocks of small integers, and how to unpack them.
//!
//! The CPU keeps such weights as they are in the file and unpacks them in panels of rows, right before a panel is
//! multiplied. The layouts are those of ggml (`ggml-common.h` and `ggml-quants.c` of llama.cpp).

#![allow(clippy::inline_always, reason = "functions that are not inlined are compiled for the oldest CPU")]

mod codebooks;
mod k_quants;
mod matrix;
mod plain;
mod types;
mod unpack;

pub use matrix::BlockMatrix;
pub use types::BlockType;
