//! Converts rows of a table to labelled examples.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    diagnostics::Diagnostics,
    example::{Example, repeated_id},
    labels::{LabelMap, check_text_beside, columns_beside},
    spec::{DataPart, DataSpec, Empty},
    table::DataRow,
    template::{RENDERED, Template},
};
use crate::{error::InputError, random::SeededRng, text::list};

/// An example and its position in a file.
pub(super) struct Located {
    pub(super) example: Example,
    pub(super) path: Arc<Path>,
    pub(super) line: usize,
}

/// A file whose rows are read.
pub(super) struct Source<'a> {
    pub(super) path: Arc<Path>,
    /// Prefix of ids for rows without an id.
    pub(super) prefix: &'a str,
    pub(super) labels: LabelMap<'a>,
}

/// Converts rows to examples according to a task file.
pub(super) struct Reader<'a> {
    pub(super) data: &'a DataSpec,
    pub(super) labels: &'a [String],
    /// Fields used by templates.
    pub(super) used_fields: &'a HashSet<String>,
}

impl Reader<'_> {
    /// Returns the columns of which examples are made; `None` if that is all columns.
    pub(super) fn required_columns(&self) -> Option<HashSet<&str>> {
        let DataSpec { fields, label, .. } = self.data;
        let columns = fields.iter().map(|(_, column)| column.as_str()).chain([label.as_str()]);
        (!fields.is_empty()).then(|| columns.collect())
    }

    /// Returns the columns that may be missing: ids, and texts beside the label.
    pub(super) fn optional_columns(&self) -> [String; 3] {
        let [text, name] = columns_beside(&self.data.label);
        [self.data.id.clone(), text, name]
    }

    /// Adds the example of `row` to `found`, or an error to `diagnostics`.
    pub(super) fn take(
        &self,
        source: &Source<'_>,
        row: DataRow,
        found: &mut Vec<Located>,
        diagnostics: &mut Diagnostics,
    ) {
        let line = row.line;
        match self.example(source, row) {
            Ok(Some(example)) => found.push(Located { example, path: Arc::clone(&source.path), line }),
            Ok(None) => {}
            Err(error) => diagnostics.push(error.path(&*source.path).line(line)),
        }
    }

    /// Converts a row; `None` if the task file excludes it.
    fn example(&self, source: &Source<'_>, mut row: DataRow) -> Result<Option<Example>, InputError> {
        let data = self.data;
        let id = match row.column(&data.id).filter(|id| !id.is_null()) {
            None => format!("{}-{}", source.prefix, row.line),
            Some(id) => scalar(id).ok_or_else(|| {
                InputError::new("the id is neither a text nor a number")
                    .field(&data.id)
                    .help("choose another column as `id`")
            })?,
        };
        let given = self.given_label(&row)?;
        if source.labels.skips(&given) {
            return Ok(None);
        }
        let Some(label) = source.labels.label(&given)? else { return Ok(None) };
        if data.label_values.is_empty() {
            check_text_beside(self.labels, &data.label, &given, label, &|name| row.column(name).and_then(scalar))?;
        }
        let fields = if data.fields.is_empty() {
            row.remove(&data.id);
            row.remove(&data.label);
            row.columns
        } else {
            self.renamed(&row)?
        };
        let example = Example { id, fields, label };
        let shown = example.fields.keys().filter(|name| self.used_fields.contains(*name));
        match example.check_texts(shown) {
            Err(_) if data.empty == Empty::Skip => Ok(None),
            Err(error) if data.empty == Empty::Error => {
                Err(error.help("fill it in, or set `empty = \"skip\"` or `\"keep\"` under [data]"))
            }
            _ => Ok(Some(example)),
        }
    }

    /// Returns the value of the label column as text.
    fn given_label(&self, row: &DataRow) -> Result<String, InputError> {
        let column = &self.data.label;
        let given = row.column(column);
        let Some(given) = given.filter(|given| !given.is_null()) else {
            let problem = if given.is_some() { "the label is missing" } else { "there is no such column" };
            let help =
                format!("set `data.label` to the column with the labels; the columns are {}", list(row.columns.keys()));
            return Err(InputError::new(problem).field(column).help(help));
        };
        scalar(given).ok_or_else(|| {
            InputError::new("the label is neither a text nor a number")
                .field(column)
                .help(format!("name a field of it, as in `label = \"{column}.FIELD\"`"))
        })
    }

    fn renamed(&self, row: &DataRow) -> Result<Map<String, Value>, InputError> {
        let one = |(name, column): &(String, String)| {
            let value = row.column(column).ok_or_else(|| {
                let help = format!("the columns are {}", list(row.columns.keys()));
                InputError::new(format!("the field `{name}` has no such column")).field(column).help(help)
            })?;
            Ok((name.clone(), value.clone()))
        };
        self.data.fields.iter().map(one).collect()
    }
}

