//! `partscope ablate`: changes components inside the forward pass.
//!
//! `--set` and `--mix` measure one change of all components, `--each` ablates every component alone. Both share options
//! and the output of effects.

mod args;
mod each;
mod effects;
mod mixed;

use args::AblationJob;
pub(super) use args::Args;

use super::{context::LoadedRun, failure::Failure, output::ProgressLine};
use crate::store::Attachments;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let ablation = args.ablation();
    let mut line = ProgressLine::new();
    let loaded = LoadedRun::open(&args.run, &args.model, &mut line)?;
    let attachments = Attachments::new(&args.run)?;
    let job = AblationJob { args, loaded: &loaded, ablation, attachments: &attachments, line };
    if args.each { each::run(job) } else { mixed::run(job) }
}
