//! `partscope tasks check`: all that is wrong with a task file, or what its prompts look like.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    cli::{
        Failure,
        options::ModelOptions,
        output::{print, print_json},
    },
    error::{Error, Result},
    model::Tokenizer,
    runner::{Demos, RunRequest},
    task::{Library, Task, Template, choose},
    text::{printable, visible},
};

/// Explain every mistake of a task file and its data with line and column, or show what its prompts look like.
///
/// Example: partscope tasks check reviews.toml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Task file, or the name of a task
    #[arg(value_name = "FILE")]
    task: String,
    /// Demonstrations in the prompts that are shown
    #[arg(long, default_value_t = 2, value_name = "K")]
    num_fewshot: usize,
    /// Check the label words against the tokenizer of this model, and count tokens
    #[arg(short, long, value_name = "MODEL")]
    model: Option<String>,
    /// Never open a connection
    #[arg(long)]
    offline: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `tasks check --json` prints.
#[derive(Serialize)]
struct Report {
    task: String,
    mistakes: Vec<String>,
    pool: usize,
    dev: usize,
    test: usize,
    /// Examples per label over pool, dev and test.
    per_label: Vec<usize>,
    templates: Vec<Sample>,
}

/// A template with the first test example put into words.
#[derive(Serialize)]
struct Sample {
    name: String,
    prompt: String,
    label_words: Vec<String>,
    answer: String,
    tokens: Option<usize>,
    label_tokens: Option<Vec<u32>>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let tokenizer =
        args.model.as_deref().map(|model| ModelOptions::named(model, args.offline).tokenizer()).transpose()?;
    if args.offline {
        crate::hub::go_offline();
    }
    let mut report = Report {
        task: args.task.clone(),
        mistakes: Vec::new(),
        pool: 0,
        dev: 0,
        test: 0,
        per_label: Vec::new(),
        templates: Vec::new(),
    };
    match Library.checked(&args.task)? {
        Err(mistakes) => report.mistakes = mistakes.messages(),
        Ok(task) => describe(&mut report, &task, args.num_fewshot, tokenizer.as_ref())?,
    }
    if args.json {
        print_json(&report)?;
    } else if report.templates.is_empty() {
        print(&(report.mistakes.join("\n") + "\n"))?;
    } else {
        print(&page(&report))?;
    }
    if report.mistakes.is_empty() { Ok(()) } else { Err(Failure::BadInput) }
}

fn describe(report: &mut Report, task: &Task, shots: usize, tokenizer: Option<&Tokenizer>) -> Result<()> {
    (report.pool, report.dev, report.test) = (task.pool.len(), task.dev.len(), task.test.len());
    let all = || task.pool.iter().chain(&task.dev).chain(&task.test);
    report.per_label =
        (0..task.labels.len()).map(|label| all().filter(|example| example.label == label).count()).collect();
    for template in &task.templates {
        match sample(task, template, shots, tokenizer) {
            Ok(sample) => report.templates.push(sample),
            Err(error) => report.mistakes.push(format!("template {}: {error}", template.name)),
        }
    }
    if task.templates.is_empty() {
        return Err(Error::Model("the task has no template".to_owned()));
    }
    Ok(())
}

fn sample(task: &Task, template: &Template, shots: usize, tokenizer: Option<&Tokenizer>) -> Result<Sample> {
    let shots = if task.pool.is_empty() { 0 } else { shots };
    let request = RunRequest { shots, train_examples: 0, demos: Demos::Balanced, ..RunRequest::default() };
    let chosen = choose(task, &request)?;
    let query = &task.test[0];
    let prompt = template.context(&chosen.demonstrations)? + &template.render(query)?;
    let label_tokens = match tokenizer {
        Some(tokenizer) if template.first_token => Some(tokenizer.first_tokens(&prompt, &template.label_words)?.tokens),
        Some(tokenizer) => Some(tokenizer.label_tokens(&prompt, &template.label_words)?),
        None => None,
    };
    Ok(Sample {
        name: template.name.clone(),
        answer: template.label_words[query.label].clone(),
        label_words: template.label_words.clone(),
        tokens: tokenizer.map(|tokenizer| tokenizer.encode(&prompt)).transpose()?.map(|tokens| tokens.len()),
        label_tokens,
        prompt,
    })
}

fn page(report: &Report) -> String {
    let mut text = String::new();
    let counts: Vec<String> = report.per_label.iter().map(ToString::to_string).collect();
    let _ = writeln!(
        text,
        "{}: {} pool, {} dev, {} test; examples by label {}",
        printable(&report.task),
        report.pool,
        report.dev,
        report.test,
        counts.join(", ")
    );
    for sample in &report.templates {
        let words: Vec<String> = sample.label_words.iter().map(|word| format!("`{}`", visible(word))).collect();
        let tokens = sample.tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens"));
        let _ = writeln!(text, "\ntemplate {}{tokens}, label words {}", printable(&sample.name), words.join(" "));
        for line in sample.prompt.lines() {
            let _ = writeln!(text, "  | {}", printable(line));
        }
        let _ = writeln!(text, "  answer: `{}`", visible(&sample.answer));
    }
    for mistake in &report.mistakes {
        let _ = writeln!(text, "{}", printable(mistake));
    }
    text
}
