//! How accurate methods are with fewer labels: refits on parts of a run's training split.

use crate::{
    analysis::{
        baseline::calib_plus,
        measures::Prediction,
        method::Method,
        predict::accuracy,
        reweight::{comprw_released, partscope},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
    random::SeededRng,
};

/// Parts that are drawn for each size.
const DRAWS: u64 = 4;

/// Methods of the curve: the default, and the published ones with the same labels.
pub const METHODS: [Method; 3] = [Method::Partscope, Method::CompRwReleased, Method::Calib];

/// Accuracy of one method with one number of training labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The method.
    pub method: Method,
    /// Number of training labels.
    pub labels: usize,
    /// Mean test accuracy over the draws.
    pub accuracy: f64,
    /// Lowest and highest over the draws.
    pub range: (f64, f64),
}

/// Fits [`METHODS`] on parts of `train` and scores them on `test`: on 1, 2, 4 … examples a label, up to all. Each part is
/// balanced over labels and drawn four times; parts of one draw contain each other.
///
/// # Errors
/// If nothing can be learned from the training split, or it was cancelled.
pub fn learning_curve(train: &Attribution, test: &Attribution, cancel: &Cancel) -> Result<Vec<CurvePoint>> {
    let mut points = Vec::new();
    for size in sizes(train) {
        let draws = if size == train.len() { 1 } else { DRAWS };
        let mut scores = vec![Vec::new(); METHODS.len()];
        for draw in 0..draws {
            let part = part(train, size, draw);
            let part = train.filter(|row| part.contains(&row));
            for (scores, method) in scores.iter_mut().zip(METHODS) {
                let predicted = predict(method, &part, test, cancel)?.labels(test.labels());
                scores.push(accuracy(&predicted, test.gold()));
            }
        }
        points.extend(METHODS.into_iter().zip(scores).map(|(method, scores)| CurvePoint {
            method,
            labels: size,
            accuracy: scores.iter().sum::<f64>() / scores.len() as f64,
            range: (scores.iter().copied().fold(1.0, f64::min), scores.iter().copied().fold(0.0, f64::max)),
        }));
    }
    points.sort_by_key(|point| point.method);
    Ok(points)
}

/// Returns the numbers of training labels of the curve, in ascending order.
fn sizes(train: &Attribution) -> Vec<usize> {
    let doubled = (0..).map(|power| train.labels() << power);
    let mut sizes: Vec<usize> = doubled.take_while(|&size| size < train.len()).collect();
    sizes.push(train.len());
    sizes
}

/// Returns `size` rows of `train`: labels take turns, each in an order that depends on `draw` only.
fn part(train: &Attribution, size: usize, draw: u64) -> Vec<usize> {
    let mut rng = SeededRng::stream(draw, 13);
    let mut queues: Vec<Vec<usize>> = vec![Vec::new(); train.labels()];
    train.gold().iter().enumerate().for_each(|(row, &label)| queues[label].push(row));
    for queue in &mut queues {
        rng.shuffle(queue);
    }
    let most = queues.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..most).flat_map(|turn| queues.iter().filter_map(move |queue| queue.get(turn).copied()));
    turns.take(size).collect()
}

fn predict(method: Method, train: &Attribution, test: &Attribution, cancel: &Cancel) -> Result<Prediction> {
    Ok(match method {
        Method::Calib => calib_plus(train, cancel)?.prediction(test.full()),
        Method::CompRwReleased => Prediction::Logits(comprw_released(train, cancel)?.mix.logits(test)),
        _ => Prediction::Logits(partscope(train, cancel)?.mix.logits(test)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::testing::table, component::Shape};

    #[test]
    fn parts_are_balanced_and_nested_and_the_last_point_is_the_whole_split() {
        let shape = Shape { layers: 3, heads: 4, labels: 3 };
        let signal = |index| if index % 4 == 1 { 1.5 } else { 0.0 };
        let (train, test) = (table(shape, 20, 1, signal), table(shape, 300, 2, signal));
        assert_eq!(sizes(&train), [3, 6, 12, 20]);
        let (small, large) = (part(&train, 6, 2), part(&train, 12, 2));
        assert!(small.iter().all(|row| large.contains(row)));
        assert!((0..3).all(|label| small.iter().filter(|&&row| train.gold()[row] == label).count() == 2));
        assert_ne!(small, part(&train, 6, 3));
        let points = learning_curve(&train, &test, &Cancel::default()).unwrap();
        let own: Vec<&CurvePoint> = points.iter().filter(|point| point.method == Method::Partscope).collect();
        assert_eq!(own.iter().map(|point| point.labels).collect::<Vec<_>>(), [3, 6, 12, 20]);
        let whole = partscope(&train, &Cancel::default()).unwrap().mix.accuracy(&test);
        assert!((own[3].accuracy - whole).abs() < 1e-12 && own[3].accuracy > own[0].accuracy);
        assert!(points.iter().all(|point| point.range.0 <= point.accuracy && point.accuracy <= point.range.1 + 1e-12));
    }
}
