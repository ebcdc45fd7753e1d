//! Chooses the test examples of a run, and finds those that its prompt or its training split already contains.
//!
//! Identity is by content, the fields that the prompt shows, since ids differ between copies of an example.

use std::collections::{HashMap, HashSet};

use crate::{
    error::{Error, InputError, Result},
    random::SeededRng,
    remarks::describe_leaks,
    request::{OnLeak, Selection},
    run::SelectionMeta,
};

/// A test example that may be chosen.
pub(super) struct Candidate<'a> {
    pub(super) id: &'a str,
    pub(super) label: usize,
    /// What the prompt shows of it; empty content is never equal to other content.
    pub(super) content: String,
}

/// Returns the indices of the chosen candidates in the order of the data, and a record of the choice.
///
/// `seen` maps the content of every demonstration and training example to its id.
///
/// # Errors
/// If an id is unknown, a chosen candidate is in `seen` and the policy is [`OnLeak::Error`], or none is left.
pub(super) fn select(
    candidates: &[Candidate<'_>],
    seen: &HashMap<String, String>,
    limit: Option<usize>,
    selection: &Selection,
) -> Result<(Vec<usize>, SelectionMeta)> {
    let mut order = match &selection.ids {
        Some(ids) => named(candidates, ids)?,
        None => (0..candidates.len()).collect(),
    };
    let most = limit.unwrap_or(order.len());
    if most < order.len() {
        order = sample_order(candidates, &order, selection);
    }
    let (mut chosen, mut leaked) = (Vec::new(), Vec::new());
    for index in order {
        if chosen.len() == most {
            break;
        }
        let Candidate { id, content, .. } = &candidates[index];
        let twin = seen.get(content).filter(|_| !content.is_empty());
        leaked.extend(twin.map(|twin| ((*id).to_owned(), twin.clone())));
        if twin.is_none() || selection.on_leak == OnLeak::Error {
            chosen.push(index);
        }
    }
    if selection.on_leak == OnLeak::Error && !leaked.is_empty() {
        return Err(leak_error(&leaked).into());
    }
    if chosen.is_empty() {
        let help = if leaked.is_empty() {
            "raise --limit, or add test examples".to_owned()
        } else {
            format!("all are {}", describe_leaks(&leaked))
        };
        return Err(InputError::new("no test example is left").help(help).into());
    }
    chosen.sort_unstable();
    let meta = SelectionMeta {
        of: candidates.len(),
        limit,
        seed: selection.seed,
        balanced: selection.balanced,
        by_id: selection.ids.is_some(),
        leaked,
        duplicates: duplicates(chosen.iter().map(|&index| candidates[index].content.as_str())),
    };
    Ok((chosen, meta))
}

/// Returns the indices of the candidates called `ids`, in the order of the data.
fn named(candidates: &[Candidate<'_>], ids: &[String]) -> Result<Vec<usize>> {
    let places: HashMap<&str, usize> = candidates.iter().enumerate().map(|(at, own)| (own.id, at)).collect();
    let place = |id: &String| {
        places.get(id.as_str()).copied().ok_or_else(|| Error::Unknown {
            what: "test example",
            given: id.clone(),
            known: candidates.iter().take(5).map(|own| own.id.to_owned()).chain(["…".to_owned()]).collect(),
        })
    };
    let mut found = ids.iter().map(place).collect::<Result<Vec<_>>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Orders `members` so that the first N are a sample of N for every N: each label is shuffled, and labels take turns
/// such that their numbers stay as close as possible to their shares of `members`, or to each other if `balanced`.
fn sample_order(candidates: &[Candidate<'_>], members: &[usize], selection: &Selection) -> Vec<usize> {
    let labels = members.iter().map(|&index| candidates[index].label + 1).max().unwrap_or(0);
    let mut draws = SeededRng::stream(selection.seed, 6);
    let mut queues: Vec<Vec<usize>> = vec![Vec::new(); labels];
    for &index in members {
        queues[candidates[index].label].push(index);
    }
    let shares: Vec<u64> = queues.iter().map(|queue| queue.len() as u64).collect();
    for queue in &mut queues {
        draws.shuffle(queue);
    }
    let all = members.len() as u64;
    let mut taken = vec![0_u64; labels];
    let mut order = Vec::with_capacity(members.len());
    while order.len() < members.len() {
        let next = order.len() as u64 + 1;
        // How far a label is behind its share, in units of 1 / all examples.
        let behind = |label: usize| {
            let target = if selection.balanced { 0 } else { i128::from(shares[label] * next) };
            target - i128::from(taken[label]) * i128::from(all)
        };
        let open = (0..labels).filter(|&label| !queues[label].is_empty());
        let Some(label) = open.reduce(|best, label| if behind(label) > behind(best) { label } else { best }) else {
            break;
        };
        order.extend(queues[label].pop());
        taken[label] += 1;
    }
    order
}

/// Counts the contents that occurred before; empty ones are not compared.
pub(super) fn duplicates<'a>(contents: impl Iterator<Item = &'a str>) -> usize {
    let mut seen = HashSet::new();
    contents.filter(|content| !content.is_empty() && !seen.insert(*content)).count()
}

fn leak_error(leaked: &[(String, String)]) -> InputError {
    let problem = format!("{} test examples are {}", leaked.len(), describe_leaks(leaked));
    InputError::new(problem).help("remove them from the pool or the test part, or leave them out with --on-leak drop")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Candidates with these labels; the content of each is its id.
    fn candidates(labels: &[usize]) -> Vec<(String, usize)> {
        labels.iter().enumerate().map(|(at, &label)| (format!("q{at}"), label)).collect()
    }

    fn choose(
        all: &[(String, usize)],
        seen: &[(&str, &str)],
        limit: Option<usize>,
        selection: &Selection,
    ) -> Result<(Vec<usize>, SelectionMeta)> {
        let all: Vec<Candidate<'_>> =
            all.iter().map(|(id, label)| Candidate { id, label: *label, content: id.clone() }).collect();
        let seen = seen.iter().map(|(content, id)| ((*content).to_owned(), (*id).to_owned())).collect();
        select(&all, &seen, limit, selection)
    }

    fn counts(all: &[(String, usize)], chosen: &[usize]) -> Vec<usize> {
        (0..3).map(|label| chosen.iter().filter(|&&at| all[at].1 == label).count()).collect()
    }

    #[test]
    fn a_sample_has_the_shares_of_a_sorted_file_and_is_part_of_a_larger_one() {
        let labels: Vec<usize> = [vec![0; 600], vec![1; 300], vec![2; 100]].concat();
        let all = candidates(&labels);
        let sample =
            |limit, seed| choose(&all, &[], Some(limit), &Selection { seed, ..Selection::default() }).unwrap().0;
        assert_eq!(counts(&all, &sample(100, 0)), [60, 30, 10]);
        assert_eq!(counts(&all, &sample(200, 0)), [120, 60, 20]);
        for seed in 0..4 {
            let (mut smaller, mut limit) = (Vec::new(), 1);
            while limit <= 1000 {
                let larger: Vec<usize> = sample(limit, seed);
                assert!(smaller.iter().all(|at| larger.contains(at)) && larger.is_sorted(), "{limit}");
                (smaller, limit) = (larger, limit * 3);
            }
        }
        assert_ne!(sample(100, 0), sample(100, 1));
        assert_eq!(sample(1000, 7), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_balanced_sample_has_equal_numbers_while_there_are_enough() {
        let labels: Vec<usize> = [vec![0; 90], vec![1; 8], vec![2; 2]].concat();
        let all = candidates(&labels);
        let balanced = Selection { balanced: true, ..Selection::default() };
        assert_eq!(counts(&all, &choose(&all, &[], Some(6), &balanced).unwrap().0), [2, 2, 2]);
        assert_eq!(counts(&all, &choose(&all, &[], Some(12), &balanced).unwrap().0), [5, 5, 2]);
    }

    #[test]
    fn leaks_are_refused_or_replaced() {
        let all = candidates(&[0, 1, 0, 1, 0, 1]);
        let seen = [("q1", "d0"), ("q4", "d7")];
        let error = choose(&all, &seen, None, &Selection::default()).unwrap_err().to_string();
        assert!(error.starts_with("2 test examples are demonstrations") && error.contains("q1 (d0) and q4 (d7)"));
        let drop = Selection { on_leak: OnLeak::Drop, ..Selection::default() };
        let (chosen, meta) = choose(&all, &seen, None, &drop).unwrap();
        assert_eq!((chosen, meta.leaked.len(), meta.of), (vec![0, 2, 3, 5], 2, 6));
        assert_eq!(choose(&all, &seen, Some(4), &drop).unwrap().0, [0, 2, 3, 5]);
        let every: Vec<(&str, &str)> = ["q0", "q1", "q2", "q3", "q4", "q5"].map(|id| (id, "d")).into();
        assert!(choose(&all, &every, None, &drop).unwrap_err().to_string().contains("no test example is left"));
    }

    #[test]
    fn named_examples_are_taken_in_the_order_of_the_data() {
        let all = candidates(&[0, 1, 0, 1]);
        let ids = |ids: &[&str]| Selection {
            ids: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..Selection::default()
        };
        assert_eq!(choose(&all, &[], None, &ids(&["q3", "q0", "q3"])).unwrap().0, [0, 3]);
        let error = choose(&all, &[], None, &ids(&["q9"])).unwrap_err().to_string();
        assert!(error.contains("no test example is called `q9`"), "{error}");
    }

    #[test]
    fn repeated_texts_are_counted() {
        assert_eq!(duplicates(["a", "b", "a", "", "", "a"].into_iter()), 2);
    }
}
