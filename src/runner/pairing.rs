//! Pairs the test examples of two runs of one model, for experiments that carry activations from one to the other.

use std::collections::{HashMap, HashSet};

use super::{Plan, PlannedExample};
use crate::{
    error::{InputError, Result},
    run::ModelMeta,
};

/// Returns the row in `other` of every test example of `plan`: the same examples with another template, other
/// demonstrations or other labels in the prompt.
///
/// Examples are the same if their ids are; those of a task must also have the same texts and gold labels. Explicit prompts
/// may differ in both, because their texts are the prompts.
///
/// # Errors
/// If the runs have other models, numbers of labels or test examples; names the difference.
pub fn pair(plan: &Plan, other: &Plan) -> Result<Vec<usize>> {
    check_models(&plan.model, &other.model)?;
    if plan.shape.labels != other.shape.labels {
        let problem = format!("the other run has {} labels, this one {}", other.shape.labels, plan.shape.labels);
        return Err(InputError::new(problem).help("choose a run of the same task").into());
    }
    let rows: HashMap<&str, usize> = other.test.iter().zip(0..).map(|(example, row)| (&*example.id, row)).collect();
    let both_of_tasks = plan.request.is_some() && other.request.is_some();
    let row = |example: &PlannedExample| -> Result<usize> {
        let Some(&row) = rows.get(example.id.as_str()) else {
            return Err(other_examples(format!("the test example `{}` is not in the other run", example.id)));
        };
        let content = |example: &PlannedExample| (example.text.clone(), example.gold);
        if both_of_tasks && content(example) != content(&other.test[row]) {
            let what = if example.gold == other.test[row].gold { "text" } else { "gold label" };
            return Err(other_examples(format!("the test example `{}` has another {what} there", example.id)));
        }
        Ok(row)
    };
    let paired = plan.test.iter().map(row).collect::<Result<Vec<_>>>()?;
    let own: HashSet<&str> = plan.test.iter().map(|example| &*example.id).collect();
    match other.test.iter().find(|example| !own.contains(example.id.as_str())) {
        Some(extra) => Err(other_examples(format!("the other run also has the test example `{}`", extra.id))),
        None => Ok(paired),
    }
}

fn other_examples(problem: String) -> crate::Error {
    InputError::new(problem).help("make both runs on the same examples, e.g. with --ids").into()
}

fn check_models(model: &ModelMeta, other: &ModelMeta) -> Result<()> {
    if model.weights_hash != other.weights_hash {
        let problem = format!("the other run is of another model, {}, this one of {}", other.id, model.id);
        return Err(InputError::new(problem).field("weights_hash").help("choose a run of the same model").into());
    }
    if model.dtype != other.dtype {
        let problem = format!("the other run was computed with {} weights, this one with {}", other.dtype, model.dtype);
        let help = format!("run it again with --dtype {}", model.dtype);
        return Err(InputError::new(problem).field("dtype").help(help).into());
    }
    Ok(())
}
