//! Reads and checks the fields of a task file, without its data.

use std::{collections::HashSet, ops::Range, path::Path};

use super::{
    diagnostics::Diagnostics,
    table::{Format, Slice},
    template::{Template, TemplateSpec},
    toml_reader::{Placed, TomlReader, TomlSection},
    word_classes,
};

/// Maximum length of an instruction, a separator or a label word, in bytes: longer ones fit in no model's context, and
/// would be tokenised before that is found.
const MAX_TEXT: usize = 1 << 20;

/// The checked fields of a task file.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) labels: Vec<String>,
    pub(super) data: DataSpec,
    pub(super) templates: Vec<Template>,
}

/// `[data]`: where examples come from and what their columns mean.
#[derive(Debug, Default)]
pub(super) struct DataSpec {
    pub(super) hub: Option<String>,
    pub(super) config: Option<String>,
    pub(super) pool: Option<DataPart>,
    pub(super) dev: Option<DataPart>,
    pub(super) test: DataPart,
    pub(super) label: String,
    pub(super) id: String,
    /// Per label, its values in the data; if empty, the label itself or its index.
    pub(super) label_values: Vec<Vec<String>>,
    pub(super) skip_labels: Vec<String>,
    /// Names used in templates, each with its column; if empty, all columns under their own names.
    pub(super) fields: Vec<(String, String)>,
    pub(super) empty: Empty,
    pub(super) format: Format,
}

/// Pool, dev or test: a file or a split of a hub data set, a range of its rows, and a maximum number of examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DataPart {
    pub(super) name: String,
    pub(super) slice: Slice,
    pub(super) sample: Option<usize>,
}

/// How to treat an example with an empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Empty {
    #[default]
    Error,
    Skip,
    Keep,
}

impl Spec {
    /// Reads the fields of a task file; `None` if one of the required fields is unusable.
    pub(super) fn read(path: &Path, text: &str) -> (Option<Self>, Diagnostics) {
        let mut toml = TomlReader::new(path, text);
        let mut top = toml.parse();
        let spec = read(&mut toml, &mut top);
        top.close(&mut toml);
        (spec, toml.diagnostics)
    }
}

fn read(toml: &mut TomlReader<'_>, top: &mut TomlSection<'_>) -> Option<Spec> {
    let name = top.text(toml, "name");
    let name = top.required(toml, "name", name);
    let description = top.text(toml, "description").map(|(text, _)| text).unwrap_or_default();
    let labels = top.texts(toml, "labels");
    let labels = top.required(toml, "labels", labels).unwrap_or_default();
    check_labels(toml, &labels);
    let labels: Vec<String> = labels.0.into_iter().map(|(label, _)| label).collect();
    let data = top.section(toml, "data");
    let data = top.required(toml, "data", data).and_then(|section| data_spec(toml, section, labels.len()));
    let sections = top.sections(toml, "template");
    let sections = top.required(toml, "template", sections);
    let templates = sections.map(|sections| templates(toml, sections, &labels)).unwrap_or_default();
    let (name, span) = name?;
    if name.trim().is_empty() {
        toml.wrong(&span, "name", "the name is empty", "");
    }
    Some(Spec { name, description, data: data?, templates, labels })
}

fn check_labels(toml: &mut TomlReader<'_>, (labels, span): &Placed<Vec<Placed<String>>>) {
    let mut seen = HashSet::new();
    for (label, span) in labels {
        if !seen.insert(label) {
            toml.wrong(span, "labels", format!("the label `{label}` occurs twice"), "");
        }
    }
    if labels.len() == 1 || (labels.is_empty() && *span != (0..0)) {
        toml.wrong(span, "labels", "a task needs at least two labels", "");
    }
}

