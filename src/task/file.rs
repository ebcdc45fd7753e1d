//! Task files: TOML beside its data.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::template::{Template, TemplateSpec};
use crate::error::{InputError, Result};

/// A classification task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// One line on what is asked.
    pub description: String,
    /// Label values, as in the data; their order gives the label indices.
    pub labels: Vec<String>,
    /// Ways to put an example into words; at least one.
    pub templates: Vec<Template>,
    /// Demonstrations and training examples are drawn from here.
    pub pool: Vec<Example>,
    /// For decisions about methods; never for results.
    pub dev: Vec<Example>,
    /// Accuracies are stated on these.
    pub test: Vec<Example>,
}

/// One labelled example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Unique within the task.
    pub id: String,
    /// Its columns, by name, in the order of the data.
    pub fields: Map<String, Value>,
    /// Index into [`Task::labels`].
    pub label: usize,
}

impl Example {
    /// Its text columns in one line, for lists.
    pub fn summary(&self) -> String {
        let texts: Vec<&str> = self.fields.values().filter_map(Value::as_str).collect();
        texts.join(" · ")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    #[serde(default)]
    description: String,
    labels: Vec<String>,
    data: Data,
    template: Vec<TemplateSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    pool: PathBuf,
    #[serde(default)]
    dev: Option<PathBuf>,
    test: PathBuf,
    #[serde(default = "label_column")]
    label: String,
}

fn label_column() -> String {
    "label".to_owned()
}

impl Task {
    /// Parses a task file; `read` fetches a data file by the name that stands in it.
    ///
    /// # Errors
    /// Names file, line and field of what cannot be used.
    pub fn parse(path: &Path, text: &str, read: impl Fn(&Path) -> Result<String>) -> Result<Self> {
        let header: Header = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].lines().count().max(1));
            let problem = InputError::new(error.message()).path(path);
            line.map_or_else(|| InputError::new(error.message()).path(path), |line| problem.line(line))
        })?;
        let wrong = |field: &str, problem: String| InputError::new(problem).path(path).field(field);
        if header.labels.len() < 2 {
            return Err(wrong("labels", "a task needs at least two labels".to_owned()).into());
        }
        if header.template.is_empty() {
            return Err(wrong("template", "a task needs at least one template".to_owned()).into());
        }
        let labels = header.labels.len();
        let templates: Vec<Template> =
            header.template.into_iter().map(|spec| Template::new(path, spec, labels)).collect::<Result<_>>()?;
        let names: HashSet<&str> = templates.iter().map(|template| template.name.as_str()).collect();
        if names.len() < templates.len() {
            return Err(wrong("template", "two templates share a name".to_owned()).into());
        }
        if let Some(stranger) =
            templates.iter().filter_map(|t| t.contrast.as_deref()).find(|name| !names.contains(name))
        {
            return Err(wrong("contrast", format!("no template is called `{stranger}`")).into());
        }
        let load = |file: &Path| examples(file, &read(file)?, &header.data.label, &header.labels);
        let task = Self {
            pool: load(&header.data.pool)?,
            dev: header.data.dev.as_deref().map(load).transpose()?.unwrap_or_default(),
            test: load(&header.data.test)?,
            name: header.name,
            description: header.description,
            labels: header.labels.clone(),
            templates,
        };
        task.check_ids(path)?;
        Ok(task)
    }

    /// The template called `name`, or the first one.
    ///
    /// # Errors
    /// If there is none of that name; the error lists what there is.
    pub fn template(&self, name: Option<&str>) -> Result<&Template> {
        let Some(name) = name else { return Ok(&self.templates[0]) };
        self.templates.iter().find(|template| template.name == name).ok_or_else(|| crate::Error::Unknown {
            what: "template",
            given: name.to_owned(),
            known: self.templates.iter().map(|template| template.name.clone()).collect(),
        })
    }

    fn check_ids(&self, path: &Path) -> Result<()> {
        let mut seen = HashSet::new();
        for example in self.pool.iter().chain(&self.dev).chain(&self.test) {
            if !seen.insert(example.id.as_str()) {
                let problem = format!("the id `{}` occurs twice in the task's data", example.id);
                return Err(InputError::new(problem).path(path).field("id").cure("ids tell examples apart").into());
            }
        }
        Ok(())
    }
}

/// Reads JSON lines.
fn examples(path: &Path, text: &str, label_column: &str, labels: &[String]) -> Result<Vec<Example>> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| example(path, index + 1, line, &stem, label_column, labels)).collect()
}

fn example(path: &Path, line: usize, text: &str, stem: &str, label_column: &str, labels: &[String]) -> Result<Example> {
    let wrong = |problem: String| InputError::new(problem).path(path).line(line);
    let mut fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| wrong(format!("not a JSON object: {error}")))?;
    let id = match fields.shift_remove("id") {
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => return Err(wrong("the id is neither text nor number".to_owned()).field("id").into()),
        None => format!("{stem}-{line}"),
    };
    let given = match fields.shift_remove(label_column) {
        Some(Value::String(label)) => label,
        Some(Value::Number(label)) => label.to_string(),
        _ => return Err(wrong("the line has no label".to_owned()).field(label_column).into()),
    };
    let Some(label) = labels.iter().position(|label| *label == given) else {
        let cure = format!("the task's labels are {}", crate::text::list(labels));
        return Err(wrong(format!("`{given}` is not a label")).field(label_column).cure(cure).into());
    };
    Ok(Example { id, fields, label })
}
