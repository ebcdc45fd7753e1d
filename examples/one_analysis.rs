//! An analysis outside the crate: how many components, best first, reach the model's accuracy?
//!
//! `cargo run --release --example one_analysis` answers this for the demo. Components are ranked on the training split
//! and scored on the test split, so the result is not biased by the selection.

use partscope::{
    Attribution, Result,
    analysis::{Mix, Tally},
    cancel::Cancel,
    model::{LoadOptions, Model, Source},
    runner::{PromptBuilder, RunRequest, execute},
    task::Library,
};

fn main() -> Result<()> {
    let model = Model::load(&Source::Demo, &LoadOptions::default())?;
    for name in Library.names() {
        let task = Library.task(&name)?;
        let request = RunRequest { task: name.clone(), train_examples: 40, limit: Some(300), ..RunRequest::default() };
        let (plan, prompts) = PromptBuilder::new(&task, &request)?.plan(&model)?;
        let run = execute(&model, plan, &prompts, &Cancel::default(), &mut |_| {})?;
        let full = run.meta.accuracy.full;
        match smallest_sufficient(&run.train, &run.test, full) {
            Some((count, accuracy)) => {
                println!("{name}: {count} components reach {:.1} %, the model {:.1} %", 100.0 * accuracy, 100.0 * full);
            }
            None => println!("{name}: no number of components reaches the model's {:.1} %", 100.0 * full),
        }
    }
    Ok(())
}

/// Returns the smallest number of components, best first on `train`, whose unweighted sum reaches accuracy `full` on
/// `test`, with their accuracy.
fn smallest_sufficient(train: &Attribution, test: &Attribution, full: f64) -> Option<(usize, f64)> {
    let accuracies = Tally::from_table(train).accuracies();
    let mut order: Vec<usize> = (0..accuracies.len()).collect();
    order.sort_by(|&a, &b| accuracies[b].total_cmp(&accuracies[a]));
    let mut mix = Mix::uniform(test.shape(), 0.0, 0.0);
    order.into_iter().zip(1..).find_map(|(component, count)| {
        mix.weights[component] = 1.0;
        let accuracy = mix.accuracy(test);
        (accuracy >= full).then_some((count, accuracy))
    })
}
