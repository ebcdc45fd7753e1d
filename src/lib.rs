//! partscope decomposes a decoder language model into attention heads and MLPs while it does in-context learning, shows
//! which of these components are right, wrong or always predict the same label, and reweights them into a better
//! classifier.
//!
//! The modules, from lowest to highest; each depends only on those above it in the table:
//!
//! | module | content |
//! |---|---|
//! | [`mod@component`], [`mod@attribution`], [`mod@run`], [`request`] | the attribution table, runs and requests |
//! | [`mod@error`], [`text`], [`size`], [`color`], [`progress`], [`cancel`], [`random`] | errors and utilities |
//! | [`jinja`] | templates of tasks and models, rendered within bounds |
//! | [`hub`] | the Hugging Face hub and its cache |
//! | [`model`] | instrumented decoders: one forward pass, one file per architecture |
//! | [`task`] | data sets, templates, demonstrations, prompts |
//! | [`decompose`] | the attribution of a model on prompts |
//! | [`mod@bench`] | benchmark of attribution |
//! | [`doctor`] | model checks, and deviation of other dtypes |
//! | [`analysis`] | analyses of an attribution, as pure functions |
//! | [`store`] | runs on disk |
//! | [`report`] | figures, tables and an HTML page on runs |
//! | [`runner`] | from a request over prompts to a run |
//! | [`experiments`] | interventions in the forward pass, attention patterns and the logit lens |
//! | [`protocol`] | the paper's protocol over many runs |
//! | [`jobs`] | worker threads, with typed requests and events |
//! | `app`, `tui` | explorer: state and keys; drawing (feature `tui`) |
//! | [`cli`] | command line, one file per command |
//!
//! # Example
//!
//! ```
//! use partscope::{
//!     analysis::{Thresholds, summarize},
//!     cancel::Cancel,
//!     model::{LoadOptions, Model, Source},
//!     runner::{PromptBuilder, RunRequest, execute},
//!     task::Library,
//! };
//!
//! let model = Model::load(&Source::Demo, &LoadOptions::default())?;
//! let task = Library.task("topic")?;
//! let request = RunRequest { task: "topic".into(), limit: Some(20), ..RunRequest::default() };
//! let (plan, prompts) = PromptBuilder::new(&task, &request)?.plan(&model)?;
//! let run = execute(&model, plan, &prompts, &Cancel::default(), &mut |_| {})?;
//! assert!(run.meta.exactness.max_rel < 1e-4, "contributions add up to the model's own logits");
//!
//! let components = summarize(&run.test, &Thresholds::default());
//! let best = components.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).unwrap();
//! println!("{} alone predicts {:.0} % of {} examples correctly", best.component, 100.0 * best.accuracy, best.n);
//! # Ok::<(), partscope::Error>(())
//! ```

pub mod analysis;
#[cfg(feature = "tui")]
pub mod app;
pub mod attribution;
pub mod bench;
pub(crate) mod bounded;
pub mod cancel;
pub(crate) mod catch_panic;
pub mod cli;
pub mod color;
pub mod component;
pub(crate) mod data_memory;
pub mod decompose;
pub(crate) mod demo;
pub(crate) mod disk;
pub mod doctor;
pub mod error;
pub mod experiments;
pub mod hidden;
pub mod hub;
pub mod jinja;
pub mod jobs;
#[cfg(feature = "mcp")]
pub(crate) mod mcp;
pub mod model;
pub mod progress;
pub mod protocol;
pub mod random;
pub(crate) mod remarks;
pub mod report;
pub mod request;
pub mod run;
pub mod runner;
pub mod size;
pub mod store;
pub mod sweep;
pub mod task;
pub mod text;
#[cfg(feature = "tui")]
pub mod tui;

pub use attribution::{Attribution, Batch, Exactness, Split};
pub use component::{Component, Part, Shape};
pub use error::{Error, InputError, Result};
pub use run::{Run, RunMeta};
