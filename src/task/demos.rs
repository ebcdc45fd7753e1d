//! Chooses the demonstrations and training examples of a run: drawn, listed by id, or written out.

use std::collections::HashSet;

use super::{
    budget::{draw, own_pool, shuffled_pool, too_few_of},
    example::Example,
    file::Task,
    label_values::position,
};
use crate::{
    error::{InputError, Result},
    random::SeededRng,
    request::{Demonstration, Demos, RunRequest},
};

/// Labelled examples of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen<'t> {
    /// Demonstrations, in prompt order; owned, because they may be written out or relabelled.
    pub demonstrations: Vec<Example>,
    /// Training examples; none is a demonstration.
    pub training: Vec<&'t Example>,
}

/// Chooses demonstrations and training examples as `request` specifies.
///
/// Training examples depend on seed and shots only, so that runs with edited demonstrations stay comparable. A training
/// example that became a demonstration is replaced by another one of its label.
///
/// # Errors
/// If the pool is too small, or a listed demonstration cannot be used.
pub fn choose<'t>(task: &'t Task, request: &RunRequest) -> Result<Chosen<'t>> {
    let RunRequest { shots, demo_seed, .. } = *request;
    let listed = matches!(request.demos, Demos::Listed(_));
    let train_examples = if request.loo && listed { 0 } else { request.train_examples };
    let demonstrations: Vec<Example> = match &request.demos {
        Demos::Balanced => {
            let budget = draw(task, shots, train_examples, demo_seed)?;
            let pick = |indices: &[usize]| indices.iter().map(|&index| &task.pool[index]).collect::<Vec<_>>();
            let demonstrations = pick(&budget.demonstrations).into_iter().cloned().collect();
            return Ok(Chosen { demonstrations, training: pick(&budget.training) });
        }
        Demos::Unbalanced => shuffled_pool(task, shots, demo_seed)?.into_iter().map(|i| task.pool[i].clone()).collect(),
        Demos::Listed(listed) => resolve(task, listed)?,
    };
    let request = RunRequest { train_examples, ..request.clone() };
    let training = training_examples(task, &demonstrations, &request)?;
    Ok(Chosen { demonstrations, training })
}

/// Returns the examples that `listed` describes.
///
/// # Errors
/// If a demonstration has an unknown id, an unknown label, or no label although it is written out; names it.
pub fn resolve(task: &Task, listed: &[Demonstration]) -> Result<Vec<Example>> {
    let mut seen = HashSet::new();
    let one = |demonstration: &Demonstration| {
        let wrong = |problem: String| InputError::new(problem).field("demonstrations");
        if !seen.insert(demonstration.id.clone()) {
            return Err(wrong(format!("`{}` is in the prompt twice", demonstration.id))
                .help("list each demonstration once")
                .into());
        }
        let label = demonstration.label.as_ref().map(|given| label_index(task, given)).transpose()?;
        if let Some(fields) = &demonstration.fields {
            let label = label.ok_or_else(|| {
                wrong(format!("`{}` has no label", demonstration.id))
                    .help(format!("give it one of {}", crate::text::list(&task.labels)))
            })?;
            return Ok(Example { id: demonstration.id.clone(), fields: fields.clone(), label });
        }
        let found = task.pool.iter().find(|example| example.id == demonstration.id);
        let found = found.ok_or_else(|| {
            let is_test = task.test.iter().any(|example| example.id == demonstration.id);
            let help = match task.pool.first() {
                _ if is_test => {
                    "it is a test example, which must not be in the prompt; choose one of the pool".to_owned()
                }
                Some(first) => format!("choose an example of the pool, such as `{}`, or write one out", first.id),
                None => "the pool is empty; write the demonstration out".to_owned(),
            };
            wrong(format!("the pool of `{}` has no example `{}`", task.name, demonstration.id)).help(help)
        })?;
        Ok(Example { label: label.unwrap_or(found.label), ..found.clone() })
    };
    listed.iter().map(one).collect()
}

/// Records `examples` in full, so that [`resolve`] returns the same ones even if the pool changes.
pub fn record(task: &Task, examples: &[Example]) -> Vec<Demonstration> {
    let one = |example: &Example| Demonstration {
        id: example.id.clone(),
        label: Some(task.labels[example.label].clone()),
        fields: Some(example.fields.clone()),
    };
    examples.iter().map(one).collect()
}

/// Returns the index of a label given by name or, if no label has that name, by index.
fn label_index(task: &Task, given: &str) -> Result<usize> {
    position(&task.labels, given).ok_or_else(|| crate::Error::Unknown {
        what: "label",
        given: given.to_owned(),
        known: task.labels.clone(),
    })
}

