//! Task files of the evaluation harness, in YAML.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{
    disk,
    error::InputError,
    task::{
        diagnostics::Diagnostics,
        spec::{DataPart, DataSpec, Spec},
        table::decode,
        template::{Template, TemplateSpec},
        yaml,
    },
    text::list,
};

/// Keys that change neither prompts nor labels. The number of demonstrations is an option of the run.
const IGNORED: &[&str] = &[
    "task",
    "task_alias",
    "tag",
    "group",
    "metric_list",
    "metadata",
    "num_fewshot",
    "should_decontaminate",
    "doc_to_decontamination_query",
];
/// Keys that are read below.
const READ: &[&str] = &[
    "dataset_path",
    "dataset_name",
    "dataset_kwargs",
    "output_type",
    "training_split",
    "validation_split",
    "test_split",
    "fewshot_split",
    "fewshot_config",
    "description",
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "target_delimiter",
    "fewshot_delimiter",
];
/// Data sets that are local files.
const LOCAL: &[&str] = &["json", "csv", "parquet"];
/// Files that may include each other.
const MOST_INCLUDES: usize = 8;

/// Reads a task file; `None`, with the error in the diagnostics, if it is not a simple multiple-choice task.
pub(in crate::task) fn task_file(path: &Path, text: &str) -> (Option<Spec>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let spec = fields(path, text, 0).and_then(|fields| {
        let read = TaskFile { path, fields: &fields }.spec();
        read.map_err(|error| error.path(path))
    });
    let spec = spec.map_err(|error| diagnostics.push(error)).ok();
    (spec, diagnostics)
}

/// Reads the keys of a file, over those of the file that it includes.
fn fields(path: &Path, text: &str, depth: usize) -> Result<Map<String, Value>, InputError> {
    let Value::Object(mut own) = yaml::parse(text).map_err(|error| error.path(path))? else {
        return Err(InputError::new("the file has no keys").path(path).help("see docs/data.md"));
    };
    let Some(included) = own.shift_remove("include") else { return Ok(own) };
    let wrong = |problem: &str| InputError::new(problem).path(path).field("include");
    let Some(name) = included.as_str().filter(|_| depth < MOST_INCLUDES) else {
        return Err(wrong("it is not the name of one file, or files include each other"));
    };
    let base = path.with_file_name(name);
    let bytes = disk::read_settings(&base).map_err(|error| wrong(&error.to_string()))?;
    let mut all = fields(&base, &decode(&base, &bytes)?, depth + 1)?;
    all.extend(own);
    Ok(all)
}

struct TaskFile<'a> {
    path: &'a Path,
    fields: &'a Map<String, Value>,
}

