//! What to minimise, and what came out.

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{method::Method, mix::Mix},
    error::{InputError, Result},
};

/// Where the penalty pulls the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// `‖w‖₁`: few components speak (the paper).
    TowardsZero,
    /// `‖w − 1‖₁`: few components are changed; with `rest` at 1 a strong penalty leaves the model itself.
    TowardsOne,
    /// One of the two, whichever has the least loss in cross-validation; needs a cross-validated strength.
    Either,
}

impl Penalty {
    /// The weight that costs nothing; for a choice that is not made yet, of what it tries first.
    pub const fn anchor(self) -> f64 {
        match self {
            Self::TowardsZero => 0.0,
            Self::TowardsOne | Self::Either => 1.0,
        }
    }
}

/// What a unit of penalty buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Every weight costs the same: loud components are cheap to use (the paper).
    Raw,
    /// A weight costs in proportion to how loud its component is, the root mean square of its label-centred
    /// contributions: the same as penalising weights on contributions scaled to equal loudness.
    Standardised,
}

/// How strong the penalty is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lambda {
    /// This strong.
    Fixed(f64),
    /// As the training labels ask for.
    CrossValidated(CrossValidation),
}

/// How a strength is chosen inside the training labels: the one on a geometric path with the least mean cross-entropy
/// on examples that were held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrossValidation {
    /// Number of folds, balanced by label.
    pub folds: usize,
    /// How often the examples are dealt into folds anew.
    pub repeats: usize,
    /// Number of strengths on the path.
    pub path: usize,
    /// Weakest strength, as a share of the one that lets no weight move.
    pub smallest: f64,
    /// Caution: the strongest penalty is taken whose loss is above the least by no more than so many standard errors of
    /// the difference over folds (Breiman et al. 1984 use 1; 0 takes the least).
    pub slack: f64,
    /// Seed of the folds.
    pub seed: u64,
}

impl Default for CrossValidation {
    /// Five folds dealt once, twenty strengths down to a thousandth.
    fn default() -> Self {
        Self { folds: 5, repeats: 1, path: 20, smallest: 1e-3, slack: 0.0, seed: 0 }
    }
}

/// What to minimise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Weight ρ of `rest`, fixed: 0 leaves it out (the paper), 1 keeps it.
    pub rest: f64,
    /// Where the penalty pulls.
    pub penalty: Penalty,
    /// How strong it is.
    pub lambda: Lambda,
    /// What a unit of it buys.
    pub scaling: Scaling,
    /// Share `r` of the penalty that is a ridge: `(1 − r) s_c |w_c − a| + r/2 s_c² (w_c − a)²` (the elastic net, Zou &
    /// Hastie 2005). 0 is the kinked penalty alone, 1 spreads the change over all components.
    pub ridge: f64,
    /// Price of the offsets of labels, as a share of the mean price of a component, where the same penalty pulls them to 0: a small one leaves them
    /// nearly free. `None` leaves them out.
    pub offsets: Option<f64>,
    /// Smallest and largest weight allowed; `None` for no box.
    pub bounds: Option<(f64, f64)>,
    /// KKT residual at which the optimum counts as reached, relative to the gradient at the start.
    pub tolerance: f64,
    /// Newton steps at most.
    pub max_iterations: usize,
}

impl Default for FitOptions {
    /// The paper's objective, brought to its optimum: towards zero, `rest` left out, no box, λ = 0.01.
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
    /// Refuses options that describe no problem or one without an optimum.
    ///
    /// # Errors
    /// [`InputError`] with the field at fault.
    pub fn validate(&self) -> Result<()> {
        let bad =
            |field: &str, problem: String, cure: &str| Err(InputError::new(problem).field(field).cure(cure).into());
        if !self.rest.is_finite() {
            return bad("rest", format!("{} is no weight", self.rest), "use 0 or 1");
        }
        if !(0.0..=1.0).contains(&self.ridge) {
            return bad("ridge", format!("{} is no share", self.ridge), "use a number from 0 to 1");
        }
        if !self.offsets.is_none_or(|price| price.is_finite() && price > 0.0) {
            return bad(
                "offsets",
                "offsets without a price have no optimum".into(),
                "use a number above 0, or leave them out",
            );
        }
        match self.lambda {
            Lambda::Fixed(lambda) if !lambda.is_finite() || lambda < 0.0 => {
                return bad("lambda", format!("{lambda} is no penalty"), "use a number above 0");
            }
            Lambda::Fixed(lambda) if lambda == 0.0 && self.bounds.is_none() => {
                return bad(
                    "lambda",
                    "without a penalty the weights may grow for ever".into(),
                    "use a number above 0, or a box",
                );
            }
            Lambda::CrossValidated(CrossValidation { folds, repeats, path, smallest, .. })
                if folds < 2 || repeats == 0 || path == 0 || !(smallest > 0.0 && smallest <= 1.0) =>
            {
                return bad(
                    "lambda",
                    "this cross-validation tries nothing".into(),
                    "use at least 2 folds, 1 repeat, 1 strength, and a smallest share between 0 and 1",
                );
            }
            Lambda::Fixed(_) if self.penalty == Penalty::Either => {
                return bad(
                    "penalty",
                    "a fixed strength leaves the direction open".into(),
                    "choose towards_zero or towards_one, or a cross-validated strength",
                );
            }
            _ => {}
        }
        match self.bounds {
            Some((lo, hi)) if !(lo <= hi && lo.is_finite() && hi.is_finite()) => {
                bad("bounds", format!("no weight lies between {lo} and {hi}"), "use for example 0 and 1")
            }
            _ => Ok(()),
        }
    }
}

/// A fitted mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The weights.
    pub mix: Mix,
    /// Which method found them.
    pub method: Method,
    /// Strength of the penalty.
    pub lambda: f64,
    /// Value of what the method minimises, penalty included, in nats.
    pub objective: f64,
    /// KKT residual, infinity norm, relative to the largest gradient of the loss at the start, where no weight costs
    /// anything (all 0 or all 1, whichever the penalty pulls to).
    pub kkt: f64,
    /// Steps taken.
    pub iterations: usize,
}
