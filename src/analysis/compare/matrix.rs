//! Agreement of all pairs of many runs, e.g. demonstration sets × templates.

use serde::Serialize;

use crate::{
    analysis::{
        check::comparable,
        compare::{Agreement, agreements},
        tally::Tally,
    },
    error::Result,
    run::Run,
};

/// Agreement of every run with every other, `[R, R]`, symmetric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreementMatrix {
    /// Names of the runs: `task/template/demo seed`.
    pub runs: Vec<String>,
    /// Accuracy of the full model in each run.
    pub accuracy: Vec<f64>,
    /// Agreement of component accuracies.
    pub agreement: Vec<Vec<Agreement>>,
}

/// Agreement of all pairs of `runs`.
///
/// # Errors
/// Runs of different models or labels.
pub fn matrix(runs: &[&Run]) -> Result<AgreementMatrix> {
    for pair in runs.windows(2) {
        comparable(&pair[0].meta, &pair[1].meta)?;
    }
    let accuracies = runs.iter().map(|run| (Tally::from_table(&run.test).accuracies(), run.test.shape()));
    Ok(AgreementMatrix {
        runs: runs.iter().map(|run| run.meta.name()).collect(),
        accuracy: runs.iter().map(|run| run.meta.accuracy.full).collect(),
        agreement: agreements(&accuracies.collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::{run, table},
        component::Shape,
    };

    #[test]
    fn symmetric_with_itself_on_the_diagonal() {
        let shape = Shape { layers: 3, heads: 4, labels: 2 };
        let runs: Vec<Run> = (1..4)
            .map(|seed| run(table(shape, 4, seed, |_| 0.0), table(shape, 80, seed, |i| i as f64 / 9.0)))
            .collect();
        let matrix = matrix(&runs.iter().collect::<Vec<_>>()).unwrap();
        for i in 0..3 {
            assert!((matrix.agreement[i][i].pearson.unwrap() - 1.0).abs() < 1e-12);
            for j in 0..3 {
                assert_eq!(matrix.agreement[i][j], matrix.agreement[j][i]);
            }
        }
    }
}
