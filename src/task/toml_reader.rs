//! Reads TOML field by field and collects all errors with line and column.

use std::{collections::BTreeSet, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::diagnostics::{Diagnostics, Location};
use crate::{error::InputError, text::list};

/// A value with its span in the text, in bytes.
pub(super) type Placed<T> = (T, Range<usize>);

/// A TOML text and its errors.
pub(super) struct TomlReader<'t> {
    path: &'t Path,
    text: &'t str,
    pub(super) diagnostics: Diagnostics,
}

impl<'t> TomlReader<'t> {
    pub(super) fn new(path: &'t Path, text: &'t str) -> Self {
        Self { path, text, diagnostics: Diagnostics::default() }
    }

    /// Parses as much of the text as possible.
    pub(super) fn parse(&mut self) -> TomlSection<'t> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let error = self.error(&span, error.message().to_owned());
            self.diagnostics.push(error);
        }
        let span = 0..0;
        TomlSection {
            table: table.into_inner(),
            span,
            within: String::new(),
            read: BTreeSet::new(),
            present: BTreeSet::new(),
        }
    }

    /// Reports an error in `field` at `span`; `help` may be empty.
    pub(super) fn wrong(&mut self, span: &Range<usize>, field: &str, problem: impl Into<String>, help: &str) {
        let error = self.error(span, problem.into()).field(field);
        self.diagnostics.push(if help.is_empty() { error } else { error.help(help) });
    }

    fn error(&self, span: &Range<usize>, problem: String) -> InputError {
        self.location(span).locate(InputError::new(problem))
    }

    /// Returns the start of `span`.
    pub(super) fn location(&self, span: &Range<usize>) -> Location {
        let before = &self.text[..span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1;
        Location { path: self.path.to_owned(), line, column }
    }
}

/// One table of the file. Closing it reports the fields that were not read.
pub(super) struct TomlSection<'t> {
    table: DeTable<'t>,
    pub(super) span: Range<usize>,
    /// Prefix of its fields' full names.
    within: String,
    /// Fields that were read, whether they exist or not.
    read: BTreeSet<&'static str>,
    /// Fields that were read and exist.
    present: BTreeSet<&'static str>,
}

impl<'t> TomlSection<'t> {
    /// Returns the full name of a field.
    pub(super) fn name(&self, field: &str) -> String {
        format!("{}{field}", self.within)
    }

    fn take(&mut self, field: &'static str) -> Option<Placed<DeValue<'t>>> {
        self.read.insert(field);
        let (_, value) = self.table.remove_entry(field)?;
        self.present.insert(field);
        let span = value.span();
        Some((value.into_inner(), span))
    }

    /// Reports a required field that is missing; a wrong type has already been reported.
    pub(super) fn required<T>(&self, toml: &mut TomlReader<'_>, field: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && !self.present.contains(field) {
            toml.wrong(&self.span, &self.name(field), "the field is missing", "");
        }
        found
    }

