//! CPU kernels: matrix products and row-wise operations.
//!
//! Only operations that dominate the time on the CPU are here; they take and return tensors, so one forward pass serves
//! every architecture and device. All kernels follow two rules:
//!
//! - A row's result depends on that row alone, so its bytes are the same in any batch and for any number of threads.
//! - A kernel uses the threads of the rayon pool that calls it: all of them for one long prompt, a single one if batches
//!   already run in parallel.

#![allow(clippy::inline_always, reason = "functions that are not inlined are compiled for the oldest CPU")]

mod arithmetic;
mod dispatch;
mod gemm;
mod panels;
mod product;
mod rows;
mod values;
pub(super) mod vector;

pub use arithmetic::arithmetic;
pub(super) use dispatch::{PerRow, Vectorised, for_each, rows_in_order, vectorised};
pub(super) use gemm::{Rows, multiply};
pub(crate) use product::product;
pub(super) use product::{product_in_half, product_of_blocks, project_blocks, unpack_panels};
pub(super) use rows::{activate, add, normalise, rotate};
pub(crate) use values::supports;
pub(super) use values::values;
