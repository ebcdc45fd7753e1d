//! Benchmark of the analyses at the size of Llama-2-7B: 32 layers of 32 heads and an MLP, 1056 components.
//!
//! `cargo bench --bench analysis` prints the median and the range of each time. Targets: one fit of 24 labels under 10 ms,
//! a path of 20 strengths under 100 ms, `components` on 2000 examples under 100 ms, task recognition and task learning of 2000
//! examples under 100 ms. The repaint benchmarks call the
//! functions that the explorer calls after a batch, a move of one fader and a fit.

use std::{hint::black_box, time::Instant};

use partscope::{
    Attribution, Batch, Shape,
    analysis::{
        Lambda, Mix, MixedLogits, Penalty, Scaling, Tally, Thresholds,
        atlas::Atlas,
        reweight::{FitOptions, comprw, comprw_released, fit, fit_path, lambda_path, partscope, ridge_cv},
        summarize,
        task_subspace::{TaskSubspace, subspace_scores},
    },
    cancel::Cancel,
    random::SeededRng,
};

const COMPONENTS: Shape = Shape { layers: 32, heads: 32, labels: 0 };

/// Examples that an attribution hands to the screen at once.
const BATCH: usize = 16;

fn main() {
    let never = Cancel::default();
    for labels in [2, 4] {
        println!("{labels} labels, {} components", COMPONENTS.components());
        let (train, test) = (table(24, labels, 1), table(2000, labels, 2));
        for (name, options) in problems() {
            measure(&format!("fit of 24 labels, {name}"), 20, || fit(&train, &options, &never));
            let lambdas = lambda_path(&train, &options, 20, 1e-3).unwrap_or_default();
            measure(&format!("path of 20 strengths, {name}"), 10, || fit_path(&train, &lambdas, &options, &never));
        }
        measure("fit by the default method", 20, || partscope(&train, &never));
        measure("fit by a cross-validated ridge", 5, || ridge_cv(&train, &never));
        measure("CompRW as printed", 5, || comprw(&train, &never));
        measure("CompRW as released", 5, || comprw_released(&train, &never));
        measure("components on 2000 examples", 20, || summarize(&test, &Thresholds::default()));
        let gram = test.label_gram().unwrap_or_default();
        measure("task recognition and learning of 2000 examples", 20, || {
            let span = TaskSubspace::new(gram, labels);
            (0..COMPONENTS.components()).map(|index| subspace_scores(&test, &span, index)).collect::<Vec<_>>()
        });
        measure("free columns of the atlas of 2000 examples, with intervals", 5, || Atlas::new(&test));
        repaints(&test);
        println!();
    }
}

/// What the explorer computes between two frames: counts and mixed logits, then every number that the map shows.
fn repaints(whole: &Attribution) {
    let examples = whole.len();
    let model = Mix::identity(whole.shape());
    let mut filling = Attribution::new(whole.shape(), whole.gold().to_vec());
    filling.push(&whole.batch(0..examples - BATCH));
    let before = (Tally::from_table(&filling), MixedLogits::new(model.clone(), &filling));
    filling.push(&whole.batch(examples - BATCH..examples));
    let name = format!("repaint after a batch of {BATCH}, {examples} examples");
    measure_from(&name, 50, || before.clone(), |screen| repaint(screen, &filling, &model));

    let complete = (Tally::from_table(whole), MixedLogits::new(model.clone(), whole));
    let mut moved = model.clone();
    moved.weights[500] = 0.5;
    let name = format!("repaint after one fader move, {examples} examples");
    measure_from(&name, 50, || complete.clone(), |screen| repaint(screen, whole, &moved));
    let fitted = Mix { weights: (0..model.weights.len()).map(|c| (c % 7) as f64 / 3.0).collect(), ..model };
    let name = format!("repaint after a fit, {examples} examples");
    measure_from(&name, 20, || complete.clone(), |screen| repaint(screen, whole, &fitted));
}

/// Updates the numbers on the screen and returns their sum, instead of drawing them.
fn repaint((tally, mixed): &mut (Tally, MixedLogits), table: &Attribution, mix: &Mix) -> f64 {
    tally.update(table);
    mixed.update(table, mix.clone());
    let numbers =
        |c| [tally.accuracy(c), tally.bias(c), tally.margin(c), tally.only_label(c).map(|label| label as f64)];
    let cells = (0..tally.counts().len()).flat_map(numbers);
    let totals = [tally.full_accuracy(), tally.full_margin(), mixed.accuracy(), mixed.margin()];
    cells.chain(totals).flatten().sum()
}

fn problems() -> [(&'static str, FitOptions); 6] {
    let zero = FitOptions { lambda: Lambda::Fixed(0.01), ..FitOptions::default() };
    let one = FitOptions { rest: 1.0, penalty: Penalty::TowardsOne, ..zero };
    [
        ("towards 0", zero),
        ("towards 0 in [0, 1]", FitOptions { bounds: Some((0.0, 1.0)), ..zero }),
        ("towards 1", one),
        ("towards 1, standardised", FitOptions { scaling: Scaling::Standardised, ..one }),
        ("towards 1, half a ridge", FitOptions { scaling: Scaling::Standardised, ridge: 0.5, ..one }),
        ("towards 1, ridge alone", FitOptions { scaling: Scaling::Standardised, ridge: 1.0, ..one }),
    ]
}

/// Creates realistic contributions: a few large components, many small ones, label bias, and a tenth that are
/// informative.
fn table(n: usize, labels: usize, seed: u64) -> Attribution {
    let shape = Shape { labels, ..COMPONENTS };
    let mut rng = SeededRng::new(seed);
    let mut gold: Vec<usize> = (0..n).map(|i| i % labels).collect();
    rng.shuffle(&mut gold);
    let rows = n * labels;
    let mut components = Vec::with_capacity(shape.components() * rows);
    for index in 0..shape.components() {
        let mut traits = SeededRng::new(1000 + index as u64);
        let scale = 0.3 * traits.unit().powi(4);
        let signal = if index % 10 == 0 { 1.5 * traits.normal() } else { 0.0 };
        let bias: Vec<f64> = (0..labels).map(|_| traits.normal()).collect();
        for &gold in &gold {
            let value =
                |label: usize, noise: f64| scale * (bias[label] + noise + if label == gold { signal } else { 0.0 });
            components.extend((0..labels).map(|label| value(label, rng.normal()) as f32));
        }
    }
    let rest = vec![0.0; rows];
    let full = (0..rows).map(|i| components[i..].iter().step_by(rows).sum()).collect();
    let gram: Vec<f64> = (0..labels * labels).map(|at| if at % (labels + 1) == 0 { 1.0 } else { 0.4 }).collect();
    let mut table = Attribution::new(shape, gold).with_label_gram(Some(gram.into()));
    let norms = vec![1.0; shape.components() * n];
    table.push(&Batch { examples: n, components, rest, full, norms });
    table
}

fn measure<T>(name: &str, times: usize, mut work: impl FnMut() -> T) {
    measure_from(name, times, || (), |()| work());
}

/// Times `work` alone; each time on what `prepare` makes.
fn measure_from<S, T>(name: &str, times: usize, prepare: impl Fn() -> S, mut work: impl FnMut(&mut S) -> T) {
    black_box(work(&mut prepare()));
    let mut milliseconds: Vec<f64> = (0..times)
        .map(|_| {
            let mut from = prepare();
            let start = Instant::now();
            black_box(work(&mut from));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let (least, median, most) = (milliseconds[0], milliseconds[times / 2], milliseconds[times - 1]);
    println!("{name:<60} {median:9.3} ms  ({least:.3} to {most:.3})");
}
