//! Weights learned on other runs only.

use std::collections::HashSet;

use crate::{
    analysis::{check, mix::Mix, reweight::partscope},
    cancel::Cancel,
    error::{InputError, Result},
    run::Run,
    text::{list, normalized},
};

/// Fits the default method on every run of `others` and returns the mean of the weights: a mix for `run` that saw none
/// of its labels. Offsets belong to the labels of a run and are left out, so that runs of other tasks can be used.
///
/// This is a control for what the weights of components owe to the task; it is not from the literature.
///
/// # Errors
/// If there are no others, one is of another model or has no usable training split, or was fitted on test examples of
/// `run`.
pub fn transfer(run: &Run, others: &[Run], cancel: &Cancel) -> Result<Mix> {
    if others.is_empty() {
        return Err(InputError::new("there are no other runs to fit on").field("--from").into());
    }
    let shape = run.test.shape();
    let mut mean = Mix::uniform(shape, 0.0, 1.0);
    for other in others {
        same_model(run, other)?;
        unseen(run, other)?;
        check::trainable(&other.train, other.meta.task.class_names())?;
        let fitted = partscope(&other.train, cancel)?;
        for (mean, weight) in mean.weights.iter_mut().zip(fitted.mix.weights) {
            *mean += weight / others.len() as f64;
        }
    }
    Ok(mean)
}

fn same_model(run: &Run, other: &Run) -> Result<()> {
    if run.meta.model.weights_hash == other.meta.model.weights_hash {
        return Ok(());
    }
    let problem = format!("{} was made with another model than {}", other.meta.name(), run.meta.name());
    Err(InputError::new(problem).field("--from").help("name runs of the same model").into())
}

/// Checks that no training example of `other` is a test example of `run`.
fn unseen(run: &Run, other: &Run) -> Result<()> {
    let trained = other.examples[..other.train.len()].iter();
    let texts: HashSet<String> = trained.map(|own| normalized(&own.text)).filter(|text| !text.is_empty()).collect();
    let test = run.examples[run.train.len()..].iter().filter(|own| texts.contains(&normalized(&own.text)));
    let seen: Vec<&str> = test.map(|own| own.id.as_str()).take(10).collect();
    if seen.is_empty() {
        return Ok(());
    }
    let problem = format!("{} was trained on test examples of {}: {}", other.meta.name(), run.meta.name(), list(seen));
    Err(InputError::new(problem).field("--from").help("leave that run out").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::{run, table},
        component::Shape,
    };

    const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 2 };

    fn skilled(seed: u64, labels: usize) -> Run {
        let signal = |index| if index == 5 { 3.0 } else { 0.0 };
        let shape = Shape { labels, ..SHAPE };
        let mut made = run(table(shape, 24, seed, signal), table(shape, 200, seed + 100, signal));
        for (at, example) in made.examples.iter_mut().enumerate() {
            example.text = format!("{seed} {at}");
        }
        made
    }

    #[test]
    fn weights_of_other_runs_help_even_with_other_labels() {
        let own = skilled(1, 2);
        let mix = transfer(&own, &[skilled(2, 2), skilled(3, 3)], &Cancel::default()).unwrap();
        assert!(mix.accuracy(&own.test) > Mix::identity(SHAPE).accuracy(&own.test) + 0.02);
        assert!(mix.offsets.is_empty() && mix.rest == 1.0);
        assert!(transfer(&own, &[], &Cancel::default()).is_err());
    }

    #[test]
    fn runs_that_saw_the_test_examples_or_of_another_model_are_refused() {
        let own = skilled(1, 2);
        let mut seen = skilled(2, 2);
        seen.examples[3].text = own.examples[30].text.clone();
        let error = transfer(&own, &[seen], &Cancel::default()).unwrap_err().to_string();
        assert!(error.contains("was trained on test examples"), "{error}");
        let mut other = skilled(2, 2);
        other.meta.model.weights_hash = "0".to_owned();
        assert!(transfer(&own, &[other], &Cancel::default()).unwrap_err().to_string().contains("another model"));
    }
}
