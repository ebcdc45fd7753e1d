//! A ridge towards the model on a common scale, so that its strength needs no choice.
//!
//! Cross-validation on two dozen labels is mostly noise. Instead, everything is brought to one scale, on which one
//! strength suits all models: contributions and `rest` are centred on their means over the training examples, which
//! removes what a prompt adds for each label in every example, and scaled so that the model's centred logits
//! have a given root mean square. Then
//!
//! `min over u, b of  Σ_i CE(softmax(b + r_i + Σ_c u_c x_ic), y_i) + ½ Σ_c (u_c − 1)² / v_c + ½ Σ_y (b_y / β)²`
//!
//! is the mode of a posterior: `u_c` is normal around 1 with variance `v_c = σ² k_c s_c^−2p / Σ_c k_c s_c^(2−2p)`,
//! where `s_c` is the root mean square of `x_c` and `k_c` 1 for heads and less for MLPs, so that the deviations of all
//! weights together change a logit by `σ`. More labels outweigh the prior by their number.

use crate::{
    analysis::{
        check::trainable,
        method::Method,
        mix::Mix,
        predict::cross_entropy,
        reweight::{
            Fit, Prior, path,
            scaled::{Scaled, solver_options},
            word_choice::{with_model_words, with_words},
        },
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

/// Fits a mix around `prior` at each of `strengths`, factors on the precision of the prior; 1 is the prior itself.
///
/// Mixes are back on the scale of the model: `rest` has weight 1, and strong priors leave the weights near 1. Objective
/// and KKT residual are those on the common scale.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn fit_prior(train: &Attribution, prior: &Prior, strengths: &[f64], cancel: &Cancel) -> Result<Vec<Fit>> {
    if with_model_words(train).is_none() {
        return fit_columns(train, prior, strengths, cancel);
    }
    let one =
        |strength: &f64| with_words(train, |train| Ok(fit_columns(train, prior, &[*strength], cancel)?.swap_remove(0)));
    strengths.iter().map(one).collect()
}

/// Fits mixes to contributions that add up.
fn fit_columns(train: &Attribution, prior: &Prior, strengths: &[f64], cancel: &Cancel) -> Result<Vec<Fit>> {
    trainable(train, &[])?;
    let Some(scaled) = Scaled::new(train, prior) else {
        return Ok(strengths.iter().map(|&strength| unchanged(train, strength)).collect());
    };
    let problem = scaled.problem(train, prior);
    let solutions = path::solve(&problem, strengths, &solver_options(), cancel)?;
    Ok(strengths
        .iter()
        .zip(solutions)
        .map(|(&lambda, solution)| Fit {
            objective: solution.objective,
            kkt: solution.kkt,
            iterations: solution.iterations,
            mix: scaled.mix(&problem, solution),
            method: Method::Partscope,
            lambda,
            words_change: false,
        })
        .collect())
}

/// Returns the model itself, for contributions that do not vary over examples.
fn unchanged(train: &Attribution, lambda: f64) -> Fit {
    let mix = Mix::identity(train.shape());
    let objective = cross_entropy(&mix.logits(train), train.gold(), train.labels());
    Fit { mix, method: Method::Partscope, lambda, objective, kkt: 0.0, iterations: 0, words_change: false }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{
        analysis::{golden::golden, reweight::partscope, testing::table},
        attribution::Batch,
        component::Shape,
    };

    #[derive(Deserialize)]
    struct Golden {
        prior: Prior,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        components: usize,
        labels: usize,
        gold: Vec<usize>,
        contributions: Vec<f32>,
        rest: Vec<f32>,
        fits: Vec<Reference>,
    }

    #[derive(Deserialize)]
    struct Reference {
        strength: f64,
        objective: f64,
        weights: Vec<f64>,
        offsets: Vec<f64>,
    }

    /// A table with the given contributions `[C, N, Y]`, one head and an MLP a layer.
    fn made(labels: usize, gold: &[usize], components: Vec<f32>, rest: Vec<f32>) -> Attribution {
        let layers = components.len() / (2 * labels * gold.len());
        let mut table = Attribution::new(Shape { layers, heads: 1, labels }, gold.to_vec());
        table.push(&Batch { examples: gold.len(), components, full: rest.clone(), rest, norms: Vec::new() });
        table
    }

    #[test]
    fn fits_match_the_reference() {
        let Golden { prior, cases } = golden("prior");
        assert_eq!(prior, Prior::default(), "tools/reference_prior.py has the default's constants");
        for case in cases {
            let train = made(case.labels, &case.gold, case.contributions, case.rest);
            assert_eq!(train.shape().components(), case.components);
            for reference in case.fits {
                let fit = fit_prior(&train, &prior, &[reference.strength], &Cancel::default()).unwrap().swap_remove(0);
                let close = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0);
                assert!(fit.kkt <= 1e-6 && close(fit.objective, reference.objective), "{} {}", fit.kkt, fit.objective);
                let (weights, offsets) = (fit.mix.weights, fit.mix.offsets);
                for (ours, theirs) in weights.iter().zip(reference.weights).chain(offsets.iter().zip(reference.offsets))
                {
                    assert!(close(*ours, theirs), "{ours} {theirs}");
                }
            }
        }
    }

    #[test]
    fn the_scale_of_the_model_does_not_matter() {
        let train = table(Shape { layers: 4, heads: 5, labels: 3 }, 21, 3, |index| index as f64 / 9.0);
        let times = |values: &[f32], by: f32| values.iter().map(|value| value * by).collect::<Vec<f32>>();
        let plain = partscope(&train, &Cancel::default()).unwrap().mix;
        for by in [1.0 / 64.0, 1024.0] {
            let mut scaled = Attribution::new(train.shape(), train.gold().to_vec());
            let mut batch = train.batch(0..train.len());
            for values in [&mut batch.components, &mut batch.rest, &mut batch.full] {
                *values = times(values, by);
            }
            scaled.push(&batch);
            let mix = partscope(&scaled, &Cancel::default()).unwrap().mix;
            for (ours, theirs) in mix.weights.iter().zip(&plain.weights) {
                assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn a_preference_for_a_label_changes_only_offsets() {
        let shape = Shape { layers: 3, heads: 4, labels: 3 };
        let train = table(shape, 21, 3, |index| index as f64 / 9.0);
        let mut pushed = Attribution::new(shape, train.gold().to_vec());
        let mut batch = train.batch(0..train.len());
        for (at, value) in batch.components.iter_mut().enumerate() {
            *value += [16.0, 0.0, -4.0][at % 3];
        }
        pushed.push(&batch);
        let (plain, moved) = (partscope(&train, &Cancel::default()), partscope(&pushed, &Cancel::default()));
        let (plain, moved) = (plain.unwrap().mix, moved.unwrap().mix);
        assert!(plain.weights.iter().zip(&moved.weights).all(|(a, b)| (a - b).abs() < 1e-4));
        let (before, after) = (plain.margins(&train), moved.margins(&pushed));
        assert!(before.iter().zip(after).all(|(a, b)| (a - b).abs() < 1e-2));
    }

    /// Cross-validation of a ridge towards such a model takes the model itself.
    #[test]
    fn a_model_that_is_far_off_is_worth_less_than_its_components() {
        let shape = Shape { layers: 6, heads: 9, labels: 5 };
        let make = |n, seed| {
            let plain = table(shape, n, seed, |index| f64::from(u8::from(index % 3 == 0)));
            let mut batch = plain.batch(0..n);
            for (at, value) in batch.rest.iter_mut().enumerate() {
                *value = 12.0 * *value + [30.0, 0.0, 0.0, -10.0, 10.0][at % 5];
            }
            let mut table = Attribution::new(shape, plain.gold().to_vec());
            table.push(&batch);
            table
        };
        let (train, test) = (make(20, 3), make(400, 4));
        let fit = partscope(&train, &Cancel::default()).unwrap();
        let model = Mix::identity(shape).accuracy(&test);
        assert!(fit.mix.accuracy(&test) > model + 0.1, "{} {model}", fit.mix.accuracy(&test));
        assert!(fit.objective < 5.0_f64.ln(), "on the common scale the fit is better than saying nothing");
    }

    #[test]
    fn what_does_not_vary_is_left_as_it_is() {
        let gold = [0, 1, 0, 1];
        let train = made(2, &gold, [1.0, 0.0].repeat(8), vec![0.5; 8]);
        let fit = partscope(&train, &Cancel::default()).unwrap();
        assert!(fit.mix.is_identity() && fit.kkt == 0.0 && fit.objective > 0.0);
        let mut components = [1.0, 0.0].repeat(4);
        components.extend([1.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 1.0]);
        let mix = partscope(&made(2, &gold, components, vec![0.5; 8]), &Cancel::default()).unwrap().mix;
        assert!((mix.weights[0] - 1.0).abs() < 1e-12 && mix.weights[1] > 1.0);
    }

    #[test]
    fn paths_run_from_the_model_to_fits_without_a_prior() {
        let train = table(Shape { layers: 3, heads: 4, labels: 2 }, 20, 3, |index| index as f64 / 9.0);
        let path = fit_prior(&train, &Prior::default(), &[1e6, 1.0, 1e-3], &Cancel::default()).unwrap();
        assert!(path[0].mix.weights.iter().all(|weight| (weight - 1.0).abs() < 1e-3));
        let loss = |fit: &Fit| cross_entropy(&fit.mix.logits(&train), train.gold(), 2);
        assert!(loss(&path[0]) > loss(&path[1]) && loss(&path[1]) > loss(&path[2]) && loss(&path[2]) < 0.1);
        assert_eq!(path[1], partscope(&train, &Cancel::default()).unwrap());
    }
}
