//! Baselines that use the same labels without reweighting and need only the attribution.
//!
//! Each baseline is one file; [`outcomes`] scores them and the fits on one test split. Baselines that run further
//! prompts need a model and are not in this module.

mod batch;
mod by_method;
mod calib;
mod contextual;
mod hidden_centroid;
mod hidden_logistic;
mod linc;
mod on_hidden;
mod prior;
mod sav;
mod single;
mod transfer;
mod unibias_heads;
mod vote;

pub use batch::batch_calibration;
pub use by_method::{IntervalByMethod, MeasuresByMethod};
pub use calib::{Calibration, calib_plus};
pub use contextual::contextual_calibration;
pub use linc::linc;
pub use on_hidden::on_hidden;
pub use prior::{divided_by, leave_one_out_calibration, mean_probabilities};
pub use single::{best_component, worst_component};
pub use transfer::transfer;
pub use unibias_heads::{BiasedHeads, HeadReadings, biased_heads};
pub use vote::{most_accurate, vote};

use serde::Serialize;

use crate::{
    analysis::{
        intervals::{Z95, wilson},
        measures::{Measures, Prediction, measure},
        method::Method,
        mix::Mix,
        predict::accuracy,
        reweight::{Fit, comprw, comprw_released, partscope},
    },
    attribution::Attribution,
    cancel::Cancel,
    component::Shape,
    error::{InputError, Result},
    random::SeededRng,
};

/// Predictions and accuracy of one method on one test split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The method.
    pub method: Method,
    /// Share of test examples that it predicts correctly.
    pub accuracy: f64,
    /// 95% Wilson interval on the accuracy, over examples, for this set of training labels.
    pub ci: (f64, f64),
    /// Whether the method uses test labels: its accuracy is an upper bound, not a result.
    pub leakage: bool,
    /// Whether a prediction depends on the other test examples.
    pub transductive: bool,
    /// Other measures, and the difference to the default method if it is among the methods.
    #[serde(flatten)]
    pub measures: Measures,
    /// Predicted label of every test example `[N]`.
    #[serde(skip)]
    pub predictions: Vec<usize>,
}

/// What several methods predict for the examples of one test split.
pub type Predictions = Vec<(Method, Prediction)>;

impl Outcome {
    /// Scores all `methods` on the examples of `test`, in the order of [`Method::ALL`].
    pub fn all(mut methods: Predictions, test: &Attribution) -> Vec<Self> {
        methods.sort_by_key(|(method, _)| *method);
        let reference = methods.iter().position(|(method, _)| *method == Method::Partscope);
        let predictions: Vec<&Prediction> = methods.iter().map(|(_, prediction)| prediction).collect();
        let measured = measure(&predictions, test.gold(), test.labels(), reference);
        let each = methods.iter().zip(measured);
        each.map(|((method, prediction), measures)| {
            Self::new(*method, prediction.labels(test.labels()), measures, test)
        })
        .collect()
    }

    fn new(method: Method, predictions: Vec<usize>, measures: Measures, test: &Attribution) -> Self {
        let hits = predictions.iter().zip(test.gold()).filter(|(p, y)| p == y).count();
        Self {
            method,
            accuracy: accuracy(&predictions, test.gold()),
            ci: wilson(hits, test.len(), Z95),
            leakage: method.is_oracle(),
            transductive: method.is_transductive(),
            measures,
            predictions,
        }
    }
}

/// Settings of the baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaselineOptions {
    /// Number of components that vote.
    pub voters: usize,
    /// Seed of the random weights.
    pub seed: u64,
}

impl Default for BaselineOptions {
    /// Five voters, as many as the overlap of the best components compares.
    fn default() -> Self {
        Self { voters: 5, seed: 0 }
    }
}

/// Returns a mix with random weights, uniform in `[0, 1)`, and without `rest`, as in the paper: a control for what a
/// mix gains by chance.
pub fn random_mix(shape: Shape, seed: u64) -> Mix {
    let mut rng = SeededRng::new(seed);
    Mix { weights: (0..shape.components()).map(|_| rng.unit()).collect(), rest: 0.0, offsets: Vec::new() }
}

