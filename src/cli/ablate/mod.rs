//! `partscope ablate`: components changed inside the forward pass.
//!
//! One command asks two questions of a run: what does this change do, and what does each component do. They share their
//! options and how effects are stated; one re-run and a sweep that can be interrupted share nothing else.

mod args;
mod each;
mod effects;
mod mixed;

pub(super) use args::Args;

use super::{context::LoadedRun, failure::Failure, output::ProgressLine};
use crate::store::Attachments;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let ablation = args.ablation();
    let mut line = ProgressLine::new();
    let loaded = LoadedRun::open(&args.run, &args.model, &mut line)?;
    let attachments = Attachments::new(&args.run)?;
    if args.each {
        each::run(args, &loaded, ablation, &attachments, line)
    } else {
        mixed::run(args, &loaded, ablation, &attachments, line)
    }
}