fn data_spec(toml: &mut TomlReader<'_>, mut section: TomlSection<'_>, labels: usize) -> Option<DataSpec> {
    let plain = |found: Option<Placed<String>>| found.map(|(text, _)| text);
    let hub = plain(section.text(toml, "hub"));
    let config = plain(section.text(toml, "config"));
    let pool = section.text(toml, "pool").and_then(|found| part(toml, &section, "pool", found));
    let dev = section.text(toml, "dev").and_then(|found| part(toml, &section, "dev", found));
    let test = section.text(toml, "test");
    let test = section.required(toml, "test", test).and_then(|found| part(toml, &section, "test", found));
    let label = plain(section.text(toml, "label")).unwrap_or_else(|| "label".to_owned());
    let id = plain(section.text(toml, "id")).unwrap_or_else(|| "id".to_owned());
    let label_values = match section.text_lists(toml, "label_values") {
        Some((values, span)) if values.len() != labels => {
            let problem = format!("{} values, but there are {labels} labels", values.len());
            toml.wrong(&span, &section.name("label_values"), problem, "write one per label, in the order of `labels`");
            Vec::new()
        }
        found => found.map(|(values, _)| values).unwrap_or_default(),
    };
    let skip_labels = section.texts(toml, "skip_labels").map(|(labels, _)| labels).unwrap_or_default();
    let fields = section.pairs(toml, "fields").unwrap_or_default();
    let empty = empty(toml, &mut section);
    let format = format(toml, &mut section);
    let (mut pool, mut dev, mut test) = (pool, dev, test);
    if let Some(mut sample) = section.section(toml, "sample") {
        for (name, part) in [("pool", &mut pool), ("dev", &mut dev), ("test", &mut test)] {
            let count = sample.count(toml, name);
            if let Some(part) = part {
                part.sample = count;
            }
        }
        sample.close(toml);
    }
    section.close(toml);
    let skip_labels = skip_labels.into_iter().map(|(label, _)| label).collect();
    Some(DataSpec { hub, config, pool, dev, test: test?, label, id, label_values, skip_labels, fields, empty, format })
}

fn empty(toml: &mut TomlReader<'_>, section: &mut TomlSection<'_>) -> Empty {
    match section.text(toml, "empty") {
        None => Empty::Error,
        Some((text, span)) => match text.as_str() {
            "error" => Empty::Error,
            "skip" => Empty::Skip,
            "keep" => Empty::Keep,
            _ => {
                let problem = format!("`{text}` is not a way to treat empty texts");
                toml.wrong(&span, &section.name("empty"), problem, "write `error`, `skip` or `keep`");
                Empty::Error
            }
        },
    }
}

