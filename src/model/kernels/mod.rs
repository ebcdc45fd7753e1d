//! What the CPU computes without the tensor library: matrix products and the row-wise maps between them.
//!
//! Tensors stay tensors, so that every architecture and device is served by one forward pass; only what is hot on the
//! CPU comes here. Two rules hold for all of it. A row's result depends on that row alone, so the bytes are the same in
//! whatever batch it stands and however many threads there are. And a kernel uses the threads of the rayon pool it is
//! called in: all of them for one long prompt, a single one where batches already run side by side.

#![allow(clippy::inline_always, reason = "what is not inlined is compiled for the oldest machine")]

mod dispatch;
mod product;
mod q8;
mod rows;
mod values;
pub(super) mod vector;

pub(super) use dispatch::{Vectorised, for_each, vectorised};
pub(crate) use product::product;
pub(super) use product::{Rows, multiply, product_narrow, product_q8};
pub(super) use rows::{activate, add, normalise, rotate};
pub(crate) use values::serves;
pub(super) use values::values;