/// Converts texts, numbers and booleans to text; whole floats become integers.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => Some(format!("{float:.0}")),
            _ => Some(number.to_string()),
        },
        _ => None,
    }
}

/// Reports ids that occur twice among all parts of a task.
pub(super) fn check_ids(parts: &[&[Located]], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Located> = HashMap::new();
    for located in parts.iter().copied().flatten() {
        let Some(first) = seen.insert(&located.example.id, located) else { continue };
        let place = if first.path == located.path { String::new() } else { format!(" of {}", first.path.display()) };
        let help = "ids must be unique, and pool, dev and test must not overlap";
        let error = repeated_id(&located.example.id, first.line, &place).help(help);
        diagnostics.push(error.path(&*located.path).line(located.line));
    }
}

/// Reports a part whose examples all have the same label.
pub(super) fn check_classes(part: &[Located], name: &str, labels: &[String], diagnostics: &mut Diagnostics) {
    let Some(first) = part.first() else { return };
    if part.len() > 1 && part.iter().all(|located| located.example.label == first.example.label) {
        let label = &labels[first.example.label];
        let problem = format!("all {} examples of the {name} have the label `{label}`", part.len());
        let help = "examples of at least two labels are needed; is the file sorted by label and truncated?";
        diagnostics.push(InputError::new(problem).path(&*first.path).line(first.line).help(help));
    }
}

/// Reports examples that a template cannot render. If the first example fails, the template is wrong, which is reported
/// once.
pub(super) fn check_rendering(templates: &[Template], parts: &[&[Located]], diagnostics: &mut Diagnostics) {
    let all: Vec<&Located> = parts.iter().copied().flatten().collect();
    let Some((first, others)) = all.split_first() else { return };
    for template in templates {
        if let Some((_, error)) = template.failures(&[&first.example]).pop() {
            diagnostics.push(error);
            continue;
        }
        for located in others.chunks(RENDERED) {
            let examples: Vec<&Example> = located.iter().map(|located| &located.example).collect();
            for (at, error) in template.failures(&examples) {
                let error = error.path(&*located[at].path).line(located[at].line);
                diagnostics.push(InputError { column: None, ..error });
            }
        }
    }
}

/// Draws at most `part.sample` examples, as balanced over labels as possible, in the order of the data.
pub(super) fn sampled(found: Vec<Located>, part: &DataPart) -> Vec<Located> {
    let Some(count) = part.sample.filter(|&count| count < found.len()) else { return found };
    let mut by_label: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, located) in found.iter().enumerate() {
        by_label.entry(located.example.label).or_default().push(at);
    }
    let mut draws = SeededRng::stream(0, 5);
    let mut queues: Vec<Vec<usize>> = by_label.into_values().collect();
    for queue in &mut queues {
        draws.shuffle(queue);
    }
    let mut kept = HashSet::new();
    while kept.len() < count {
        for queue in &mut queues {
            if kept.len() < count {
                kept.extend(queue.pop());
            }
        }
    }
    found.into_iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, located)| located).collect()
}
