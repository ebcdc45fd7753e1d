//! Checks the metadata of a run against itself and against the token ids of its examples.
//!
//! In a run with checksums nothing can be changed alone. In one without, these checks find what later commands would
//! otherwise show or compute with.

use std::collections::BTreeSet;

use super::contradiction::{Outcome, in_examples, in_meta};
use crate::{
    component::Shape,
    request::{Demonstration, Demos, RunRequest},
    run::{ExampleRecord, Run, RunMeta, SelectionMeta, Timing},
};

/// Returns the shape of the tables that belong to `meta`.
///
/// # Errors
/// If there can be no such run: without layers, heads, labels or test examples.
pub(super) fn shape(meta: &RunMeta) -> Outcome<Shape> {
    let (words, tokens) = (meta.task.label_words.len(), meta.task.label_tokens.len());
    let shape = Shape { layers: meta.model.layers, heads: meta.model.heads, labels: words };
    for (field, count, least) in [
        ("model.layers", shape.layers, 1),
        ("model.heads", shape.heads, 1),
        ("task.label_words", words, 2),
        ("examples.test", meta.examples.test, 1),
    ] {
        if count < least {
            return Err(in_meta(field, format!("there must be at least {least}, not {count}")));
        }
    }
    if words != tokens {
        return Err(in_meta("task.label_tokens", format!("there are {tokens} tokens for {words} label words")));
    }
    if let Some(classes) = meta.task.word_classes.as_ref().filter(|classes| classes.words() != words) {
        let problem = format!("there are classes of {} words for {words} label words", classes.words());
        return Err(in_meta("task.word_classes", problem));
    }
    if ![0, words].contains(&meta.task.scored.len()) {
        return Err(in_meta("task.scored", format!("there are {} texts for {words} labels", meta.task.scored.len())));
    }
    let tokens: BTreeSet<u32> = meta.task.label_tokens.iter().copied().collect();
    if tokens.len() < words {
        return Err(in_meta("task.label_tokens", "two label words have the same token".to_owned()));
    }
    let (ids, demos) = (meta.prompt.demo_ids.len(), meta.prompt.demos.len());
    if meta.prompt.shots != ids {
        return Err(in_meta("prompt.shots", format!("there are {} shots and {ids} ids", meta.prompt.shots)));
    }
    if ![0, ids].contains(&demos) {
        return Err(in_meta("prompt.demos", format!("there are {demos} demonstrations for {ids} ids")));
    }
    let differs = |(demo, id): (&Demonstration, &String)| (demo.id != *id).then(|| (demo.id.clone(), id.clone()));
    if let Some((demo, id)) = meta.prompt.demos.iter().zip(&meta.prompt.demo_ids).find_map(differs) {
        return Err(in_meta("prompt.demo_ids", format!("the id `{id}` belongs to the demonstration `{demo}`")));
    }
    Ok(shape)
}

/// Checks that the request, the selection, the counts and the timing of a run do not contradict each other.
///
/// # Errors
/// The first contradiction.
pub(super) fn check(meta: &RunMeta) -> Outcome {
    let Timing { load_s, attribute_s, examples_per_s, tokens_per_s } = meta.timing;
    for (field, value) in [
        ("timing.load_s", load_s),
        ("timing.attribute_s", attribute_s),
        ("timing.examples_per_s", examples_per_s),
        ("timing.tokens_per_s", tokens_per_s),
    ] {
        if !(value.is_finite() && value >= 0.0) {
            return Err(in_meta(field, format!("{value} is no measured number")));
        }
    }
    if let Some(selection) = &meta.selection {
        check_selection(meta, selection)?;
    }
    meta.request.as_ref().map_or(Ok(()), |request| check_request(meta, request))
}

