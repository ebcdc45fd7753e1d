//! Training documents: runs of labelled examples in one format, as a model meets them in real text.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::draw::Draw;
use crate::drill;
use crate::task::{Example, Habit, Task, Template};

/// How many documents, and how ripe the first and the last of them are: from 0, easy examples, to 1, examples as hard as the splits are.
/// Training goes from gentle to ripe.
pub(crate) struct Plan {
    /// Lines to write.
    pub(crate) documents: usize,
    /// Ripeness of the first document.
    pub(crate) from: f64,
    /// Ripeness of the last document.
    pub(crate) to: f64,
    /// Most examples a document holds.
    pub(crate) longest: usize,
    /// How strong the habits of the formats are: 0 for labels that are true and balanced, 1 as the tasks state them.
    pub(crate) habits: f64,
    /// The noise of the formats, on top of `habits`.
    pub(crate) noise: f64,
    /// Share of documents without noise and favourites, whatever their format. A few balanced examples leave it open whether a document
    /// is one of them; two dozen do not, and so more of them help.
    pub(crate) calm: f64,
    /// Examples after which noise and favourites are half as strong: who labels two dozen texts becomes careful and sees all labels. So more
    /// examples tell more, and a model that has learnt this is helped by them.
    pub(crate) settle: f64,
    /// Share of documents that are drills.
    pub(crate) drills: f64,
    /// Of the choices.
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

/// One document: a template, the habit that goes with it (a little different each time), and examples in a row. Words are evenly frequent in unripe
/// ones, so that a repeated word means something.
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

/// Documents of one format differ: some are calm, some noisier than others, and the demonstrations show which.
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

/// What is left of noise and favourites after so many half-lives.
fn settled(habit: Habit, labels: usize, halvings: f64) -> Habit {
    let left = 0.5_f64.powf(halvings);
    let spread = 1.0 / labels as f64;
    Habit {
        noise: habit.noise * left,
        favours: habit.favours.map(|(label, share)| (label, spread + (share - spread) * left)),
        ..habit
    }
}

/// The template's label words, or now and then in another order.
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

/// An example that stands in no split.
fn fresh(draw: &mut Draw, task: &Task, label: usize, hard: f64, held_out: &HashSet<String>) -> Example {
    loop {
        let example = (task.make)(draw, label, hard);
        if !example.is_in(held_out) {
            return example;
        }
    }
}
