//! What Python gives to templates: methods of texts and lists, and the functions of transformers' environment.
//!
//! Methods that change a list (`append`, `pop`, …) are absent, as in the sandbox that transformers uses; so are the
//! filter `random` and the function `lipsum`, whose texts differ from run to run.

use std::fmt;

use minijinja::{
    Environment, Error, ErrorKind, State, Value, functions,
    value::{Kwargs, Rest, Tuple, ValueKind, from_args},
};
use minijinja_contrib::{globals, pycompat};

use super::{date::Date, json, meter};

/// Maximum width to which a text is padded.
const MAX_WIDTH: usize = 10_000;

/// Marks the error of `raise_exception`.
#[derive(Debug)]
pub(super) struct Raised;

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("raised by the template")
    }
}

impl std::error::Error for Raised {}

/// Adds what all templates can use.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.set_unknown_method_callback(method);
    environment.add_filter("tojson", json::to_json);
    environment.add_filter("center", |text: &str, width: Option<usize>| padded(text, width.unwrap_or(80), " ", centre));
    environment.add_filter("wordcount", |text: &str| text.split_whitespace().count());
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    environment.add_function("dict", |state: &State, value: Option<Value>, fields: Kwargs| {
        functions::dict(value, stored(state, fields)?)
    });
    environment.add_function("namespace", |state: &State, value: Option<Value>, fields: Kwargs| {
        let fields = stored(state, fields)?;
        let value = value.map(|value| meter::walked(state, value, true)).transpose()?;
        functions::namespace(Some(functions::dict(value, fields)?.into()))
    });
    environment.add_function("cycler", |state: &State, items: Rest<Value>| {
        for item in items.iter() {
            meter::walked(state, item.clone(), true)?;
        }
        globals::cycler(items.to_vec())
    });
    environment.add_function("joiner", |state: &State, separator: Option<Value>| {
        Ok::<_, Error>(globals::joiner(separator.map(|text| meter::walked(state, text, true)).transpose()?))
    });
    // Lazy lists of lists, which no template of Python has, and a dump of the engine.
    environment.remove_filter("chain");
    environment.remove_global("debug");
}

/// Adds the functions of transformers' chat templates.
pub(super) fn add_transformers(environment: &mut Environment<'_>, date: Date) {
    environment.add_function("raise_exception", |state: &State, message: Value| -> Result<Value, Error> {
        let message = meter::walked(state, message, false)?.to_string();
        Err(Error::new(ErrorKind::InvalidOperation, message).with_source(Raised))
    });
    environment.add_function("strftime_now", move |format: &str| {
        date.format(format).map_err(|unknown| failed(format!("`{unknown}` is not a directive of strftime")))
    });
}

/// Returns `fields` after charging for them, unless one holds what cannot be stored.
fn stored(state: &State, fields: Kwargs) -> Result<Kwargs, Error> {
    for name in fields.args() {
        meter::walked(state, fields.peek::<Value>(name)?, true)?;
    }
    Ok(fields)
}

fn failed(problem: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem)
}

/// Calls a method of Python's texts, lists and dictionaries.
fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let own = match (value.as_str(), value.kind()) {
        (Some(text), _) => text_method(text, name, args)?,
        (None, ValueKind::Seq | ValueKind::Iterable) if name == "index" => Some(index(value, args)?),
        _ => None,
    };
    match own {
        Some(answer) => Ok(answer),
        None => pycompat::unknown_method_callback(state, value, name, args),
    }
}

fn index(list: &Value, args: &[Value]) -> Result<Value, Error> {
    let (wanted,): (&Value,) = from_args(args)?;
    let at = list.try_iter()?.position(|item| item == *wanted);
    at.map(Value::from).ok_or_else(|| failed("the value is not in the list"))
}

