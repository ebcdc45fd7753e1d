//! `partscope tasks check`: shows all errors of a task file, or its prompts.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    attribution::WordClasses,
    cli::{
        failure::Failure,
        options::ModelOptions,
        output::{print, print_json},
    },
    error::{Error, InputError, Result},
    model::{ChatTemplate, Tokenizer},
    remarks::list_leaks,
    runner::{Bos, Demos, RunRequest, explain_chat_label, preview},
    task::{Example, Library, Overlap, Task, Template, choose},
    text::{printable, visible, visible_spaces},
};

/// Show every error of a task file and its data with line and column, or what its prompts look like.
///
/// Example: partscope tasks check reviews.toml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Task file, or the name of a task
    #[arg(value_name = "FILE")]
    task: String,
    /// Demonstrations in the prompts shown
    #[arg(long, default_value_t = 2, value_name = "K")]
    num_fewshot: usize,
    /// Check the label words against the tokenizer of this model, and count tokens
    #[arg(short, long, value_name = "MODEL")]
    model: Option<String>,
    /// Never connect to the network
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
    /// Examples per label in pool, dev and test together.
    per_label: Vec<usize>,
    /// Ids of test examples that are in the pool word for word, each with the id there.
    leaks: Vec<(String, String)>,
    /// Number of test examples that repeat the text of another one.
    duplicates: usize,
    templates: Vec<Sample>,
}

