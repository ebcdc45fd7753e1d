//! A task file as it is written: the fields, checked, before any data is read.

use std::{collections::HashSet, ops::Range, path::Path};

use super::{
    diagnostics::Diagnostics,
    table::{Format, Slice},
    template::{Template, TemplateSpec},
    toml_reader::{Placed, TomlReader, TomlSection},
};

/// A task file without its data.
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
    /// Per label, the values that stand for it in the data; empty if the label itself or its index does.
    pub(super) label_values: Vec<Vec<String>>,
    pub(super) skip_labels: Vec<String>,
    /// Names for templates and the columns they stand for; all columns under their own names if empty.
    pub(super) fields: Vec<(String, String)>,
    pub(super) empty: Empty,
    pub(super) format: Format,
}

/// One of pool, dev and test: a file or a split of a hub data set, some of its rows, at most so many of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DataPart {
    pub(super) name: String,
    pub(super) slice: Slice,
    pub(super) sample: Option<usize>,
}

/// What to do about an example whose text is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Empty {
    #[default]
    Error,
    Skip,
    Keep,
}

impl Spec {
    /// Reads the fields of a task file; what is wrong goes to the mistakes, and as much as possible is returned.
    pub(super) fn read(path: &Path, text: &str) -> (Option<Self>, Diagnostics) {
        let mut page = TomlReader::new(path, text);
        let mut top = page.parse();
        let spec = read(&mut page, &mut top);
        top.close(&mut page);
        (spec, page.diagnostics)
    }
}

fn read(page: &mut TomlReader<'_>, top: &mut TomlSection<'_>) -> Option<Spec> {
    let name = top.text(page, "name");
    let name = top.required(page, "name", name);
    let description = top.text(page, "description").map(|(text, _)| text).unwrap_or_default();
    let labels = top.texts(page, "labels");
    let labels = top.required(page, "labels", labels).unwrap_or_default();
    check_labels(page, &labels);
    let labels: Vec<String> = labels.0.into_iter().map(|(label, _)| label).collect();
    let data = top.section(page, "data");
    let data = top.required(page, "data", data).and_then(|section| data_spec(page, section, labels.len()));
    let sections = top.sections(page, "template");
    let sections = top.required(page, "template", sections);
    let templates = sections.map(|sections| templates(page, sections, labels.len())).unwrap_or_default();
    let (name, span) = name?;
    if name.trim().is_empty() {
        page.wrong(&span, "name", "the name is empty", "");
    }
    Some(Spec { name, description, data: data?, templates, labels })
}

fn check_labels(page: &mut TomlReader<'_>, (labels, span): &Placed<Vec<Placed<String>>>) {
    let mut seen = HashSet::new();
    for (label, span) in labels {
        if !seen.insert(label) {
            page.wrong(span, "labels", format!("the label `{label}` occurs twice"), "");
        }
    }
    if labels.len() == 1 || (labels.is_empty() && *span != (0..0)) {
        page.wrong(span, "labels", "a task needs at least two labels", "");
    }
}

fn data_spec(page: &mut TomlReader<'_>, mut section: TomlSection<'_>, labels: usize) -> Option<DataSpec> {
    let plain = |found: Option<Placed<String>>| found.map(|(text, _)| text);
    let hub = plain(section.text(page, "hub"));
    let config = plain(section.text(page, "config"));
    let pool = section.text(page, "pool").and_then(|found| part(page, &section, "pool", found));
    let dev = section.text(page, "dev").and_then(|found| part(page, &section, "dev", found));
    let test = section.text(page, "test");
    let test = section.required(page, "test", test).and_then(|found| part(page, &section, "test", found));
    let label = plain(section.text(page, "label")).unwrap_or_else(|| "label".to_owned());
    let id = plain(section.text(page, "id")).unwrap_or_else(|| "id".to_owned());
    let label_values = match section.text_lists(page, "label_values") {
        Some((values, span)) if values.len() != labels => {
            let problem = format!("{} values for {labels} labels", values.len());
            page.wrong(&span, &section.name("label_values"), problem, "write one a label, in the order of `labels`");
            Vec::new()
        }
        found => found.map(|(values, _)| values).unwrap_or_default(),
    };
    let skip_labels = section.texts(page, "skip_labels").map(|(labels, _)| labels).unwrap_or_default();
    let fields = section.pairs(page, "fields").unwrap_or_default();
    let empty = empty(page, &mut section);
    let format = format(page, &mut section);
    let (mut pool, mut dev, mut test) = (pool, dev, test);
    if let Some(mut sample) = section.section(page, "sample") {
        for (name, part) in [("pool", &mut pool), ("dev", &mut dev), ("test", &mut test)] {
            let count = sample.count(page, name);
            if let Some(part) = part {
                part.sample = count;
            }
        }
        sample.close(page);
    }
    section.close(page);
    let skip_labels = skip_labels.into_iter().map(|(label, _)| label).collect();
    Some(DataSpec { hub, config, pool, dev, test: test?, label, id, label_values, skip_labels, fields, empty, format })
}

