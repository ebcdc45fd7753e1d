//! Comparison of fits with an independent solver and training loop (`tools/reference_reweight.py`), and unit tests.

use serde::Deserialize;

use super::*;
use crate::{
    analysis::{golden::golden, mix::Mix, testing::table},
    attribution::{Attribution, Batch},
    cancel::Cancel,
    component::Shape,
};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    components: usize,
    labels: usize,
    gold: Vec<usize>,
    contributions: Vec<f32>,
    rest: Vec<f32>,
    optima: Vec<Optimum>,
    comprw: Loops,
}

#[derive(Deserialize)]
struct Optimum {
    rest: f64,
    penalty: Penalty,
    bounds: Option<(f64, f64)>,
    lambda: f64,
    scaling: Scaling,
    objective: f64,
}

#[derive(Deserialize)]
struct Loops {
    printed: Loop,
    released: Loop,
}

#[derive(Deserialize)]
struct Loop {
    weights: Vec<f64>,
    epochs: usize,
}

impl Case {
    fn table(&self) -> Attribution {
        let shape = Shape { layers: self.components / 2, heads: 1, labels: self.labels };
        let mut table = Attribution::new(shape, self.gold.clone());
        table.push(&Batch {
            examples: self.gold.len(),
            components: self.contributions.clone(),
            rest: self.rest.clone(),
            full: self.rest.clone(),
            norms: Vec::new(),
        });
        table
    }
}

impl Optimum {
    fn options(&self) -> FitOptions {
        let Self { rest, penalty, bounds, lambda, scaling, .. } = *self;
        FitOptions { rest, penalty, lambda: Lambda::Fixed(lambda), scaling, bounds, ..FitOptions::default() }
    }
}

#[test]
fn objectives_are_no_higher_than_a_generic_solvers() {
    for case in golden::<Golden>("reweight").cases {
        let train = case.table();
        for optimum in &case.optima {
            let fit = fit(&train, &optimum.options(), &Cancel::default()).unwrap();
            let (ours, theirs) = (fit.objective, optimum.objective);
            assert!(fit.kkt <= 1e-6, "{:?}: {}", optimum.options(), fit.kkt);
            assert!(ours <= theirs + 1e-6 * theirs.max(1e-3), "{:?}: {ours} {theirs}", optimum.options());
            assert!(ours >= theirs - 1e-3 * theirs.max(1e-2), "{:?}: {ours} {theirs}", optimum.options());
        }
    }
}

#[test]
fn training_loops_match_the_reference() {
    for case in golden::<Golden>("reweight").cases {
        let train = case.table();
        let printed = comprw(&train, &Cancel::default()).unwrap();
        let released = comprw_released(&train, &Cancel::default()).unwrap();
        for (fit, reference) in [(printed, case.comprw.printed), (released, case.comprw.released)] {
            assert_eq!(fit.iterations, reference.epochs, "{:?}", fit.method);
            for (ours, theirs) in fit.mix.weights.iter().zip(&reference.weights) {
                assert!((ours - theirs).abs() < 1e-3, "{:?}: {ours} {theirs}", fit.method);
            }
        }
    }
}

#[test]
fn fits_on_a_path_match_single_fits() {
    let train = table(Shape { layers: 6, heads: 9, labels: 3 }, 24, 3, |index| f64::from(u8::from(index == 5)));
    let options = FitOptions { rest: 1.0, penalty: Penalty::TowardsOne, ..FitOptions::default() };
    let lambdas = lambda_path(&train, &options, 6, 1e-2).unwrap();
    let path = fit_path(&train, &lambdas, &options, &Cancel::default()).unwrap();
    assert!(path[0].mix.is_identity(), "the strongest penalty changes no weight");
    for (&lambda, on_path) in lambdas.iter().zip(&path) {
        let single = fit(&train, &FitOptions { lambda: Lambda::Fixed(lambda), ..options }, &Cancel::default()).unwrap();
        assert!((single.objective - on_path.objective).abs() < 1e-9 && on_path.kkt <= 1e-6);
    }
}

#[test]
fn cross_validation_finds_the_one_good_component() {
    let train = table(Shape { layers: 6, heads: 9, labels: 2 }, 24, 7, |index| if index == 17 { 4.0 } else { 0.0 });
    let test = table(Shape { layers: 6, heads: 9, labels: 2 }, 400, 8, |index| if index == 17 { 4.0 } else { 0.0 });
    let options = FitOptions { lambda: Lambda::CrossValidated(CrossValidation::default()), ..FitOptions::default() };
    let first = fit(&train, &options, &Cancel::default()).unwrap();
    assert!(first.mix.accuracy(&test) > Mix::identity(test.shape()).accuracy(&test) + 0.1);
    assert_eq!(first, fit(&train, &options, &Cancel::default()).unwrap(), "equal input, equal output");
}

