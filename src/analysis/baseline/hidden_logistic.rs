//! Logistic regression on the last hidden state.

use crate::{
    analysis::{measures::Prediction, predict::softmax},
    attribution::Split,
    cancel::Cancel,
    error::{Error, Result},
    hidden::Hidden,
};

/// Largest gradient entry at which the Newton steps stop.
const TOLERANCE: f64 = 1e-9;
const STEPS: usize = 100;

/// Multinomial logistic regression on final hidden states, the usual linear probe (Alain & Bengio 2016, arXiv
/// 1610.01644): minimises `Σ_i CE(softmax(W x_i + b), y_i) + ½ ‖W‖²`, where `x` are the states minus their training mean,
/// divided by the root mean square of what is left over examples and dimensions. `b` has no penalty. As in scikit-learn's
/// default (C = 1), but on this scale.
///
/// With `W = Σ_i a_i x_iᵀ` the problem has one unknown per training logit; Newton steps with halving solve it.
///
/// # Errors
/// If the steps do not converge, or it was cancelled.
pub(super) fn hidden_logistic(hidden: &Hidden, gold: &[usize], labels: usize, cancel: &Cancel) -> Result<Prediction> {
    let states = Centred::new(hidden);
    let n = gold.len();
    let kernel: Vec<f64> = (0..n * n).map(|at| dot(&states.train[at / n], &states.train[at % n])).collect();
    let mut dual = Dual { kernel, gold, labels, a: vec![0.0; n * labels], b: vec![0.0; labels] };
    for _ in 0..STEPS {
        cancel.check()?;
        if dual.step()? {
            let rows = (0..hidden.len(Split::Test)).flat_map(|row| {
                let x = states.scaled(hidden.state(Split::Test, row));
                let own: Vec<f64> = states.train.iter().map(|other| dot(other, &x)).collect();
                dual.logits_of(&own)
            });
            return Ok(Prediction::Logits(rows.collect()));
        }
    }
    Err(Error::Model("the logistic regression on hidden states did not converge".to_owned()))
}

/// States of the training examples on the scale of the fit.
struct Centred {
    mean: Vec<f64>,
    scale: f64,
    train: Vec<Vec<f64>>,
}

impl Centred {
    fn new(hidden: &Hidden) -> Self {
        let n = hidden.len(Split::Train);
        let mut mean = vec![0.0; hidden.meta.width];
        for row in 0..n {
            let state = hidden.state(Split::Train, row);
            mean.iter_mut().zip(state).for_each(|(mean, &x)| *mean += f64::from(x) / n as f64);
        }
        let mut centred = Self { mean, scale: 1.0, train: Vec::new() };
        centred.train = (0..n).map(|row| centred.scaled(hidden.state(Split::Train, row))).collect();
        let squares: f64 = centred.train.iter().flatten().map(|x| x * x).sum();
        let rms = (squares / (n * centred.mean.len()).max(1) as f64).sqrt();
        if rms > 0.0 {
            centred.scale = 1.0 / rms;
            centred.train.iter_mut().flatten().for_each(|x| *x /= rms);
        }
        centred
    }

