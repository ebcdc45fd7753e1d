//! Gives candle-transformers the tensors of a checkpoint, with the values that this program computes with, in f32.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};

use crate::{
    error::{Error, Result},
    model::weights::Weights,
};

/// Name of the unembedding in the implementations.
const UNEMBEDDING: &str = "lm_head.weight";

/// Failure to read a tensor that the checkpoint has.
type Failure = Arc<Mutex<Option<Error>>>;

struct Tensors<'a> {
    weights: &'a Weights,
    /// Name of the embedding.
    embedding: &'static str,
    /// Whether the embedding is also the unembedding.
    tied: bool,
    /// The embedding once it is read.
    read: Mutex<Option<Tensor>>,
    failure: Failure,
}

/// Calls `build` with the tensors of `weights`. The result is an error if a tensor that the checkpoint has cannot be read,
/// and else what `build` returns.
pub(super) fn with_tensors<T>(
    weights: &Weights,
    embedding: &'static str,
    tied: bool,
    build: impl FnOnce(VarBuilder) -> T,
) -> Result<T> {
    let failure = Failure::default();
    let tensors = Tensors { weights, embedding, tied, read: Mutex::default(), failure: Arc::clone(&failure) };
    let built = build(VarBuilder::from_backend(Box::new(tensors), DType::F32, Device::Cpu));
    let failure = failure.lock().map_or(None, |mut failure| failure.take());
    failure.map_or(Ok(built), Err)
}

impl Tensors<'_> {
    fn read(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let reader = self.weights.find(name, shape)?;
        if shape.len() == 2 { reader.matrix()?.to_f32() } else { reader.tensor() }
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> candle_core::Result<Tensor> {
        // A tensor that is missing or has another shape is one of a variant that candle-transformers does not know.
        self.weights.find(name, shape).map_err(candle_core::Error::wrap)?;
        self.read(name, shape).map_err(|error| {
            let told = candle_core::Error::msg(error.to_string());
            if let Ok(mut failure) = self.failure.lock() {
                failure.get_or_insert(error);
            }
            told
        })
    }
}

impl SimpleBackend for Tensors<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        let name = if self.tied && name == UNEMBEDDING { self.embedding } else { name };
        if name != self.embedding {
            return self.tensor(name, shape.dims());
        }
        let mut read = self.read.lock().map_err(|_| candle_core::Error::msg("a thread that read it failed"))?;
        if let Some(embedding) = &*read {
            return Ok(embedding.clone());
        }
        Ok(read.insert(self.tensor(name, shape.dims())?).clone())
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        Err(candle_core::Error::CannotFindTensor { path: name.to_owned() }.bt())
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.weights.has(name) && !(self.tied && name == UNEMBEDDING)
    }
}
