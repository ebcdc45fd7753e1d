//! `partscope tasks`: what there is to try.

use std::fmt::Write;

use serde::Serialize;

use super::{
    Failure,
    output::{print, print_json},
};
use crate::{
    error::Result,
    task::{Library, Task, Template},
    text::printable,
};

/// List tasks, their labels and templates.
///
/// Example: partscope tasks --json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    tasks: Vec<TaskRow>,
}

#[derive(Serialize)]
struct TaskRow {
    name: String,
    description: String,
    labels: Vec<String>,
    templates: Vec<TemplateRow>,
    pool: usize,
    dev: usize,
    test: usize,
}

#[derive(Serialize)]
struct TemplateRow {
    name: String,
    contrast: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let tasks = Library.names().iter().map(|name| Library.task(name)).collect::<Result<Vec<Task>>>()?;
    let listing = Listing { tasks: tasks.iter().map(row).collect() };
    if args.json {
        print_json(&listing)?
    } else {
        print(&table(&listing))?
    }
    Ok(())
}

fn row(task: &Task) -> TaskRow {
    let template =
        |template: &Template| TemplateRow { name: template.name.clone(), contrast: template.contrast.clone() };
    TaskRow {
        name: task.name.clone(),
        description: task.description.clone(),
        labels: task.labels.clone(),
        templates: task.templates.iter().map(template).collect(),
        pool: task.pool.len(),
        dev: task.dev.len(),
        test: task.test.len(),
    }
}

fn table(listing: &Listing) -> String {
    let mut text = String::new();
    for task in &listing.tasks {
        let (name, labels) = (printable(&task.name), task.labels.join(", "));
        let _ = writeln!(text, "{name}  {}", printable(&task.description));
        let _ = writeln!(text, "    labels     {}", printable(&labels));
        let templates: Vec<&str> = task.templates.iter().map(|template| template.name.as_str()).collect();
        let _ = writeln!(text, "    templates  {}", printable(&templates.join(", ")));
        let _ = writeln!(text, "    examples   {} pool, {} dev, {} test", task.pool, task.dev, task.test);
    }
    text
}
