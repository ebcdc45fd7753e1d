//! Draws the labelled examples of a run: demonstrations and training examples.

use std::ops::Range;

use super::{example::Example, file::Task};
use crate::{
    error::{InputError, Result},
    random::SeededRng,
};

/// Labelled examples of one run, as indices into [`Task::pool`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Demonstrations, in prompt order.
    pub(super) demonstrations: Vec<usize>,
    /// Training examples, in order; none is a demonstration.
    pub(super) training: Vec<usize>,
}

/// Draws `shots` demonstrations and `training` further examples from the task's pool.
///
/// Both are as balanced over labels as their counts allow. The pool is shuffled once per label and cut into budgets of
/// `shots + training`; seed `s` takes the `s`-th cut, so that different seeds are disjoint until the pool is used up.
/// Then the pool is reshuffled. Demonstrations are shuffled until the last two labels differ, if they have two labels
/// (the paper's protocol). The same arguments give the same draw in every version.
///
/// If the seed has its own part of the pool, its examples are taken in order, as in the paper's code: demonstrations
/// first, then training examples.
///
/// # Errors
/// If the pool has too few examples of a label.
pub(super) fn draw(task: &Task, shots: usize, training: usize, seed: u64) -> Result<Budget> {
    if !task.pools.is_empty() {
        return in_order(task, shots, training, seed);
    }
    let labels = task.labels.len();
    let (shot_counts, train_counts) = (shares(shots, labels), shares(training, labels));
    // Remainders go to the first labels for demonstrations and to the last ones for training examples.
    let train_counts: Vec<usize> = train_counts.into_iter().rev().collect();
    let by_label: Vec<Vec<usize>> =
        (0..labels).map(|label| (0..task.pool.len()).filter(|&i| task.pool[i].label == label).collect()).collect();
    let cuts = by_label
        .iter()
        .enumerate()
        .filter(|&(label, _)| shot_counts[label] + train_counts[label] > 0)
        .map(|(label, members)| members.len() / (shot_counts[label] + train_counts[label]))
        .min()
        .unwrap_or(1) as u64;
    if cuts == 0 {
        return Err(too_few(task, &by_label, &shot_counts, &train_counts).into());
    }
    let (round, cut) = (seed / cuts, (seed % cuts) as usize);
    let mut draws = SeededRng::new(round);
    let (mut demonstrations, mut rest) = (Vec::new(), Vec::new());
    for (label, mut members) in by_label.into_iter().enumerate() {
        draws.shuffle(&mut members);
        let size = shot_counts[label] + train_counts[label];
        let own = &members[cut * size..(cut + 1) * size];
        demonstrations.extend_from_slice(&own[..shot_counts[label]]);
        rest.extend_from_slice(&own[shot_counts[label]..]);
    }
    let mut order = SeededRng::stream(seed, 1);
    order.shuffle(&mut rest);
    shuffle_until_mixed(&mut demonstrations, |&index| task.pool[index].label, &mut order);
    Ok(Budget { demonstrations, training: rest })
}

/// Takes the first examples of the seed's own part of the pool; shuffles the part first if an earlier seed used it.
fn in_order(task: &Task, shots: usize, training: usize, seed: u64) -> Result<Budget> {
    let (range, round) = own_pool(task, seed);
    let mut own: Vec<usize> = range.collect();
    if own.len() < shots + training {
        let problem = format!(
            "demonstration seed {seed} of `{}` has {} examples, but {shots} demonstrations and {training} training \
             examples were requested",
            task.name,
            own.len()
        );
        return Err(InputError::new(problem).help("lower --num-fewshot or --train-examples").into());
    }
    if round > 0 {
        SeededRng::new(round).shuffle(&mut own);
    }
    let mut demonstrations = own[..shots].to_vec();
    shuffle_until_mixed(&mut demonstrations, |&index| task.pool[index].label, &mut SeededRng::stream(seed, 1));
    Ok(Budget { demonstrations, training: own[shots..shots + training].to_vec() })
}

/// Returns the part of the pool that `seed` draws from, and how many smaller seeds use the same part.
pub(super) fn own_pool(task: &Task, seed: u64) -> (Range<usize>, u64) {
    let pools = task.pools.len() as u64;
    match pools {
        0 => (0..task.pool.len(), seed),
        _ => (task.pools[(seed % pools) as usize].clone(), seed / pools),
    }
}

/// Draws the `seed`-th set of `shots` examples of the pool, ignoring labels; sets are disjoint until the pool is used
/// up.
///
/// # Errors
/// If the pool has fewer examples.
pub(super) fn shuffled_pool(task: &Task, shots: usize, seed: u64) -> Result<Vec<usize>> {
    let (range, seed) = own_pool(task, seed);
    let mut all: Vec<usize> = range.collect();
    if shots > all.len() {
        let problem = format!("the pool of `{}` has {} examples, fewer than {shots}", task.name, all.len());
        return Err(InputError::new(problem).help("lower --num-fewshot, or add examples to the pool").into());
    }
    let cuts = (all.len() / shots.max(1)).max(1) as u64;
    let (round, cut) = (seed / cuts, (seed % cuts) as usize);
    SeededRng::stream(round, 3).shuffle(&mut all);
    Ok(all[cut * shots..(cut + 1) * shots].to_vec())
}

