//! Benchmark of the analyses at the size of Llama-2-7B: 32 layers of 32 heads and an MLP, 1056 components.
//!
//! `cargo bench --bench analysis` prints the median and the range of each time. Targets: one fit of 24 labels under 10 ms,
//! a path of 20 strengths under 100 ms, `components` on 2000 examples under 100 ms.

use std::{hint::black_box, time::Instant};

use partscope::{
    Attribution, Batch, Shape,
    analysis::{
        Lambda, MixedLogits, Penalty, Scaling, Thresholds,
        mix::Mix,
        reweight::{FitOptions, comprw, comprw_released, fit, fit_path, lambda_path, partscope},
        summarize,
    },
    cancel::Cancel,
    random::SeededRng,
};

const COMPONENTS: Shape = Shape { layers: 32, heads: 32, labels: 0 };

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
        measure("fit by the default method, cross-validated", 5, || partscope(&train, &never));
        measure("CompRW as printed", 5, || comprw(&train, &never));
        measure("CompRW as released", 5, || comprw_released(&train, &never));
        measure("components on 2000 examples", 20, || summarize(&test, &Thresholds::default()));
        let mut mixed = MixedLogits::new(Mix::identity(test.shape()), &test);
        let mut weight = 0.0;
        measure("one fader on 2000 examples, predictions and accuracy", 50, || {
            weight += 0.01;
            mixed.set_weight(&test, 500, weight);
            mixed.accuracy(&test)
        });
        println!();
    }
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
    let mut table = Attribution::new(shape, gold);
    table.push(&Batch { examples: n, components, rest, full });
    table
}

fn measure<T>(name: &str, times: usize, mut work: impl FnMut() -> T) {
    black_box(work());
    let mut milliseconds: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let (least, median, most) = (milliseconds[0], milliseconds[times / 2], milliseconds[times - 1]);
    println!("{name:<60} {median:9.3} ms  ({least:.3} to {most:.3})");
}
