//! Simulations of the error rates of the statistics.

use crate::{
    analysis::{
        components::summarize,
        kind::{Kind, Thresholds},
    },
    attribution::{Attribution, Batch},
    component::Shape,
    random::SeededRng,
};

/// Contributions that are independent of the gold labels but otherwise resemble a model's: every component has its own
/// label bias, sometimes so strong that it almost always predicts one label, and shares half of its noise with the
/// others.
fn uninformative(shape: Shape, n: usize, gold_share: &[f64], seed: u64) -> Attribution {
    let mut rng = SeededRng::new(seed);
    let gold: Vec<usize> = (0..n).map(|_| pick(&mut rng, gold_share)).collect();
    let rows = n * shape.labels;
    let shared: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let mut components = Vec::with_capacity(shape.components() * rows);
    for _ in 0..shape.components() {
        let strength = 3.0 * rng.unit();
        let bias: Vec<f64> = (0..shape.labels).map(|_| strength * rng.normal()).collect();
        components.extend((0..rows).map(|i| (bias[i % shape.labels] + 0.7 * shared[i] + rng.normal()) as f32));
    }
    let full = (0..rows).map(|i| (shared[i] + rng.normal()) as f32).collect();
    let mut table = Attribution::new(shape, gold);
    table.push(&Batch { examples: n, components, rest: vec![0.0; rows], full, norms: Vec::new() });
    table
}

/// Draws a label with the probabilities `share`.
fn pick(rng: &mut SeededRng, share: &[f64]) -> usize {
    let mut left = rng.unit();
    share.iter().take(share.len() - 1).take_while(|&&p| (left >= p).then(|| left -= p).is_some()).count()
}

/// Share of runs in which any component is called good or bad, and in which any is flagged as beating the model. The
/// second is a false alarm only if labels are balanced: otherwise always predicting the frequent label beats this
/// model.
fn false_alarms(shape: Shape, n: usize, gold_share: &[f64], runs: u64) -> (f64, f64) {
    let (mut kinds, mut beats) = (0, 0);
    for seed in 0..runs {
        let stats = summarize(&uninformative(shape, n, gold_share, seed), &Thresholds::default());
        kinds += u64::from(stats.iter().any(|s| matches!(s.kind, Kind::Good | Kind::Bad)));
        beats += u64::from(stats.iter().any(|s| s.beats_full));
    }
    (kinds as f64 / runs as f64, beats as f64 / runs as f64)
}

#[test]
fn noise_is_rarely_called_good_or_bad() {
    for (n, gold_share) in
        [(60, &[0.5, 0.5][..]), (60, &[0.8, 0.2]), (60, &[0.34, 0.33, 0.33]), (60, &[0.25; 4]), (150, &[0.7, 0.2, 0.1])]
    {
        let shape = Shape { layers: 4, heads: 9, labels: gold_share.len() };
        let (kinds, beats) = false_alarms(shape, n, gold_share, 200);
        let balanced = gold_share.iter().all(|&share| (share - gold_share[0]).abs() < 0.02);
        assert!(kinds <= 0.05 && (beats <= 0.05 || !balanced), "N = {n}, {gold_share:?}: {kinds}, {beats}");
    }
}

#[test]
#[ignore = "takes minutes: uses the sizes of a real model"]
fn noise_is_rarely_called_good_or_bad_at_full_size() {
    for (n, gold_share) in [(200, &[0.5, 0.5][..]), (200, &[0.25; 4]), (1000, &[0.5, 0.5]), (1000, &[0.34, 0.33, 0.33])]
    {
        let shape = Shape { layers: 32, heads: 32, labels: gold_share.len() };
        let (kinds, beats) = false_alarms(shape, n, gold_share, 200);
        println!(
            "N = {n}, {} components, gold {gold_share:?}: good or bad in {kinds}, beats the model in {beats}",
            shape.components()
        );
        assert!(kinds <= 0.05 && beats <= 0.05);
    }
}
