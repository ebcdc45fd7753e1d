//! A TOML page read field by field, so that every mistake is told with line and column, and all of them at once.

use std::{collections::BTreeSet, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::diagnostics::{Diagnostics, Location};
use crate::{error::InputError, text::list};

/// A value with its place on the page, in bytes.
pub(super) type Placed<T> = (T, Range<usize>);

/// The text of a page and what is wrong with it.
pub(super) struct TomlReader<'t> {
    path: &'t Path,
    text: &'t str,
    pub(super) diagnostics: Diagnostics,
}

impl<'t> TomlReader<'t> {
    pub(super) fn new(path: &'t Path, text: &'t str) -> Self {
        Self { path, text, diagnostics: Diagnostics::default() }
    }

    /// Parses the text as far as it goes.
    pub(super) fn parse(&mut self) -> TomlSection<'t> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let place = self.place(&span, error.message().to_owned());
            self.diagnostics.push(place);
        }
        let span = 0..0;
        TomlSection {
            table: table.into_inner(),
            span,
            within: String::new(),
            asked: BTreeSet::new(),
            present: BTreeSet::new(),
        }
    }

    /// A mistake at `span` in `field`.
    pub(super) fn wrong(&mut self, span: &Range<usize>, field: &str, problem: impl Into<String>, cure: &str) {
        let mistake = self.place(span, problem.into()).field(field);
        self.diagnostics.push(if cure.is_empty() { mistake } else { mistake.cure(cure) });
    }

    fn place(&self, span: &Range<usize>, problem: String) -> InputError {
        self.spot(span).of(InputError::new(problem))
    }

    /// Where `span` begins.
    pub(super) fn spot(&self, span: &Range<usize>) -> Location {
        let before = &self.text[..span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1;
        Location { path: self.path.to_owned(), line, column }
    }
}

/// One table of the page. Fields that nobody asked for are mistakes when it is closed.
pub(super) struct TomlSection<'t> {
    table: DeTable<'t>,
    pub(super) span: Range<usize>,
    within: String,
    asked: BTreeSet<&'static str>,
    present: BTreeSet<&'static str>,
}

impl<'t> TomlSection<'t> {
    /// The full name of a field.
    pub(super) fn name(&self, field: &str) -> String {
        format!("{}{field}", self.within)
    }

    fn take(&mut self, field: &'static str) -> Option<Placed<DeValue<'t>>> {
        self.asked.insert(field);
        let (_, value) = self.table.remove_entry(field)?;
        self.present.insert(field);
        let span = value.span();
        Some((value.into_inner(), span))
    }

    /// A field that must be there; one of the wrong type has been told of already.
    pub(super) fn required<T>(&self, page: &mut TomlReader<'_>, field: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && !self.present.contains(field) {
            page.wrong(&self.span, &self.name(field), "the field is missing", "");
        }
        found
    }

