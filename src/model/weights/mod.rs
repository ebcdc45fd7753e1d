//! Reads tensors by name from checkpoint files, one at a time.
//!
//! Files are read, not mapped: only the tensor being loaded is in memory twice, and a file that another process
//! truncates meanwhile gives an error instead of a crash.

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
