//! A ridge alone, solved in the space of examples.
//!
//! With `λ/2 Σ s_c² (w_c − a)²` and no box the optimum is `w_c = a + (g_c · α) / s_c²` for a vector `α` with one number per
//! logit (the representer theorem): a problem of `N·Y` unknowns however many components there are, that Newton's method
//! solves in a few steps.

use crate::{
    analysis::reweight::{
        FitOptions,
        problem::{Point, Problem, add_scaled, dot},
        solver::Solution,
    },
    cancel::Cancel,
    error::Result,
};

/// Most logits for which a dense system pays.
const MOST: usize = 400;

/// Whether this is such a problem, and small enough.
pub(super) fn applies(problem: &Problem) -> bool {
    problem.pull.is_plain_ridge() && problem.width() <= MOST
}

/// One solution per strength.
pub(super) fn solve(
    problem: &Problem,
    lambdas: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Vec<Solution>> {
    let dual = Dual::new(problem);
    lambdas.iter().map(|&lambda| dual.newton(lambda, options, cancel)).collect()
}

struct Dual<'a> {
    problem: &'a Problem,
    /// `Σ_c g_c g_cᵀ / s_c²`, `[N·Y, N·Y]`, symmetric.
    kernel: Vec<f64>,
    /// Logits where every weight is at the anchor.
    base: Vec<f64>,
}

/// A place in the space of examples.
struct Place {
    alpha: Vec<f64>,
    /// `kernel · α`: the change of logits.
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
            let (column, price) = (problem.column(index), problem.pull.price(index));
            if price > 0.0 {
                for (row, &value) in kernel.chunks_exact_mut(width).zip(column) {
                    add_scaled(row, column, value / (price * price));
                }
            }
        }
        Self { problem, kernel, base: problem.logits(&problem.pull.start()) }
    }

    fn newton(&self, lambda: f64, options: &FitOptions, cancel: &Cancel) -> Result<Solution> {
        let mut place = self.place(vec![0.0; self.base.len()], lambda);
        let mut iterations = 0;
        loop {
            cancel.check()?;
            let weights = self.weights(&place.alpha);
            let gradient = self.problem.gradient(&place.point);
            let kkt = self.problem.kkt(&self.problem.violations(&weights, &gradient, lambda));
            if kkt <= options.tolerance || iterations >= options.max_iterations {
                return Ok(Solution { weights, objective: place.value, kkt, iterations });
            }
            place = self.step(&place, lambda);
            iterations += 1;
        }
    }

    /// One Newton step, halved until the objective falls.
    fn step(&self, place: &Place, lambda: f64) -> Place {
        let mut force = self.problem.residual(&place.point);
        add_scaled(&mut force, &place.alpha, lambda);
        let direction = solve_dense(self.curvature(place, lambda), force.iter().map(|f| -f).collect());
        let slope = dot(&self.times(&force), &direction);
        let mut step = 1.0;
        loop {
            let alpha = place.alpha.iter().zip(&direction).map(|(a, d)| a + step * d).collect();
            let next = self.place(alpha, lambda);
            if next.value <= place.value + 1e-4 * step * slope + 1e-15 * (1.0 + place.value) || step < 1e-9 {
                return next;
            }
            step *= 0.5;
        }
    }

    fn place(&self, alpha: Vec<f64>, lambda: f64) -> Place {
        let change = self.times(&alpha);
        let logits: Vec<f64> = self.base.iter().zip(&change).map(|(base, change)| base + change).collect();
        let point = self.problem.point(&logits);
        let value = point.loss + 0.5 * lambda * dot(&alpha, &change);
        Place { alpha, change, point, value }
    }

    /// `D · kernel + λ`, with `D` the curvature of the loss.
    fn curvature(&self, place: &Place, lambda: f64) -> Vec<f64> {
        let width = place.change.len();
        let mut transposed = vec![0.0; width * width];
        for (row, out) in self.kernel.chunks_exact(width).zip(transposed.chunks_exact_mut(width)) {
            self.problem.curve(&place.point, row, out);
        }
        let entry = |i: usize, j: usize| transposed[j * width + i] + if i == j { lambda } else { 0.0 };
        (0..width * width).map(|at| entry(at / width, at % width)).collect()
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.kernel.chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
    }

    fn weights(&self, alpha: &[f64]) -> Vec<f64> {
        let mut weights = self.problem.pull.start();
        for (index, weight) in weights.iter_mut().enumerate() {
            let price = self.problem.pull.price(index);
            if price > 0.0 {
                *weight += dot(self.problem.column(index), alpha) / (price * price);
            }
        }
        weights
    }
}

/// Solves `a · x = b` by elimination with row exchanges; `a` is `[n, n]` and regular.
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
    fn elimination_by_hand() {
        let x = solve_dense(vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 3.0, 0.0, 1.0], vec![7.0, 3.0, 6.0]);
        for (x, want) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((x - want).abs() < 1e-12, "{x} {want}");
        }
    }
}