    /// A text.
    pub(super) fn text(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<Placed<String>> {
        match self.take(field)? {
            (DeValue::String(text), span) => Some((text.into_owned(), span)),
            (other, span) => self.mistyped(page, field, "a text", &other, &span),
        }
    }

    /// A yes or no.
    pub(super) fn flag(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<bool> {
        match self.take(field)? {
            (DeValue::Boolean(value), _) => Some(value),
            (other, span) => self.mistyped(page, field, "true or false", &other, &span),
        }
    }

    /// A count.
    pub(super) fn count(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<usize> {
        match self.take(field)? {
            (DeValue::Integer(value), span) => value.as_str().parse().ok().or_else(|| {
                page.wrong(&span, &self.name(field), "this is not a count", "write a whole number");
                None
            }),
            (other, span) => self.mistyped(page, field, "a whole number", &other, &span),
        }
    }

    /// A list of texts; numbers and truth values count as their texts.
    pub(super) fn texts(
        &mut self,
        page: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<Placed<String>>>> {
        let (items, span) = self.list(page, field)?;
        let texts = items.into_iter().filter_map(|item| self.scalar(page, field, item));
        let texts: Vec<Placed<String>> = texts.collect();
        Some((texts, span))
    }

    /// A list whose items are texts or lists of texts.
    pub(super) fn text_lists(
        &mut self,
        page: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<Vec<String>>>> {
        let (items, span) = self.list(page, field)?;
        let one = |item: Spanned<DeValue<'t>>| {
            let place = item.span();
            match item.into_inner() {
                DeValue::Array(items) => {
                    items.into_iter().filter_map(|item| self.scalar(page, field, item)).map(|(text, _)| text).collect()
                }
                other => {
                    self.scalar(page, field, Spanned::new(place, other)).map(|(text, _)| text).into_iter().collect()
                }
            }
        };
        Some((items.into_iter().map(one).collect(), span))
    }

    /// A table whose values are texts, in the order of the page.
    pub(super) fn pairs(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<Vec<(String, String)>> {
        match self.take(field)? {
            (DeValue::Table(table), _) => {
                let mut pairs: Vec<_> = table.into_iter().collect();
                pairs.sort_by_key(|(name, _)| name.span().start);
                let one = |(name, value): (Spanned<std::borrow::Cow<'t, str>>, _)| {
                    Some((name.into_inner().into_owned(), self.scalar(page, field, value)?.0))
                };
                Some(pairs.into_iter().filter_map(one).collect())
            }
            (other, span) => self.mistyped(page, field, "a table", &other, &span),
        }
    }

    /// A table within.
    pub(super) fn section(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<TomlSection<'t>> {
        match self.take(field)? {
            (DeValue::Table(table), span) => Some(TomlSection {
                table,
                span,
                within: format!("{}.", self.name(field)),
                asked: BTreeSet::new(),
                present: BTreeSet::new(),
            }),
            (other, span) => self.mistyped(page, field, "a table", &other, &span),
        }
    }

    /// Tables within, `[[field]]`.
    pub(super) fn sections(
        &mut self,
        page: &mut TomlReader<'_>,
        field: &'static str,
    ) -> Option<Placed<Vec<TomlSection<'t>>>> {
        let (items, span) = self.list(page, field)?;
        let one = |item: Spanned<DeValue<'t>>| {
            let place = item.span();
            match item.into_inner() {
                DeValue::Table(table) => {
                    let name = match table.get("name").map(Spanned::get_ref) {
                        Some(DeValue::String(name)) => format!(".{name}"),
                        _ => String::new(),
                    };
                    let within = format!("{}{name}.", self.name(field));
                    Some(TomlSection { table, span: place, within, asked: BTreeSet::new(), present: BTreeSet::new() })
                }
                other => self.mistyped(page, field, "a table", &other, &place),
            }
        };
        Some((items.into_iter().filter_map(one).collect(), span))
    }

    /// Tells of the fields that nobody asked for.
    pub(super) fn close(self, page: &mut TomlReader<'_>) {
        let known = format!("the fields here are {}", list(&self.asked));
        for (name, _) in &self.table {
            page.wrong(&name.span(), &format!("{}{}", self.within, name.get_ref()), "there is no such field", &known);
        }
    }

    fn list(&mut self, page: &mut TomlReader<'_>, field: &'static str) -> Option<Placed<DeArray<'t>>> {
        match self.take(field)? {
            (DeValue::Array(items), span) => Some((items, span)),
            (other, span) => self.mistyped(page, field, "a list", &other, &span),
        }
    }

    fn scalar(&self, page: &mut TomlReader<'_>, field: &str, item: Spanned<DeValue<'t>>) -> Option<Placed<String>> {
        let span = item.span();
        match item.into_inner() {
            DeValue::String(text) => Some((text.into_owned(), span)),
            DeValue::Integer(number) => Some((number.to_string(), span)),
            DeValue::Boolean(value) => Some((value.to_string(), span)),
            other => {
                let problem = format!("this is {}, not a text", other.type_str());
                page.wrong(&span, &self.name(field), problem, "");
                None
            }
        }
    }

    /// Tells of a wrong type.
    fn mistyped<T>(
        &self,
        page: &mut TomlReader<'_>,
        field: &str,
        wanted: &str,
        found: &DeValue<'_>,
        span: &Range<usize>,
    ) -> Option<T> {
        page.wrong(span, &self.name(field), format!("this is {}, not {wanted}", found.type_str()), "");
        None
    }
}
