//! Proximal Newton method with coordinate descent on a working set.
//!
//! Each step replaces the loss with its second-order model and minimises that, with penalty and box, one weight at a
//! time, over the weights that are not yet optimal (Lee, Sun & Saunders 2014; Friedman, Hastie & Tibshirani 2010). With
//! 24 labels only a few dozen weights change, however many components there are.

use crate::{
    analysis::reweight::{
        FitOptions,
        problem::{Point, Problem, add_scaled, dot},
    },
    cancel::Cancel,
    error::Result,
};

/// Result of a solve.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub weights: Vec<f64>,
    pub objective: f64,
    pub kkt: f64,
    pub iterations: usize,
}

/// Minimises `problem` at strength `lambda`, starting from the weights `start`.
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
            let objective = point.loss + lambda * problem.penalty.total(&weights);
            return Ok(Solution { weights, objective, kkt, iterations });
        }
        cancel.check()?;
        let set = working_set(problem, &weights, &violations);
        let mut model = Model::new(problem, &point, &set, &gradient, lambda, damping);
        model.minimise(&weights, kkt.min(0.1) * kkt * problem.unit);
        let step = line_search(problem, &weights, &logits, &point, &model);
        for (&index, &change) in set.iter().zip(&model.change) {
            weights[index] = problem.penalty.snap(index, weights[index] + step * change);
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

/// Returns the indices of the weights to optimize: those away from the anchor and those that violate their condition
/// most.
fn working_set(problem: &Problem, weights: &[f64], violations: &[f64]) -> Vec<usize> {
    let free = |index: usize| problem.penalty.is_free(index, weights[index]);
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
    /// Hessian times column for each member, `[M, N·Y]`.
    curved: Vec<f64>,
    curvature: Vec<f64>,
    change: Vec<f64>,
    /// Change of the logits, `[N·Y]`.
    logits: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(problem: &'a Problem, point: &Point, set: &'a [usize], gradient: &[f64], lambda: f64, damping: f64) -> Self {
        let width = point.probabilities.len();
        let mut curved = vec![0.0; set.len() * width];
        for (&index, out) in set.iter().zip(curved.chunks_exact_mut(width)) {
            problem.hessian_times(point, problem.column(index), out);
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

    /// Sweeps over all coordinates, and in between over changed ones only, until no gradient changes by more than
    /// `tolerance`.
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

    /// Optimizes each of `members` once and returns the largest change, in units of gradient.
    fn sweep(&mut self, members: &[usize], weights: &[f64]) -> f64 {
        let mut largest = 0.0_f64;
        for &member in members {
            let now = weights[self.set[member]] + self.change[member];
            let step = self.best(member, now) - now;
            if step != 0.0 {
                self.change[member] += step;
                add_scaled(&mut self.logits, self.problem.column(self.set[member]), step);
                largest = largest.max(step.abs() * self.curvature[member]);
            }
        }
        largest
    }

    /// Returns the optimal value of one weight while the others stay fixed.
    fn best(&self, member: usize, now: f64) -> f64 {
        let width = self.logits.len();
        let slope = self.slopes[member]
            + dot(&self.curved[member * width..(member + 1) * width], &self.logits)
            + self.damping * self.change[member];
        self.problem.penalty.best(self.set[member], now, slope, self.curvature[member], self.lambda)
    }

    /// Returns the change of the penalty after the share `step` of the model's change.
    fn cost(&self, weights: &[f64], step: f64) -> f64 {
        let members = self.set.iter().zip(&self.change);
        let cost = |(&index, &change): (&usize, &f64)| {
            let penalty = &self.problem.penalty;
            penalty.cost(index, weights[index] + step * change) - penalty.cost(index, weights[index])
        };
        self.lambda * members.map(cost).sum::<f64>()
    }
}

/// Returns the largest step of 1, ½, ¼ … that lowers the objective enough (Armijo).
fn line_search(problem: &Problem, weights: &[f64], logits: &[f64], point: &Point, model: &Model) -> f64 {
    let predicted = dot(&model.slopes, &model.change) + model.cost(weights, 1.0);
    let mut step = 1.0;
    for _ in 0..40 {
        let trial: Vec<f64> = logits.iter().zip(&model.logits).map(|(z, t)| z + step * t).collect();
        let change = problem.point(&trial).loss - point.loss + model.cost(weights, step);
        if change <= 1e-4 * step * predicted + 1e-15 * (1.0 + point.loss) {
            return step;
        }
        step *= 0.5;
    }
    step
}

/// Returns the damping of the next step: more after a short step, less after a full one.
fn next_damping(damping: f64, step: f64, steepest: f64) -> f64 {
    if step < 0.25 {
        (10.0 * damping).max(1e-3 * steepest)
    } else if step < 1.0 || damping < 1e-9 * steepest {
        if step < 1.0 { damping } else { 0.0 }
    } else {
        0.1 * damping
    }
}