fn empty(page: &mut TomlReader<'_>, section: &mut TomlSection<'_>) -> Empty {
    match section.text(page, "empty") {
        None => Empty::Error,
        Some((text, span)) => match text.as_str() {
            "error" => Empty::Error,
            "skip" => Empty::Skip,
            "keep" => Empty::Keep,
            _ => {
                let problem = format!("`{text}` is no way to treat empty texts");
                page.wrong(&span, &section.name("empty"), problem, "write `error`, `skip` or `keep`");
                Empty::Error
            }
        },
    }
}

fn format(page: &mut TomlReader<'_>, section: &mut TomlSection<'_>) -> Format {
    let columns = section.texts(page, "columns").map(|(names, _)| names.into_iter().map(|(name, _)| name).collect());
    let delimiter = section.text(page, "delimiter").and_then(|(text, span)| {
        if let [byte] = text.as_bytes() {
            return Some(*byte);
        }
        page.wrong(&span, &section.name("delimiter"), "a delimiter is one character", r#"write "\t" or ";""#);
        None
    });
    Format { columns, delimiter, quoting: section.flag(page, "quoting") }
}

/// `train`, `train[:2000]`, `all.csv[500:]`.
fn part(
    page: &mut TomlReader<'_>,
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
            let problem = format!("`[{inner}]` names no rows");
            page.wrong(&span, &section.name(field), problem, "write [:2000], [2000:] or [500:1000]");
            None
        }
    }
}

fn templates(
    page: &mut TomlReader<'_>,
    (sections, span): Placed<Vec<TomlSection<'_>>>,
    labels: usize,
) -> Vec<Template> {
    if sections.is_empty() {
        page.wrong(&span, "template", "a task needs at least one template", "");
    }
    let read: Vec<(Template, Range<usize>)> = sections
        .into_iter()
        .filter_map(|mut section| {
            let span = section.span.clone();
            let spec = template_spec(page, &mut section, labels);
            let made = spec.and_then(|(spec, [example, words])| {
                let field = section.name("example");
                let made = Template::new(spec).map_err(|problem| page.wrong(&example, &field, problem, ""));
                Some(made.ok()?.placed(page.spot(&example), page.spot(&words)))
            });
            section.close(page);
            Some((made?, span))
        })
        .collect();
    let mut seen = HashSet::new();
    for (template, span) in &read {
        if !seen.insert(template.name.as_str()) {
            page.wrong(span, "template", format!("two templates are called `{}`", template.name), "");
        }
    }
    for (template, span) in &read {
        if let Some(stranger) = template.contrast.as_ref().filter(|contrast| !seen.contains(contrast.as_str())) {
            let field = format!("template.{}.contrast", template.name);
            let cure = format!("there are: {}", crate::text::list(&seen));
            page.wrong(span, &field, format!("no template is called `{stranger}`"), &cure);
        }
    }
    read.into_iter().map(|(template, _)| template).collect()
}

/// A template, and where its `example` and its `label_words` stand.
fn template_spec(
    page: &mut TomlReader<'_>,
    section: &mut TomlSection<'_>,
    labels: usize,
) -> Option<(TemplateSpec, [Range<usize>; 2])> {
    let name = section.text(page, "name");
    let name = section.required(page, "name", name);
    let example = section.text(page, "example");
    let example = section.required(page, "example", example);
    let words = section.texts(page, "label_words");
    let words = section.required(page, "label_words", words);
    let separator = section.text(page, "separator").map_or_else(|| "\n\n".to_owned(), |(text, _)| text);
    let instruction = section.text(page, "instruction").map(|(text, _)| text).unwrap_or_default();
    let contrast = section.text(page, "contrast").map(|(text, _)| text);
    let first_token = section.flag(page, "first_token").unwrap_or(false);
    let chat = section.flag(page, "chat").unwrap_or(false);
    let ((words, words_span), field) = (words?, section.name("label_words"));
    let mut seen = HashSet::new();
    for (word, span) in &words {
        if word.is_empty() {
            page.wrong(span, &field, "a label word is empty", "");
        } else if !seen.insert(word.as_str()) {
            page.wrong(span, &field, format!("the label word `{word}` occurs twice"), "choose words that differ");
        }
    }
    if labels > 0 && words.len() != labels {
        let problem = format!("{} label words for {labels} labels", words.len());
        page.wrong(&words_span, &field, problem, "write one a label, in the order of `labels`");
    }
    let label_words = words.into_iter().map(|(word, _)| word).collect();
    let (example, place) = example?;
    let spec =
        TemplateSpec { name: name?.0, example, label_words, separator, instruction, contrast, first_token, chat };
    Some((spec, [place, words_span]))
}
