//! `partscope logit-lens`: reads components and the residual stream as words.

mod component;
mod layers;

pub(super) use layers::{kept, measure};

use super::{context::ExampleOptions, failure::Failure, output::ProgressLine};
use crate::component::Component;

/// Show what a component or the residual stream says in words, through the final norm and the unembedding.
///
/// With --component: the tokens that the component promotes and suppresses most at the end of one
/// prompt, under the same frozen norm as its contributions to the label words.
///
/// Without: the label words by layer. The residual stream after the attention and after the MLP
/// of every layer is read as if the model ended there, on all test examples: accuracy, margin,
/// label bias and calibration, with 95% intervals. The final norm's scale is that of each stream
/// (own) or that of the last one (realised), with which logits are sums of contributions. The
/// results are also written to the run's folder. With --example: the top tokens by layer.
///
/// Example: partscope logit-lens out
///
/// Example: partscope logit-lens out --component L5.H3 --top 8
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component: a head, e.g. L5.H3, or an MLP, e.g. L5.MLP [default: the residual stream by layer]
    #[arg(long, visible_alias = "head", value_name = "COMPONENT")]
    component: Option<Component>,
    #[command(flatten)]
    at: ExampleOptions,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    match args.component {
        Some(component) => component::run(&args.at, component, &mut line),
        None if args.at.example.is_some() => layers::words(&args.at, &mut line),
        None => layers::run(&args.at, &mut line),
    }
}
