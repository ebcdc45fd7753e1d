//! Graphics cards: opening one, how much memory it has left, and one sentence when there is none to be had.
//!
//! A card computes by the tensor library alone, with half-precision products where weights are kept so. Whether that is
//! right can be tried without a card: the hidden device [`REHEARSAL`] has the CPU compute as a card would.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device, Tensor};

use super::catch_panic;
use crate::error::{InputError, Result};

/// What `--device` calls a CPU that computes as a card would: for tests.
pub const REHEARSAL: &str = "as-card";

static REHEARSES: AtomicBool = AtomicBool::new(false);

/// Whether what lives on `device` is computed by the tensor library alone.
pub(crate) fn is_card(device: &Device) -> bool {
    !device.is_cpu() || REHEARSES.load(Ordering::Relaxed)
}

/// The CPU, which from now on computes as a card would, for the whole program.
pub(super) fn rehearse() -> Device {
    REHEARSES.store(true, Ordering::Relaxed);
    Device::Cpu
}

/// Opens the card `number` and computes something on it, so that what is wrong shows before any weights are read.
///
/// # Errors
/// One sentence if there is no such card, or it cannot be used.
pub(super) fn open(number: usize) -> Result<Device> {
    let opened = catch_panic::catch(|| -> candle_core::Result<Device> {
        let device = Device::new_cuda(number)?;
        let x = Tensor::ones((2, 2), DType::F32, &device)?;
        (x.matmul(&x)? + &x)?.to_vec2::<f32>()?;
        Ok(device)
    });
    match opened {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(explain(&error.to_string(), number).into()),
        Err(panic) => Err(explain(&panic, number).into()),
    }
}

/// Bytes that are free on a card; `None` if it does not say.
pub(super) fn free_memory(device: &Device) -> Option<u64> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(card) = device {
        return card.cuda_stream().context().mem_get_info().ok().map(|(free, _)| free as u64);
    }
    let _ = device;
    None
}

/// What the driver or the tensor library says of the card `number`, in a sentence and with a cure.
fn explain(said: &str, number: usize) -> InputError {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (problem, cure) = if has(&["load the \"cuda\""]) {
        ("there is no NVIDIA driver on this machine".to_owned(), "install one, or take --device cpu")
    } else if has(&["Unable to dynamically load", "NOT_INITIALIZED", "cannot open shared object"]) {
        let library = said.split('"').nth(1).unwrap_or("cublas").to_owned();
        let cure = "install CUDA 13, or name the folder of its libraries in LD_LIBRARY_PATH";
        (format!("the library `{library}` of CUDA is not found or does not start"), cure)
    } else if has(&["NO_DEVICE"]) {
        ("the NVIDIA driver sees no card".to_owned(), "look at `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    } else if has(&["INVALID_DEVICE"]) {
        (format!("there is no card number {number}"), "`nvidia-smi -L` lists them, from 0")
    } else if has(&["Missing symbol", "INSUFFICIENT_DRIVER", "DRIVER_MISMATCH", "UNSUPPORTED_PTX", "STUB_LIBRARY"]) {
        let problem = "the NVIDIA driver is another than this program needs, which is one for CUDA 13";
        (problem.to_owned(), "update the driver")
    } else if has(&["INVALID_PTX", "NO_BINARY", "INVALID_IMAGE", "UNSUPPORTED_DEVICE"]) {
        let problem = format!("the card number {number} cannot run what this program was built for");
        (problem, "build it with CUDA_COMPUTE_CAP set to the card's compute capability")
    } else if has(&["OUT_OF_MEMORY"]) {
        (format!("the memory of card number {number} is taken"), "see with `nvidia-smi` by what")
    } else {
        let first = said.lines().next().unwrap_or_default();
        (format!("the card number {number} cannot be used: {first}"), "take --device cpu")
    };
    InputError::new(problem).field("--device").cure(cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_one_sentence() {
        for (said, expected) in [
            ("Unable to dynamically load the \"cuda\" shared library - searched for: ..", "no NVIDIA driver"),
            ("Unable to dynamically load the \"cublas\" shared library", "the library `cublas` of CUDA"),
            ("DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")", "sees no card"),
            ("DriverError(CUDA_ERROR_INVALID_DEVICE, \"invalid device ordinal\")", "no card number 7"),
            ("Missing symbol cuCtxCreate_v4: undefined", "driver is another"),
            ("DriverError(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, \"..\")", "driver is another"),
            ("DriverError(CUDA_ERROR_NO_BINARY_FOR_GPU, \"..\")", "cannot run what this program was built for"),
            ("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", "memory of card number 7 is taken"),
            ("something else\nand more", "cannot be used: something else"),
        ] {
            let error = explain(said, 7).to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{said}: {error}");
        }
    }
}
