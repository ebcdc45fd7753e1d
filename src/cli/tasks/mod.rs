//! `partscope tasks`: lists the tasks.

mod check;

use std::fmt::Write;

use serde::Serialize;

use super::{
    failure::Failure,
    output::{print, print_json},
};
use crate::{
    error::Result,
    task::{Library, Outline, Task, Template},
    text::printable,
};

/// List tasks, their labels and templates; `tasks check FILE` shows every error of a task file.
///
/// Example: partscope tasks --json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
}

#[derive(Serialize)]
struct Listing {
    tasks: Vec<TaskRow>,
    /// Tasks whose data is downloaded from the hub on first use.
    hub_tasks: Vec<HubRow>,
}

#[derive(Serialize)]
struct HubRow {
    name: String,
    description: String,
    labels: Vec<String>,
    templates: Vec<TemplateRow>,
    hub: String,
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
    if let Some(Command::Check(check)) = &args.command {
        return check::run(check);
    }
    let tasks = Library.names().iter().map(|name| Library.task(name)).collect::<Result<Vec<Task>>>()?;
    let hub_tasks = Library.hub().iter().map(|name| Ok(hub_row(Library.outline(name)?))).collect::<Result<_>>()?;
    let listing = Listing { tasks: tasks.iter().map(row).collect(), hub_tasks };
    if args.json {
        print_json(&listing)?
    } else {
        print(&table(&listing))?
    }
    Ok(())
}

fn template(template: &Template) -> TemplateRow {
    TemplateRow { name: template.name.clone(), contrast: template.contrast.clone() }
}

fn hub_row(outline: Outline) -> HubRow {
    HubRow {
        name: outline.name,
        description: outline.description,
        labels: outline.labels,
        templates: outline.templates.iter().map(template).collect(),
        hub: outline.hub.unwrap_or_default(),
    }
}

fn row(task: &Task) -> TaskRow {
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
        let data = format!("{} pool, {} dev, {} test", task.pool, task.dev, task.test);
        rows(&mut text, &task.name, &task.description, &task.labels, &task.templates, &data);
    }
    for task in &listing.hub_tasks {
        let data = format!("from the Hugging Face hub, {}", task.hub);
        rows(&mut text, &task.name, &task.description, &task.labels, &task.templates, &data);
    }
    text
}

fn rows(text: &mut String, name: &str, description: &str, labels: &[String], templates: &[TemplateRow], data: &str) {
    let templates: Vec<&str> = templates.iter().map(|template| template.name.as_str()).collect();
    let _ = writeln!(text, "{}  {}", printable(name), printable(description));
    let _ = writeln!(text, "    labels     {}", printable(&labels.join(", ")));
    let _ = writeln!(text, "    templates  {}", printable(&templates.join(", ")));
    let _ = writeln!(text, "    examples   {}", printable(data));
}