fn check_selection(meta: &RunMeta, selection: &SelectionMeta) -> Outcome {
    let (test, skipped) = (meta.examples.test, meta.prompt.skipped().len());
    let least = test + selection.leaked.len();
    if selection.of < least {
        return Err(in_meta("selection.of", format!("the run has or left out {least} of {} examples", selection.of)));
    }
    if let Some(limit) = selection.limit.filter(|&limit| limit < test) {
        return Err(in_meta("selection.limit", format!("the run has {test} test examples, more than {limit}")));
    }
    if selection.duplicates > test + skipped {
        let problem = format!("{} of {} examples cannot be duplicates", selection.duplicates, test + skipped);
        return Err(in_meta("selection.duplicates", problem));
    }
    Ok(())
}

/// Checks what the request and the rest of the metadata both say.
fn check_request(meta: &RunMeta, request: &RunRequest) -> Outcome {
    let RunMeta { task, prompt, selection, .. } = meta;
    let listed = match &request.demos {
        Demos::Listed(listed) => Some(listed.iter().map(|demo| demo.id.as_str()).collect::<Vec<_>>()),
        Demos::Balanced | Demos::Unbalanced => None,
    };
    let ids: Vec<&str> = prompt.demo_ids.iter().map(String::as_str).collect();
    let (own, wanted) = (selection.as_ref(), request.selection.as_ref());
    let is_name = !request.task.contains(['/', '\\', '.', ':']);
    let train = if request.loo { prompt.shots } else { request.train_examples };
    let train_differs =
        train < meta.examples.train || !request.loo && prompt.skipped().is_empty() && train != meta.examples.train;
    for (field, differs) in [
        ("request.template", request.template.as_ref().is_some_and(|name| *name != task.template)),
        ("request.shots", request.shown() != prompt.shots),
        ("request.demo_seed", request.demo_seed != prompt.demo_seed),
        ("request.demos", listed.is_some_and(|listed| listed != ids)),
        ("request.loo", request.loo != prompt.loo.is_some()),
        ("request.task", is_name && request.task != task.name),
        ("request.train_examples", train_differs),
        ("request.prompting.bos", prompt.bos.is_some_and(|bos| bos != request.prompting.bos)),
        ("request.limit", own.is_some_and(|own| own.limit != request.limit)),
        ("request.selection.seed", both(own, wanted, |own, wanted| own.seed != wanted.seed)),
        ("request.selection.balanced", both(own, wanted, |own, wanted| own.balanced != wanted.balanced)),
        ("request.selection.ids", both(own, wanted, |own, wanted| own.by_id != wanted.ids.is_some())),
    ] {
        if differs {
            return Err(in_meta(field, "the rest of the run says otherwise".to_owned()));
        }
    }
    Ok(())
}

fn both<A, B>(a: Option<&A>, b: Option<&B>, differ: impl FnOnce(&A, &B) -> bool) -> bool {
    a.zip(b).is_some_and(|(a, b)| differ(a, b))
}

/// Checks the token ids of the prompts, which runs of older versions lack: every prompt has some, and their number is that
/// in the metadata.
///
/// # Errors
/// The first contradiction.
pub(super) fn check_tokens(run: &Run) -> Outcome {
    let prompt = &run.meta.prompt;
    if run.examples.iter().all(|example| example.tokens.is_empty()) {
        return Ok(());
    }
    if prompt.prefix.len() != prompt.prefix_tokens {
        let (found, stated) = (prompt.prefix.len(), prompt.prefix_tokens);
        return Err(in_meta("prompt.prefix", format!("there are {found} tokens, but `prefix_tokens` is {stated}")));
    }
    if let Some(line) = run.examples.iter().position(|example| example.tokens.is_empty()) {
        return Err(in_examples("tokens", line + 1, "the prompt has no tokens of its own".to_owned()));
    }
    let tokens = |example: &ExampleRecord| example.shared.unwrap_or(prompt.prefix_tokens) + example.tokens.len();
    let found: usize = run.examples.iter().map(tokens).sum();
    if ![0, found].contains(&prompt.tokens) {
        return Err(in_meta("prompt.tokens", format!("the file says {}, but the prompts have {found}", prompt.tokens)));
    }
    Ok(())
}