/// Draws training examples, and replaces those that are demonstrations.
fn training_examples<'t>(task: &'t Task, demonstrations: &[Example], request: &RunRequest) -> Result<Vec<&'t Example>> {
    if request.train_examples == 0 {
        return Ok(Vec::new());
    }
    let shown: HashSet<&str> = demonstrations.iter().map(|example| example.id.as_str()).collect();
    let drawn = draw(task, request.shots, request.train_examples, request.demo_seed)?.training;
    let mut taken: HashSet<usize> = drawn.iter().copied().collect();
    let mut spare: Vec<usize> = own_pool(task, request.demo_seed).0.collect();
    SeededRng::stream(request.demo_seed, 4).shuffle(&mut spare);
    let replaced = |index: usize| {
        let example = &task.pool[index];
        if !shown.contains(example.id.as_str()) {
            return Ok(example);
        }
        let fits = |&&at: &&usize| {
            let other = &task.pool[at];
            other.label == example.label && !taken.contains(&at) && !shown.contains(other.id.as_str())
        };
        let Some(&other) = spare.iter().find(fits) else { return Err(too_few_of(task, example.label).into()) };
        taken.insert(other);
        Ok(&task.pool[other])
    };
    drawn.into_iter().map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::budget::tests::task;

    fn request(shots: usize, train: usize, demos: Demos) -> RunRequest {
        RunRequest { shots, train_examples: train, demos, ..RunRequest::default() }
    }

    fn ids<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Vec<&'a str> {
        examples.into_iter().map(|example| example.id.as_str()).collect()
    }

    #[test]
    fn a_record_resolves_to_the_same_demonstrations() {
        let task = task(60, 3);
        for demos in [Demos::Balanced, Demos::Unbalanced] {
            let drawn = choose(&task, &request(6, 6, demos)).unwrap();
            let again = Demos::Listed(record(&task, &drawn.demonstrations));
            assert_eq!(choose(&task, &request(6, 6, again)).unwrap(), drawn);
        }
    }

    #[test]
    fn editing_demonstrations_keeps_the_training_examples() {
        let task = task(60, 2);
        let drawn = choose(&task, &request(4, 8, Demos::Balanced)).unwrap();
        let mut listed: Vec<Demonstration> =
            ids(&drawn.demonstrations).into_iter().map(Demonstration::of_pool).collect();
        listed[0] = Demonstration::of_pool(drawn.training[3].id.clone());
        listed.pop();
        let edited = choose(&task, &request(4, 8, Demos::Listed(listed))).unwrap();
        let (old, new) = (ids(drawn.training.iter().copied()), ids(edited.training.iter().copied()));
        let moved: Vec<usize> = (0..8).filter(|&at| old[at] != new[at]).collect();
        assert_eq!(moved, [3], "{old:?} {new:?}");
        assert_eq!(edited.training[3].label, drawn.training[3].label);
        assert!(!ids(&edited.demonstrations).contains(&new[3]));
    }

    #[test]
    fn labels_can_be_overridden_and_examples_written_out() {
        let task = task(8, 2);
        let fields = [("text".to_owned(), "new".into())].into_iter().collect();
        let listed = vec![
            Demonstration { label: Some("1".into()), ..Demonstration::of_pool("0") },
            Demonstration { id: "own".into(), label: Some("0".into()), fields: Some(fields) },
        ];
        let examples = resolve(&task, &listed).unwrap();
        assert_eq!((examples[0].label, task.pool[0].label), (1, 0));
        assert_eq!((examples[1].id.as_str(), examples[1].label), ("own", 0));
        assert_eq!(examples[1].fields["text"], "new");
    }

    #[test]
    fn errors_name_the_unusable_demonstration() {
        let task = task(8, 2);
        let written = |label: Option<&str>| Demonstration {
            id: "own".into(),
            label: label.map(Into::into),
            fields: Some(serde_json::Map::new()),
        };
        for (listed, expected) in [
            (vec![Demonstration::of_pool("99")], "no example `99`"),
            (vec![Demonstration::of_pool("1"), Demonstration::of_pool("1")], "twice"),
            (vec![written(None)], "`own` has no label"),
            (vec![written(Some("7"))], "no label is called `7`"),
        ] {
            let error = resolve(&task, &listed).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn unbalanced_sets_are_disjoint_and_follow_the_pool() {
        let mut task = task(40, 2);
        for example in &mut task.pool[..36] {
            example.label = 0;
        }
        let mut seen = HashSet::new();
        for seed in 0..5 {
            let request = RunRequest { demo_seed: seed, ..request(8, 0, Demos::Unbalanced) };
            let chosen = choose(&task, &request).unwrap();
            assert!(ids(&chosen.demonstrations).iter().all(|id| seen.insert((*id).to_owned())));
        }
        assert_eq!(seen.len(), 40);
        assert!(choose(&task, &request(41, 0, Demos::Unbalanced)).is_err());
    }
}
