//! The objective of a fit: loss, gradient, curvature and KKT residual.

use crate::{
    analysis::{
        check::trainable,
        reweight::{FitOptions, Scaling, penalty::WeightPenalty},
    },
    attribution::Attribution,
    error::Result,
};

/// The optimization problem of one training split.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Number of label words `Y`.
    pub labels: usize,
    /// Label-centred contributions `[C, N·Y]`: only differences between labels matter, and smaller numbers round less.
    /// With offsets, one constant column per label follows.
    columns: Vec<f64>,
    /// Number of columns that belong to components.
    components: usize,
    /// Label-centred `ρ · rest`, `[N·Y]`.
    rest_logits: Vec<f64>,
    gold: Vec<usize>,
    /// Penalty and box constraints.
    pub penalty: WeightPenalty,
    /// Largest gradient of the loss at the start, where the penalty is zero: the unit of the KKT residual.
    pub unit: f64,
}

/// Loss and probabilities at one point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Predicted probabilities `[N·Y]`.
    pub probabilities: Vec<f64>,
}

impl Problem {
    /// Builds the problem from the table.
    pub(super) fn new(train: &Attribution, options: &FitOptions) -> Result<Self> {
        trainable(train, &[])?;
        let labels = train.labels();
        let mut columns = centred_contributions(train);
        let rest_logits: Vec<f64> = centred(train.rest(), labels).iter().map(|rest| options.rest * rest).collect();
        let width = rest_logits.len();
        let mut price: Vec<f64> = columns.chunks_exact(width).map(|column| price(column, options.scaling)).collect();
        let components = price.len();
        if let Some(share) = options.offsets {
            let mean = price.iter().sum::<f64>() / components as f64;
            price.resize(components + labels, share * mean);
            (0..labels).for_each(|label| columns.extend(offset_column(label, labels, train.len())));
        }
        let penalty = WeightPenalty::new(options, price, components);
        Ok(Self::from_parts(train, columns, rest_logits, penalty))
    }

    /// Builds the problem from label-centred columns `[C, N·Y]`, those of offsets last, and `rest` `[N·Y]`.
    pub(super) fn from_parts(
        train: &Attribution,
        columns: Vec<f64>,
        rest_logits: Vec<f64>,
        penalty: WeightPenalty,
    ) -> Self {
        let (labels, components, gold) = (train.labels(), train.shape().components(), train.gold().to_vec());
        let mut problem = Self { labels, columns, components, rest_logits, gold, penalty, unit: 1.0 };
        let start = problem.point(&problem.logits(&problem.penalty.start()));
        problem.unit = problem.gradient(&start).iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        problem
    }

