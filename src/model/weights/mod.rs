//! Reads tensors by name from checkpoint files, one at a time.
//!
//! Files are read, not mapped: a file that another process truncates meanwhile gives an error instead of a crash. Each
//! tensor is read once, in chunks on all threads.

mod checkpoint;
mod dtype;
mod encode;
mod folder;
mod microscaled;
mod pickle;
mod progress;
mod read;
mod safetensors;
mod shard;
mod stored;

pub use checkpoint::Weights;
pub use dtype::{Dtype, Precision};
pub(crate) use folder::{LAYOUTS, shards as shard_names};
pub use progress::{LoadObserver, describe_loading};
pub use read::TensorReader;
pub(crate) use stored::Reorder;
pub use stored::{Numbers, Stored};
