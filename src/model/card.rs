//! Graphics cards: opens one, measures its free memory, and explains in one sentence why it cannot be used.
//!
//! A card uses the tensor library's operations only, with half-precision products if its weights are in half precision.
//! Tests check this path without a card: the hidden device [`SIMULATED_CARD`] makes the CPU compute as a card does.

use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{DType, Device, Tensor};

use crate::{
    catch_panic,
    error::{InputError, Result},
};

/// Name in `--device` of a CPU that computes as a card does, for tests.
pub const SIMULATED_CARD: &str = "as-card";

/// Whether the CPU computes as a card does.
static SIMULATED: AtomicBool = AtomicBool::new(false);

/// Whether `device` is a card or simulates one, so that it uses the tensor library's operations only.
pub(crate) fn is_card(device: &Device) -> bool {
    !device.is_cpu() || SIMULATED.load(Ordering::Relaxed)
}

/// Returns the CPU and makes it compute as a card does, from now on and in the whole program.
pub(super) fn simulate() -> Device {
    SIMULATED.store(true, Ordering::Relaxed);
    Device::Cpu
}

/// Opens card `number` and computes a small product on it, so that problems appear before any weights are read.
///
/// # Errors
/// If there is no such card, or it cannot be used; the message is one sentence.
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

/// Returns the free memory of a card in bytes; `None` if it is unknown.
pub(super) fn free_memory(device: &Device) -> Option<u64> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(card) = device {
        return card.cuda_stream().context().mem_get_info().ok().map(|(free, _)| free as u64);
    }
    let _ = device;
    None
}

/// Explains a `message` of the driver or the tensor library about card `number` in one sentence, with a remedy.
fn explain(message: &str, number: usize) -> InputError {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let (problem, help) = if has(&["load the \"cuda\""]) {
        ("there is no NVIDIA driver on this machine".to_owned(), "install one, or use --device cpu")
    } else if has(&["Unable to dynamically load", "NOT_INITIALIZED", "cannot open shared object"]) {
        let library = message.split('"').nth(1).unwrap_or("cublas").to_owned();
        let help = "install CUDA 13, or add the folder of its libraries to LD_LIBRARY_PATH";
        (format!("the CUDA library `{library}` is missing or does not start"), help)
    } else if has(&["NO_DEVICE"]) {
        ("the NVIDIA driver sees no card".to_owned(), "check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    } else if has(&["INVALID_DEVICE"]) {
        (format!("there is no card {number}"), "`nvidia-smi -L` lists the cards, from 0")
    } else if has(&["Missing symbol", "INSUFFICIENT_DRIVER", "DRIVER_MISMATCH", "UNSUPPORTED_PTX", "STUB_LIBRARY"]) {
        let problem = "the NVIDIA driver does not match this program, which needs one for CUDA 13";
        (problem.to_owned(), "update the driver")
    } else if has(&["INVALID_PTX", "NO_BINARY", "INVALID_IMAGE", "UNSUPPORTED_DEVICE"]) {
        let problem = format!("this program was built for another kind of card than card {number}");
        (problem, "build it with CUDA_COMPUTE_CAP set to that card's compute capability")
    } else if has(&["OUT_OF_MEMORY"]) {
        (format!("card {number} has no free memory"), "`nvidia-smi` lists the programs that use it")
    } else {
        let first = message.lines().next().unwrap_or_default();
        (format!("card {number} cannot be used: {first}"), "use --device cpu")
    };
    InputError::new(problem).field("--device").help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_errors_are_explained_in_one_sentence() {
        for (message, expected) in [
            ("Unable to dynamically load the \"cuda\" shared library - searched for: ..", "no NVIDIA driver"),
            ("Unable to dynamically load the \"cublas\" shared library", "the CUDA library `cublas`"),
            ("DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")", "sees no card"),
            ("DriverError(CUDA_ERROR_INVALID_DEVICE, \"invalid device ordinal\")", "no card 7"),
            ("Missing symbol cuCtxCreate_v4: undefined", "driver does not match"),
            ("DriverError(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, \"..\")", "driver does not match"),
            ("DriverError(CUDA_ERROR_NO_BINARY_FOR_GPU, \"..\")", "built for another kind of card"),
            ("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", "card 7 has no free memory"),
            ("something else\nand more", "cannot be used: something else"),
        ] {
            let error = explain(message, 7).to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{message}: {error}");
        }
    }
}