/// A template with the prompt of the first test example.
#[derive(Serialize)]
struct Sample {
    name: String,
    prompt: String,
    label_words: Vec<String>,
    /// The label of every label word, if labels have several.
    #[serde(skip_serializing_if = "Option::is_none")]
    word_classes: Option<WordClasses>,
    answer: String,
    tokens: Option<usize>,
    label_tokens: Option<Vec<u32>>,
    /// What may not have been meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Tokens that are scored for label words of several tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scored: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let reader = args.model.as_deref().map(|model| ModelOptions::named(model, args.offline).reader()).transpose()?;
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
        leaks: Vec::new(),
        duplicates: 0,
        templates: Vec::new(),
    };
    match Library.checked(&args.task)? {
        Err(diagnostics) => report.mistakes = diagnostics.messages(),
        Ok(task) => describe(&mut report, &task, args.num_fewshot, reader.as_ref())?,
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

fn describe(report: &mut Report, task: &Task, shots: usize, reader: Option<&Reader>) -> Result<()> {
    (report.pool, report.dev, report.test) = (task.pool.len(), task.dev.len(), task.test.len());
    let all = || task.pool.iter().chain(&task.dev).chain(&task.test);
    report.per_label =
        (0..task.labels.len()).map(|label| all().filter(|example| example.label == label).count()).collect();
    let Overlap { leaks, duplicates } = task.overlap();
    if !leaks.is_empty() && leaks.len() == task.test.len() {
        let problem =
            format!("all {} test examples are in the pool word for word: {}", leaks.len(), list_leaks(&leaks));
        let help = "are pool and test the same file? accuracies on examples of the prompt mean nothing";
        report.mistakes.push(InputError::new(problem).field("data.test").help(help).to_string());
    }
    (report.leaks, report.duplicates) = (leaks, duplicates);
    for template in &task.templates {
        match sample(task, template, shots, reader).map_err(|error| template.locate(error)) {
            Ok(sample) => report.templates.push(sample),
            Err(Error::Input(error)) if error.path.is_some() => report.mistakes.push(error.to_string()),
            Err(error) => report.mistakes.push(format!("template {}: {error}", template.name)),
        }
    }
    if task.templates.is_empty() {
        return Err(Error::Model("the task has no templates".to_owned()));
    }
    Ok(())
}

/// Tokenizer and chat template of a model.
type Reader = (Tokenizer, Option<ChatTemplate>);

fn sample(task: &Task, template: &Template, shots: usize, reader: Option<&Reader>) -> Result<Sample> {
    let shots = if task.pool.is_empty() { 0 } else { shots };
    let request = RunRequest { shots, train_examples: 0, demos: Demos::Balanced, ..RunRequest::default() };
    let chosen = choose(task, &request)?;
    let query = &task.test[0];
    let chat = reader.and_then(|(_, chat)| chat.as_ref()).filter(|_| template.chat);
    if template.chat && reader.is_some() && chat.is_none() {
        let help = "leave out `chat`, or use an instruct model (`chat_template` in its tokenizer_config.json)";
        return Err(InputError::new("the model has no chat template").help(help).into());
    }
    let prompt = preview(template, chat, &chosen.demonstrations, query)?;
    let mut words = template.label_words.clone();
    if template.chat {
        for word in &mut words {
            *word = word.trim().to_owned();
        }
    }
    let (mut tokens, mut label_tokens, mut scored) = (None, None, Vec::new());
    if let Some((tokenizer, _)) = reader {
        let tokenizer = tokenizer.with_bos(Bos::Auto.for_chat(template.chat));
        tokens = Some(tokenizer.encode(&prompt)?.len());
        let found = if template.first_token {
            tokenizer.first_tokens(&prompt, &words).map(|found| found.tokens)
        } else {
            tokenizer.label_tokens(&prompt, &words)
        };
        let found = found.map_err(|error| if template.chat { explain_chat_label(error) } else { error })?;
        if template.first_token {
            scored = tokenizer.pieces(&found);
        }
        label_tokens = Some(found);
    }
    let notes = notes(template, query, chat)?;
    let word_classes = template.word_classes.clone();
    let word = word_classes.as_ref().map_or(query.label, |classes| classes.first_word(query.label));
    let (name, answer) = (template.name.clone(), words[word].clone());
    Ok(Sample { name, prompt, label_words: words, word_classes, answer, tokens, label_tokens, notes, scored })
}

/// Returns remarks on a template.
fn notes(template: &Template, query: &Example, chat: Option<&ChatTemplate>) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if template.render(query)?.ends_with('\n') {
        let remark = InputError::new("the text ends in a line break, so the label word begins a line");
        let help = "if that is not meant, remove the line break at its end";
        notes.push(template.locate_text(remark.help(help)).to_string());
    }
    notes.extend(chat.and_then(ChatTemplate::date_note));
    Ok(notes)
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
    if !report.leaks.is_empty() && report.leaks.len() < report.test {
        let _ = writeln!(
            text,
            "note: {} test examples are in the pool word for word: {}; a run that draws one of these refuses, or leaves \
             its copy out with --on-leak drop",
            report.leaks.len(),
            printable(&list_leaks(&report.leaks))
        );
    }
    if report.duplicates > 0 {
        let _ = writeln!(text, "note: {} test examples repeat the text of another one", report.duplicates);
    }
    for sample in &report.templates {
        let words: Vec<String> = sample.label_words.iter().map(|word| format!("`{}`", visible(word))).collect();
        let tokens = sample.tokens.map_or_else(String::new, |tokens| format!(", {tokens} tokens"));
        let _ = writeln!(text, "\ntemplate {}{tokens}, label words {}", printable(&sample.name), words.join(" "));
        if let Some(classes) = &sample.word_classes {
            let words: Vec<String> = sample.label_words.iter().map(|word| visible(word)).collect();
            let _ = writeln!(text, "  {}", printable(&classes.describe(&words)));
        }
        if !sample.scored.is_empty() {
            let scored: Vec<String> = sample.scored.iter().map(|piece| format!("`{}`", visible(piece))).collect();
            let _ = writeln!(text, "  scored by the first token that distinguishes them: {}", scored.join(" "));
        }
        let lines = sample.prompt.strip_suffix('\n').unwrap_or(&sample.prompt).split('\n');
        for line in lines {
            let _ = write!(text, "{}  | {}", if text.ends_with('\n') { "" } else { "\n" }, visible_spaces(line));
        }
        let _ = writeln!(text, "{}", if sample.prompt.ends_with('\n') { "⏎" } else { "" });
        let _ = writeln!(text, "  answer: `{}`", visible(&sample.answer));
        for note in &sample.notes {
            let _ = writeln!(text, "  note: {}", printable(note));
        }
    }
    for mistake in &report.mistakes {
        let _ = writeln!(text, "{}", printable(mistake));
    }
    text
}
