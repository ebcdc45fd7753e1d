//! The objective of a fit as numbers: loss, gradient, curvature, KKT residual.

use crate::{
    analysis::{
        check::trainable,
        reweight::{FitOptions, Scaling, penalty::WeightPenalty},
    },
    attribution::Attribution,
    error::Result,
};

/// Contributions of a training split, ready to be weighed.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Number of label words `Y`.
    pub labels: usize,
    /// Label-centred contributions `[C, N·Y]`; only differences between labels matter, and small numbers round less. After those of the
    /// components, where offsets are fitted, one that is the same on every example for each label.
    columns: Vec<f64>,
    /// How many columns are components'.
    components: usize,
    /// `ρ · rest`, `[N·Y]`.
    offset: Vec<f64>,
    gold: Vec<usize>,
    /// Penalty and box.
    pub pull: WeightPenalty,
    /// Largest gradient of the loss at the start, where no weight costs anything: the unit of the KKT residual.
    pub unit: f64,
}

/// Loss and what its derivatives need, at one point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Predicted probabilities `[N·Y]`.
    pub probabilities: Vec<f64>,
}

impl Problem {
    /// Reads the table.
    pub(super) fn new(train: &Attribution, options: &FitOptions) -> Result<Self> {
        trainable(train, &[])?;
        let labels = train.labels();
        let shape = train.shape();
        let mut columns = Vec::with_capacity(shape.components() * train.len() * labels);
        for index in 0..shape.components() {
            let start = columns.len();
            columns.extend(train.contribution(index).iter().copied().map(f64::from));
            centre(&mut columns[start..], labels);
        }
        let mut offset: Vec<f64> = train.rest().iter().map(|&rest| options.rest * f64::from(rest)).collect();
        centre(&mut offset, labels);
        let width = offset.len();
        let mut price: Vec<f64> = columns.chunks_exact(width).map(|column| price(column, options.scaling)).collect();
        let components = price.len();
        if let Some(share) = options.offsets {
            let mean = price.iter().sum::<f64>() / components as f64;
            price.resize(components + labels, share * mean);
            (0..labels).for_each(|label| columns.extend(constant(label, labels, train.len())));
        }
        let (pull, gold) = (WeightPenalty::new(options, price, components), train.gold().to_vec());
        let mut problem = Self { labels, columns, components, offset, gold, pull, unit: 1.0 };
        let start = problem.point(&problem.logits(&problem.pull.start()));
        problem.unit = problem.gradient(&start).iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        Ok(problem)
    }

    /// The same problem on some of its examples.
    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        let y = self.labels;
        let pick = |values: &[f64]| -> Vec<f64> {
            rows.iter().flat_map(|&row| values[row * y..(row + 1) * y].iter().copied()).collect()
        };
        Self {
            columns: (0..self.columns()).flat_map(|index| pick(self.column(index))).collect(),
            offset: pick(&self.offset),
            gold: rows.iter().map(|&row| self.gold[row]).collect(),
            pull: self.pull.clone(),
            ..*self
        }
    }

    /// Number of columns: components, then offsets.
    pub(super) fn columns(&self) -> usize {
        self.columns.len() / self.offset.len()
    }

    /// The weights of the components and what the others add to every label: offsets that sum to 0, or none.
    pub(super) fn apart(&self, mut weights: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let mut offsets = weights.split_off(self.components);
        centre(&mut offsets, self.labels);
        (weights, offsets)
    }

    /// Number of logits `N·Y`.
    pub(super) fn width(&self) -> usize {
        self.offset.len()
    }

    /// Gold labels `[N]`.
    pub(super) fn gold(&self) -> &[usize] {
        &self.gold
    }

    /// Centred contributions of one component, `[N·Y]`.
    pub(super) fn column(&self, index: usize) -> &[f64] {
        &self.columns[index * self.offset.len()..(index + 1) * self.offset.len()]
    }

    /// Mixed logits `[N·Y]`.
    pub(super) fn logits(&self, weights: &[f64]) -> Vec<f64> {
        let mut logits = self.offset.clone();
        for (index, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            add_scaled(&mut logits, self.column(index), weight);
        }
        logits
    }

    /// Loss and probabilities at `logits`.
    pub(super) fn point(&self, logits: &[f64]) -> Point {
        let mut probabilities = logits.to_vec();
        let mut loss = 0.0;
        for (row, &gold) in probabilities.chunks_exact_mut(self.labels).zip(&self.gold) {
            loss += softmax_cross_entropy(row, gold);
        }
        Point { loss: loss / self.gold.len() as f64, probabilities }
    }

    /// Gradient of the loss with respect to every weight, `[C]`.
    pub(super) fn gradient(&self, point: &Point) -> Vec<f64> {
        let residual = self.residual(point);
        (0..self.columns()).map(|index| dot(self.column(index), &residual)).collect()
    }

    /// Gradient of the loss with respect to the logits, `[N·Y]`.
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

    /// Curvature of the loss applied to a change of logits: `D · column`, with `D` block-diagonal over examples.
    pub(super) fn curve(&self, point: &Point, change: &[f64], out: &mut [f64]) {
        let scale = 1.0 / self.gold.len() as f64;
        let rows = point.probabilities.chunks_exact(self.labels).zip(change.chunks_exact(self.labels));
        for ((p, g), out) in rows.zip(out.chunks_exact_mut(self.labels)) {
            let mean = dot(p, g);
            p.iter().zip(g).zip(out).for_each(|((p, g), out)| *out = scale * p * (g - mean));
        }
    }

    /// All violations at `weights`, `[C]`.
    pub(super) fn violations(&self, weights: &[f64], gradient: &[f64], lambda: f64) -> Vec<f64> {
        let pairs = weights.iter().zip(gradient).enumerate();
        pairs.map(|(index, (&weight, &gradient))| self.pull.violation(index, weight, gradient, lambda)).collect()
    }

    /// KKT residual: the largest violation, relative to the largest gradient at the start.
    pub(super) fn kkt(&self, violations: &[f64]) -> f64 {
        violations.iter().copied().fold(0.0, larger) / if self.unit > 0.0 { self.unit } else { 1.0 }
    }

    /// The weakest penalty under which no weight leaves the start.
    pub(super) fn largest_lambda(&self) -> f64 {
        let gradient = self.gradient(&self.point(&self.logits(&self.pull.start())));
        gradient.iter().enumerate().map(|(index, &gradient)| self.pull.holding(index, gradient)).fold(0.0, f64::max)
    }
}

/// Maximum that keeps NaN, so that a broken solve cannot look optimal.
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

fn centre(values: &mut [f64], labels: usize) {
    for row in values.chunks_exact_mut(labels) {
        let mean = row.iter().sum::<f64>() / labels as f64;
        for value in row {
            *value -= mean;
        }
    }
}

/// One for a label and nothing for the others, centred, on every example, `[N·Y]`.
fn constant(label: usize, labels: usize, examples: usize) -> Vec<f64> {
    let row = (0..labels).map(|other| f64::from(u8::from(other == label)) - 1.0 / labels as f64);
    row.collect::<Vec<f64>>().repeat(examples)
}

/// What a unit of weight on these contributions costs: 1, or their root mean square.
fn price(column: &[f64], scaling: Scaling) -> f64 {
    match scaling {
        Scaling::Raw => 1.0,
        Scaling::Standardised => (dot(column, column) / column.len().max(1) as f64).sqrt(),
    }
}

/// Inner product, in eight running sums so that the machine's vector units are used.
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

/// `to += scale · from`.
pub(super) fn add_scaled(to: &mut [f64], from: &[f64], scale: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += scale * from);
}