    /// Reads a text.
    pub(super) fn text(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<Placed<String>> {
        match self.take(field)? {
            (DeValue::String(text), span) => Some((text.into_owned(), span)),
            (other, span) => self.mistyped(toml, field, "a text", &other, &span),
        }
    }

    /// Reads a boolean.
    pub(super) fn flag(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<bool> {
        match self.take(field)? {
            (DeValue::Boolean(value), _) => Some(value),
            (other, span) => self.mistyped(toml, field, "true or false", &other, &span),
        }
    }

    /// Reads a count.
    pub(super) fn count(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<usize> {
        match self.take(field)? {
            (DeValue::Integer(value), span) => value.as_str().parse().ok().or_else(|| {
                toml.wrong(&span, &self.name(field), "this is not a count", "write a whole number");
                None
            }),
            (other, span) => self.mistyped(toml, field, "a whole number", &other, &span),
        }
    }

    /// Reads a list of texts; converts numbers and booleans to text.
    pub(super) fn texts(
        &mut self,
        toml: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<Placed<String>>>> {
        self.flat_texts(toml, field, "")
    }

    /// As [`texts`](Self::texts), with advice for an item that is a list.
    pub(super) fn flat_texts(
        &mut self,
        toml: &mut TomlReader<'_>,
        field: &'static str,
        help: &str,
    ) -> Option<Placed<Vec<Placed<String>>>> {
        let (items, span) = self.list(toml, field)?;
        let texts = items.into_iter().filter_map(|item| match item.get_ref() {
            DeValue::Array(_) if !help.is_empty() => {
                toml.wrong(&item.span(), &self.name(field), "this is array, not a text", help);
                None
            }
            _ => self.scalar(toml, field, item),
        });
        let texts: Vec<Placed<String>> = texts.collect();
        Some((texts, span))
    }

    /// Reads a list whose items are texts or lists of texts.
    pub(super) fn text_lists(
        &mut self,
        toml: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<Vec<String>>>> {
        let (items, span) = self.list(toml, field)?;
        let one = |item: Spanned<DeValue<'t>>| {
            let place = item.span();
            match item.into_inner() {
                DeValue::Array(items) => {
                    items.into_iter().filter_map(|item| self.scalar(toml, field, item)).map(|(text, _)| text).collect()
                }
                other => {
                    self.scalar(toml, field, Spanned::new(place, other)).map(|(text, _)| text).into_iter().collect()
                }
            }
        };
        Some((items.into_iter().map(one).collect(), span))
    }

    /// Reads a table whose values are texts, in the order of the file.
    pub(super) fn pairs(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<Vec<(String, String)>> {
        match self.take(field)? {
            (DeValue::Table(table), _) => {
                let mut pairs: Vec<_> = table.into_iter().collect();
                pairs.sort_by_key(|(name, _)| name.span().start);
                let one = |(name, value): (Spanned<std::borrow::Cow<'t, str>>, _)| {
                    Some((name.into_inner().into_owned(), self.scalar(toml, field, value)?.0))
                };
                Some(pairs.into_iter().filter_map(one).collect())
            }
            (other, span) => self.mistyped(toml, field, "a table", &other, &span),
        }
    }

    /// Reads a nested table.
    pub(super) fn section(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<TomlSection<'t>> {
        match self.take(field)? {
            (DeValue::Table(table), span) => Some(TomlSection {
                table,
                span,
                within: format!("{}.", self.name(field)),
                read: BTreeSet::new(),
                present: BTreeSet::new(),
            }),
            (other, span) => self.mistyped(toml, field, "a table", &other, &span),
        }
    }

    /// Reads an array of tables, `[[field]]`.
    pub(super) fn sections(
        &mut self,
        toml: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<TomlSection<'t>>>> {
        let (items, span) = self.list(toml, field)?;
        let one = |item: Spanned<DeValue<'t>>| {
            let place = item.span();
            match item.into_inner() {
                DeValue::Table(table) => {
                    let name = match table.get("name").map(Spanned::get_ref) {
                        Some(DeValue::String(name)) => format!(".{name}"),
                        _ => String::new(),
                    };
                    let within = format!("{}{name}.", self.name(field));
                    Some(TomlSection { table, span: place, within, read: BTreeSet::new(), present: BTreeSet::new() })
                }
                other => self.mistyped(toml, field, "a table", &other, &place),
            }
        };
        Some((items.into_iter().filter_map(one).collect(), span))
    }

    /// Reports the fields that were not read.
    pub(super) fn close(self, toml: &mut TomlReader<'_>) {
        let known = format!("the fields here are {}", list(&self.read));
        for (name, _) in &self.table {
            toml.wrong(&name.span(), &format!("{}{}", self.within, name.get_ref()), "there is no such field", &known);
        }
    }

    fn list(&mut self, toml: &mut TomlReader<'_>, field: &'static str) -> Option<Placed<DeArray<'t>>> {
        match self.take(field)? {
            (DeValue::Array(items), span) => Some((items, span)),
            (other, span) => self.mistyped(toml, field, "a list", &other, &span),
        }
    }

    fn scalar(&self, toml: &mut TomlReader<'_>, field: &str, item: Spanned<DeValue<'t>>) -> Option<Placed<String>> {
        let span = item.span();
        match item.into_inner() {
            DeValue::String(text) => Some((text.into_owned(), span)),
            DeValue::Integer(number) => Some((number.to_string(), span)),
            DeValue::Boolean(value) => Some((value.to_string(), span)),
            other => {
                let problem = format!("this is {}, not a text", other.type_str());
                toml.wrong(&span, &self.name(field), problem, "");
                None
            }
        }
    }

    /// Reports a wrong type.
    fn mistyped<T>(
        &self,
        toml: &mut TomlReader<'_>,
        field: &str,
        wanted: &str,
        found: &DeValue<'_>,
        span: &Range<usize>,
    ) -> Option<T> {
        toml.wrong(span, &self.name(field), format!("this is {}, not {wanted}", found.type_str()), "");
        None
    }
}
