//! `partscope ablate`: changes components inside the forward pass.
//!
//! `--set` and `--mix` measure one change of all components, `--each` ablates every component alone. Both share options
//! and the output of effects. `--residual` patches the residual stream of one example.

mod args;
mod each;
mod effects;
mod fill_source;
mod mixed;
mod residual;

use args::AblationJob;
pub(super) use args::Args;
use fill_source::OpenedSource;

use super::{
    context::{LoadedRun, open_run},
    failure::Failure,
    output::ProgressLine,
};
use crate::store::Attachments;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    args.check_fill()?;
    let ablation = args.ablation();
    let mut line = ProgressLine::new();
    let run = open_run(&args.run)?;
    let source = args.fill_from.as_deref().map(|folder| OpenedSource::open(folder, &run)).transpose()?;
    let loaded = LoadedRun::load(run, &args.model, &mut line)?;
    let source = source.map(|source| source.load(&loaded.model)).transpose()?;
    let attachments = Attachments::new(&args.run)?;
    let job =
        AblationJob { args, loaded: &loaded, ablation, fill_source: source.as_ref(), attachments: &attachments, line };
    match () {
        () if args.each => each::run(job),
        () if args.residual => residual::run(job),
        () => mixed::run(job),
    }
}