    fn scaled(&self, state: &[f32]) -> Vec<f64> {
        state.iter().zip(&self.mean).map(|(&x, mean)| (f64::from(x) - mean) * self.scale).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The problem in `a` `[N, Y]` and `b` `[Y]`; logits are `K a + b`.
struct Dual<'a> {
    kernel: Vec<f64>,
    gold: &'a [usize],
    labels: usize,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Dual<'_> {
    /// Returns the logits of an example with the products `own` `[N]` with the training examples.
    fn logits_of(&self, own: &[f64]) -> Vec<f64> {
        let mut logits = self.b.clone();
        for (a, k) in self.a.chunks_exact(self.labels).zip(own) {
            logits.iter_mut().zip(a).for_each(|(logit, a)| *logit += k * a);
        }
        logits
    }

    fn logits(&self) -> Vec<f64> {
        self.kernel.chunks_exact(self.gold.len()).flat_map(|own| self.logits_of(own)).collect()
    }

    fn objective(&self) -> f64 {
        let (logits, labels) = (self.logits(), self.labels);
        let loss = crate::analysis::predict::cross_entropy(&logits, self.gold, labels) * self.gold.len() as f64;
        let shift = logits.chunks_exact(labels).flat_map(|row| row.iter().zip(&self.b).map(|(logit, b)| logit - b));
        loss + 0.5 * shift.zip(&self.a).map(|(ka, a)| ka * a).sum::<f64>()
    }

    /// Takes a Newton step; returns whether the optimum was reached before it.
    ///
    /// At the optimum `a = Y − P` and `Σ_i (P − Y)_i = 0`. The step solves their linearisation, which is the Newton step
    /// of the objective where the kernel has full rank.
    fn step(&mut self) -> Result<bool> {
        let probabilities = softmax(&self.logits(), self.labels);
        let residual = self.residual(&probabilities);
        if residual.iter().all(|value| value.abs() < TOLERANCE) {
            return Ok(true);
        }
        let matrix = self.linearised(&probabilities);
        let step = solve(matrix, residual).ok_or_else(|| Error::Model("singular logistic regression".to_owned()))?;
        let (before, weights, offsets) = (self.objective(), self.a.clone(), self.b.clone());
        let (for_weights, for_offsets) = step.split_at(weights.len());
        let mut share = 1.0;
        loop {
            let moved = |from: &[f64], step: &[f64]| from.iter().zip(step).map(|(x, d)| x - share * d).collect();
            self.a = moved(&weights, for_weights);
            self.b = moved(&offsets, for_offsets);
            if share < 1e-6 || self.objective() <= before + 1e-12 * before.abs() {
                return Ok(false);
            }
            share /= 2.0;
        }
    }

    /// Returns `P − Y + a` and `Σ_i (P − Y)_i`, `[(N + 1)·Y]`, which are 0 at the optimum.
    fn residual(&self, probabilities: &[f64]) -> Vec<f64> {
        let (rows, labels) = (self.gold.len(), self.labels);
        let mut residual = vec![0.0; (rows + 1) * labels];
        for row in 0..rows {
            for label in 0..labels {
                let at = row * labels + label;
                let error = probabilities[at] - f64::from(u8::from(self.gold[row] == label));
                residual[at] = error + self.a[at];
                residual[rows * labels + label] += error;
            }
        }
        residual
    }

    /// Returns the derivative of [`Dual::residual`] by `a` and `b`, square.
    fn linearised(&self, probabilities: &[f64]) -> Vec<f64> {
        let (rows, labels) = (self.gold.len(), self.labels);
        let (size, offsets) = ((rows + 1) * labels, rows * labels);
        let mut matrix = vec![0.0; size * size];
        for row in 0..rows {
            for from in 0..labels {
                let at = row * labels + from;
                matrix[at * size + at] += 1.0;
                for to in 0..labels {
                    let same = f64::from(u8::from(from == to));
                    // Curvature of the loss on this example in its logits `from` and `to`.
                    let curvature = probabilities[at] * (same - probabilities[row * labels + to]);
                    for line in [at, offsets + from] {
                        for other in 0..rows {
                            matrix[line * size + other * labels + to] += curvature * self.kernel[row * rows + other];
                        }
                        matrix[line * size + offsets + to] += curvature;
                    }
                }
            }
        }
        // A constant added to all offsets changes nothing; this fixes it.
        for from in 0..labels {
            for to in 0..labels {
                matrix[(offsets + from) * size + offsets + to] += 1.0 / labels as f64;
            }
        }
        matrix
    }
}

/// Solves `matrix x = right` by elimination with row pivots; `None` if the matrix is singular.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&a, &b| matrix[a * size + column].abs().total_cmp(&matrix[b * size + column].abs()))?;
        if matrix[pivot * size + column].abs() < 1e-14 {
            return None;
        }
        if pivot != column {
            (0..size).for_each(|at| matrix.swap(pivot * size + at, column * size + at));
            right.swap(pivot, column);
        }
        let (above, below) = matrix.split_at_mut((column + 1) * size);
        let own = &above[column * size..];
        let (first, scale) = (right[column], 1.0 / own[column]);
        for (row, right) in below.chunks_exact_mut(size).zip(&mut right[column + 1..]) {
            let factor = row[column] * scale;
            if factor != 0.0 {
                row[column..].iter_mut().zip(&own[column..]).for_each(|(x, y)| *x -= factor * y);
                *right -= factor * first;
            }
        }
    }
    for column in (0..size).rev() {
        let known: f64 = (column + 1..size).map(|at| matrix[column * size + at] * right[at]).sum();
        right[column] = (right[column] - known) / matrix[column * size + column];
    }
    Some(right)
}
