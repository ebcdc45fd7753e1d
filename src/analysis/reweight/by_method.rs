//! Fits by the name of the method, for user interfaces.

use crate::{
    analysis::{
        method::Method,
        reweight::{
            Fit, FitOptions, Lambda, Prior, comprw, comprw_released, fit, fit_path, fit_prior, lambda_path, partscope,
            path, ridge_cv, ridge_cv_options,
        },
    },
    attribution::Attribution,
    cancel::Cancel,
    error::{Error, Result},
};

/// The methods that fit a mix, the default first.
pub const FITS: [Method; 5] =
    [Method::Partscope, Method::RidgeCv, Method::Convex, Method::CompRw, Method::CompRwReleased];

/// Weakest strength of a path, as a share of the one that keeps all weights at the start.
const SMALLEST: f64 = 1e-4;

/// Strongest and weakest strength of the default method's path, where 1 is its prior.
const STRENGTHS: (f64, f64) = (1e3, 1e-3);

/// Fits a mix by `method`, with the method's own options.
///
/// # Errors
/// As [`fit`], or if `method` does not fit a mix.
pub fn fit_by(method: Method, train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    match method {
        Method::Partscope => partscope(train, cancel),
        Method::RidgeCv => ridge_cv(train, cancel),
        Method::Convex => fit(train, &FitOptions::default(), cancel),
        Method::CompRw => comprw(train, cancel),
        Method::CompRwReleased => comprw_released(train, cancel),
        other => Err(Error::Unknown {
            what: "fitting method",
            given: other.name().to_owned(),
            known: FITS.map(|method| method.name().to_owned()).to_vec(),
        }),
    }
}

/// Returns whether a method has a path: those with early stopping have none.
pub fn has_path(method: Method) -> bool {
    matches!(method, Method::Partscope | Method::RidgeCv | Method::Convex)
}

/// Returns the path of the method of `found`: its fits at `count` penalty strengths and `found` itself, strongest
/// first. `None` for methods with a fixed strength and early stopping, which have no path.
///
/// # Errors
/// As [`fit`].
pub fn path_of(found: &Fit, train: &Attribution, count: usize, cancel: &Cancel) -> Result<Option<Vec<Fit>>> {
    let at = Lambda::Fixed(found.lambda);
    let fits = match found.method {
        Method::Partscope => {
            let strengths = path::geometric(STRENGTHS.0, count, STRENGTHS.1 / STRENGTHS.0);
            fit_prior(train, &Prior::default(), &strengths, cancel)?
        }
        Method::RidgeCv => weaker(train, &FitOptions { lambda: at, ..ridge_cv_options() }, count, cancel)?,
        Method::Convex => weaker(train, &FitOptions { lambda: at, ..FitOptions::default() }, count, cancel)?,
        _ => return Ok(None),
    };
    let mut fits: Vec<Fit> = fits.into_iter().map(|fit| Fit { method: found.method, ..fit }).collect();
    let index = fits.partition_point(|fit| fit.lambda > found.lambda);
    fits.insert(index, found.clone());
    Ok(Some(fits))
}

/// Returns the fits at `count` strengths, from the smallest that keeps all weights at the start.
fn weaker(train: &Attribution, options: &FitOptions, count: usize, cancel: &Cancel) -> Result<Vec<Fit>> {
    fit_path(train, &lambda_path(train, options, count, SMALLEST)?, options, cancel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::testing::table, component::Shape};

    const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 2 };

    #[test]
    fn every_fitting_method_fits_and_others_are_refused() {
        let train = table(SHAPE, 12, 1, |i| i as f64 / 9.0);
        for method in FITS {
            assert_eq!(fit_by(method, &train, &Cancel::default()).unwrap().method, method);
        }
        let refused = fit_by(Method::Vote, &train, &Cancel::default()).unwrap_err().to_string();
        assert!(refused.contains("vote") && refused.contains("comprw_released"), "{refused}");
    }

    #[test]
    fn a_path_contains_the_fit_and_weaker_penalties_change_more() {
        let train = table(SHAPE, 12, 1, |i| i as f64 / 9.0);
        for method in FITS.into_iter().filter(|&method| has_path(method)) {
            let found = fit_by(method, &train, &Cancel::default()).unwrap();
            let path = path_of(&found, &train, 9, &Cancel::default()).unwrap().unwrap();
            assert!(path.len() == 10 && path.contains(&found));
            assert!(path.windows(2).all(|pair| pair[0].lambda >= pair[1].lambda));
            let moved = |fit: &Fit| {
                // Without a penalty a weight is that of `rest`: 0 if it is left out.
                fit.mix.weights.iter().map(|weight| (weight - fit.mix.rest).abs()).sum::<f64>()
            };
            assert!(moved(&path[9]) > moved(&path[0]), "a weaker penalty changes weights more");
        }
        assert!(!has_path(Method::CompRw));
        let found = fit_by(Method::CompRw, &train, &Cancel::default()).unwrap();
        assert_eq!(path_of(&found, &train, 9, &Cancel::default()).unwrap(), None);
    }
}
