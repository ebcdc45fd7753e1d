//! Pure ridge problems, solved in the dual.
//!
//! With `λ/2 Σ s_c² (w_c − a)²` and no box the optimum is `w_c = a + (g_c · α) / s_c²` for a vector `α` with one number
//! per logit (the representer theorem). That leaves `N·Y` unknowns, however many components there are, and Newton's
//! method needs only a few steps.

use crate::{
    analysis::reweight::{
        FitOptions,
        problem::{Point, Problem, add_scaled, dot},
        solver::Solution,
    },
    cancel::Cancel,
    error::Result,
};

/// Largest number of logits for which a dense system is faster.
const MAX_WIDTH: usize = 400;

/// Returns whether the problem is a pure ridge and small enough.
pub(super) fn applies(problem: &Problem) -> bool {
    problem.penalty.is_plain_ridge() && problem.width() <= MAX_WIDTH
}

/// Returns one solution per strength in `lambdas`.
pub(super) fn solve(
    problem: &Problem,
    lambdas: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Vec<Solution>> {
    let dual = Dual::new(problem);
    lambdas.iter().map(|&lambda| dual.newton(lambda, options, cancel)).collect()
}

/// The dual problem.
struct Dual<'a> {
    problem: &'a Problem,
    /// `Σ_c g_c g_cᵀ / s_c²`, `[N·Y, N·Y]`, symmetric.
    kernel: Vec<f64>,
    /// Logits `[N·Y]` with every weight at the anchor.
    base: Vec<f64>,
}

/// An iterate of Newton's method.
struct Iterate {
    alpha: Vec<f64>,
    /// `kernel · α`: the change of the logits.
    change: Vec<f64>,
    point: Point,
    /// Loss and penalty.
    value: f64,
}

impl<'a> Dual<'a> {
    fn new(problem: &'a Problem) -> Self {
        let width = problem.width();
        let mut kernel = vec![0.0; width * width];
        for index in 0..problem.columns() {
            let (column, price) = (problem.column(index), problem.penalty.price(index));
            if price > 0.0 {
                for (row, &value) in kernel.chunks_exact_mut(width).zip(column) {
                    add_scaled(row, column, value / (price * price));
                }
            }
        }
        Self { problem, kernel, base: problem.logits(&problem.penalty.start()) }
    }

    fn newton(&self, lambda: f64, options: &FitOptions, cancel: &Cancel) -> Result<Solution> {
        let mut iterate = self.evaluate(vec![0.0; self.base.len()], lambda);
        let mut iterations = 0;
        loop {
            cancel.check()?;
            let weights = self.weights(&iterate.alpha);
            let gradient = self.problem.gradient(&iterate.point);
            let kkt = self.problem.kkt(&self.problem.violations(&weights, &gradient, lambda));
            if kkt <= options.tolerance || iterations >= options.max_iterations {
                return Ok(Solution { weights, objective: iterate.value, kkt, iterations });
            }
            iterate = self.step(&iterate, lambda);
            iterations += 1;
        }
    }

    /// Takes one Newton step, halved until the objective falls.
    fn step(&self, iterate: &Iterate, lambda: f64) -> Iterate {
        let mut residual = self.problem.residual(&iterate.point);
        add_scaled(&mut residual, &iterate.alpha, lambda);
        let direction = solve_dense(self.curvature(iterate, lambda), residual.iter().map(|f| -f).collect());
        let slope = dot(&self.times(&residual), &direction);
        let mut step = 1.0;
        loop {
            let alpha = iterate.alpha.iter().zip(&direction).map(|(a, d)| a + step * d).collect();
            let next = self.evaluate(alpha, lambda);
            if next.value <= iterate.value + 1e-4 * step * slope + 1e-15 * (1.0 + iterate.value) || step < 1e-9 {
                return next;
            }
            step *= 0.5;
        }
    }

    fn evaluate(&self, alpha: Vec<f64>, lambda: f64) -> Iterate {
        let change = self.times(&alpha);
        let logits: Vec<f64> = self.base.iter().zip(&change).map(|(base, change)| base + change).collect();
        let point = self.problem.point(&logits);
        let value = point.loss + 0.5 * lambda * dot(&alpha, &change);
        Iterate { alpha, change, point, value }
    }

    /// Computes `D · kernel + λ I`, where `D` is the Hessian of the loss in the logits.
    fn curvature(&self, iterate: &Iterate, lambda: f64) -> Vec<f64> {
        let width = iterate.change.len();
        let mut transposed = vec![0.0; width * width];
        for (row, out) in self.kernel.chunks_exact(width).zip(transposed.chunks_exact_mut(width)) {
            self.problem.hessian_times(&iterate.point, row, out);
        }
        let entry = |i: usize, j: usize| transposed[j * width + i] + if i == j { lambda } else { 0.0 };
        (0..width * width).map(|at| entry(at / width, at % width)).collect()
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.kernel.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
    }

    fn weights(&self, alpha: &[f64]) -> Vec<f64> {
        let mut weights = self.problem.penalty.start();
        for (index, weight) in weights.iter_mut().enumerate() {
            let price = self.problem.penalty.price(index);
            if price > 0.0 {
                *weight += dot(self.problem.column(index), alpha) / (price * price);
            }
        }
        weights
    }
}

/// Solves `a · x = b` by Gaussian elimination with partial pivoting; `a` is `[n, n]` and invertible.
fn solve_dense(mut a: Vec<f64>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for pivot in 0..n {
        let largest = (pivot..n).max_by(|&i, &j| a[i * n + pivot].abs().total_cmp(&a[j * n + pivot].abs()));
        let largest = largest.unwrap_or(pivot);
        if largest != pivot {
            let (above, below) = a.split_at_mut(largest * n);
            above[pivot * n..(pivot + 1) * n].swap_with_slice(&mut below[..n]);
            b.swap(pivot, largest);
        }
        let (above, below) = a.split_at_mut((pivot + 1) * n);
        let (head, (b_above, b_below)) = (&above[pivot * n..], b.split_at_mut(pivot + 1));
        for (row, b) in below.chunks_exact_mut(n).zip(b_below) {
            let factor = row[pivot] / head[pivot];
            add_scaled(&mut row[pivot..], &head[pivot..], -factor);
            *b -= factor * b_above[pivot];
        }
    }
    for row in (0..n).rev() {
        let known = dot(&a[row * n + row + 1..(row + 1) * n], &b[row + 1..]);
        b[row] = (b[row] - known) / a[row * n + row];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solve_dense_matches_hand_computation() {
        let x = solve_dense(vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 3.0, 0.0, 1.0], vec![7.0, 3.0, 6.0]);
        for (x, want) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((x - want).abs() < 1e-12, "{x} {want}");
        }
    }
}
