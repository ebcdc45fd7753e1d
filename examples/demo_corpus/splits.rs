//! The demo's evaluation data: a pool, a development and a test split per task, excluded from the corpus.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::draw::Draw;
use crate::task::{Example, Task};

/// Names and sizes of the splits; sizes are divisible by 2, 3 and 4, so that labels are balanced.
pub(crate) const SPLITS: [(&str, usize); 3] = [("pool", 144), ("dev", 360), ("test", 600)];

/// Draws the splits of `task` and adds their examples to `held_out`; writes them and the task file to `folder`, if
/// given.
pub(crate) fn write(folder: Option<&Path>, task: &Task, seed: u64, held_out: &mut HashSet<String>) -> io::Result<()> {
    let mut draw = Draw::new(seed, &format!("splits of {}", task.name));
    for (split, size) in SPLITS {
        let mut examples = Vec::with_capacity(size);
        for index in 0..size {
            examples.push(unseen(&mut draw, task, index % task.labels.len(), held_out));
        }
        draw.shuffle(&mut examples);
        let Some(folder) = folder else { continue };
        let mut lines = String::new();
        for (index, example) in examples.iter().enumerate() {
            writeln!(lines, "{}", line(task, split, index + 1, example)).map_err(io::Error::other)?;
        }
        std::fs::write(folder.join(format!("{}.{split}.jsonl", task.name)), lines)?;
    }
    folder.map_or(Ok(()), |folder| std::fs::write(folder.join(format!("{}.toml", task.name)), task_file(task)))
}

/// Draws an example that is not yet in a split of any task, and adds it to `held_out`.
fn unseen(draw: &mut Draw, task: &Task, label: usize, held_out: &mut HashSet<String>) -> Example {
    loop {
        let example = (task.make)(draw, label, 1.0);
        if !example.is_in(held_out) {
            held_out.insert(example.key());
            return example;
        }
    }
}

fn line(task: &Task, split: &str, number: usize, example: &Example) -> String {
    let mut text = format!("{{\"id\":\"{}-{split}-{number:04}\"", task.name);
    for (name, value) in &example.fields {
        let _ = write!(text, ",\"{name}\":{}", quoted(value));
    }
    let _ = write!(text, ",\"label\":{}}}", quoted(task.labels[example.label]));
    text
}

fn task_file(task: &Task) -> String {
    let name = task.name;
    let mut text = format!(
        "name = {}\ndescription = {}\nlabels = {}\n\n[data]\npool = \"{name}.pool.jsonl\"  # demonstrations and training \
         examples are drawn from here\ndev = \"{name}.dev.jsonl\"\ntest = \"{name}.test.jsonl\"\nlabel = \"label\"\n",
        quoted(name),
        quoted(task.description),
        list(task.labels),
    );
    for template in &task.templates {
        let _ = write!(
            text,
            "\n[[template]]\nname = {}\nexample = {}\nlabel_words = {}\nseparator = {}\n",
            quoted(template.name),
            quoted(template.example),
            list(template.words),
            quoted(template.separator),
        );
        if let Some(contrast) = template.contrast {
            let _ = writeln!(text, "contrast = {}", quoted(contrast));
        }
    }
    text
}

/// Quotes a string; JSON and TOML quote plain strings in the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(items: &[&str]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
}
