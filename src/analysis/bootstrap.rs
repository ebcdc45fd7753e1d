//! Bootstrap intervals on means over runs.
//!
//! Runs share demonstration sets, templates and test examples, so their accuracies are not independent. All three are
//! resampled with replacement, crossed (the pigeonhole bootstrap, Owen 2007): an interval over examples alone would not
//! cover the next demonstration set.

use crate::random::SeededRng;

/// Per-example values of one run: 1 or 0 for right or wrong, or the difference of two methods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BootstrapCell<'a> {
    /// Index of the template, from 0.
    pub template: usize,
    /// Index of the demonstration set, from 0.
    pub demos: usize,
    /// One value per test example, in the same order in every run of one task.
    pub values: &'a [f64],
}

/// A mean over runs with its percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean over runs of the mean over examples.
    pub mean: f64,
    /// 95% interval.
    pub ci: (f64, f64),
}

/// Bootstraps the mean over `cells` with `draws` resamples; `None` without cells or examples.
pub fn bootstrap(cells: &[BootstrapCell], draws: usize, seed: u64) -> Option<Estimate> {
    bootstrap_tasks(&[cells], draws, seed)
}

/// Bootstraps the mean over tasks of each task's mean over runs. Tasks are fixed; templates, demonstration sets and
/// examples are resampled.
pub fn bootstrap_tasks(tasks: &[&[BootstrapCell]], draws: usize, seed: u64) -> Option<Estimate> {
    let sizes: Vec<Sizes> = tasks.iter().map(|cells| Sizes::from_cells(cells)).collect();
    if tasks.is_empty() || draws == 0 || sizes.iter().any(|sizes| sizes.examples == 0) {
        return None;
    }
    let mut random = SeededRng::new(seed);
    let mut mean_of = |draw: &mut dyn FnMut(&mut SeededRng, usize) -> Vec<f64>| {
        let means = tasks.iter().zip(&sizes).map(|(cells, sizes)| sizes.mean(cells, &mut |n| draw(&mut random, n)));
        means.sum::<f64>() / tasks.len() as f64
    };
    let mean = mean_of(&mut |_, n| vec![1.0; n]);
    let mut resampled: Vec<f64> = (0..draws).map(|_| mean_of(&mut multiplicities)).collect();
    resampled.sort_by(f64::total_cmp);
    let quantile = |share: f64| resampled[((draws - 1) as f64 * share).round() as usize];
    Some(Estimate { mean, ci: (quantile(0.025), quantile(0.975)) })
}

/// Numbers of templates, demonstration sets and examples in the cells of a task.
struct Sizes {
    templates: usize,
    demos: usize,
    examples: usize,
}

impl Sizes {
    fn from_cells(cells: &[BootstrapCell]) -> Self {
        let span = |number: fn(&BootstrapCell) -> usize| cells.iter().map(number).max().map_or(0, |most| most + 1);
        let examples = cells.iter().map(|cell| cell.values.len()).min().unwrap_or(0);
        Self { templates: span(|cell| cell.template), demos: span(|cell| cell.demos), examples }
    }

    /// Returns the mean of all cells, weighted by how often their template, demonstration set and examples were drawn.
    fn mean(&self, cells: &[BootstrapCell], draw: &mut dyn FnMut(usize) -> Vec<f64>) -> f64 {
        let examples = draw(self.examples);
        let within: Vec<f64> = cells
            .iter()
            .map(|cell| cell.values.iter().zip(&examples).map(|(v, m)| v * m).sum::<f64>() / self.examples as f64)
            .collect();
        loop {
            let (templates, demos) = (draw(self.templates), draw(self.demos));
            let weight = |cell: &BootstrapCell| templates[cell.template] * demos[cell.demos];
            let total: f64 = cells.iter().map(weight).sum();
            if total > 0.0 {
                return cells.iter().zip(&within).map(|(cell, mean)| weight(cell) * mean).sum::<f64>() / total;
            }
        }
    }
}

/// Draws `n` times with replacement from `n` items and returns how often each was drawn, `[n]`.
fn multiplicities(random: &mut SeededRng, n: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n];
    for _ in 0..n {
        counts[random.below(n)] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(values: &[Vec<f64>]) -> Vec<BootstrapCell<'_>> {
        values.iter().enumerate().map(|(i, values)| BootstrapCell { template: i / 5, demos: i % 5, values }).collect()
    }

    #[test]
    fn variance_between_runs_widens_the_interval() {
        let alike: Vec<Vec<f64>> = (0..15).map(|_| (0..200).map(|i| f64::from(i % 2)).collect()).collect();
        let varied: Vec<Vec<f64>> =
            (0..15).map(|run| (0..200).map(|i| f64::from(u8::from(i % 10 < run % 5 * 2 + 1))).collect()).collect();
        let (alike, varied) = (bootstrap(&cells(&alike), 500, 1).unwrap(), bootstrap(&cells(&varied), 500, 1).unwrap());
        assert!((alike.mean - 0.5).abs() < 1e-12 && (varied.mean - 0.5).abs() < 1e-12);
        let width = |estimate: Estimate| estimate.ci.1 - estimate.ci.0;
        assert!((0.1..0.18).contains(&width(alike)), "binomial: {}", width(alike));
        assert!(width(varied) > 2.0 * width(alike));
    }

    #[test]
    fn without_cells_or_examples_there_is_no_interval() {
        assert_eq!(bootstrap(&[], 100, 1), None);
        assert_eq!(bootstrap(&[BootstrapCell { template: 0, demos: 0, values: &[] }], 100, 1), None);
    }
}