/// Splits `count` over `labels` as evenly as possible; the first labels get the remainder.
fn shares(count: usize, labels: usize) -> Vec<usize> {
    (0..labels).map(|label| count / labels + usize::from(label < count % labels)).collect()
}

/// Shuffles demonstrations until the last two labels differ, if they have two labels.
pub fn order_demonstrations(demonstrations: &mut [Example], draws: &mut SeededRng) {
    shuffle_until_mixed(demonstrations, |example| example.label, draws);
}

fn shuffle_until_mixed<T>(items: &mut [T], label: impl Fn(&T) -> usize, draws: &mut SeededRng) {
    let several = items.iter().any(|item| label(item) != label(&items[0]));
    draws.shuffle(items);
    while several && matches!(items, [.., a, b] if label(a) == label(b)) {
        draws.shuffle(items);
    }
}

fn too_few(task: &Task, by_label: &[Vec<usize>], shots: &[usize], training: &[usize]) -> InputError {
    if task.pool.is_empty() {
        let help = "name one as `data.pool`, or request no labelled examples: --num-fewshot 0 --train-examples 0";
        return InputError::new(format!("the task `{}` has no pool to draw from", task.name)).help(help);
    }
    let short = (0..by_label.len()).find(|&label| by_label[label].len() < shots[label] + training[label]).unwrap_or(0);
    let problem = format!(
        "the pool of `{}` has {} examples of `{}`, but the request needs {} for demonstrations and {} for training",
        task.name,
        by_label[short].len(),
        task.labels[short],
        shots[short],
        training[short],
    );
    InputError::new(problem).help("lower --num-fewshot or --train-examples, or add examples to the pool")
}

/// Error for a label whose examples are all used.
pub(super) fn too_few_of(task: &Task, label: usize) -> InputError {
    let problem = format!("the pool of `{}` has no example of `{}` left for training", task.name, task.labels[label]);
    InputError::new(problem).help("lower --train-examples, or add examples to the pool")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::HashSet;

    pub(in crate::task) fn task(pool: usize, labels: usize) -> Task {
        let example = |i: usize| Example { id: i.to_string(), fields: serde_json::Map::new(), label: i % labels };
        Task {
            name: "t".to_owned(),
            description: String::new(),
            labels: (0..labels).map(|label| label.to_string()).collect(),
            templates: Vec::new(),
            pool: (0..pool).map(example).collect(),
            pools: Vec::new(),
            dev: Vec::new(),
            test: Vec::new(),
            keeps_empty: false,
        }
    }

    #[test]
    fn five_seeds_are_disjoint_and_balanced_and_end_in_two_labels() {
        for (labels, shots) in [(2, 4), (3, 3), (4, 4)] {
            let task = task(120, labels);
            let mut seen = HashSet::new();
            for seed in 0..5 {
                let budget = draw(&task, shots, 24 - shots, seed).unwrap();
                let all: Vec<usize> = budget.demonstrations.iter().chain(&budget.training).copied().collect();
                assert_eq!(all.len(), 24);
                assert!(all.iter().all(|&index| seen.insert(index)), "seed {seed} reuses an example");
                for label in 0..labels {
                    assert_eq!(all.iter().filter(|&&i| task.pool[i].label == label).count(), 24 / labels);
                }
                let [.., a, b] = budget.demonstrations[..] else { panic!("too few") };
                assert_ne!(task.pool[a].label, task.pool[b].label);
            }
        }
    }

    #[test]
    fn draws_never_change() {
        let budget = draw(&task(20, 2), 4, 2, 3).unwrap();
        assert_eq!(budget, draw(&task(20, 2), 4, 2, 3).unwrap());
        assert_eq!((budget.demonstrations, budget.training), (vec![13, 4, 14, 5], vec![11, 12]));
    }

    #[test]
    fn seeds_with_their_own_examples_take_them_in_order() {
        let mut task = task(12, 2);
        task.pools = vec![0..6, 6..12];
        task.pool[11].label = 0;
        let budget = draw(&task, 4, 2, 1).unwrap();
        let mut demonstrations = budget.demonstrations.clone();
        demonstrations.sort_unstable();
        assert_eq!((demonstrations, &budget.training), (vec![6, 7, 8, 9], &vec![10, 11]));
        let [.., a, b] = budget.demonstrations[..] else { panic!("too few") };
        assert_ne!(task.pool[a].label, task.pool[b].label);
        assert_ne!(draw(&task, 4, 2, 3).unwrap(), budget, "a later seed of the same part draws others");
        assert!(draw(&task, 4, 3, 0).unwrap_err().to_string().contains("has 6 examples, but 4 demonstrations and 3"));
    }

    #[test]
    fn no_shots_and_one_shot_are_allowed() {
        assert!(draw(&task(8, 2), 0, 4, 0).unwrap().demonstrations.is_empty());
        assert_eq!(draw(&task(8, 2), 1, 0, 9).unwrap().demonstrations.len(), 1);
    }

    #[test]
    fn a_small_pool_is_an_error() {
        let error = draw(&task(6, 2), 4, 20, 0).unwrap_err().to_string();
        assert!(error.contains("3 examples") && error.contains("--train-examples"), "{error}");
    }
}
