//! Training documents: sequences of labelled examples in one format, as they occur in real text.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::draw::Draw;
use crate::drill;
use crate::task::{Example, Habit, Task, Template};

/// Settings of a corpus. Difficulty ("ripeness") rises linearly over the documents, from 0 for easy examples to 1 for
/// examples as hard as the splits.
pub(crate) struct Plan {
    /// Number of documents, one per line.
    pub(crate) documents: usize,
    /// Difficulty of the first document.
    pub(crate) from: f64,
    /// Difficulty of the last document.
    pub(crate) to: f64,
    /// Largest number of examples in a document.
    pub(crate) longest: usize,
    /// Strength of the formats' habits: 0 for correct, balanced labels, 1 for the tasks' own habits.
    pub(crate) habits: f64,
    /// Factor on label noise, in addition to `habits`.
    pub(crate) noise: f64,
    /// Share of documents without noise and favourite labels, in any format. A few balanced examples do not show
    /// whether a document is one of them; two dozen do, so longer prompts help.
    pub(crate) calm: f64,
    /// Number of examples after which noise and favourites are half as strong, as if annotators became more careful. So
    /// a model that has learnt this profits from more examples.
    pub(crate) settle: f64,
    /// Share of documents that are drills.
    pub(crate) drills: f64,
    /// Seed of all random choices.
    pub(crate) seed: u64,
}

/// Writes the documents as lines of JSON, each a list of strings: text, label word, text, label word, ….
pub(crate) fn write(out: &mut impl Write, tasks: &[Task], plan: &Plan, held_out: &HashSet<String>) -> io::Result<()> {
    let mut draw = Draw::new(plan.seed, "corpus");
    let shares: Vec<f64> = tasks.iter().map(|task| task.weight).collect();
    for number in 0..plan.documents {
        let task = &tasks[draw.weighted(&shares)];
        let ripe = plan.from + (plan.to - plan.from) * number as f64 / plan.documents as f64;
        draw.even = ripe < 0.3;
        let parts = if draw.chance(plan.drills) {
            drill::document(&mut draw, ripe, held_out)
        } else {
            document(&mut draw, task, ripe, plan, held_out)
        };
        serde_json::to_writer(&mut *out, &parts)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes one document: a template, its habit with random variation, and a sequence of examples. In easy documents all
/// words are equally frequent, so that a repeated word carries information.
fn document(draw: &mut Draw, task: &Task, ripe: f64, plan: &Plan, held_out: &HashSet<String>) -> Vec<String> {
    let shares: Vec<f64> = task.templates.iter().map(|template| template.weight).collect();
    let template = &task.templates[draw.weighted(&shares)];
    let habit = vary(draw, template.habit, task.labels.len(), plan);
    let words = label_words(draw, template, habit.swap);
    let longest = plan.longest;
    let shots = if longest < 4 || draw.chance(0.6) { longest } else { draw.between(3, longest) };
    let mut parts = Vec::with_capacity(2 * shots);
    let mut last = None;
    for shot in 0..shots {
        let habit = settled(habit, task.labels.len(), shot as f64 / plan.settle);
        let label = next_label(draw, &habit, task.labels.len(), last);
        last = Some(label);
        let truth = if draw.chance(habit.noise) { other(draw, label, task) } else { label };
        let example = fresh(draw, task, truth, ripe, held_out);
        let gap = if shot == 0 { "" } else { template.separator };
        parts.push(format!("{gap}{}", template.render(&example)));
        parts.push(words[label].to_string());
    }
    parts
}

/// Varies a format's habit: some documents have no noise, some more than others, and the demonstrations show which.
fn vary(draw: &mut Draw, habit: Habit, labels: usize, plan: &Plan) -> Habit {
    let scale = if draw.chance(plan.calm) { 0.0 } else { *draw.pick(&[0.7, 1.0, 1.2]) };
    let spread = 1.0 / labels as f64;
    let strength = plan.habits;
    Habit {
        noise: (habit.noise * scale * strength * plan.noise).min(0.9 * (1.0 - spread)),
        sticky: spread + (habit.sticky - spread) * strength,
        swap: habit.swap * strength,
        favours: habit
            .favours
            .filter(|_| scale > 0.0)
            .map(|(label, share)| (label, spread + (share - spread) * strength)),
    }
}

/// Returns the habit with noise and favourites reduced by `halvings` half-lives.
fn settled(habit: Habit, labels: usize, halvings: f64) -> Habit {
    let left = 0.5_f64.powf(halvings);
    let spread = 1.0 / labels as f64;
    Habit {
        noise: habit.noise * left,
        favours: habit.favours.map(|(label, share)| (label, spread + (share - spread) * left)),
        ..habit
    }
}

/// Returns the template's label words, shuffled with probability `swap`.
fn label_words(draw: &mut Draw, template: &Template, swap: f64) -> Vec<&'static str> {
    let mut words = template.words.to_vec();
    if draw.chance(swap) {
        draw.shuffle(&mut words);
    }
    words
}

fn next_label(draw: &mut Draw, habit: &Habit, labels: usize, last: Option<usize>) -> usize {
    let spread = 1.0 / labels as f64;
    match last {
        Some(label) if draw.chance((habit.sticky - spread) / (1.0 - spread)) => label,
        _ => match habit.favours {
            Some((favourite, share)) if draw.chance(share) => favourite,
            Some((favourite, _)) => (favourite + draw.between(1, labels - 1)) % labels,
            None => draw.below(labels),
        },
    }
}

fn other(draw: &mut Draw, label: usize, task: &Task) -> usize {
    (label + draw.between(1, task.labels.len() - 1)) % task.labels.len()
}

/// Draws an example that is in no split.
fn fresh(draw: &mut Draw, task: &Task, label: usize, hard: f64, held_out: &HashSet<String>) -> Example {
    loop {
        let example = (task.make)(draw, label, hard);
        if !example.is_in(held_out) {
            return example;
        }
    }
}
