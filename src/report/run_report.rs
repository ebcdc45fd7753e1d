//! The numbers that a report shows about one run.

use super::lens::LensCurve;
use crate::{
    analysis::{
        ComponentStats, Fit, Thresholds,
        baseline::{BaselineOptions, Outcome, outcomes_with},
        check,
        held_out::{HeldOutBest, held_out_best},
        learning_curve::{CurvePoint, learning_curve},
        reweight::{comprw, comprw_released, partscope, path_of},
        summarize,
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
    run::Run,
    text::printable,
};

/// Number of strengths on the path of a figure, besides that of the fit.
const PATH: usize = 41;

/// A run with the results that a report shows.
#[derive(Clone, Debug)]
pub(super) struct RunReport<'a> {
    /// The run.
    pub(super) run: &'a Run,
    /// Its name in figures: `task/template/demo seed`.
    pub(super) name: String,
    /// Its name in file names.
    pub(super) slug: String,
    /// Statistics of every component on the test split.
    pub(super) components: Vec<ComponentStats>,
    /// The best component with its held-out accuracy.
    pub(super) best: Option<HeldOutBest>,
    /// Fits on its training labels, or why there are none.
    pub(super) fits: Result<FitResults, String>,
    /// Its lens by layer, if it was measured.
    pub(super) lens: Option<LensCurve>,
}

/// Fits on the training labels of a run, and baselines.
#[derive(Clone, Debug)]
pub(super) struct FitResults {
    /// Outcomes of every method that needs only the table.
    pub(super) outcomes: Vec<Outcome>,
    /// The fit of the default method.
    pub(super) fit: Fit,
    /// Fits of the default method along its penalty strengths, strongest first.
    pub(super) path: Vec<Step>,
    /// Accuracies with fewer training labels.
    pub(super) curve: Vec<CurvePoint>,
}

/// One fit on a path.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The fit.
    pub(super) fit: Fit,
    /// Accuracy of the fit on the training examples.
    pub(super) train: f64,
    /// Accuracy of the fit on the test examples.
    pub(super) test: f64,
}

impl<'a> RunReport<'a> {
    /// Computes the results of `run`.
    ///
    /// # Errors
    /// If it was cancelled. A run without usable training labels is not an error: `fits` gives the reason.
    pub(super) fn new(run: &'a Run, cancel: &Cancel) -> Result<Self> {
        let name = printable(&run.meta.name()).into_owned();
        let usable = check::trainable(&run.train, run.meta.task.class_names()).and_then(|()| check::leakage(run));
        let fits = match usable {
            Ok(()) => Ok(FitResults::new(&run.train, &run.test, cancel)?),
            Err(reason) => Err(reason.to_string()),
        };
        Ok(Self {
            slug: slug(&name),
            name,
            components: summarize(&run.test, &Thresholds::default()),
            best: held_out_best(&run.test),
            fits,
            lens: None,
            run,
        })
    }

    /// Computes the results of all `runs`, in order, with distinct names.
    ///
    /// # Errors
    /// As [`RunReport::new`].
    pub(super) fn all(runs: &'a [Run], cancel: &Cancel) -> Result<Vec<Self>> {
        let mut reports: Vec<Self> = runs.iter().map(|run| Self::new(run, cancel)).collect::<Result<_>>()?;
        for at in 1..reports.len() {
            let (before, rest) = reports.split_at_mut(at);
            let report = &mut rest[0];
            let plain = report.name.clone();
            for number in 2.. {
                if before.iter().all(|other| other.slug != report.slug) {
                    break;
                }
                report.name = format!("{plain} ({number})");
                report.slug = slug(&report.name);
            }
        }
        Ok(reports)
    }
}

impl FitResults {
    fn new(train: &Attribution, test: &Attribution, cancel: &Cancel) -> Result<Self> {
        let fit = partscope(train, cancel)?;
        let fits = [comprw(train, cancel)?, comprw_released(train, cancel)?, fit.clone()];
        let path = path_of(&fit, train, PATH, cancel)?.unwrap_or_default();
        let step = |fit: Fit| Step { train: fit.mix.accuracy(train), test: fit.mix.accuracy(test), fit };
        Ok(Self {
            outcomes: outcomes_with(train, test, &fits, &BaselineOptions::default(), cancel)?,
            path: path.into_iter().map(step).collect(),
            curve: learning_curve(train, test, cancel)?,
            fit,
        })
    }
}

/// Returns `name` with only characters that are valid in file names on every system.
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
    fn file_names_are_safe_and_distinct() {
        assert_eq!(slug("../a b/ü/0"), "..-a-b-0");
        let one = skilled();
        let runs = [one.clone(), one.clone(), one];
        let reports = RunReport::all(&runs, &Cancel::default()).unwrap();
        assert!(reports[0].slug != reports[1].slug && reports[1].slug != reports[2].slug);
        assert!(reports[2].name.ends_with("(3)"), "{}", reports[2].name);
    }

    #[test]
    fn the_path_starts_at_the_model() {
        let one = skilled();
        let fits = RunReport::new(&one, &Cancel::default()).unwrap().fits.unwrap();
        assert!(fits.path[0].fit.mix.weights.iter().all(|weight| (weight - 1.0).abs() < 0.05));
        let moved = |step: &Step| step.fit.mix.weights.iter().map(|weight| (weight - 1.0).abs()).sum::<f64>();
        assert!(moved(&fits.path[PATH]) > 10.0 * moved(&fits.path[0]));
    }

    #[test]
    fn a_run_without_training_labels_has_no_fits() {
        let one = run(table(SHAPE, 0, 1, |_| 0.0), table(SHAPE, 60, 2, |_| 0.0));
        let report = RunReport::new(&one, &Cancel::default()).unwrap();
        assert!(report.fits.unwrap_err().contains("no training examples"));
    }
}
