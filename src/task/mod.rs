//! Classification tasks: data, templates, demonstrations and the prompts made of them.

mod budget;
mod dataset;
mod demos;
mod file;
mod library;
mod mistakes;
mod page;
mod prompts;
mod released;
mod rows;
mod spec;
mod table;
mod template;

pub use budget::order_demonstrations;
pub use demos::{Chosen, choose, record, resolve};
pub use file::{Example, Outline, Task};
pub use library::Library;
pub use mistakes::Mistakes;
pub use prompts::{ExplicitPrompt, read_explicit, read_label_words};
pub(crate) use table::decode;
pub use template::Template;
