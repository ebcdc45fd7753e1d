//! Bootstrap intervals on means over runs.
//!
//! Runs share demonstration sets, templates and test examples, so their accuracies are not independent. All three are
//! resampled with replacement, crossed (the pigeonhole bootstrap, Owen 2007): an interval over examples alone would not
//! cover the next demonstration set.
//!
//! A sweep has many runs and methods. All series over the same runs share the draws, and what is right is counted in
//! words of 64 examples: how often an example was drawn is split into bits, one word of each bit for 64 examples.

mod example_draw;

pub use example_draw::{ExampleDraw, HitTable};
use rayon::prelude::*;

use crate::random::SeededRng;

/// Runs of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRuns {
    /// The runs.
    pub runs: Vec<RunPlace>,
    /// Number of test examples, the same in all runs; 1 if there is one value a run.
    pub examples: usize,
}

/// Which template and demonstration set a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPlace {
    /// Index of the template, from 0.
    pub template: usize,
    /// Index of the demonstration set, from 0.
    pub demos: usize,
}

/// A mean over runs with its percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean over tasks of the mean over runs of the mean over examples.
    pub mean: f64,
    /// 95% interval.
    pub ci: (f64, f64),
}

/// Draws of templates, demonstration sets and examples for the runs of some tasks.
#[derive(Debug)]
pub struct Resampling<'a> {
    tasks: &'a [TaskRuns],
    /// Every example, template and demonstration set once.
    once: Vec<TaskDraw>,
    /// For each resample a draw for each task.
    draws: Vec<Vec<TaskDraw>>,
}

/// How often the templates, demonstration sets and examples of a task were drawn.
#[derive(Debug)]
struct TaskDraw {
    templates: Vec<f64>,
    demos: Vec<f64>,
    examples: ExampleDraw,
    /// Sum of the weights of all runs.
    total: f64,
}

/// Fills in the mean over the drawn examples of every series, for the task and the run with these indices.
pub type Fill<'a> = dyn Fn(usize, usize, &ExampleDraw, &mut [f64]) + Sync + 'a;

impl<'a> Resampling<'a> {
    /// Draws `draws` times for the runs of `tasks`; `None` without runs or examples. Tasks are fixed.
    pub fn new(tasks: &'a [TaskRuns], draws: usize, seed: u64) -> Option<Self> {
        if tasks.is_empty() || draws == 0 || tasks.iter().any(|task| task.examples == 0 || task.runs.is_empty()) {
            return None;
        }
        let mut random = SeededRng::new(seed);
        let once = tasks.iter().map(|task| TaskDraw::new(task, &mut |n| vec![1; n])).collect();
        let mut draw = |task: &TaskRuns| TaskDraw::new(task, &mut |n| multiplicities(&mut random, n));
        let draws = (0..draws).map(|_| tasks.iter().map(&mut draw).collect()).collect();
        Some(Self { tasks, once, draws })
    }

    /// Estimates the mean over tasks of the mean over runs for `series` kinds of values.
    pub fn estimates(&self, series: usize, values: &Fill<'_>) -> Vec<Estimate> {
        let means = self.means(&self.once, series, values);
        let drawn: Vec<Vec<f64>> = self.draws.par_iter().map(|draw| self.means(draw, series, values)).collect();
        let interval = |at: usize| {
            let mut resampled: Vec<f64> = drawn.iter().map(|means| means[at]).collect();
            resampled.sort_by(f64::total_cmp);
            let quantile = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
            (quantile(0.025), quantile(0.975))
        };
        means.into_iter().enumerate().map(|(at, mean)| Estimate { mean, ci: interval(at) }).collect()
    }

    /// Returns the means of one draw, `[series]`.
    fn means(&self, draws: &[TaskDraw], series: usize, values: &Fill<'_>) -> Vec<f64> {
        let (mut means, mut own) = (vec![0.0; series], vec![0.0; series]);
        for (at, (task, draw)) in self.tasks.iter().zip(draws).enumerate() {
            let mut sums = vec![0.0; series];
            for (index, run) in task.runs.iter().enumerate() {
                let weight = draw.weight(*run);
                if weight > 0.0 {
                    values(at, index, &draw.examples, &mut own);
                    sums.iter_mut().zip(&own).for_each(|(sum, value)| *sum += weight * value);
                }
            }
            means.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean += sum / draw.total);
        }
        for mean in &mut means {
            *mean /= self.tasks.len() as f64;
        }
        means
    }
}

impl TaskDraw {
    fn new(task: &TaskRuns, draw: &mut dyn FnMut(usize) -> Vec<u32>) -> Self {
        let span = |number: fn(&RunPlace) -> usize| task.runs.iter().map(number).max().map_or(0, |most| most + 1);
        let (templates, demos) = (span(|run| run.template), span(|run| run.demos));
        let examples = ExampleDraw::new(&draw(task.examples));
        let mut real = |n: usize| draw(n).into_iter().map(f64::from).collect::<Vec<_>>();
        loop {
            let mut drawn =
                Self { templates: real(templates), demos: real(demos), examples: ExampleDraw::default(), total: 0.0 };
            drawn.total = task.runs.iter().map(|run| drawn.weight(*run)).sum();
            if drawn.total > 0.0 {
                return Self { examples, ..drawn };
            }
        }
    }

    fn weight(&self, run: RunPlace) -> f64 {
        self.templates[run.template] * self.demos[run.demos]
    }
}