#[test]
fn the_default_keeps_a_good_model_and_improves_a_bad_one() {
    let shape = Shape { layers: 6, heads: 9, labels: 2 };
    let gain = |signal: fn(usize) -> f64| {
        let (train, test) = (table(shape, 20, 3, signal), table(shape, 400, 4, signal));
        let fit = partscope(&train, &Cancel::default()).unwrap();
        (Mix::identity(shape).accuracy(&test), fit.mix.accuracy(&test))
    };
    let (model, mixed) = gain(|_| 0.6);
    assert!(model > 0.95 && mixed > model - 0.01, "{model} {mixed}");
    let (model, mixed) = gain(|index| [4.0, -4.0][index % 2] * f64::from(u8::from(index < 4)));
    assert!(model < 0.6 && mixed > model + 0.1, "{model} {mixed}");
}

#[test]
fn a_confident_and_correct_model_can_be_fitted() {
    let shape = Shape { layers: 4, heads: 5, labels: 2 };
    for scale in [30.0, 3000.0] {
        let train = scaled(&table(shape, 20, 3, |_| 3.0), scale);
        let fit = partscope(&train, &Cancel::default()).unwrap();
        assert!(fit.mix.accuracy(&train) == 1.0 && fit.kkt <= 1e-6, "{fit:?}");
        for penalty in [Penalty::TowardsOne, Penalty::TowardsZero] {
            let options = FitOptions { penalty, ..FitOptions::default() };
            assert!(super::fit(&train, &options, &Cancel::default()).unwrap().kkt <= 1e-6);
        }
    }
}

#[test]
fn either_penalty_gives_one_of_the_two_fits() {
    let train = table(Shape { layers: 2, heads: 3, labels: 2 }, 20, 3, |index| index as f64 / 4.0);
    let plan = CrossValidation::default();
    let options = FitOptions { lambda: Lambda::CrossValidated(plan), ..FitOptions::default() };
    let [one, zero, either] = [Penalty::TowardsOne, Penalty::TowardsZero, Penalty::Either]
        .map(|penalty| fit(&train, &FitOptions { penalty, ..options }, &Cancel::default()).unwrap());
    assert!(either.objective == one.objective || either.objective == zero.objective);
    assert!(fit_best(&train, &[], &plan, &Cancel::default()).is_err());
    let open = FitOptions { penalty: Penalty::Either, ..FitOptions::default() };
    assert!(fit(&train, &open, &Cancel::default()).unwrap_err().to_string().contains("direction"));
}

#[test]
fn invalid_input_and_options_are_refused_with_a_reason() {
    let shape = Shape { layers: 1, heads: 1, labels: 2 };
    let refuse =
        |train: &Attribution, options: FitOptions| fit(train, &options, &Cancel::default()).unwrap_err().to_string();
    assert!(refuse(&Attribution::new(shape, vec![]), FitOptions::default()).contains("no training examples"));
    let mut broken = Attribution::new(shape, vec![0, 1]);
    let components = vec![0.0, 1.0, 0.0, 1.0, f32::NAN, 0.0, 0.0, 0.0];
    broken.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![0.0; 4], norms: Vec::new() });
    assert!(refuse(&broken, FitOptions::default()).contains("L0.MLP"));
    let sound = table(shape, 4, 1, |_| 0.0);
    let unbounded = FitOptions { lambda: Lambda::Fixed(0.0), ..FitOptions::default() };
    assert!(refuse(&sound, unbounded).contains("lambda"));
    let empty = FitOptions { bounds: Some((1.0, 0.0)), ..FitOptions::default() };
    assert!(refuse(&sound, empty).contains("bounds"));
    let stopped = Cancel::default();
    stopped.cancel();
    assert!(matches!(fit(&sound, &FitOptions::default(), &stopped), Err(crate::Error::Cancelled)));
}

#[test]
fn components_with_constant_contributions_get_no_weight() {
    let shape = Shape { layers: 1, heads: 1, labels: 2 };
    let mut train = Attribution::new(shape, vec![0, 1]);
    let components = vec![3.0, 3.0, 3.0, 3.0, 1.0, 0.0, 0.0, 1.0];
    train.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![0.0; 4], norms: Vec::new() });
    for scaling in [Scaling::Raw, Scaling::Standardised] {
        let fit = fit(&train, &FitOptions { scaling, ..FitOptions::default() }, &Cancel::default()).unwrap();
        assert_eq!(fit.mix.weights[0], 0.0);
        assert!(fit.mix.weights[1] > 1.0);
    }
}