/// Fits every method that needs only the table on `train` and scores it on `test`; ordered as [`Method::ALL`].
///
/// # Errors
/// If the tables have different models or labels, the training split cannot be used, or it was cancelled.
pub fn outcomes(
    train: &Attribution,
    test: &Attribution,
    options: &BaselineOptions,
    cancel: &Cancel,
) -> Result<Vec<Outcome>> {
    let fits = [comprw(train, cancel)?, comprw_released(train, cancel)?, partscope(train, cancel)?];
    outcomes_with(train, test, &fits, options, cancel)
}

/// As [`outcomes`], with the given `fits` instead of new ones.
///
/// # Errors
/// As [`outcomes`].
pub fn outcomes_with(
    train: &Attribution,
    test: &Attribution,
    fits: &[Fit],
    options: &BaselineOptions,
    cancel: &Cancel,
) -> Result<Vec<Outcome>> {
    Ok(Outcome::all(predictions_with(train, test, fits, options, cancel)?, test))
}

/// Returns what the methods of [`outcomes_with`] predict.
///
/// # Errors
/// As [`outcomes`].
pub fn predictions_with(
    train: &Attribution,
    test: &Attribution,
    fits: &[Fit],
    options: &BaselineOptions,
    cancel: &Cancel,
) -> Result<Predictions> {
    if train.shape() != test.shape() {
        let problem = "the training and the test split have different models or labels";
        return Err(InputError::new(problem).help("use the two splits of one run").into());
    }
    let solo = |index: usize| Prediction::from_logits(test.contribution(index));
    let voted = |ranked: &Attribution| Prediction::Labels(vote(test, &most_accurate(ranked, options.voters)));
    let mut rows = vec![
        (Method::Standard, Prediction::from_logits(test.full())),
        (Method::Calib, calib_plus(train, cancel)?.prediction(test.full())),
        (Method::Batch, batch_calibration(test)),
        (Method::BestComponent, solo(best_component(train))),
        (Method::Vote, voted(train)),
        (Method::Random, Prediction::Logits(random_mix(test.shape(), options.seed).logits(test))),
    ];
    rows.extend(fits.iter().map(|fit| (fit.method, Prediction::Logits(fit.mix.logits(test)))));
    rows.extend([
        (Method::OracleBestComponent, solo(best_component(test))),
        (Method::OracleWorstComponent, solo(worst_component(test))),
        (Method::OracleVote, voted(test)),
    ]);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::table;

    #[test]
    fn outcomes_are_in_table_order_with_oracles_marked() {
        let shape = Shape { layers: 4, heads: 5, labels: 3 };
        let signal = |index| if index == 6 { 3.0 } else { 0.0 };
        let (train, test) = (table(shape, 21, 1, signal), table(shape, 300, 2, signal));
        let rows = outcomes(&train, &test, &BaselineOptions::default(), &Cancel::default()).unwrap();
        let accuracy = |method| rows.iter().find(|row| row.method == method).unwrap().accuracy;
        assert!(rows.is_sorted_by_key(|row| row.method));
        assert!(rows.iter().all(|row| row.leakage == row.method.name().starts_with("oracle_")));
        assert!(accuracy(Method::BestComponent) > 0.9);
        assert!(accuracy(Method::OracleBestComponent) >= accuracy(Method::BestComponent));
        assert!(accuracy(Method::Partscope) > accuracy(Method::Standard) + 0.05);
        assert!(rows.iter().all(|row| row.ci.0 <= row.accuracy && row.accuracy <= row.ci.1));
    }

    #[test]
    fn splits_of_different_models_are_refused() {
        let (a, b) = (Shape { layers: 1, heads: 2, labels: 2 }, Shape { layers: 2, heads: 2, labels: 2 });
        let refused = outcomes_with(
            &table(a, 4, 1, |_| 0.0),
            &table(b, 4, 1, |_| 0.0),
            &[],
            &BaselineOptions::default(),
            &Cancel::default(),
        );
        assert!(refused.unwrap_err().to_string().contains("different models"));
    }
}
