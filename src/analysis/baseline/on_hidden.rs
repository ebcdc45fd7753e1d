//! The methods that classify hidden states.

use crate::{
    analysis::{
        baseline::{Predictions, hidden_centroid::hidden_centroid, hidden_logistic::hidden_logistic, sav::sav},
        method::Method,
    },
    cancel::Cancel,
    error::Result,
    hidden::Hidden,
};

/// Returns what the methods on hidden states predict, learned on training examples with the labels `gold`, below
/// `labels`. Every label must have an example.
///
/// # Errors
/// If a fit does not converge, or it was cancelled.
pub fn on_hidden(hidden: &Hidden, gold: &[usize], labels: usize, cancel: &Cancel) -> Result<Predictions> {
    Ok(vec![
        (Method::HiddenCentroid, hidden_centroid(hidden, gold, labels)),
        (Method::HiddenLogistic, hidden_logistic(hidden, gold, labels, cancel)?),
        (Method::Sav, sav(hidden, gold, labels)),
    ])
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{
        analysis::{golden::golden, measures::Prediction},
        hidden::HiddenMeta,
    };

    #[derive(Deserialize)]
    struct Golden {
        labels: usize,
        meta: HiddenMeta,
        gold: Vec<usize>,
        train: Vec<f32>,
        test: Vec<f32>,
        centroid: Vec<f64>,
        logistic: Vec<f64>,
        sav: Vec<usize>,
    }

    #[test]
    fn predictions_match_the_reference() {
        for case in golden::<Vec<Golden>>("hidden") {
            let hidden = Hidden { meta: case.meta, values: [case.train, case.test] };
            let rows = on_hidden(&hidden, &case.gold, case.labels, &Cancel::default()).unwrap();
            let logits = |method: Method| match &rows.iter().find(|(own, _)| *own == method).unwrap().1 {
                Prediction::Logits(logits) => logits.clone(),
                Prediction::Labels(_) => panic!("no probabilities"),
            };
            let near = |ours: &[f64], theirs: &[f64]| ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-4);
            assert!(near(&logits(Method::HiddenCentroid), &case.centroid));
            let own = crate::analysis::predict::softmax(&logits(Method::HiddenLogistic), case.labels);
            assert!(near(&own, &case.logistic), "{own:?} {:?}", case.logistic);
            assert_eq!(rows[2], (Method::Sav, Prediction::Labels(case.sav)));
        }
    }
}