fn format(toml: &mut TomlReader<'_>, section: &mut TomlSection<'_>) -> Format {
    let columns = section.texts(toml, "columns").map(|(names, _)| names.into_iter().map(|(name, _)| name).collect());
    let delimiter = section.text(toml, "delimiter").and_then(|(text, span)| {
        if let [byte] = text.as_bytes() {
            return Some(*byte);
        }
        toml.wrong(&span, &section.name("delimiter"), "a delimiter is one character", r#"write "\t" or ";""#);
        None
    });
    Format { columns, delimiter, quoting: section.flag(toml, "quoting") }
}

/// Parses a name with an optional range of rows: `train`, `train[:2000]`, `all.csv[500:]`.
fn part(
    toml: &mut TomlReader<'_>,
    section: &TomlSection<'_>,
    field: &str,
    (text, span): Placed<String>,
) -> Option<DataPart> {
    let whole = |name: &str, slice| Some(DataPart { name: name.to_owned(), slice, sample: None });
    let Some((name, inner)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) else {
        return whole(&text, Slice::default());
    };
    let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    let bounds = inner.split_once(':').and_then(|(from, to)| Some((bound(from)?, bound(to)?)));
    match bounds {
        Some((from, to)) if to.is_none_or(|to| to > from.unwrap_or(0)) => {
            whole(name, Slice { from: from.unwrap_or(0), to })
        }
        _ => {
            let problem = format!("`[{inner}]` is not a range of rows");
            toml.wrong(&span, &section.name(field), problem, "write [:2000], [2000:] or [500:1000]");
            None
        }
    }
}

fn templates(
    toml: &mut TomlReader<'_>,
    (sections, span): Placed<Vec<TomlSection<'_>>>,
    labels: &[String],
) -> Vec<Template> {
    if sections.is_empty() {
        toml.wrong(&span, "template", "a task needs at least one template", "");
    }
    let read: Vec<(Template, Range<usize>)> = sections
        .into_iter()
        .filter_map(|mut section| {
            let span = section.span.clone();
            let spec = template_spec(toml, &mut section, labels);
            let template = spec.and_then(|(spec, [example, words])| {
                let field = section.name("example");
                let template = Template::new(spec).map_err(|problem| toml.wrong(&example, &field, problem, ""));
                Some(template.ok()?.placed(toml.location(&example), toml.location(&words)))
            });
            section.close(toml);
            Some((template?, span))
        })
        .collect();
    let mut seen = HashSet::new();
    for (template, span) in &read {
        if !seen.insert(template.name.as_str()) {
            toml.wrong(span, "template", format!("two templates are called `{}`", template.name), "");
        }
    }
    for (template, span) in &read {
        if let Some(unknown) = template.contrast.as_ref().filter(|contrast| !seen.contains(contrast.as_str())) {
            let field = format!("template.{}.contrast", template.name);
            let help = format!("the templates are {}", crate::text::list(&seen));
            toml.wrong(span, &field, format!("no template is called `{unknown}`"), &help);
        }
    }
    read.into_iter().map(|(template, _)| template).collect()
}

/// Reads a text that comes with every prompt; one that is too long is an error.
fn short_text(toml: &mut TomlReader<'_>, section: &mut TomlSection<'_>, field: &'static str) -> Option<String> {
    let (text, span) = section.text(toml, field)?;
    if text.len() > MAX_TEXT {
        toml.wrong(&span, &section.name(field), too_long(&text), "move long texts to the data");
        return None;
    }
    Some(text)
}

fn too_long(text: &str) -> String {
    format!("the text has {} bytes; at most {MAX_TEXT} are accepted", text.len())
}

/// Reads a template and the positions of its `example` and its `label_words`.
fn template_spec(
    toml: &mut TomlReader<'_>,
    section: &mut TomlSection<'_>,
    labels: &[String],
) -> Option<(TemplateSpec, [Range<usize>; 2])> {
    let name = section.text(toml, "name");
    let name = section.required(toml, "name", name);
    let example = section.text(toml, "example");
    let example = section.required(toml, "example", example);
    let words =
        section.flat_texts(toml, "label_words", "write all words in one list, and the label of each in `word_classes`");
    let words = section.required(toml, "label_words", words);
    let count = words.as_ref().map_or(0, |(words, _)| words.len());
    let word_classes = word_classes::read(toml, section, labels, count);
    let separator = short_text(toml, section, "separator").unwrap_or_else(|| "\n\n".to_owned());
    let instruction = short_text(toml, section, "instruction").unwrap_or_default();
    let contrast = section.text(toml, "contrast").map(|(text, _)| text);
    let first_token = section.flag(toml, "first_token").unwrap_or(false);
    let chat = section.flag(toml, "chat").unwrap_or(false);
    let ((words, words_span), field) = (words?, section.name("label_words"));
    let mut seen = HashSet::new();
    for (word, span) in &words {
        if word.is_empty() {
            toml.wrong(span, &field, "a label word is empty", "");
        } else if word.len() > MAX_TEXT {
            toml.wrong(span, &field, too_long(word), "");
        } else if !seen.insert(word.as_str()) {
            toml.wrong(span, &field, format!("the label word `{word}` occurs twice"), "choose different words");
        }
    }
    if !labels.is_empty() && words.len() != labels.len() && !word_classes.is_given {
        let problem = format!("{} label words, but there are {} labels", words.len(), labels.len());
        let help = "write one per label, in the order of `labels`, or the label of every word in `word_classes`";
        toml.wrong(&words_span, &field, problem, help);
    }
    let label_words = words.into_iter().map(|(word, _)| word).collect();
    let (example, example_span) = example?;
    let (name, word_classes) = (name?.0, word_classes.classes);
    let spec =
        TemplateSpec { name, example, label_words, word_classes, separator, instruction, contrast, first_token, chat };
    Some((spec, [example_span, words_span]))
}
