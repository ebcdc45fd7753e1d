//! Tensors by name, read from checkpoint files one at a time.
//!
//! Files are read, not mapped: nothing but the tensor being made is held twice, and a file that another process cuts
//! short meanwhile is an error here and not the end of the program.

mod checkpoint;
mod dtype;
mod read;
mod safetensors;
mod shard;
mod stored;

pub use checkpoint::Weights;
pub use dtype::{Dtype, Precision};
pub use read::TensorReader;
pub(crate) use safetensors::shards as shard_names;
pub(crate) use stored::Reorder;
pub use stored::{Numbers, Stored};
