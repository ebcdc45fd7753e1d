//! Tables for tests.

use crate::{
    analysis::random::Draws,
    attribution::{Attribution, Batch},
    component::Shape,
};

/// `n` examples with balanced labels and contributions that know nothing of them; 2 layers of 3 heads.
pub(crate) fn noise(n: usize, labels: usize, seed: u64) -> Attribution {
    table(Shape { layers: 2, heads: 3, labels }, n, seed, |_| 0.0)
}

/// `n` examples with balanced labels in random order. The component at `index` adds `signal(index)` to the gold label
/// and standard normal noise to all.
pub(crate) fn table(shape: Shape, n: usize, seed: u64, signal: impl Fn(usize) -> f64) -> Attribution {
    let mut draws = Draws::new(seed);
    let mut gold: Vec<usize> = (0..n).map(|i| i % shape.labels).collect();
    draws.shuffle(&mut gold);
    let rows = n * shape.labels;
    let mut components = Vec::with_capacity(shape.components() * rows);
    for index in 0..shape.components() {
        for &gold in &gold {
            let lift = |label: usize| if label == gold { signal(index) } else { 0.0 };
            components.extend((0..shape.labels).map(|label| (lift(label) + draws.normal()) as f32));
        }
    }
    let rest: Vec<f32> = (0..rows).map(|_| draws.normal() as f32).collect();
    let full = (0..rows).map(|i| components[i..].iter().step_by(rows).sum::<f32>() + rest[i]).collect();
    let mut table = Attribution::new(shape, gold);
    table.push(&Batch { examples: n, components, rest, full });
    table
}
