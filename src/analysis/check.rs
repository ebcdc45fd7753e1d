//! Checks of runs and tables before an analysis; each error gives the reason and what to do.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    attribution::{Attribution, Split},
    error::{InputError, Result},
    run::{ModelMeta, Run, RunMeta, TaskMeta},
    text::{list, normalized},
};

/// Checks that two runs have the same components and labels.
///
/// # Errors
/// If the models (by the hash of their weights), the numbers of layers, heads or labels, or the tasks differ. Label
/// words may differ, since templates choose them.
pub fn comparable(a: &RunMeta, b: &RunMeta) -> Result<()> {
    same_model_and_task((&a.model, &a.task), (&b.model, &b.task))
}

/// As [`comparable`], given only model and task, for runs that are not finished.
///
/// # Errors
/// As [`comparable`].
pub fn same_model_and_task(a: (&ModelMeta, &TaskMeta), b: (&ModelMeta, &TaskMeta)) -> Result<()> {
    let refuse = |problem: String, help: &str| Err(InputError::new(problem).help(help).into());
    let ((model_a, task_a), (model_b, task_b)) = (a, b);
    let identity = |model: &ModelMeta| (model.layers, model.heads, model.weights_hash.clone());
    if identity(model_a) != identity(model_b) {
        let problem = format!("the runs use different models, {} and {}", model_a.id, model_b.id);
        return refuse(problem, "compare runs of one model");
    }
    if task_a.class_names().len() != task_b.class_names().len() || task_a.name != task_b.name {
        let quoted = |task: &TaskMeta| list(task.class_names().iter().map(|name| format!("`{name}`")));
        let labels = |task: &TaskMeta| format!("{} of task {}", quoted(task), task.name);
        let problem = format!("the runs have different labels, {} and {}", labels(task_a), labels(task_b));
        return refuse(problem, "compare runs of one task");
    }
    Ok(())
}

/// Checks that weights can be learned from the training split.
///
/// # Errors
/// If there are no examples, fewer examples than labels, a label without an example, contributions that are not finite,
/// or only contributions that are equal for all labels. The message names labels by `class_names`.
pub fn trainable(train: &Attribution, class_names: &[String]) -> Result<()> {
    let refuse = |problem: String, help: &str| Err(InputError::new(problem).help(help).into());
    let labels = train.labels();
    if train.is_empty() {
        return refuse("there are no training examples".into(), "make the run with --train-examples");
    }
    if train.len() < labels {
        let problem = format!("{} training examples cannot cover {labels} labels", train.len());
        return refuse(problem, "make the run with more --train-examples");
    }
    let missing: Vec<String> =
        (0..labels).filter(|label| !train.gold().contains(label)).map(|label| name(class_names, label)).collect();
    if !missing.is_empty() {
        return refuse(
            format!("no training example has the label {}", list(missing)),
            "make the run with more --train-examples, or another --demo-seed",
        );
    }
    finite(train)?;
    let favours = |values: &[f32]| values.chunks_exact(labels).any(|row| row.iter().any(|&value| value != row[0]));
    if !(0..train.shape().components()).any(|index| favours(train.contribution(index))) {
        let problem = "every component adds the same to all labels, so weights have no effect";
        return refuse(problem.into(), "check the label words of the template");
    }
    Ok(())
}

/// Checks that all contributions are finite.
///
/// # Errors
/// If a contribution, `rest` or `full` has a NaN or an infinity; the message names the first.
pub fn finite(table: &Attribution) -> Result<()> {
    let (broken, words) = (|values: &[f32]| values.iter().any(|value| !value.is_finite()), table.words());
    let component = table.shape().iter().enumerate().find(|&(index, _)| broken(words.contribution(index)));
    let what = match component {
        Some((_, component)) => component.to_string(),
        None if broken(words.rest()) => "rest".to_owned(),
        None if broken(words.full()) => "full".to_owned(),
        None => return Ok(()),
    };
    let problem = format!("contributions of {what} are not finite");
    Err(InputError::new(problem).help("run the model again in another --dtype").into())
}

