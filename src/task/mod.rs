//! Classification tasks: data, templates, demonstrations and the prompts made of them.

mod budget;
mod demos;
mod file;
mod library;
mod prompts;
mod template;

pub use budget::order_demonstrations;
pub use demos::{Chosen, choose, record, resolve};
pub use file::{Example, Task};
pub use library::Library;
pub use prompts::{ExplicitPrompt, read_explicit, read_label_words};
pub use template::Template;