    /// Returns the same problem on the examples `rows`.
    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        let y = self.labels;
        let pick = |values: &[f64]| -> Vec<f64> {
            rows.iter().flat_map(|&row| values[row * y..(row + 1) * y].iter().copied()).collect()
        };
        Self {
            columns: (0..self.columns()).flat_map(|index| pick(self.column(index))).collect(),
            rest_logits: pick(&self.rest_logits),
            gold: rows.iter().map(|&row| self.gold[row]).collect(),
            penalty: self.penalty.clone(),
            ..*self
        }
    }

    /// Returns the number of columns: components, then offsets.
    pub(super) fn columns(&self) -> usize {
        self.columns.len() / self.rest_logits.len()
    }

    /// Splits `weights` into those of the components and the label offsets `[Y]`, which sum to 0; none if not fitted.
    pub(super) fn split_offsets(&self, mut weights: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let mut offsets = weights.split_off(self.components);
        centre(&mut offsets, self.labels);
        (weights, offsets)
    }

    /// Returns the number of logits `N·Y`.
    pub(super) fn width(&self) -> usize {
        self.rest_logits.len()
    }

    /// Returns the gold labels `[N]`.
    pub(super) fn gold(&self) -> &[usize] {
        &self.gold
    }

    /// Returns the label-centred contributions of one column, `[N·Y]`.
    pub(super) fn column(&self, index: usize) -> &[f64] {
        &self.columns[index * self.rest_logits.len()..(index + 1) * self.rest_logits.len()]
    }

    /// Computes the mixed logits `[N·Y]`.
    pub(super) fn logits(&self, weights: &[f64]) -> Vec<f64> {
        let mut logits = self.rest_logits.clone();
        for (index, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            add_scaled(&mut logits, self.column(index), weight);
        }
        logits
    }

    /// Computes the loss and the probabilities at `logits`.
    pub(super) fn point(&self, logits: &[f64]) -> Point {
        let mut probabilities = logits.to_vec();
        let mut loss = 0.0;
        for (row, &gold) in probabilities.chunks_exact_mut(self.labels).zip(&self.gold) {
            loss += softmax_cross_entropy(row, gold);
        }
        Point { loss: loss / self.gold.len() as f64, probabilities }
    }

    /// Computes the gradient of the loss with respect to every weight, `[C]`.
    pub(super) fn gradient(&self, point: &Point) -> Vec<f64> {
        let residual = self.residual(point);
        (0..self.columns()).map(|index| dot(self.column(index), &residual)).collect()
    }

    /// Computes the gradient of the loss with respect to the logits, `[N·Y]`.
    pub(super) fn residual(&self, point: &Point) -> Vec<f64> {
        let scale = 1.0 / self.gold.len() as f64;
        let mut residual = point.probabilities.clone();
        for (row, &gold) in residual.chunks_exact_mut(self.labels).zip(&self.gold) {
            row[gold] -= 1.0;
            for value in row {
                *value *= scale;
            }
        }
        residual
    }

    /// Writes the Hessian of the loss in the logits times `change` to `out`, `[N·Y]`; it is block-diagonal over
    /// examples.
    pub(super) fn hessian_times(&self, point: &Point, change: &[f64], out: &mut [f64]) {
        let scale = 1.0 / self.gold.len() as f64;
        let rows = point.probabilities.chunks_exact(self.labels).zip(change.chunks_exact(self.labels));
        for ((p, g), out) in rows.zip(out.chunks_exact_mut(self.labels)) {
            let mean = dot(p, g);
            p.iter().zip(g).zip(out).for_each(|((p, g), out)| *out = scale * p * (g - mean));
        }
    }

    /// Computes how far each weight violates its optimality condition, `[C]`.
    pub(super) fn violations(&self, weights: &[f64], gradient: &[f64], lambda: f64) -> Vec<f64> {
        let pairs = weights.iter().zip(gradient).enumerate();
        pairs.map(|(index, (&weight, &gradient))| self.penalty.violation(index, weight, gradient, lambda)).collect()
    }

    /// Returns the KKT residual: the largest violation relative to the largest gradient at the start.
    pub(super) fn kkt(&self, violations: &[f64]) -> f64 {
        violations.iter().copied().fold(0.0, larger) / if self.unit > 0.0 { self.unit } else { 1.0 }
    }

    /// Returns the smallest λ at which all weights stay at the start.
    pub(super) fn largest_lambda(&self) -> f64 {
        let gradient = self.gradient(&self.point(&self.logits(&self.penalty.start())));
        gradient
            .iter()
            .enumerate()
            .map(|(index, &gradient)| self.penalty.lambda_to_hold(index, gradient))
            .fold(0.0, f64::max)
    }
}

/// Maximum that propagates NaN, so that a failed solve cannot look optimal.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Turns a row of logits into probabilities and returns `−log p_gold`.
fn softmax_cross_entropy(row: &mut [f64], gold: usize) -> f64 {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let margin = row[gold] - most;
    for value in &mut *row {
        *value = (*value - most).exp();
    }
    let total: f64 = row.iter().sum();
    for value in row {
        *value /= total;
    }
    total.ln() - margin
}

/// Returns the label-centred contributions of every component, `[C, N·Y]`.
pub(super) fn centred_contributions(table: &Attribution) -> Vec<f64> {
    (0..table.shape().components()).flat_map(|index| centred(table.contribution(index), table.labels())).collect()
}

/// Returns `values` `[N, Y]` minus their mean over labels.
pub(super) fn centred(values: &[f32], labels: usize) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().map(f64::from).collect();
    centre(&mut values, labels);
    values
}

/// Subtracts the mean over labels from each row of `values` `[N, Y]`.
pub(super) fn centre(values: &mut [f64], labels: usize) {
    for row in values.chunks_exact_mut(labels) {
        let mean = row.iter().sum::<f64>() / labels as f64;
        for value in row {
            *value -= mean;
        }
    }
}

/// Returns the column of a label's offset, `[N·Y]`: on every example 1 for the label and 0 for the others,
/// label-centred.
pub(super) fn offset_column(label: usize, labels: usize, examples: usize) -> Vec<f64> {
    let row = (0..labels).map(|other| f64::from(u8::from(other == label)) - 1.0 / labels as f64);
    row.collect::<Vec<f64>>().repeat(examples)
}

/// Returns the price `s_c` of a column: 1, or its root mean square.
fn price(column: &[f64], scaling: Scaling) -> f64 {
    match scaling {
        Scaling::Raw => 1.0,
        Scaling::Standardised => (dot(column, column) / column.len().max(1) as f64).sqrt(),
    }
}

/// Inner product, in eight running sums so that the compiler vectorizes it.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, (a8, a_tail), (b8, b_tail)) = ([0.0; 8], a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f64 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + tail
}

/// Computes `to += scale · from`.
pub(super) fn add_scaled(to: &mut [f64], from: &[f64], scale: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += scale * from);
}
