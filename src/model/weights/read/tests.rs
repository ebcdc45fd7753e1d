//! Tests of reading tensors.

use std::{collections::HashMap, path::Path};

use candle_core::{
    DType, Device,
    quantized::{GgmlDType, QTensor},
    safetensors,
};

use super::*;
use crate::model::weights::Precision;

/// More rows than fit in one chunk.
const SHAPE: (usize, usize) = (CHUNK / (4 * 160) + 9, 160);

fn checkpoint(folder: &Path, dtype_in_file: DType) -> Tensor {
    let numbers: Vec<f32> = (0..SHAPE.0 * SHAPE.1).map(|i| ((i * 7919) % 1013) as f32 / 512.0 - 1.0).collect();
    let tensor = Tensor::from_vec(numbers, SHAPE, &Device::Cpu).unwrap().to_dtype(dtype_in_file).unwrap();
    let file = folder.join("model.safetensors");
    safetensors::save(&HashMap::from([("w".to_owned(), tensor.clone())]), file).unwrap();
    tensor
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn chunks_add_up_to_the_whole_tensor() {
    let folder = tempfile::tempdir().unwrap();
    for dtype_in_file in [DType::F32, DType::BF16, DType::F16] {
        let whole = checkpoint(folder.path(), dtype_in_file);
        for (precision, dtype) in
            [(Precision::F32, DType::F32), (Precision::BF16, DType::BF16), (Precision::F16, DType::F16)]
        {
            let weights = Weights::open(folder.path(), &Device::Cpu).unwrap().with_precision(precision);
            let read = weights.matrix("w", SHAPE).unwrap();
            assert_eq!(matches!(read, Matrix::Dense(_)), dtype == DType::F32);
            assert_eq!(numbers(&read.to_f32().unwrap()), numbers(&whole.to_dtype(dtype).unwrap()));
        }
    }
}

#[test]
fn selected_rows_and_columns_equal_those_of_the_whole_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let whole = checkpoint(folder.path(), DType::F32);
    let weights = Weights::open(folder.path(), &Device::Cpu).unwrap();
    let reader = || weights.find("w", &[SHAPE.0, SHAPE.1]).unwrap();
    let rows = reader().rows([3..5, 400..407]).tensor().unwrap();
    let expected = Tensor::cat(&[whole.narrow(0, 3, 2).unwrap(), whole.narrow(0, 400, 7).unwrap()], 0).unwrap();
    assert_eq!(numbers(&rows), numbers(&expected));
    assert_eq!(numbers(&reader().input_first().tensor().unwrap()), numbers(&whole.t().unwrap().contiguous().unwrap()));
}

#[test]
fn chunks_are_quantised_like_the_whole_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let whole = checkpoint(folder.path(), DType::F32);
    let weights = Weights::open(folder.path(), &Device::Cpu).unwrap().with_precision(Precision::Q8);
    let read = weights.matrix("w", SHAPE).unwrap();
    let expected = QTensor::quantize(&whole, GgmlDType::Q8_0).unwrap().dequantize(&Device::Cpu).unwrap();
    assert!(matches!(&read, Matrix::Blocks(blocks) if blocks.kind() == BlockType::Q8_0));
    assert_eq!(numbers(&read.to_f32().unwrap()), numbers(&expected));
}

/// Offset of the f16 scale in a block of `kind`; `None` for half-precision numbers and for MXFP4.
fn scale_offset(kind: BlockType) -> Option<usize> {
    match kind {
        BlockType::F16 | BlockType::BF16 | BlockType::Mxfp4 => None,
        BlockType::Q2K => Some(80),
        BlockType::Q3K => Some(108),
        BlockType::Q6K => Some(208),
        _ => Some(0),
    }
}

/// A file with one row of 256 values in blocks of `kind`, all bytes 0 except the first block's scale, `scale`.
fn with_scale(folder: &Path, kind: BlockType, scale: f16) -> Weights {
    let length = kind.bytes(256).unwrap();
    let mut bytes = vec![0x11; length];
    match (kind, scale_offset(kind)) {
        (_, Some(at)) => bytes[at..at + 2].copy_from_slice(&scale.to_le_bytes()),
        (BlockType::F16, _) => bytes[..2].copy_from_slice(&scale.to_le_bytes()),
        (BlockType::BF16, _) => bytes[..2].copy_from_slice(&bf16::from_f32(scale.to_f32()).to_le_bytes()),
        _ if scale.is_finite() => bytes[0] = 127,
        _ => bytes[0] = 255,
    }
    let path = folder.join("blocks");
    std::fs::write(&path, bytes).unwrap();
    let stored = Stored::new(0, length, vec![1, 256], Numbers::Blocks(kind));
    let weights =
        Weights::from_files(std::slice::from_ref(&path), vec![("blk.0.w".to_owned(), stored)], &Device::Cpu).unwrap();
    weights.with_precision(Precision::Stored)
}

#[test]
fn scales_that_are_not_finite_are_rejected_in_every_type() {
    let folder = tempfile::tempdir().unwrap();
    for &kind in BlockType::ALL {
        let load = |scale| with_scale(folder.path(), kind, scale).matrix("blk.0.w", (1, 256));
        assert!(load(f16::from_f32(0.5)).is_ok(), "{kind:?}");
        for scale in [f16::NAN, f16::INFINITY, f16::NEG_INFINITY] {
            let message = load(scale).unwrap_err().to_string();
            assert!(message.contains("blk.0.w") && message.contains("NaN or infinite"), "{kind:?}: {message}");
        }
    }
}

#[test]
fn a_file_cut_in_a_block_is_rejected_in_every_type() {
    let folder = tempfile::tempdir().unwrap();
    for &kind in BlockType::ALL {
        let weights = with_scale(folder.path(), kind, f16::ONE);
        let path = folder.path().join("blocks");
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(kind.bytes(256).unwrap() as u64 - 1).unwrap();
        let message = weights.matrix("blk.0.w", (1, 256)).unwrap_err().to_string();
        assert!(message.contains("blk.0.w") && message.contains("ends before"), "{kind:?}: {message}");
    }
}

#[test]
fn values_beyond_f16_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let tensor = Tensor::full(1e6_f32, (2, 32), &Device::Cpu).unwrap();
    safetensors::save(&HashMap::from([("w".to_owned(), tensor)]), folder.path().join("model.safetensors")).unwrap();
    let weights = Weights::open(folder.path(), &Device::Cpu).unwrap().with_precision(Precision::F16);
    let message = weights.matrix("w", (2, 32)).unwrap_err().to_string();
    assert!(message.contains("65504") && message.contains("--dtype"), "{message}");
}
