//! What distinguishes the results of this processor from those of others.
//!
//! Libraries choose the order in which a product adds by the processor's instruction set and the sizes of its caches.
//! Results are the same bytes on machines that add in the same order, and differ by rounding on others. Instead of a
//! model of those choices, products of many sizes are computed and hashed.

use std::sync::OnceLock;

use candle_core::{Device, Tensor};

use super::{dispatch::instruction_set, product};
use crate::error::Result;

/// Rows, inner width and columns of the products: a short, an odd, a usual and a long sum, wider and narrower than panels.
const SIZES: [[usize; 3]; 5] = [[8, 64, 96], [40, 577, 33], [8, 2048, 640], [8, 8192, 24], [3, 300, 1]];

/// Returns the instruction set and a hash of products computed with it. Machines on which it is equal give the same bytes;
/// it is part of every key of the store.
///
/// # Errors
/// If a product fails.
pub fn arithmetic() -> Result<&'static str> {
    static KNOWN: OnceLock<String> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known);
    }
    let by_library = |x: &Tensor, w: &Tensor| Ok(x.matmul(&w.t()?)?);
    let hashes = [fingerprint(&|x, w| product(x, w, None))?, fingerprint(&by_library)?];
    let described = format!("{}, {} {}", instruction_set(), &hashes[0][..16], &hashes[1][..16]);
    Ok(KNOWN.get_or_init(|| described))
}

/// Hashes the products of fixed numbers, as `multiply` computes `x Wᵀ`.
fn fingerprint(multiply: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for [rows, inner, columns] in SIZES {
        let (x, w) = (numbers(rows, inner, 1)?, numbers(columns, inner, 2)?);
        for value in multiply(&x, &w)?.flatten_all()?.to_vec1::<f32>()? {
            hasher.update(&value.to_le_bytes());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Returns numbers between -1 and 1 that use all bits of their significand: a linear congruential generator.
fn numbers(rows: usize, columns: usize, seed: u32) -> Result<Tensor> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) as f32 / 2_f32.powi(31) - 1.0
    };
    let values: Vec<f32> = (0..rows * columns).map(next).collect();
    Ok(Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x Wᵀ` with `lanes` partial sums, as vector instructions of that width add.
    fn by_lanes(x: &Tensor, w: &Tensor, lanes: usize) -> Result<Tensor> {
        let (x_rows, w_rows) = (x.to_vec2::<f32>()?, w.to_vec2::<f32>()?);
        let dot = |a: &[f32], b: &[f32]| {
            let mut sums = vec![0.0_f32; lanes];
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                sums[at % lanes] = a.mul_add(*b, sums[at % lanes]);
            }
            sums.iter().sum::<f32>()
        };
        let values: Vec<f32> = x_rows.iter().flat_map(|a| w_rows.iter().map(|b| dot(a, b))).collect();
        Ok(Tensor::from_vec(values, (x_rows.len(), w_rows.len()), &Device::Cpu)?)
    }

    #[test]
    fn other_orders_of_adding_have_other_fingerprints() {
        let of = |lanes| fingerprint(&|x, w| by_lanes(x, w, lanes)).unwrap();
        let mut all = [of(1), of(4), of(8), of(16), of(8192)].to_vec();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 5);
        assert_eq!(of(8), of(8));
    }

    #[test]
    fn it_does_not_depend_on_the_number_of_threads() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fingerprint(&|x, w| product(x, w, None)).unwrap())
        };
        assert_eq!(with(1), with(3));
    }
}
