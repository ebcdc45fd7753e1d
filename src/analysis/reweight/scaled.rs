//! Contributions on the common scale on which a [`Prior`] is stated, and the way back to a mix.

use crate::{
    analysis::{
        mix::Mix,
        reweight::{
            FitOptions, Penalty, Prior,
            penalty::WeightPenalty,
            problem::{Problem, add_scaled, centre, centred, centred_contributions, dot, offset_column},
            solver::Solution,
        },
    },
    attribution::Attribution,
    component::Part,
};

/// Root mean square of a component, as a share of the largest, below which it counts as constant.
const CONSTANT: f64 = 1e-9;

/// Returns the options of the solver: a ridge towards one.
pub(super) fn solver_options() -> FitOptions {
    FitOptions { rest: 1.0, penalty: Penalty::TowardsOne, ridge: 1.0, ..FitOptions::default() }
}

/// Contributions on the common scale.
pub(super) struct Scaled {
    /// Scaled contributions, centred over examples and labels, `[C, N·Y]`.
    columns: Vec<f64>,
    /// The same of `rest`, `[N·Y]`.
    rest: Vec<f64>,
    /// Label-centred means over examples, before scaling: of every component, then of `rest`, `[(C + 1)·Y]`.
    means: Vec<f64>,
    /// Factor that brings contributions to the common scale.
    scale: f64,
}

impl Scaled {
    /// Scales the contributions of `train`; `None` if the model's logits do not vary over examples.
    pub(super) fn new(train: &Attribution, prior: &Prior) -> Option<Self> {
        let labels = train.labels();
        let (mut columns, mut rest) = (centred_contributions(train), centred(train.rest(), labels));
        let width = rest.len();
        let mut means: Vec<f64> =
            columns.chunks_exact_mut(width).flat_map(|column| subtract_mean(column, labels)).collect();
        means.extend(subtract_mean(&mut rest, labels));
        let mut model = rest.clone();
        columns.chunks_exact(width).for_each(|column| add_scaled(&mut model, column, 1.0));
        let largest = columns.chunks_exact(width).map(root_mean_square).fold(0.0, f64::max);
        let size = root_mean_square(&model);
        if size <= CONSTANT * largest || largest == 0.0 {
            return None;
        }
        let scale = prior.model / size;
        for value in columns.iter_mut().chain(&mut rest) {
            *value *= scale;
        }
        Some(Self { columns, rest, means, scale })
    }

    /// Builds the problem whose penalty of strength 1 is the prior.
    pub(super) fn problem(&self, train: &Attribution, prior: &Prior) -> Problem {
        let (labels, examples, width) = (train.labels(), train.len(), self.rest.len());
        let mut columns = self.columns.clone();
        let sizes: Vec<f64> = columns.chunks_exact(width).map(root_mean_square).collect();
        let least = CONSTANT * sizes.iter().copied().fold(0.0, f64::max);
        let varying = |size: f64| size > least;
        for (column, _) in columns.chunks_exact_mut(width).zip(&sizes).filter(|(_, size)| !varying(**size)) {
            column.fill(0.0);
        }
        let is_mlp = |index| train.shape().component(index).part == Part::Mlp;
        let share = |index| if is_mlp(index) { prior.mlps } else { 1.0 };
        // Variances up to a common factor; 0 for weights that nothing depends on.
        let variances: Vec<f64> = sizes
            .iter()
            .enumerate()
            .map(|(index, &size)| if varying(size) { share(index) * size.powf(-2.0 * prior.exponent) } else { 0.0 })
            .collect();
        let total: f64 = variances.iter().zip(&sizes).map(|(variance, size)| variance * size * size).sum();
        let unit = total / (examples as f64 * prior.deviation * prior.deviation);
        let price = |&variance: &f64| if variance > 0.0 { (unit / variance).sqrt() } else { 0.0 };
        let mut prices: Vec<f64> = variances.iter().map(price).collect();
        prices.resize(sizes.len() + labels, 1.0 / (prior.offset * (examples as f64).sqrt()));
        (0..labels).for_each(|label| columns.extend(offset_column(label, labels, examples)));
        let penalty = WeightPenalty::new(&solver_options(), prices, sizes.len());
        Problem::from_parts(train, columns, self.rest.clone(), penalty)
    }

    /// Returns the mix of a solution, back on the model's scale, with the means in the offsets.
    pub(super) fn mix(&self, problem: &Problem, solution: Solution) -> Mix {
        let (weights, mut offsets) = problem.split_offsets(solution.weights);
        let labels = offsets.len();
        for offset in &mut offsets {
            *offset /= self.scale;
        }
        for (mean, &weight) in self.means.chunks_exact(labels).zip(weights.iter().chain(&[1.0])) {
            add_scaled(&mut offsets, mean, -weight);
        }
        centre(&mut offsets, labels);
        Mix { weights, rest: 1.0, offsets }
    }
}

/// Subtracts the mean over examples from `column` `[N, Y]` and returns it, `[Y]`.
fn subtract_mean(column: &mut [f64], labels: usize) -> Vec<f64> {
    let examples = (column.len() / labels) as f64;
    let mut mean = vec![0.0; labels];
    column.chunks_exact(labels).for_each(|row| add_scaled(&mut mean, row, 1.0 / examples));
    column.chunks_exact_mut(labels).for_each(|row| add_scaled(row, &mean, -1.0));
    mean
}

fn root_mean_square(values: &[f64]) -> f64 {
    (dot(values, values) / values.len() as f64).sqrt()
}
