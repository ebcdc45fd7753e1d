//! Memory that a model needs and memory that is free, checked before loading.

use super::{
    card::is_card,
    weights::{Dtype, Precision, Weights},
};
use crate::{
    error::{InputError, Result},
    size::format_size,
};

/// Bytes for activations and everything else besides weights.
const OVERHEAD: u64 = 96 << 20;
/// Share of the free memory that f32 weights must leave unused for `auto` to choose f32.
const SPARE: f64 = 0.15;

/// [`OVERHEAD`] on a card, where batches are larger and libraries allocate memory too.
const CARD_OVERHEAD: u64 = 1 << 30;

/// Computes the bytes that loading `weights` at `precision` takes: the weights, and the largest tensor once more while
/// its rows are put in order. A card multiplies some tensors in f32 without rounding.
pub fn need(weights: &Weights, precision: Precision) -> u64 {
    let total: u64 = weights.tensors().map(|(_, stored)| stored.bytes_in_memory(precision)).sum();
    let largest = |precision| weights.tensors().map(|(_, stored)| stored.bytes_in_memory(precision)).max().unwrap_or(0);
    if is_card(weights.device()) {
        return total + 2 * largest(Precision::F32) + CARD_OVERHEAD;
    }
    total + largest(precision) + OVERHEAD
}

/// Chooses the precision for `dtype`, given `free` bytes (unknown if `None`). On the CPU, `auto` keeps the weights as the
/// file has them: products are as exact and about as fast as with f32. On a card, `auto` is f32 if memory allows, else
/// the file's own half precision; quantised files are converted to f32 or f16.
///
/// # Errors
/// If the weights do not fit (the error names a dtype that does) or `dtype` is for the CPU only.
pub(super) fn choose(weights: &Weights, dtype: Dtype, free: Option<u64>) -> Result<Precision> {
    let fits = |precision, share: f64| free.is_none_or(|free| need(weights, precision) as f64 <= free as f64 * share);
    let card = is_card(weights.device());
    if card && dtype == Dtype::Q8 {
        let problem = "8-bit weights work on the CPU only";
        return Err(InputError::new(problem)
            .field("--dtype")
            .help("use f16 or bf16 on a card, or --device cpu")
            .into());
    }
    let precision = match dtype.precision() {
        Some(precision) => precision,
        None if card && fits(Precision::F32, 1.0 - SPARE) => Precision::F32,
        None if card && weights.has_blocks() => Precision::F16,
        None => weights.uniform_precision().unwrap_or(Precision::Stored),
    };
    if fits(precision, 1.0) {
        return Ok(precision);
    }
    let smaller = [(Dtype::Bf16, Precision::BF16), (Dtype::Q8, Precision::Q8)];
    let smaller = smaller
        .into_iter()
        .filter(|&(dtype, _)| !card || dtype != Dtype::Q8)
        .find(|&(_, other)| need(weights, other) < need(weights, precision) && fits(other, 1.0));
    let help = match smaller {
        Some((dtype, other)) => format!("--dtype {dtype} takes {}", format_size(need(weights, other))),
        None if card => "use a smaller model, or --device cpu".to_owned(),
        None => "free some memory, or use a smaller or more strongly quantised model".to_owned(),
    };
    let (need, free) = (format_size(need(weights, precision)), format_size(free.unwrap_or(0)));
    let place = if card { "the card's memory" } else { "memory" };
    let problem = format!("the model takes about {need} of {place}, but only {free} are free");
    Err(InputError::new(problem).field("--dtype").help(help).into())
}

/// Bytes that can be used without pushing others out; `None` if the system does not say.
#[cfg(target_os = "linux")]
pub fn free() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let info = read("/proc/meminfo")?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let system = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let limit = number("/sys/fs/cgroup/memory.max").zip(number("/sys/fs/cgroup/memory.current"));
    Some(limit.map_or(system, |(limit, used)| system.min(limit.saturating_sub(used))))
}

/// Bytes that can be used without pushing others out; `None` if the system does not say.
#[cfg(not(target_os = "linux"))]
pub fn free() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    Some(system.available_memory()).filter(|&bytes| bytes > 0)
}
