//! Reads the JSON lines of the paper's released code.
//!
//! `TASK_test-fFORM.jsonl` has the test examples rendered in one form, `TASK_dev-fFORM-sSEED.jsonl` the labelled
//! examples of one demonstration set. A line has `text`, which ends in its label word, and `options`, the label words;
//! a line with a `definition` gives the instruction instead. Forms become templates `f0`, `f1` … with a line break
//! between demonstrations; the first lines of the files of seed `s` are its demonstrations, the others its training
//! examples.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    diagnostics::Diagnostics,
    example::Example,
    file::Task,
    template::{Template, TemplateSpec},
};
use crate::{
    data_memory::check_json,
    disk,
    error::{Error, InputError},
    text::list,
};

/// Files of one task: test files by form, labelled files by form and seed.
pub(super) struct Released {
    name: String,
    test: BTreeMap<u64, PathBuf>,
    dev: BTreeMap<(u64, u64), PathBuf>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Example { text: String, options: Vec<String> },
    Instruction { definition: String },
}

/// Properties shared by the files of one form.
#[derive(Clone, Debug, Default)]
struct Form {
    /// The label words, from the first example.
    words: Option<Vec<String>>,
    /// Text before the demonstrations, from the first file with a definition.
    instruction: String,
}

/// Finds the files of `DIR/task`, if there are any.
pub(super) fn find(name: &str) -> Option<Released> {
    let path = Path::new(name);
    let task = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut released = Released { name: task.to_owned(), test: BTreeMap::new(), dev: BTreeMap::new() };
    for entry in fs::read_dir(folder).ok()?.filter_map(Result::ok) {
        let file = entry.file_name();
        let Some(rest) = file.to_str().and_then(|file| file.strip_prefix(task)?.strip_suffix(".jsonl")) else {
            continue;
        };
        if let Some(form) = rest.strip_prefix("_test-f").and_then(|form| form.parse().ok()) {
            released.test.insert(form, entry.path());
        } else if let Some((form, seed)) = rest.strip_prefix("_dev-f").and_then(|rest| rest.split_once("-s"))
            && let (Ok(form), Ok(seed)) = (form.parse(), seed.parse())
        {
            released.dev.insert((form, seed), entry.path());
        }
    }
    (!released.test.is_empty()).then_some(released)
}

impl Released {
    /// Reads the task from the files.
    pub(super) fn task(&self) -> Result<Task, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let forms: Vec<u64> = self.test.keys().copied().collect();
        let mut found: BTreeMap<u64, Form> = BTreeMap::new();
        let mut part = |files: Vec<(u64, &PathBuf)>, prefix: &str, diagnostics: &mut Diagnostics| {
            merge(&files, prefix, &mut found, diagnostics)
        };
        let test = part(self.test.iter().map(|(&form, path)| (form, path)).collect(), "test", &mut diagnostics);
        let mut seeds: Vec<u64> = self.dev.keys().map(|&(_, seed)| seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let (mut pool, mut pools) = (Vec::new(), Vec::new());
        for seed in seeds {
            let files = self.dev.iter().filter(|((_, own), _)| *own == seed).map(|(&(form, _), path)| (form, path));
            let start = pool.len();
            pool.extend(part(files.collect(), &format!("s{seed}"), &mut diagnostics));
            pools.push(start..pool.len());
        }
        let mut templates = Vec::new();
        for form in &forms {
            let Form { words, instruction } = found.get(form).cloned().unwrap_or_default();
            let spec = TemplateSpec {
                name: format!("f{form}"),
                example: format!("{{{{ f{form} }}}}"),
                label_words: words.unwrap_or_default(),
                separator: "\n".to_owned(),
                instruction,
                word_classes: None,
                contrast: None,
                first_token: false,
                chat: false,
            };
            match Template::new(spec) {
                Ok(template) => templates.push(template),
                Err(problem) => diagnostics.push(InputError::new(problem).path(&self.test[form])),
            }
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let labels = templates[0].label_words.iter().map(|word| word.trim().to_owned()).collect();
        let description = format!("{} as released with the paper, {} forms", self.name, forms.len());
        let (name, dev, keeps_empty) = (self.name.clone(), Vec::new(), false);
        Ok(Task { name, description, labels, templates, pool, pools, dev, test, keeps_empty })
    }
}

/// Reads the examples of `files`: line `n` of every form is one example with a field per form.
fn merge(
    files: &[(u64, &PathBuf)],
    prefix: &str,
    forms: &mut BTreeMap<u64, Form>,
    diagnostics: &mut Diagnostics,
) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (at, &(form, path)) in files.iter().enumerate() {
        let lines = read(path, forms.entry(form).or_default(), diagnostics);
        if at > 0 && lines.len() != examples.len() {
            let problem = format!("{} lines, but {} has {}", lines.len(), files[0].1.display(), examples.len());
            diagnostics.push(InputError::new(problem).path(path).help("line N of every form must be the same example"));
            continue;
        }
        for (line, (text, label)) in lines.into_iter().enumerate() {
            if at == 0 {
                examples.push(Example { id: format!("{prefix}-{}", line + 1), fields: Map::new(), label });
            } else if examples[line].label != label {
                let problem = "the label differs from that of the same line in the first form";
                diagnostics.push(InputError::new(problem).path(path).line(line + 1));
            }
            examples[line].fields.insert(format!("f{form}"), Value::from(text));
        }
    }
    examples
}

