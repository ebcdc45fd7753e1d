//! Classification tasks: data, templates, demonstrations and the prompts made of them.

mod budget;
mod class_names;
mod dataset;
mod demos;
mod diagnostics;
mod example;
mod file;
mod harness;
mod label_values;
mod labels;
mod library;
mod overlap;
mod prompts;
mod released;
mod rows;
mod spec;
mod table;
mod template;
mod toml_reader;
mod word_classes;
mod yaml;

pub use budget::order_demonstrations;
pub use demos::{Chosen, choose, record, resolve};
pub use diagnostics::Diagnostics;
pub use example::{Example, repeated_id};
pub use file::{Outline, Task};
pub use library::Library;
pub use overlap::Overlap;
pub use prompts::{ExplicitPrompt, read_explicit, read_label_words, read_word_classes};
pub(crate) use table::decode;
pub use template::Template;
