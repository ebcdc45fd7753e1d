//! `partscope classify`: labels new texts with a mixed model.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{read_text, read_weights},
    streams::print_json_text,
};
use crate::{
    attribution::argmax,
    cancel::Cancel,
    data_memory::{Memory, check_json},
    error::{Error, InputError, Result},
    run::{ExampleRecord, Run},
    runner::{PromptBuilder, execute},
    task::{Example, Library, Template, repeated_id},
};

/// Label new texts with the full and the mixed model; prints one JSON object per line.
///
/// FILE has JSON lines with the fields of the task's template or, for a template with the single field `text`, plain
/// lines of text; `-` reads standard input.
///
/// Example: echo "The soup was superb." | partscope classify --weights weights.json -
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Weights file from `partscope fit -o`
    #[arg(short, long, value_name = "W.json")]
    weights: PathBuf,
    /// Texts, or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Add the token ids of every prompt
    #[arg(long)]
    with_tokens: bool,
}

/// One line of output.
#[derive(Serialize)]
struct Labelled<'a> {
    id: &'a str,
    label: &'a str,
    full: &'a str,
    logits: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<u32>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let weights = read_weights(&args.weights)?;
    let request = weights.prompts();
    let task = Library.task(&request.task)?;
    let template = task.template(request.template.as_deref())?;
    weights.check_template(template.hash())?;
    let examples = examples(&args.file, &read_text(&args.file)?, template, task.keeps_empty)?;
    let model = args.model.load()?;
    let draft = PromptBuilder::over(&task, &request, &examples)?;
    let (plan, prompts) = draft.plan(&model)?;
    let mix = weights.mix(&plan.model, &plan.task)?;
    let run = execute(&model, plan, &prompts, &Cancel::default(), &mut |_| {})?;
    let (logits, labels) = (mix.logits(&run.test), run.test.labels());
    for (example, logits) in run.examples.iter().zip(logits.chunks_exact(labels)) {
        let line = Labelled {
            id: &example.id,
            label: &task.labels[argmax(logits)],
            full: &task.labels[example.full],
            logits: logits.to_vec(),
            tokens: if args.with_tokens { whole_prompt(&run, example) } else { Vec::new() },
        };
        let line = serde_json::to_string(&line).map_err(|error| Error::Model(error.to_string()))?;
        print_json_text(&(line + "\n"))?;
    }
    Ok(())
}

/// Returns the token ids of a prompt: the shared prefix and its own.
fn whole_prompt(run: &Run, example: &ExampleRecord) -> Vec<u32> {
    let prefix = &run.meta.prompt.prefix;
    let shared = example.shared.unwrap_or(prefix.len());
    [&prefix[..shared], &example.tokens].concat()
}

/// Parses JSON objects or plain texts, one per line, and checks them like the data of a task: `template` can render
/// them, ids are unique, and texts are not empty unless `keeps_empty`.
fn examples(path: &Path, text: &str, template: &Template, keeps_empty: bool) -> Result<Vec<Example>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let fields = template.fields();
    let (mut seen, mut memory): (HashMap<String, usize>, _) = (HashMap::new(), Memory::from_env()?);
    let one = |(index, line): (usize, &str)| -> Result<Example> {
        let placed = |error: InputError| InputError { column: None, ..error }.path(path).line(index + 1);
        let example = example(path, index + 1, line)?;
        memory.hold(&example.fields).map_err(placed)?;
        match template.render(&example) {
            Err(Error::Input(error)) => return Err(placed(*error).into()),
            other => other.map(|_| ())?,
        }
        if !keeps_empty {
            let checked = example.check_texts(&fields);
            checked.map_err(|error| placed(error.help("fill it in, or remove the line")))?;
        }
        if let Some(first) = seen.insert(example.id.clone(), index + 1) {
            return Err(placed(repeated_id(&example.id, first, "")).into());
        }
        Ok(example)
    };
    let examples = lines.map(one).collect::<Result<Vec<_>>>()?;
    if examples.is_empty() {
        return Err(InputError::new("there is no text to label").path(path).into());
    }
    Ok(examples)
}

fn example(path: &Path, line: usize, text: &str) -> Result<Example> {
    let mut fields: Map<String, Value> = if text.trim_start().starts_with('{') {
        check_json(text.as_bytes()).map_err(|error| error.path(path).line(line))?;
        serde_json::from_str(text)
            .map_err(|error| InputError::new(format!("not a JSON object: {error}")).path(path).line(line))?
    } else {
        [("text".to_owned(), Value::from(text.trim_end()))].into_iter().collect()
    };
    let id = match fields.shift_remove("id") {
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        _ => format!("line-{line}"),
    };
    Ok(Example { id, fields, label: 0 })
}