/// Python's white space, of which Rust's `trim` lacks the separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Calls a method of texts that the engine lacks or defines otherwise; `None` if it is none of these.
fn text_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let triple = |a: &str, b: &str, c: &str| Value::from(Tuple::from([Value::from(a), Value::from(b), Value::from(c)]));
    Ok(Some(match name {
        "strip" | "lstrip" | "rstrip" => {
            let (set,): (Option<&str>,) = from_args(args)?;
            let is_cut = |c: char| set.map_or_else(|| is_space(c), |set| set.contains(c));
            let start = if name == "rstrip" { text } else { text.trim_start_matches(is_cut) };
            Value::from(if name == "lstrip" { start } else { start.trim_end_matches(is_cut) })
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let first = name == "partition";
            match if first { text.split_once(separator) } else { text.rsplit_once(separator) } {
                Some((head, tail)) => triple(head, separator, tail),
                None if first => triple(text, "", ""),
                None => triple("", "", text),
            }
        }
        "rsplit" => {
            let (separator, limit): (Option<&str>, Option<i64>) = from_args(args)?;
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX - 1);
            let mut parts: Vec<&str> = match separator {
                Some("") => return Err(failed("the separator is empty")),
                Some(separator) => text.rsplitn(limit + 1, separator).collect(),
                None => words_from_the_end(text, limit),
            };
            parts.reverse();
            parts.into_iter().map(Value::from).collect()
        }
        "splitlines" => {
            let (keep,): (Option<bool>,) = from_args(args)?;
            lines(text, keep.unwrap_or(false)).into_iter().map(Value::from).collect()
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swap =
                |c: char| if c.is_lowercase() { c.to_uppercase().to_string() } else { c.to_lowercase().to_string() };
            Value::from(text.chars().map(swap).collect::<String>())
        }
        "isdecimal" => {
            let () = from_args(args)?;
            Value::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
        }
        "index" | "rindex" => {
            let (wanted,): (&str,) = from_args(args)?;
            let found = if name == "index" { text.find(wanted) } else { text.rfind(wanted) };
            let byte = found.ok_or_else(|| failed("substring not found"))?;
            Value::from(text[..byte].chars().count())
        }
        "ljust" | "rjust" | "center" | "zfill" => {
            let (width, fill): (usize, Option<&str>) = from_args(args)?;
            let fill = fill.unwrap_or(if name == "zfill" { "0" } else { " " });
            let side: fn(usize, usize) -> usize = match name {
                "ljust" => |_, _| 0,
                "center" => centre,
                _ => |room, _| room,
            };
            match text.strip_prefix(['+', '-']).filter(|_| name == "zfill") {
                Some(digits) => {
                    Value::from(format!("{}{}", &text[..1], padded(digits, width.saturating_sub(1), fill, side)?))
                }
                None => Value::from(padded(text, width, fill, side)?),
            }
        }
        "format" if has_large_width(text) => return Err(failed("a format is wider than 9999 characters")),
        _ => return Ok(None),
    }))
}

/// Returns the room before a centred text, as Python distributes an odd one.
const fn centre(room: usize, width: usize) -> usize {
    room / 2 + (room & width & 1)
}

/// Fills `text` up to `width` characters; `before` gives the share of the room that comes first.
fn padded(text: &str, width: usize, fill: &str, before: fn(usize, usize) -> usize) -> Result<String, Error> {
    if width > MAX_WIDTH || fill.chars().count() != 1 {
        return Err(failed(format!("a text can be filled up to {MAX_WIDTH} characters with one character")));
    }
    let room = width.saturating_sub(text.chars().count());
    let first = before(room, width);
    Ok(fill.repeat(first) + text + &fill.repeat(room - first))
}

/// Returns whether a format string asks for a width or precision of five digits or more, or takes it from a value.
fn has_large_width(format: &str) -> bool {
    let is_nested = format.split('{').skip(1).any(|field| !field.contains('}') && !field.is_empty());
    is_nested || format.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 4)
}

/// Splits at runs of white space from the end, at most `limit` times; parts are in reverse order.
fn words_from_the_end(text: &str, limit: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text.trim_end_matches(is_space));
    while !rest.is_empty() && parts.len() < limit {
        let word = rest.rfind(is_space).map_or(rest, |byte| rest[byte..].trim_start_matches(is_space));
        parts.push(word);
        rest = rest[..rest.len() - word.len()].trim_end_matches(is_space);
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Splits at all of Python's line ends.
fn lines(text: &str, keep: bool) -> Vec<&str> {
    let is_end = |c: char| {
        matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(byte) = rest.find(is_end) {
        let after = &rest[byte..];
        let length = if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(1, char::len_utf8) };
        parts.push(&rest[..byte + if keep { length } else { 0 }]);
        rest = &rest[byte + length..];
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}