impl TaskFile<'_> {
    fn spec(&self) -> Result<Spec, InputError> {
        self.check_keys()?;
        if self.text("output_type")?.as_deref() != Some("multiple_choice") {
            let help = "only `multiple_choice` can be scored by label words; write a task file in TOML";
            return Err(InputError::new("the task is not multiple-choice").field("output_type").help(help));
        }
        let choices = self.choices()?;
        let (data, template) = (self.data(&choices)?, self.template(&choices)?);
        let stem = self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let (name, description) = (self.text("task")?.unwrap_or(stem), self.dataset()?);
        let labels = choices.iter().map(|choice| choice.trim().to_owned()).collect();
        Ok(Spec { name, description, labels, data, templates: vec![template] })
    }

    fn check_keys(&self) -> Result<(), InputError> {
        let unknown = self.fields.keys().find(|key| !IGNORED.contains(&key.as_str()) && !READ.contains(&key.as_str()));
        if let Some(key) = unknown {
            let help = format!("the keys that are understood are {}; write a task file in TOML", list(READ));
            return Err(InputError::new("this key is not understood").field(key).help(help));
        }
        let sampler = |key: &String| key == "sampler";
        match self.fields.get("fewshot_config") {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Object(inner)) if inner.keys().all(sampler) => Ok(()),
            Some(_) => {
                Err(InputError::new("only `sampler` is understood, and ignored: partscope draws demonstrations")
                    .field("fewshot_config")
                    .help("write a task file in TOML"))
            }
        }
    }

    /// Returns a text; `None` if the key is missing or null.
    fn text(&self, key: &str) -> Result<Option<String>, InputError> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => yaml::as_text(value).map(Some).ok_or_else(|| {
                InputError::new("it is not a text, but a list or a function")
                    .field(key)
                    .help("only texts are understood; write a task file in TOML")
            }),
        }
    }

    fn needed(&self, key: &str) -> Result<String, InputError> {
        self.text(key)?.ok_or_else(|| InputError::new("the key is missing").field(key))
    }

    fn dataset(&self) -> Result<String, InputError> {
        let config = self.text("dataset_name")?.map(|config| format!(", {config}")).unwrap_or_default();
        Ok(format!("{}{config}, as a task of the evaluation harness", self.needed("dataset_path")?))
    }

    fn choices(&self) -> Result<Vec<String>, InputError> {
        let wrong = |problem: &str| {
            let help = "only a list of two or more different texts is understood; write a task file in TOML";
            InputError::new(problem).field("doc_to_choice").help(help)
        };
        let items: Vec<&Value> = match self.fields.get("doc_to_choice") {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::Object(items)) if !items.keys().any(|key| key.starts_with('!')) => items.values().collect(),
            _ => return Err(wrong("the choices are not a list")),
        };
        let choices: Option<Vec<String>> = items.into_iter().map(yaml::as_text).collect();
        let choices = choices.ok_or_else(|| wrong("a choice is not a text"))?;
        let mut plain: Vec<&str> = choices.iter().map(|choice| choice.trim()).collect();
        plain.sort_unstable();
        plain.dedup();
        if choices.len() < 2 || plain.len() < choices.len() || plain.contains(&"") {
            return Err(wrong("the choices are fewer than two, not different or empty"));
        }
        Ok(choices)
    }

    /// Reads where the data is. A target is the number of a choice, counted from 0, or its text.
    fn data(&self, choices: &[String]) -> Result<DataSpec, InputError> {
        let numbered = |(at, choice): (usize, &String)| choice.trim().parse().is_ok_and(|number: usize| number != at);
        if choices.iter().enumerate().any(numbered) {
            let problem = "choices are numbers, so that a target may be a number or a choice";
            return Err(InputError::new(problem).field("doc_to_choice").help("write a task file in TOML"));
        }
        let target = self.needed("doc_to_target")?;
        let inner = target.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")).unwrap_or(&target).trim();
        if inner.is_empty() || !inner.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            let help = "only the name of a column is understood; write a task file in TOML";
            return Err(InputError::new(format!("`{target}` is not a column")).field("doc_to_target").help(help));
        }
        let booleans = choices.len() == 2 && !choices.iter().any(|choice| matches!(choice.trim(), "true" | "false"));
        let values = |(at, choice): (usize, &String)| {
            let boolean = booleans.then(|| (at == 1).to_string());
            [at.to_string(), choice.clone(), choice.trim().to_owned()].into_iter().chain(boolean).collect()
        };
        let label_values = choices.iter().enumerate().map(values).collect();
        let path = self.needed("dataset_path")?;
        let files = self.files(&path)?;
        let part = |name: Option<String>| -> Result<Option<DataPart>, InputError> {
            let file = |split: String| match &files {
                None => Ok(split),
                Some(files) => files.get(&split).and_then(one_file).ok_or_else(|| {
                    let help = format!("the splits are {}", list(files.keys()));
                    InputError::new(format!("there is no file for `{split}`")).field("dataset_kwargs").help(help)
                }),
            };
            Ok(name.map(file).transpose()?.map(|name| DataPart { name, ..DataPart::default() }))
        };
        let (train, validation, test) =
            (self.text("training_split")?, self.text("validation_split")?, self.text("test_split")?);
        let pool = part(self.text("fewshot_split")?.or(train))?;
        let dev = if test.is_some() { part(validation.clone())? } else { None };
        let test = part(test.or(validation))?;
        let test = test.ok_or_else(|| InputError::new("the key is missing").field("test_split"))?;
        let hub = files.is_none().then_some(path);
        let config = self.text("dataset_name")?.filter(|_| hub.is_some());
        Ok(DataSpec {
            hub,
            config,
            pool,
            dev,
            test,
            label: inner.to_owned(),
            id: "id".to_owned(),
            label_values,
            ..DataSpec::default()
        })
    }

    /// Returns the local files by split, if the data set consists of local files.
    fn files(&self, path: &str) -> Result<Option<Map<String, Value>>, InputError> {
        let wrong = |problem: &str, help: &str| Err(InputError::new(problem).field("dataset_kwargs").help(help));
        let kwargs = match self.fields.get("dataset_kwargs") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(kwargs)) => kwargs.clone(),
            Some(_) => return wrong("it is not a mapping", "write `data_files` below it"),
        };
        if kwargs.keys().any(|key| key != "data_files" && key != "trust_remote_code") {
            return wrong("only `data_files` is understood", "write a task file in TOML");
        }
        match (LOCAL.contains(&path), kwargs.get("data_files")) {
            (true, Some(Value::Object(files))) => Ok(Some(files.clone())),
            (false, None) => Ok(None),
            (true, _) => wrong("there is no file for each split", "write `data_files: {train: …, test: …}`"),
            (false, _) => {
                wrong("only files of `json`, `csv` and `parquet` are understood", "write a task file in TOML")
            }
        }
    }

    fn template(&self, choices: &[String]) -> Result<Template, InputError> {
        let text = self.needed("doc_to_text")?;
        let column = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
        let example = if column { format!("{{{{ {text} }}}}") } else { text };
        let instruction = self.text("description")?.unwrap_or_default();
        if instruction.contains("{{") || instruction.contains("{%") {
            let help = "only a fixed text is understood; write a task file in TOML";
            return Err(InputError::new("it depends on the example").field("description").help(help));
        }
        let delimiter = self.text("target_delimiter")?.unwrap_or_else(|| " ".to_owned());
        let separator = self.text("fewshot_delimiter")?.unwrap_or_else(|| "\n\n".to_owned());
        let spec = TemplateSpec {
            name: "harness".to_owned(),
            example,
            label_words: choices.iter().map(|choice| format!("{delimiter}{choice}")).collect(),
            separator,
            instruction,
            word_classes: None,
            contrast: None,
            first_token: false,
            chat: false,
        };
        Template::new(spec).map_err(|problem| InputError::new(problem).field("doc_to_text"))
    }
}

/// Returns the name of a file, given as a text or as a list of one text.
fn one_file(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Array(items) if items.len() == 1 => items[0].as_str().map(str::to_owned),
        _ => None,
    }
}
