//! Proximal Newton steps, solved by coordinate descent on a working set.
//!
//! Each step replaces the loss by its second-order model and minimises that, penalty and box included, one weight at a
//! time, over the weights that are not already optimal where they are (Lee, Sun & Saunders 2014; Friedman, Hastie &
//! Tibshirani 2010). With 24 labels only a few dozen weights move, whatever the number of components.

use crate::{
    analysis::reweight::{
        FitOptions,
        problem::{Point, Problem, add_scaled, dot},
    },
    cancel::Cancel,
    error::Result,
};

/// Where a solve ended.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub weights: Vec<f64>,
    pub objective: f64,
    pub kkt: f64,
    pub iterations: usize,
}

/// Minimises `problem` at strength `lambda`, from the weights `start`.
pub(super) fn solve(
    problem: &Problem,
    lambda: f64,
    start: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Solution> {
    let mut weights = start.to_vec();
    let mut logits = problem.logits(&weights);
    let mut point = problem.point(&logits);
    let (mut damping, mut iterations) = (0.0, 0);
    loop {
        let gradient = problem.gradient(&point);
        let violations = problem.violations(&weights, &gradient, lambda);
        let kkt = problem.kkt(&violations);
        if kkt <= options.tolerance || iterations >= options.max_iterations {
            let objective = point.loss + lambda * problem.pull.total(&weights);
            return Ok(Solution { weights, objective, kkt, iterations });
        }
        cancel.check()?;
        let set = working_set(problem, &weights, &violations);
        let mut model = Model::new(problem, &point, &set, &gradient, lambda, damping);
        model.minimise(&weights, kkt.min(0.1) * kkt * problem.unit);
        let step = line_search(problem, &weights, &logits, &point, &model);
        for (&index, &change) in set.iter().zip(&model.change) {
            weights[index] = problem.pull.settle(index, weights[index] + step * change);
        }
        add_scaled(&mut logits, &model.logits, step);
        iterations += 1;
        if iterations % 20 == 0 {
            logits = problem.logits(&weights);
        }
        point = problem.point(&logits);
        damping = next_damping(damping, step, model.steepest());
    }
}

/// Weights that may move: those away from the anchor and those whose condition fails most.
fn working_set(problem: &Problem, weights: &[f64], violations: &[f64]) -> Vec<usize> {
    let free = |index: usize| problem.pull.is_free(index, weights[index]);
    let mut set: Vec<usize> = (0..weights.len()).filter(|&index| free(index)).collect();
    let mut others: Vec<usize> = (0..weights.len()).filter(|&index| !free(index) && violations[index] > 0.0).collect();
    others.sort_by(|&a, &b| violations[b].total_cmp(&violations[a]).then(a.cmp(&b)));
    others.truncate(64 + set.len());
    set.extend(others);
    set.sort_unstable();
    set
}

/// The second-order model of the objective over a working set.
struct Model<'a> {
    problem: &'a Problem,
    set: &'a [usize],
    slopes: Vec<f64>,
    lambda: f64,
    damping: f64,
    /// `D · g_c` for each member, `[M, N·Y]`.
    curved: Vec<f64>,
    curvature: Vec<f64>,
    change: Vec<f64>,
    /// Change of logits `[N·Y]`.
    logits: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(problem: &'a Problem, point: &Point, set: &'a [usize], gradient: &[f64], lambda: f64, damping: f64) -> Self {
        let width = point.probabilities.len();
        let mut curved = vec![0.0; set.len() * width];
        for (&index, out) in set.iter().zip(curved.chunks_exact_mut(width)) {
            problem.curve(point, problem.column(index), out);
        }
        let curvature = set
            .iter()
            .zip(curved.chunks_exact(width))
            .map(|(&index, curved)| dot(problem.column(index), curved).max(1e-300) + damping)
            .collect();
        let slopes = set.iter().map(|&index| gradient[index]).collect();
        let (change, logits) = (vec![0.0; set.len()], vec![0.0; width]);
        Self { problem, set, slopes, lambda, damping, curved, curvature, change, logits }
    }

    fn steepest(&self) -> f64 {
        self.curvature.iter().copied().fold(0.0, f64::max)
    }

    /// Sweeps until no coordinate's gradient changes by more than `tolerance`; sweeps over moving ones in between.
    fn minimise(&mut self, weights: &[f64], tolerance: f64) {
        let all: Vec<usize> = (0..self.set.len()).collect();
        for _ in 0..50 {
            if self.sweep(&all, weights) <= tolerance {
                return;
            }
            let moving: Vec<usize> = all.iter().copied().filter(|&m| self.change[m] != 0.0).collect();
            for _ in 0..200 {
                if self.sweep(&moving, weights) <= tolerance {
                    break;
                }
            }
        }
    }

    /// One pass; returns the largest move, in units of gradient.
    fn sweep(&mut self, members: &[usize], weights: &[f64]) -> f64 {
        let mut largest = 0.0_f64;
        for &member in members {
            let now = weights[self.set[member]] + self.change[member];
            let move_ = self.best(member, now) - now;
            if move_ != 0.0 {
                self.change[member] += move_;
                add_scaled(&mut self.logits, self.problem.column(self.set[member]), move_);
                largest = largest.max(move_.abs() * self.curvature[member]);
            }
        }
        largest
    }

    /// Where one weight is best while the others stay.
    fn best(&self, member: usize, now: f64) -> f64 {
        let width = self.logits.len();
        let slope = self.slopes[member]
            + dot(&self.curved[member * width..(member + 1) * width], &self.logits)
            + self.damping * self.change[member];
        self.problem.pull.best(self.set[member], now, slope, self.curvature[member], self.lambda)
    }

    /// Change of the penalty after a share `step` of the way.
    fn cost(&self, weights: &[f64], step: f64) -> f64 {
        let members = self.set.iter().zip(&self.change);
        let cost = |(&index, &change): (&usize, &f64)| {
            let pull = &self.problem.pull;
            pull.cost(index, weights[index] + step * change) - pull.cost(index, weights[index])
        };
        self.lambda * members.map(cost).sum::<f64>()
    }
}

/// Largest of 1, ½, ¼ … that makes the objective fall enough (Armijo).
fn line_search(problem: &Problem, weights: &[f64], logits: &[f64], point: &Point, model: &Model) -> f64 {
    let promised = dot(&model.slopes, &model.change) + model.cost(weights, 1.0);
    let mut step = 1.0;
    for _ in 0..40 {
        let trial: Vec<f64> = logits.iter().zip(&model.logits).map(|(z, t)| z + step * t).collect();
        let change = problem.point(&trial).loss - point.loss + model.cost(weights, step);
        if change <= 1e-4 * step * promised + 1e-15 * (1.0 + point.loss) {
            return step;
        }
        step *= 0.5;
    }
    step
}

/// More caution after a short step, less after a full one.
fn next_damping(damping: f64, step: f64, steepest: f64) -> f64 {
    if step < 0.25 {
        (10.0 * damping).max(1e-3 * steepest)
    } else if step < 1.0 || damping < 1e-9 * steepest {
        if step < 1.0 { damping } else { 0.0 }
    } else {
        0.1 * damping
    }
}
