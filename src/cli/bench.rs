//! `partscope bench`: measures the speed of attribution on this machine.

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, print, print_json},
};
use crate::{
    bench::{BenchResults, Options, measure},
    cancel::Cancel,
};

/// Measure throughput on this machine, compared with the naive way (no shared prefix), plain forward passes, and the
/// machine's peak.
///
/// Prompts are random tokens with the lengths of sentences of 8 to 26 words; ratios are medians over rounds.
///
/// Example: partscope bench -m model.gguf --shots 24
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Demonstrations in every prompt
    #[arg(long, value_name = "K", default_value_t = Options::default().shots)]
    shots: usize,
    /// Prompts per round [default: as many as take about two seconds]
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// Number of rounds
    #[arg(long, value_name = "N", default_value_t = Options::default().rounds)]
    rounds: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut line = ProgressLine::new();
    line.stage("loading the model");
    let model = args.model.load()?;
    let options = Options { shots: args.shots, examples: args.examples, rounds: args.rounds };
    let observe = |round: usize, rounds: usize| line.stage(&format!("round {} of {rounds}", round + 1));
    let measured = measure(&model.decoder, &options, &Cancel::default(), observe)?;
    drop(line);
    if args.json {
        print_json(&measured)?
    } else {
        print(&table(&measured))?
    }
    Ok(())
}

fn table(measured: &BenchResults) -> String {
    let BenchResults { shots, examples, rounds, prefix_tokens, suffix_tokens, .. } = measured;
    let types: Vec<String> =
        measured.weight_types.iter().map(|kind| format!("{} {:.0} %", kind.name, 100.0 * kind.share)).collect();
    format!(
        "{shots} shots ({prefix_tokens} shared tokens, {suffix_tokens:.0} more per prompt), {examples} prompts, \
         {rounds} rounds\n\
        weights          {}; unpacking them takes {:.1} % of the time\n\
        attribution      {:>8.1} prompts/s, {:.0} tokens/s\n\
        without sharing  {:>8.1} prompts/s, {:.0} tokens/s: {:.1} times slower\n\
         overhead         {:>8.1} % over plain forward passes\n\
         arithmetic       {:>8.1} of {:.1} GFLOP/s: {:.0} % of the machine's peak\n",
        types.join(", "),
        100.0 * measured.unpack_share,
        measured.examples_per_s,
        measured.tokens_per_s,
        measured.naive_examples_per_s,
        measured.own_tokens_per_s,
        measured.speedup,
        100.0 * measured.attribution_overhead,
        measured.achieved_gflops,
        measured.gemm_gflops,
        100.0 * measured.utilisation
    )
}
