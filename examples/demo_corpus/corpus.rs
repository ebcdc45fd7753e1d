//! Training documents: runs of labelled examples in one format, as a model meets them in real text.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::draw::Draw;
use crate::task::{Example, Habit, Task, Template};

/// Most examples a document holds: 24 demonstrations, the query, and one to spare.
const LONGEST: usize = 26;

/// Writes `documents` lines of JSON. A document is a list of strings: text, label word, text, label word, ….
pub(crate) fn write(
    out: &mut impl Write,
    tasks: &[Task],
    documents: usize,
    seed: u64,
    held_out: &HashSet<String>,
) -> io::Result<()> {
    let mut draw = Draw::new(seed, "corpus");
    let shares: Vec<f64> = tasks.iter().map(|task| task.weight).collect();
    for _ in 0..documents {
        let task = &tasks[draw.weighted(&shares)];
        let parts = document(&mut draw, task, held_out);
        serde_json::to_writer(&mut *out, &parts)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// One document: a template, the habit that goes with it (a little different each time), and examples in a row.
fn document(draw: &mut Draw, task: &Task, held_out: &HashSet<String>) -> Vec<String> {
    let shares: Vec<f64> = task.templates.iter().map(|template| template.weight).collect();
    let template = &task.templates[draw.weighted(&shares)];
    let habit = vary(draw, template.habit);
    let words = label_words(draw, template, habit.swap);
    let shots = if draw.chance(0.6) { LONGEST } else { draw.between(3, 16) };
    let mut parts = Vec::with_capacity(2 * shots);
    let mut last = None;
    for shot in 0..shots {
        let label = next_label(draw, &habit, task.labels.len(), last);
        last = Some(label);
        let truth = if draw.chance(habit.noise) { other(draw, label, task) } else { label };
        let example = fresh(draw, task, truth, held_out);
        let gap = if shot == 0 { "" } else { template.separator };
        parts.push(format!("{gap}{}", template.render(&example)));
        parts.push(words[label].to_string());
    }
    parts
}

/// Documents of one format differ: some are cleaner than others, and the demonstrations show which.
fn vary(draw: &mut Draw, habit: Habit) -> Habit {
    let scale = *draw.pick(&[0.3, 1.0, 1.0, 1.5]);
    Habit { noise: (habit.noise * scale).min(0.6), ..habit }
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
        _ => match habit.first {
            Some(share) if draw.chance(share) => 0,
            Some(_) => 1 + draw.below(labels - 1),
            None => draw.below(labels),
        },
    }
}

fn other(draw: &mut Draw, label: usize, task: &Task) -> usize {
    (label + draw.between(1, task.labels.len() - 1)) % task.labels.len()
}

/// An example that stands in no split.
fn fresh(draw: &mut Draw, task: &Task, label: usize, held_out: &HashSet<String>) -> Example {
    loop {
        let example = (task.make)(draw, label);
        if !held_out.contains(&example.key()) {
            return example;
        }
    }
}
