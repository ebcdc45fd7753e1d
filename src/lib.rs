//! partscope takes a decoder language model apart into attention heads and MLPs while it does in-context learning,
//! shows which of these components are right, wrong or always say the same label, and re-mixes them into a better
//! classifier.
//!
//! The map of the house, from the bottom up; dependencies point downwards only:
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@component`], [`mod@attribution`], [`mod@run`], [`request`] | the table everything passes through, what made it, what can be asked for |
//! | [`text`], [`color`], [`progress`], [`cancel`], [`random`] | what every floor uses |
//! | [`hub`] | the Hugging Face hub and its cache |
//! | [`model`] | instrumented decoders: one forward pass, one file per architecture family |
//! | [`task`] | data sets, templates, demonstrations, prompts |
//! | [`decompose`] | model × prompts → attribution |
//! | [`mod@bench`] | how fast it is here |
//! | [`doctor`] | whether a model is all right, and how far other dtypes drift |
//! | [`analysis`] | pure functions of an attribution |
//! | [`store`] | runs on disk |
//! | [`report`] | runs as figures, tables and a page |
//! | [`runner`] | a request → prompts → a run |
//! | [`experiments`] | components changed inside the forward pass; attention patterns; the logit lens |
//! | [`protocol`] | the paper's protocol over many runs |
//! | [`jobs`] | worker threads that own the model; typed requests and events |
//! | `app`, `tui` | state and keys; drawing (feature `tui`) |
//! | [`cli`] | one file per command |
//!
//! # An attribution in a few lines
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
//! assert!(run.meta.exactness.max_rel < 1e-4, "the parts add up to the model's own logits");
//!
//! let components = summarize(&run.test, &Thresholds::default());
//! let best = components.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).unwrap();
//! println!("{} alone is right on {:.0} % of {} examples", best.component, 100.0 * best.accuracy, best.n);
//! # Ok::<(), partscope::Error>(())
//! ```

pub mod analysis;
#[cfg(feature = "tui")]
pub mod app;
pub mod attribution;
pub mod bench;
pub mod cancel;
pub mod cli;
pub mod color;
pub mod component;
pub mod decompose;
pub(crate) mod demo;
pub(crate) mod disk;
pub mod doctor;
pub mod error;
pub mod experiments;
pub mod hub;
pub mod jobs;
pub mod model;
pub mod progress;
pub mod protocol;
pub mod random;
pub mod report;
pub mod request;
pub mod run;
pub mod runner;
pub mod store;
pub mod task;
pub mod text;
#[cfg(feature = "tui")]
pub mod tui;

pub use attribution::{Attribution, Batch, Exactness, Split};
pub use component::{Component, Part, Shape};
pub use error::{Error, InputError, Result};
pub use run::{Run, RunMeta};