/// Reads the texts, without their label words, and the labels.
fn read(path: &Path, form: &mut Form, diagnostics: &mut Diagnostics) -> Vec<(String, usize)> {
    let text = match disk::read(path) {
        Ok(bytes) => super::table::decode(path, &bytes).map(std::borrow::Cow::into_owned),
        Err(Error::Input(error)) => Err(*error),
        Err(error) => Err(InputError::new(error.to_string())),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            diagnostics.push(error);
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |problem: String| InputError::new(problem).path(path).line(at + 1);
        if let Err(error) = check_json(line.as_bytes()) {
            diagnostics.push(error.path(path).line(at + 1));
            break;
        }
        let (text, options) = match serde_json::from_str(line) {
            Ok(Line::Example { text, options }) => (text, options),
            Ok(Line::Instruction { definition }) => {
                if form.instruction.is_empty() {
                    form.instruction = definition + "\n\n";
                }
                continue;
            }
            Err(_) => {
                let help = r#"write lines such as {"text": "… great", "options": ["terrible", "great"]}"#;
                diagnostics.push(wrong("the line does not have the paper's format".to_owned()).help(help));
                continue;
            }
        };
        let Some((text, label, spaced)) = split(&text, &options) else {
            let help = format!("the options are {}", list(&options));
            diagnostics.push(wrong("the text does not end in one of its options".to_owned()).help(help));
            continue;
        };
        let known = form.words.get_or_insert_with(|| spaced.clone());
        if *known != spaced {
            let problem = format!("the options differ from those of the other lines, {}", list(&*known));
            diagnostics.push(wrong(problem).help("all lines of a form must have the same label words"));
            continue;
        }
        found.push((text, label));
    }
    found
}

/// Returns the text before the label word, the label, and all label words with the space found before this one.
fn split(text: &str, options: &[String]) -> Option<(String, usize, Vec<String>)> {
    let bare: Vec<&str> = options.iter().map(|option| option.trim()).collect();
    let ended = text.trim_end();
    let longest = |label: &usize| bare[*label].len();
    let label = (0..bare.len()).filter(|&label| ended.ends_with(bare[label])).max_by_key(longest)?;
    let before = &ended[..ended.len() - bare[label].len()];
    let text = before.strip_suffix(' ').unwrap_or(before);
    let space = &before[text.len()..];
    Some((text.to_owned(), label, bare.iter().map(|word| format!("{space}{word}")).collect()))
}