/// Returns `table` with every contribution, `rest` and `full` scaled.
fn scaled(table: &Attribution, scale: f32) -> Attribution {
    let times = |values: &[f32]| values.iter().map(|value| value * scale).collect::<Vec<f32>>();
    let mut scaled = Attribution::new(table.shape(), table.gold().to_vec());
    scaled.push(&Batch {
        examples: table.len(),
        components: (0..table.shape().components()).flat_map(|index| times(table.contribution(index))).collect(),
        rest: times(table.rest()),
        full: times(table.full()),
        norms: Vec::new(),
    });
    scaled
}

#[test]
fn ill_conditioned_problems_are_solved() {
    let shape = Shape { layers: 8, heads: 12, labels: 3 };
    for scale in [1e-3, 1.0, 30.0] {
        let train = scaled(&table(shape, 24, 5, |index| f64::from(u8::from(index % 9 == 0))), scale);
        for penalty in [Penalty::TowardsZero, Penalty::TowardsOne] {
            for (bounds, lambda) in [(None, 1e-2), (None, 1e-5), (Some((0.0, 1.0)), 0.0), (Some((0.0, 1.0)), 1e-4)] {
                for (scaling, ridge) in [
                    (Scaling::Raw, 0.0),
                    (Scaling::Standardised, 0.0),
                    (Scaling::Standardised, 0.9),
                    (Scaling::Standardised, 1.0),
                ] {
                    let lambda = Lambda::Fixed(lambda);
                    let options =
                        FitOptions { rest: 1.0, penalty, bounds, scaling, ridge, lambda, ..FitOptions::default() };
                    let fit = fit(&train, &options, &Cancel::default()).unwrap();
                    assert!(fit.kkt <= 1e-6, "scale {scale}, {options:?}: {} after {}", fit.kkt, fit.iterations);
                }
            }
        }
    }
}

#[test]
fn offsets_remove_a_bias_towards_a_label() {
    let shape = Shape { layers: 2, heads: 3, labels: 3 };
    let train = table(shape, 24, 5, |index| f64::from(u8::from(index == 2)));
    let mut pushed = Attribution::new(shape, train.gold().to_vec());
    pushed.push(&Batch {
        examples: train.len(),
        components: (0..shape.components()).flat_map(|index| train.contribution(index).to_vec()).collect(),
        rest: train.rest().iter().enumerate().map(|(at, rest)| rest + [4.0, 0.0, -1.0][at % 3]).collect(),
        full: train.full().to_vec(),
        norms: Vec::new(),
    });
    let ridge = FitOptions { rest: 1.0, penalty: Penalty::TowardsOne, ridge: 1.0, ..FitOptions::default() };
    let options = FitOptions { offsets: Some(1e-4), lambda: Lambda::Fixed(0.05), ..ridge };
    let (plain, moved) = (fit(&train, &options, &Cancel::default()), fit(&pushed, &options, &Cancel::default()));
    let (plain, moved) = (plain.unwrap().mix, moved.unwrap().mix);
    for (label, push) in [3.0, -1.0, -2.0].into_iter().enumerate() {
        assert!((plain.offsets[label] - moved.offsets[label] - push).abs() < 1e-3, "{plain:?} {moved:?}");
    }
    assert!(plain.weights.iter().zip(&moved.weights).all(|(a, b)| (a - b).abs() < 1e-3));
    assert!(plain.offsets.iter().sum::<f64>().abs() < 1e-12);
    assert!(fit(&train, &FitOptions { offsets: None, ..options }, &Cancel::default()).unwrap().mix.offsets.is_empty());
    assert!(fit(&train, &FitOptions { offsets: Some(0.0), ..options }, &Cancel::default()).is_err());
}

#[test]
fn dual_and_primal_ridge_solvers_agree() {
    let train = table(Shape { layers: 4, heads: 7, labels: 3 }, 24, 5, |index| f64::from(u8::from(index % 9 == 0)));
    for (penalty, scaling) in [(Penalty::TowardsOne, Scaling::Standardised), (Penalty::TowardsZero, Scaling::Raw)] {
        let lambda = Lambda::Fixed(0.05);
        let options = FitOptions { penalty, scaling, ridge: 1.0, offsets: Some(0.5), lambda, ..FitOptions::default() };
        let boxed = FitOptions { bounds: Some((-100.0, 100.0)), ..options };
        let dual = fit(&train, &options, &Cancel::default()).unwrap();
        let primal = fit(&train, &boxed, &Cancel::default()).unwrap();
        assert!(dual.kkt <= 1e-6 && primal.kkt <= 1e-6);
        assert!((dual.objective - primal.objective).abs() < 1e-9);
        let pairs = dual.mix.weights.iter().zip(&primal.mix.weights);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4));
        let pairs = dual.mix.offsets.iter().zip(&primal.mix.offsets);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4 && a.abs() > 1e-3));
    }
}
