//! Accuracy of the mix of one run on other runs.

use crate::{
    analysis::{check::comparable, mix::Mix, reweight::Fit},
    attribution::Attribution,
    error::Result,
    run::Run,
};

/// Test accuracy of each run's mix on each run, `[fitted on, scored on]`; the last row is the unweighted model.
///
/// # Errors
/// Runs of different models or labels.
pub fn transfer(fits: &[Fit], runs: &[&Run]) -> Result<Vec<Vec<f64>>> {
    for pair in runs.windows(2) {
        comparable(&pair[0].meta, &pair[1].meta)?;
    }
    let scored = |mix: &Mix| runs.iter().map(|run| mix.accuracy(&run.test)).collect();
    let mut table: Vec<Vec<f64>> = fits.iter().map(|fit| scored(&fit.mix)).collect();
    table.push(runs.iter().map(|run| run.meta.accuracy.full).collect());
    Ok(table)
}

/// Test accuracy of each mix on each of the tables, `[fitted on, scored on]`.
pub fn accuracies(fits: &[Fit], tables: &[Attribution]) -> Vec<Vec<f64>> {
    fits.iter().map(|fit| tables.iter().map(|table| fit.mix.accuracy(table)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{
            reweight::{FitOptions, fit},
            testing::{run, table},
        },
        cancel::Cancel,
        component::Shape,
    };

    #[test]
    fn weights_help_runs_with_the_same_good_component() {
        let shape = Shape { layers: 4, heads: 5, labels: 2 };
        let skilled = |component| move |index: usize| if index == component { 3.0 } else { 0.0 };
        let runs = [(1, 7), (2, 7), (3, 11)].map(|(seed, best)| {
            run(table(shape, 24, seed, skilled(best)), table(shape, 200, seed + 10, skilled(best)))
        });
        let fits = runs.each_ref().map(|run| fit(&run.train, &FitOptions::default(), &Cancel::default()).unwrap());
        let table = transfer(&fits, &runs.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!((table.len(), table[0].len()), (4, 3));
        assert!(table[0][1] > 0.9 && table[0][2] < 0.7, "{table:?}");
    }
}
