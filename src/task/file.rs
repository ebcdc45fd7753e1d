//! Task files: TOML with the labels, the data files and the templates of a task.
//!
//! ```toml
//! name = "reviews"                      # the task's name in runs and tables
//! description = "Did the guest like it?"  # one line, optional
//! labels = ["negative", "positive"]     # label values in the data; their order gives the label indices
//!
//! [data]
//! pool = "train.jsonl"                  # source of demonstrations and training examples; optional (zero-shot)
//! dev = "dev.jsonl"                     # for choosing methods, never for results; optional
//! test = "test.jsonl"                   # accuracies are measured on these
//!
//! [[template]]                          # one or more
//! name = "review"                       # `--template review`
//! example = "Review: {{ text }}\nSentiment:"   # Jinja over the fields of an example, up to the label word
//! label_words = [" negative", " positive"]     # one per label, of one token each, or see `first_token`
//! ```
//!
//! | field | type | default | meaning |
//! |---|---|---|---|
//! | `name` | text | – | the task's name |
//! | `description` | text | `""` | one line for lists |
//! | `labels` | list | – | two or more; texts or integers |
//! | `data.pool`, `data.dev`, `data.test` | text | –, –, required | a file beside the task file (`.jsonl`, `.json`, `.csv`, `.tsv`, each also `.gz` or `.zst`, or `.parquet`), or with `hub` a split or a file of the data set; `[:2000]`, `[500:]` or `[500:1000]` after it selects rows |
//! | `data.hub` | text | – | a data set on the Hugging Face hub, `org/name[@revision]`; splits come from its `refs/convert/parquet` branch and files from `main`, unless a revision is given |
//! | `data.config` | text | `default` | the data set's configuration on the hub |
//! | `data.label` | text | `label` | the column with the label: a text, an integer or a boolean; `meta.label` is the field `label` of the column `meta` |
//! | `data.label_values` | list | – | for each label, its value in the data or a list of such values; by default the label itself, the class of that name, or its index |
//! | `data.skip_labels` | list | `[]` | rows with these labels are left out, e.g. `-1` for unlabelled rows |
//! | `data.id` | text | `id` | the column with the id; a row without one is named by file and line |
//! | `data.fields` | table | all columns | names used in templates, each with its column, e.g. `fields = { text = "sentence", title = "meta.title" }` |
//! | `data.empty` | text | `error` | what to do with a row if a field of a template is empty: `error`, `skip` or `keep` |
//! | `data.columns` | list | the first line | column names of a CSV or TSV file without a header |
//! | `data.delimiter` | text | `,`, tab | the column separator |
//! | `data.quoting` | boolean | `.csv` yes, `.tsv` no | whether `"` quotes texts |
//! | `data.sample.pool`, `.dev`, `.test` | count | all | at most this many examples, balanced over labels as far as possible, always the same draw |
//! | `template.name` | text | – | unique |
//! | `template.example` | text | – | a Jinja template, kept as written; a missing field is an error; its length and work are limited |
//! | `template.label_words` | list | – | one per label, with their leading spaces; or several with `word_classes` |
//! | `template.word_classes` | list | – | the label of every word in `label_words`, as in `labels` or by its index, if labels have several words |
//! | `template.class_logit` | text | – | the logit of a label with several words: `max`, `sum` or `mean` of theirs; needed with `word_classes` |
//! | `template.separator` | text | a blank line | text between demonstrations |
//! | `template.instruction` | text | `""` | text before the first demonstration, including its line breaks at the end |
//! | `template.contrast` | text | – | the other template of a contrastive pair |
//! | `template.first_token` | boolean | false | label words may have several tokens; each is scored by the first token that distinguishes all of them |
//! | `template.chat` | boolean | false | demonstrations and query are turns of a conversation |
//!
//! Text files are UTF-8, with or without a byte order mark, or UTF-16 with one.

use std::path::PathBuf;

use super::{
    class_names::{ClassNames, of_card, of_metadata},
    diagnostics::{Diagnostics, as_input},
    example::Example,
    labels::LabelMap,
    rows::{Located, Reader, Source, check_classes, check_ids, check_rendering, sampled},
    spec::{DataPart, DataSpec, Empty, Spec},
    table::{self, Columns},
    template::Template,
};
use crate::{
    data_memory::Memory,
    error::{Error, InputError, Result},
};

/// A classification task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Its description in one line.
    pub description: String,
    /// Label values, as in the data; their order gives the label indices.
    pub labels: Vec<String>,
    /// Its templates; at least one.
    pub templates: Vec<Template>,
    /// The pool from which demonstrations and training examples are drawn.
    pub pool: Vec<Example>,
    /// Part of the pool for each demonstration seed; if empty, all seeds use the whole pool.
    pub pools: Vec<std::ops::Range<usize>>,
    /// The development split, for choosing methods, never for results.
    pub dev: Vec<Example>,
    /// The test split, on which accuracies are measured.
    pub test: Vec<Example>,
    /// Whether texts may be empty.
    pub keeps_empty: bool,
}

/// A task file without its data.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// Its description in one line.
    pub description: String,
    /// Label values.
    pub labels: Vec<String>,
    /// Its templates.
    pub templates: Vec<Template>,
    /// The data set on the hub that it uses.
    pub hub: Option<String>,
}

/// A file of a data set.
pub(super) struct DataFile {
    /// Its path, whose extension gives the format.
    pub(super) path: PathBuf,
    /// The card of its data set, which may name the classes.
    pub(super) card: Option<PathBuf>,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// Prefix of ids for rows without an id.
    pub(super) prefix: String,
}