/// Draws `n` times with replacement from `n` items and returns how often each was drawn, `[n]`.
fn multiplicities(random: &mut SeededRng, n: usize) -> Vec<u32> {
    let mut counts = vec![0; n];
    for _ in 0..n {
        counts[random.below(n)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Hits;

    /// Runs of one task with five demonstration sets, and their hits.
    fn estimate(hits: &[Hits], draws: usize, seed: u64) -> Option<Estimate> {
        let runs = (0..hits.len()).map(|at| RunPlace { template: at / 5, demos: at % 5 }).collect();
        let tasks = [TaskRuns { runs, examples: hits.iter().map(Hits::len).min().unwrap_or(0) }];
        let resampling = Resampling::new(&tasks, draws, seed)?;
        let mean = |_: usize, run: usize, drawn: &ExampleDraw, out: &mut [f64]| {
            drawn.count_right(&HitTable::new(&[&hits[run]]), out);
            out[0] /= drawn.len() as f64;
        };
        Some(resampling.estimates(1, &mean)[0])
    }

    #[test]
    fn variance_between_runs_widens_the_interval() {
        let alike: Vec<Hits> = (0..15).map(|_| (0..200).map(|i| i % 2 == 1).collect()).collect();
        let varied: Vec<Hits> = (0..15).map(|run| (0..200).map(|i| i % 10 < run % 5 * 2 + 1).collect()).collect();
        let (alike, varied) = (estimate(&alike, 500, 1).unwrap(), estimate(&varied, 500, 1).unwrap());
        assert!((alike.mean - 0.5).abs() < 1e-12 && (varied.mean - 0.5).abs() < 1e-12);
        let width = |estimate: Estimate| estimate.ci.1 - estimate.ci.0;
        assert!((0.1..0.18).contains(&width(alike)), "binomial: {}", width(alike));
        assert!(width(varied) > 2.0 * width(alike));
    }

    #[test]
    fn without_runs_or_examples_there_is_no_interval() {
        assert_eq!(estimate(&[], 100, 1), None);
        assert_eq!(estimate(&[Hits::default()], 100, 1), None);
    }

    /// The definition, number by number: draws, weights and sums as they are written in the papers.
    fn plain(tasks: &[(TaskRuns, Vec<Vec<f64>>)], draws: usize, seed: u64) -> Estimate {
        let mut random = SeededRng::new(seed);
        let mut mean_of = |draw: &mut dyn FnMut(&mut SeededRng, usize) -> Vec<f64>| {
            let mut sum = 0.0;
            for (task, values) in tasks {
                let examples = draw(&mut random, task.examples);
                let within = |values: &Vec<f64>| {
                    values.iter().zip(&examples).map(|(v, m)| v * m).sum::<f64>() / task.examples as f64
                };
                let span = |of: fn(&RunPlace) -> usize| task.runs.iter().map(of).max().unwrap() + 1;
                sum += loop {
                    let templates = draw(&mut random, span(|run| run.template));
                    let demos = draw(&mut random, span(|run| run.demos));
                    let weight = |run: &RunPlace| templates[run.template] * demos[run.demos];
                    let total: f64 = task.runs.iter().map(weight).sum();
                    if total > 0.0 {
                        let terms = task.runs.iter().zip(values).map(|(run, values)| weight(run) * within(values));
                        break terms.sum::<f64>() / total;
                    }
                };
            }
            sum / tasks.len() as f64
        };
        let mean = mean_of(&mut |_, n| vec![1.0; n]);
        let real = |random: &mut SeededRng, n| multiplicities(random, n).into_iter().map(f64::from).collect();
        let mut resampled: Vec<f64> = (0..draws).map(|_| mean_of(&mut |random, n| real(random, n))).collect();
        resampled.sort_by(f64::total_cmp);
        let quantile = |share: f64| resampled[((draws - 1) as f64 * share).round() as usize];
        Estimate { mean, ci: (quantile(0.025), quantile(0.975)) }
    }

    #[test]
    fn numbers_are_those_of_the_definition_bit_by_bit() {
        let mut random = SeededRng::new(7);
        for examples in [1, 3, 64, 65, 150] {
            let places = [(0, 0), (0, 1), (1, 1), (1, 3), (2, 0)];
            let task = |runs: usize, random: &mut SeededRng| {
                let runs: Vec<RunPlace> =
                    places[..runs].iter().map(|&(template, demos)| RunPlace { template, demos }).collect();
                let hits: Vec<Hits> =
                    runs.iter().map(|_| (0..examples).map(|_| random.below(3) > 0).collect()).collect();
                (TaskRuns { runs, examples }, hits)
            };
            let tasks = [task(2, &mut random), task(5, &mut random)];
            let runs: Vec<TaskRuns> = tasks.iter().map(|(task, _)| task.clone()).collect();
            let fill = |task: usize, run: usize, drawn: &ExampleDraw, out: &mut [f64]| {
                drawn.count_right(&HitTable::new(&[&tasks[task].1[run]]), out);
                out[0] /= drawn.len() as f64;
            };
            let fast = Resampling::new(&runs, 200, 3).unwrap().estimates(1, &fill)[0];
            let values = |hits: &Vec<Hits>| hits.iter().map(Hits::values).collect();
            let plain = plain(&tasks.each_ref().map(|(task, hits)| (task.clone(), values(hits))), 200, 3);
            assert_eq!(fast, plain, "{examples}");
        }
    }
}
