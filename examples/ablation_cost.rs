//! Measures what a sweep saves by restarting at the changed layer: ablates every component of the demo in one sweep,
//! and in separate re-runs from the first layer.
//!
//! `cargo run --release --example ablation_cost` alternates between the two, so that other load on the machine affects
//! both, and also prints processor time on Linux.

use std::time::Instant;

use partscope::{
    Result,
    analysis::Mix,
    cancel::Cancel,
    experiments::{Ablation, Fill, Positions, RunContext, rerun, sweep},
    model::{LoadOptions, Model, Source},
    runner::{PromptBuilder, RunRequest, execute},
    task::Library,
};

const EXAMPLES: usize = 500;
const ROUNDS: usize = 3;

fn main() -> Result<()> {
    let (model, cancel) = (Model::load(&Source::Demo, &LoadOptions::default())?, Cancel::default());
    let task = Library.task("topic")?;
    let request = RunRequest { task: "topic".to_owned(), limit: Some(EXAMPLES), ..RunRequest::default() };
    let (plan, prompts) = PromptBuilder::new(&task, &request)?.plan(&model)?;
    let run = execute(&model, plan.clone(), &prompts, &Cancel::default(), &mut |_| {})?;
    let context = RunContext::new(&model, &plan, &prompts)?;
    for (positions, fill) in [(Positions::Last, Fill::Zero), (Positions::All, Fill::Zero)] {
        let how = Ablation { positions, fill };
        let one = |index: usize| {
            let mut mix = Mix::identity(plan.shape);
            mix.weights[index] = 0.0;
            rerun(&context, &run.test, &mix, how, &cancel, &mut |_| {})
        };
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let sweep_time = timed(|| sweep(&context, how, &cancel, &mut |_, _| {}).map(drop))?;
            let rerun_time = timed(|| (0..plan.shape.components()).try_for_each(|index| one(index).map(drop)))?;
            let single_time = timed(|| one(0).map(drop))?;
            rounds.push([sweep_time, rerun_time, single_time]);
        }
        let median = |value: &dyn Fn(&[Spent; 3]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{}, {EXAMPLES} examples, medians of {ROUNDS} rounds (seconds; processor seconds in brackets)",
            how.describe()
        );
        for (at, name) in ["sweep", "each re-run from the first layer", "one re-run"].into_iter().enumerate() {
            println!(
                "  {name:<34}{:8.2} ({:.2})",
                median(&|round| round[at].wall),
                median(&|round| round[at].processors)
            );
        }
        let ratio = |of: fn(Spent) -> f64| median(&move |round| of(round[1]) / of(round[0]));
        println!("  saved {:.1} times ({:.1})", ratio(|spent| spent.wall), ratio(|spent| spent.processors));
    }
    Ok(())
}

/// Time that a piece of work took, in seconds.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    processors: f64,
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Spent> {
    let (started, before) = (Instant::now(), processors());
    work()?;
    Ok(Spent { wall: started.elapsed().as_secs_f64(), processors: processors() - before })
}

/// Returns the processor seconds that this process has used; 0 except on Linux.
fn processors() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
