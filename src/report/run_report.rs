//! What a report says of one run, computed once and then only drawn.

use crate::{
    analysis::{
        ComponentStats, Fit, Thresholds,
        baseline::{BaselineOptions, Outcome, outcomes_with},
        check,
        held_out::{HeldOutBest, held_out_best},
        reweight::{comprw, comprw_released, fit_path, lambda_path, partscope, partscope_options},
        summarize,
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
    run::Run,
    text::printable,
};

/// Strengths on the path of a figure, down to this share of the strongest.
const PATH: (usize, f64) = (41, 1e-5);

/// A run with everything a report says of it.
#[derive(Clone, Debug)]
pub(super) struct RunReport<'a> {
    /// The run.
    pub(super) run: &'a Run,
    /// What figures call it: `task/template/demo seed`.
    pub(super) name: String,
    /// What its files are called.
    pub(super) slug: String,
    /// Every component on the test split.
    pub(super) components: Vec<ComponentStats>,
    /// The best component where it was not chosen.
    pub(super) best: Option<HeldOutBest>,
    /// What its training labels buy, or why they buy nothing.
    pub(super) bought: Result<FitResults, String>,
}

/// What the training labels of a run buy.
#[derive(Clone, Debug)]
pub(super) struct FitResults {
    /// Every method that needs only the table.
    pub(super) outcomes: Vec<Outcome>,
    /// The fit of our default method.
    pub(super) fit: Fit,
    /// The fits of our default method along its strengths, strongest first.
    pub(super) path: Vec<Step>,
}

/// One fit on a path.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The fit.
    pub(super) fit: Fit,
    /// Its accuracy on the training examples.
    pub(super) train: f64,
    /// Its accuracy on the test examples.
    pub(super) test: f64,
}

impl<'a> RunReport<'a> {
    /// Reads all out of `run`.
    ///
    /// # Errors
    /// If it was cancelled. A run that nothing can be learnt from is no error: its report says so.
    pub(super) fn of(run: &'a Run, cancel: &Cancel) -> Result<Self> {
        let name = printable(&run.meta.name()).into_owned();
        let usable = check::trainable(&run.train, &run.meta.task.label_words).and_then(|()| check::leakage(run));
        let bought = match usable {
            Ok(()) => Ok(FitResults::from(&run.train, &run.test, cancel)?),
            Err(reason) => Err(reason.to_string()),
        };
        Ok(Self {
            slug: slug(&name),
            name,
            components: summarize(&run.test, &Thresholds::default()),
            best: held_out_best(&run.test),
            bought,
            run,
        })
    }

    /// Digests of all `runs`, in order, with names that differ.
    ///
    /// # Errors
    /// As [`RunReport::of`].
    pub(super) fn all(runs: &'a [Run], cancel: &Cancel) -> Result<Vec<Self>> {
        let mut digests: Vec<Self> = runs.iter().map(|run| Self::of(run, cancel)).collect::<Result<_>>()?;
        for at in 1..digests.len() {
            let (before, rest) = digests.split_at_mut(at);
            let digest = &mut rest[0];
            let plain = digest.name.clone();
            for number in 2.. {
                if before.iter().all(|other| other.slug != digest.slug) {
                    break;
                }
                digest.name = format!("{plain} ({number})");
                digest.slug = slug(&digest.name);
            }
        }
        Ok(digests)
    }
}

impl FitResults {
    fn from(train: &Attribution, test: &Attribution, cancel: &Cancel) -> Result<Self> {
        let fit = partscope(train, cancel)?;
        let fits = [comprw(train, cancel)?, comprw_released(train, cancel)?, fit.clone()];
        let options = partscope_options();
        let strengths = lambda_path(train, &options, PATH.0, PATH.1)?;
        let step = |fit: Fit| Step { train: fit.mix.accuracy(train), test: fit.mix.accuracy(test), fit };
        Ok(Self {
            outcomes: outcomes_with(train, test, &fits, &BaselineOptions::default(), cancel)?,
            path: fit_path(train, &strengths, &options, cancel)?.into_iter().map(step).collect(),
            fit,
        })
    }
}

/// A file name that every system takes.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' };
    let text: String = name.chars().map(plain).collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{SHAPE, run, table};

    /// A run in which later components know more of the gold label.
    fn skilled() -> Run {
        let signal = |index: usize| index as f64 / 6.0;
        run(table(SHAPE, 12, 1, signal), table(SHAPE, 60, 2, signal))
    }

    #[test]
    fn file_names_are_tame_and_differ() {
        assert_eq!(slug("../a b/ü/0"), "..-a-b-0");
        let one = skilled();
        let runs = [one.clone(), one.clone(), one];
        let digests = RunReport::all(&runs, &Cancel::default()).unwrap();
        assert!(digests[0].slug != digests[1].slug && digests[1].slug != digests[2].slug);
        assert!(digests[2].name.ends_with("(3)"), "{}", digests[2].name);
    }

    #[test]
    fn the_path_begins_at_the_model() {
        let one = skilled();
        let bought = RunReport::of(&one, &Cancel::default()).unwrap().bought.unwrap();
        assert!(bought.path[0].fit.mix.weights.iter().all(|weight| (weight - 1.0).abs() < 0.05));
        let moved = |step: &Step| step.fit.mix.weights.iter().map(|weight| (weight - 1.0).abs()).sum::<f64>();
        assert!(moved(&bought.path[PATH.0 - 1]) > 10.0 * moved(&bought.path[0]));
    }

    #[test]
    fn a_run_without_training_labels_says_so() {
        let one = run(table(SHAPE, 0, 1, |_| 0.0), table(SHAPE, 60, 2, |_| 0.0));
        let digest = RunReport::of(&one, &Cancel::default()).unwrap();
        assert!(digest.bought.unwrap_err().contains("no training examples"));
    }
}
