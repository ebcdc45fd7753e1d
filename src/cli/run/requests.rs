//! Expands one command line to one or more runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
    model::Model,
    runner::{Event, Plan, Prompts, RunRequest, execute},
    task::Task,
};

/// Demonstration seeds, one run each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds(Vec<u64>);

/// Parses `0..5` (end exclusive) or `0,3,7`.
pub(super) fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let list: Option<Vec<u64>> = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| (from..to).collect()),
        None => text.split(',').map(number).collect(),
    };
    list.filter(|list| !list.is_empty()).map(Seeds).ok_or_else(|| "write 0..5 or 0,3,7".to_owned())
}

/// Returns one request for every requested template and seed.
///
/// # Errors
/// If the task has no such template.
pub(super) fn all(request: &RunRequest, task: &Task, seeds: Option<&Seeds>) -> Result<Vec<RunRequest>> {
    let templates: Vec<Option<String>> = match request.template.as_deref() {
        None => vec![None],
        Some("all") => task.templates.iter().map(|template| Some(template.name.clone())).collect(),
        Some(names) => names.split(',').map(|name| Some(name.trim().to_owned())).collect(),
    };
    let seeds = seeds.map_or_else(|| vec![request.demo_seed], |Seeds(list)| list.clone());
    let mut requests = Vec::new();
    for template in &templates {
        let template = Some(task.template(template.as_deref())?.name.clone());
        for &demo_seed in &seeds {
            let one = RunRequest { template: template.clone(), demo_seed, ..request.clone() };
            if requests.contains(&one) {
                let name = template.clone().unwrap_or_default();
                let problem = format!("the template {name} with the seed {demo_seed} is named twice");
                return Err(InputError::new(problem).help("name every template and seed once").into());
            }
            requests.push(one);
        }
    }
    Ok(requests)
}

/// Returns the folder name of each of several runs: template and seed. Names of templates that are too long for a
/// folder, or equal once their special characters are replaced, end in a hash.
pub(super) fn folders(requests: &[RunRequest]) -> Vec<String> {
    /// File systems allow 255 bytes; the rest is for the hash and the seed.
    const MOST_BYTES: usize = 200;
    let template = |request: &RunRequest| request.template.clone().unwrap_or_default();
    let mut by_plain: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in requests {
        by_plain.entry(plain(&template(request))).or_default().insert(template(request));
    }
    let name = |request: &RunRequest| {
        let own = template(request);
        let mut text = plain(&own);
        if text.len() > MOST_BYTES || by_plain[&text].len() > 1 {
            let end = (0..=text.len().min(MOST_BYTES)).rev().find(|&end| text.is_char_boundary(end));
            text.truncate(end.unwrap_or(0));
            text = format!("{text}-{}", &blake3::hash(own.as_bytes()).to_hex()[..8]);
        }
        format!("{text}-s{}", request.demo_seed)
    };
    requests.iter().map(name).collect()
}

fn plain(template: &str) -> String {
    template.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// Measures prompts per second on the first batches.
///
/// # Errors
/// If the computation fails.
pub(super) fn prompts_per_second(model: &Model, plan: Plan, prompts: &Prompts) -> Result<Option<f64>> {
    /// Minimum number of batches, unless they take `MAX_SECONDS`.
    const MIN_BATCHES: usize = 3;
    const MIN_SECONDS: f64 = 1.0;
    const MAX_SECONDS: f64 = 20.0;
    let (cancel, mut batches, mut rate) = (Cancel::default(), 0, None);
    let outcome = execute(model, plan, prompts, &cancel, &mut |event| {
        if let Event::Progress(progress) = event {
            batches += 1;
            rate = Some(progress.rate);
            let seconds = progress.done as f64 / progress.rate;
            if (batches >= MIN_BATCHES && seconds > MIN_SECONDS) || seconds > MAX_SECONDS {
                cancel.cancel();
            }
        }
    });
    match outcome {
        Ok(_) | Err(Error::Cancelled) => Ok(rate),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Library;

    #[test]
    fn seeds_are_ranges_or_lists() {
        assert_eq!(seeds("0..3"), Ok(Seeds(vec![0, 1, 2])));
        assert_eq!(seeds("4,2"), Ok(Seeds(vec![4, 2])));
        for bad in ["", "3..3", "a", "1..", "1,,2", "-1"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_template_is_combined_with_every_seed() {
        let task = Library.task("topic").unwrap();
        let request = |template: &str| RunRequest { template: Some(template.to_owned()), ..RunRequest::default() };
        let named = |template: &str| -> Vec<String> {
            folders(&all(&request(template), &task, Some(&Seeds(vec![0, 7]))).unwrap())
        };
        assert_eq!(named("article,shared"), ["article-s0", "article-s7", "shared-s0", "shared-s7"]);
        assert_eq!(named("all").len(), 2 * task.templates.len());
        assert!(all(&request("article,x"), &task, None).is_err());
    }

    #[test]
    fn folders_are_distinct_and_never_too_long() {
        let request = |template: &str| RunRequest { template: Some(template.to_owned()), ..RunRequest::default() };
        let long = "é".repeat(300);
        let names = folders(&[request("a b"), request("a_b"), request("plain"), request(&long)]);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 4, "{names:?}");
        assert!(names.iter().all(|name| name.len() <= 255) && names[2] == "plain-s0", "{names:?}");
        assert!(names[0].starts_with("a_b-") && names[1].starts_with("a_b-"), "{names:?}");
    }
}
