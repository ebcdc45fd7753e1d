//! Options and results of a fit.

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{method::Method, mix::Mix},
    error::{InputError, Result},
};

/// The weights that the penalty favours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// `‖w‖₁`: few components are used (the paper).
    TowardsZero,
    /// `‖w − 1‖₁`: few weights change; with `rest` at 1, a strong penalty gives the model itself.
    TowardsOne,
    /// Whichever of the two has the lower loss in cross-validation; needs a cross-validated strength.
    Either,
}

impl Penalty {
    /// Returns the weight with zero penalty; for `Either`, that of the direction tried first.
    pub const fn anchor(self) -> f64 {
        match self {
            Self::TowardsZero => 0.0,
            Self::TowardsOne | Self::Either => 1.0,
        }
    }
}

/// How the penalty of a weight scales with its component's contributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Every weight has the same price, so that components with large contributions are cheap to use (the paper).
    Raw,
    /// A weight's price is the root mean square of its component's label-centred contributions, which is equivalent to
    /// standardising the contributions.
    Standardised,
}

/// How strong the penalty is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lambda {
    /// This strength.
    Fixed(f64),
    /// Chosen by cross-validation on the training labels.
    CrossValidated(CrossValidation),
}

/// Cross-validation of the strength on the training labels: chooses the strength on a geometric path with the lowest
/// mean cross-entropy on held-out examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrossValidation {
    /// Number of folds, balanced by label.
    pub folds: usize,
    /// Number of random assignments of examples to folds.
    pub repeats: usize,
    /// Number of strengths on the path.
    pub path: usize,
    /// Weakest strength, as a share of the one that keeps all weights at the start.
    pub smallest: f64,
    /// Takes the strongest penalty whose loss exceeds the lowest by at most this many standard errors of the difference
    /// over folds (Breiman et al. 1984 use 1; 0 takes the lowest).
    pub slack: f64,
    /// Seed of the folds.
    pub seed: u64,
}

impl Default for CrossValidation {
    /// Five folds once, twenty strengths down to a thousandth.
    fn default() -> Self {
        Self { folds: 5, repeats: 1, path: 20, smallest: 1e-3, slack: 0.0, seed: 0 }
    }
}

/// Options of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Weight ρ of `rest`, fixed: 0 leaves it out (the paper), 1 keeps it.
    pub rest: f64,
    /// Direction of the penalty.
    pub penalty: Penalty,
    /// Strength of the penalty.
    pub lambda: Lambda,
    /// Scaling of the penalty.
    pub scaling: Scaling,
    /// Share `r` of the penalty that is a ridge: `(1 − r) s_c |w_c − a| + r/2 s_c² (w_c − a)²` (the elastic net, Zou &
    /// Hastie 2005). 0 is the L1 penalty alone; 1 spreads the change over all components.
    pub ridge: f64,
    /// Price of the label offsets as a share of the mean price of a component; the same penalty keeps them near 0, and
    /// a low price leaves them nearly free. `None` fits no offsets.
    pub offsets: Option<f64>,
    /// Smallest and largest weight allowed; `None` for no box.
    pub bounds: Option<(f64, f64)>,
    /// KKT residual at which the solver stops, relative to the gradient at the start.
    pub tolerance: f64,
    /// Maximum number of Newton steps.
    pub max_iterations: usize,
}

impl Default for FitOptions {
    /// The paper's objective, solved to its optimum: towards zero, `rest` left out, no box, λ = 0.01.
    fn default() -> Self {
        Self {
            rest: 0.0,
            penalty: Penalty::TowardsZero,
            lambda: Lambda::Fixed(0.01),
            scaling: Scaling::Raw,
            ridge: 0.0,
            offsets: None,
            bounds: None,
            tolerance: 1e-7,
            max_iterations: 500,
        }
    }
}

impl FitOptions {
    /// Checks that the options are valid and the problem has an optimum.
    ///
    /// # Errors
    /// [`InputError`] that names the invalid field.
    pub fn validate(&self) -> Result<()> {
        let bad =
            |field: &str, problem: String, help: &str| Err(InputError::new(problem).field(field).help(help).into());
        if !self.rest.is_finite() {
            return bad("rest", format!("{} is not a finite number", self.rest), "use 0 or 1");
        }
        if !(0.0..=1.0).contains(&self.ridge) {
            return bad("ridge", format!("{} is not between 0 and 1", self.ridge), "use a number from 0 to 1");
        }
        if !self.offsets.is_none_or(|price| price.is_finite() && price > 0.0) {
            return bad(
                "offsets",
                "without a price above 0 the offsets have no optimum".into(),
                "use a number above 0, or leave them out",
            );
        }
        match self.lambda {
            Lambda::Fixed(lambda) if !lambda.is_finite() || lambda < 0.0 => {
                return bad("lambda", format!("{lambda} is not a penalty strength"), "use a number above 0");
            }
            Lambda::Fixed(lambda) if lambda == 0.0 && self.bounds.is_none() => {
                return bad(
                    "lambda",
                    "without a penalty the weights can grow without bound".into(),
                    "use a number above 0, or a box",
                );
            }
            Lambda::CrossValidated(CrossValidation { folds, repeats, path, smallest, .. })
                if folds < 2 || repeats == 0 || path == 0 || !(smallest > 0.0 && smallest <= 1.0) =>
            {
                return bad(
                    "lambda",
                    "this cross-validation has nothing to try".into(),
                    "use at least 2 folds, 1 repeat, 1 strength, and a smallest share between 0 and 1",
                );
            }
            Lambda::Fixed(_) if self.penalty == Penalty::Either => {
                return bad(
                    "penalty",
                    "a fixed strength cannot choose the direction of the penalty".into(),
                    "choose towards_zero or towards_one, or a cross-validated strength",
                );
            }
            _ => {}
        }
        match self.bounds {
            Some((lo, hi)) if !(lo <= hi && lo.is_finite() && hi.is_finite()) => {
                bad("bounds", format!("there are no weights between {lo} and {hi}"), "use for example 0 and 1")
            }
            _ => Ok(()),
        }
    }
}

/// The prior of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// Root mean square of the model's logits on the common scale, centred over examples and labels.
    pub model: f64,
    /// Standard deviation `σ` of a logit due to the deviations of all weights from the model's.
    pub deviation: f64,
    /// Exponent `p`: at 0 every weight varies as much as any other, at 1 every component's contribution does.
    pub exponent: f64,
    /// Variance of an MLP's weight as a share of that of a head of the same size.
    pub mlps: f64,
    /// Standard deviation `β` of a label's offset.
    pub offset: f64,
}

/// A fitted mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The fitted weights.
    pub mix: Mix,
    /// The method that fitted them.
    pub method: Method,
    /// Strength of the penalty.
    pub lambda: f64,
    /// Value of the method's objective, penalty included, in nats.
    pub objective: f64,
    /// KKT residual, infinity norm, relative to the largest gradient of the loss at the start, where the penalty is
    /// zero (all weights 0 or all 1, by its direction).
    pub kkt: f64,
    /// Number of steps taken.
    pub iterations: usize,
    /// With the largest of several label words per class: whether the words that rank first do not stay under the fitted
    /// weights. Objective and KKT residual are then those with the words held.
    #[serde(default, skip_serializing_if = "is_false")]
    pub words_change: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_false(flag: &bool) -> bool {
    !*flag
}