/// Checks that no test example was seen in training or in the prompt.
///
/// # Errors
/// If test examples are also training examples or demonstrations, by id or by text; the message names their ids.
pub fn leakage(run: &Run) -> Result<()> {
    let examples_of = |split: Split| run.examples.iter().filter(move |example| example.split == split);
    let shown =
        run.meta.prompt.demos.iter().filter_map(|demo| Some((summary(demo.fields.as_ref()?), demo.id.as_str())));
    let trained = examples_of(Split::Train).map(|e| (normalized(&e.text), e.id.as_str()));
    let texts: HashMap<String, &str> = trained.chain(shown).collect();
    let ids: Vec<&str> = examples_of(Split::Train)
        .map(|e| e.id.as_str())
        .chain(run.meta.prompt.demo_ids.iter().map(String::as_str))
        .collect();
    let leaked: Vec<String> = examples_of(Split::Test)
        .filter_map(|example| match texts.get(&normalized(&example.text)) {
            _ if ids.contains(&example.id.as_str()) => Some(example.id.clone()),
            Some(&twin) if !example.text.trim().is_empty() => Some(format!("{} (the text of {twin})", example.id)),
            _ => None,
        })
        .collect();
    if leaked.is_empty() {
        return Ok(());
    }
    let count = leaked.len();
    let shown = list(leaked.into_iter().take(10));
    let problem = format!("{count} test examples were seen in training or in the prompt: {shown}");
    Err(InputError::new(problem).help("remove them from one of the two splits").into())
}

/// Returns the text columns of a demonstration in one line, as the `text` of a test example.
fn summary(fields: &Map<String, Value>) -> String {
    normalized(&fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" · "))
}

/// Returns the name of a label in backquotes, or its number.
fn name(class_names: &[String], label: usize) -> String {
    class_names.get(label).map_or_else(|| label.to_string(), |word| format!("`{word}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::{run, table},
        attribution::Batch,
        component::Shape,
    };

    const SHAPE: Shape = Shape { layers: 1, heads: 1, labels: 2 };

    fn valid_run() -> Run {
        run(table(SHAPE, 4, 1, |_| 0.0), table(SHAPE, 10, 2, |_| 0.0))
    }

    fn with_gold(gold: &[usize], value: impl Fn(usize) -> f32) -> Attribution {
        let rows = gold.len() * SHAPE.labels;
        let mut table = Attribution::new(SHAPE, gold.to_vec());
        let components = (0..SHAPE.components() * rows).map(value).collect();
        table.push(&Batch {
            examples: gold.len(),
            components,
            rest: vec![0.0; rows],
            full: vec![0.0; rows],
            norms: Vec::new(),
        });
        table
    }

    #[test]
    fn runs_with_different_models_or_labels_are_refused() {
        let (a, mut b) = (valid_run().meta, valid_run().meta);
        assert!(comparable(&a, &b).is_ok());
        b.task.template = "other".into();
        assert!(comparable(&a, &b).is_ok());
        b.model.weights_hash = "other".into();
        assert!(comparable(&a, &b).unwrap_err().to_string().contains("different models"));
        let mut b = a.clone();
        b.task.label_words.push(" maybe".into());
        assert!(comparable(&a, &b).unwrap_err().to_string().contains("different labels"));
    }

    #[test]
    fn a_training_split_must_cover_its_labels() {
        let words = [" no".to_owned(), " yes".to_owned()];
        let message = |table: &Attribution| trainable(table, &words).unwrap_err().to_string();
        assert!(trainable(&valid_run().train, &words).is_ok());
        assert!(message(&with_gold(&[], |_| 0.0)).contains("no training examples"));
        assert!(message(&with_gold(&[1], |i| i as f32)).contains("cannot cover 2 labels"));
        assert!(message(&with_gold(&[0, 0, 0], |i| i as f32)).contains("the label ` yes`"));
        assert!(message(&with_gold(&[0, 1], |_| 2.0)).contains("weights have no effect"));
        assert!(message(&with_gold(&[0, 1], |i| if i == 5 { f32::NAN } else { i as f32 })).contains("L0.MLP"));
    }

    #[test]
    fn leaked_test_examples_are_named() {
        assert!(leakage(&valid_run()).is_ok());
        let mut run = valid_run();
        let copied = run.examples[0].clone();
        run.examples[4].text = copied.text;
        run.examples[5].id = copied.id;
        run.meta.prompt.demo_ids.push(run.examples[6].id.clone());
        let message = leakage(&run).unwrap_err().to_string();
        run.meta.prompt.demos = vec![crate::request::Demonstration {
            fields: Some([("text".to_owned(), " test-009\n".into())].into_iter().collect()),
            ..crate::request::Demonstration::of_pool("d0")
        }];
        assert!(leakage(&run).unwrap_err().to_string().contains("test-009 (the text of d0)"));
        assert!(
            message.contains("3 test examples") && message.contains("test-000 (the text of train-000)"),
            "{message}"
        );
    }
}