/// Fetches the files for a name under `[data]`.
pub(super) type Fetch<'a> = &'a dyn Fn(&DataSpec, &str) -> Result<Vec<DataFile>>;

impl Task {
    /// Reads the data of the task file `spec`, with files from `fetch`.
    ///
    /// # Errors
    /// All errors in the file, `diagnostics`, or, if it has none, all errors in its data.
    pub(super) fn read(
        spec: Option<Spec>,
        mut diagnostics: Diagnostics,
        fetch: Fetch<'_>,
    ) -> Result<Self, Diagnostics> {
        let Some(spec) = spec.filter(|_| diagnostics.is_empty()) else { return Err(diagnostics) };
        let used_fields = spec.templates.iter().flat_map(Template::fields).collect();
        let reader = Reader { data: &spec.data, labels: &spec.labels, used_fields: &used_fields };
        let mut memory = Memory::from_env().map_err(|error| {
            diagnostics.push(error);
            std::mem::take(&mut diagnostics)
        })?;
        let mut read = |part: Option<&DataPart>, name: &str, diagnostics: &mut Diagnostics| {
            part.map(|part| located(&reader, part, name, fetch, (&mut memory, diagnostics))).unwrap_or_default()
        };
        let pool = read(spec.data.pool.as_ref(), "pool", &mut diagnostics);
        let dev = read(spec.data.dev.as_ref(), "development split", &mut diagnostics);
        let test = read(Some(&spec.data.test), "test split", &mut diagnostics);
        check_ids(&[&pool, &dev, &test], &mut diagnostics);
        check_rendering(&spec.templates, &[&pool, &dev, &test], &mut diagnostics);
        let task = Self {
            name: spec.name,
            description: spec.description,
            labels: spec.labels,
            templates: spec.templates,
            pool: examples(pool),
            pools: Vec::new(),
            dev: examples(dev),
            test: examples(test),
            keeps_empty: spec.data.empty == Empty::Keep,
        };
        if diagnostics.is_empty() { Ok(task) } else { Err(diagnostics) }
    }

    /// Returns the template called `name`, or the first one.
    ///
    /// # Errors
    /// If no template has that name; lists the templates.
    pub fn template(&self, name: Option<&str>) -> Result<&Template> {
        let Some(name) = name else { return Ok(&self.templates[0]) };
        self.templates.iter().find(|template| template.name == name).ok_or_else(|| Error::Unknown {
            what: "template",
            given: name.to_owned(),
            known: self.templates.iter().map(|template| template.name.clone()).collect(),
        })
    }
}

impl Outline {
    /// Takes what does not depend on the data.
    ///
    /// # Errors
    /// The errors of the file, `diagnostics`.
    pub(super) fn of(spec: Option<Spec>, diagnostics: Diagnostics) -> Result<Self, Diagnostics> {
        let Some(spec) = spec.filter(|_| diagnostics.is_empty()) else { return Err(diagnostics) };
        let Spec { name, description, labels, templates, data } = spec;
        Ok(Self { name, description, labels, templates, hub: data.hub })
    }
}

/// Reads the examples of `part`.
fn located(
    reader: &Reader<'_>,
    part: &DataPart,
    name: &str,
    fetch: Fetch<'_>,
    (memory, diagnostics): (&mut Memory, &mut Diagnostics),
) -> Vec<Located> {
    let files = match fetch(reader.data, &part.name) {
        Ok(files) => files,
        Err(error) => {
            diagnostics.push(as_input(error));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    let (required, optional) = (reader.required_columns(), reader.optional_columns());
    let optional = &optional.each_ref().map(String::as_str);
    let columns = required.as_ref().map_or(Columns::All, |required| Columns::Named { required, optional });
    let mut slice = part.slice;
    let (first, no_errors) = (files.first().map(|file| file.path.clone()), diagnostics.is_empty());
    for file in files {
        let labels = LabelMap::new(reader.data, reader.labels, class_names(&file, reader.data));
        let source = Source { path: file.path.into(), prefix: &file.prefix, labels };
        let mut counted = slice.from;
        let how = (&reader.data.format, slice, columns);
        table::read(&source.path, &file.bytes, how, memory, diagnostics, &mut |row, diagnostics| {
            counted += 1;
            reader.take(&source, row, &mut found, diagnostics);
        });
        slice = slice.after(counted);
    }
    if let (true, Some(path)) = (found.is_empty() && no_errors && diagnostics.is_empty(), first) {
        let help = "is the file empty, or does a range, `skip_labels` or `empty` exclude all rows?";
        diagnostics.push(InputError::new(format!("the {name} has no examples")).path(path).help(help));
    }
    let found = sampled(found, part);
    check_classes(&found, name, reader.labels, diagnostics);
    found
}

/// Returns the names that the data set gives to the classes: those in the file itself, or else in its card.
fn class_names(file: &DataFile, data: &DataSpec) -> Result<Option<ClassNames>, InputError> {
    let metadata = table::metadata(&file.bytes, "huggingface");
    let stated = metadata.and_then(|metadata| of_metadata(&file.path, &metadata, &data.label));
    match &file.card {
        Some(card) if stated.is_none() => of_card(card, data.config.as_deref(), &data.label),
        _ => Ok(stated),
    }
}

fn examples(located: Vec<Located>) -> Vec<Example> {
    located.into_iter().map(|located| located.example).collect()
}
