//! The filter `tojson` as transformers defines it: Python's `json.dumps`.

use std::fmt::Write;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, ObjectRepr, Rest, ValueKind, ValueOrKwargs, from_args},
};

/// Maximum indentation, in spaces.
const MAX_INDENT: i64 = 64;

/// How Python's `json.dumps` writes a value.
struct Style {
    ascii: bool,
    indent: Option<String>,
    /// Between items, and between a key and its value.
    separators: (String, String),
    sorted: bool,
}

/// Serialises `value`: `tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(super) fn to_json(state: &State, value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let args = args.into_values();
    let (positional, kwargs) = from_args::<(&[Value], Kwargs)>(&args)?;
    let option = |at: usize, name: &str| -> Result<Option<Value>, Error> {
        let given = match positional.get(at) {
            Some(value) => Some(value.clone()),
            None => kwargs.get::<Option<Value>>(name)?,
        };
        Ok(given.filter(|value| !value.is_none() && !value.is_undefined()))
    };
    let flag = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let ascii = flag(option(0, "ensure_ascii")?);
    let indent = option(1, "indent")?.map(|value| indentation(&value)).transpose()?;
    let separators = option(2, "separators")?.map(|value| pair(&value)).transpose()?;
    let sorted = flag(option(3, "sort_keys")?);
    kwargs.assert_all_used()?;
    if positional.len() > 4 {
        return Err(ErrorKind::TooManyArguments.into());
    }
    let between = if indent.is_some() { "," } else { ", " };
    let separators = separators.unwrap_or_else(|| (between.to_owned(), ": ".to_owned()));
    let mut writer = Writer { state, style: Style { ascii, indent, separators, sorted }, text: String::new(), paid: 0 };
    writer.value(value, 0)?;
    Ok(Value::from(writer.text))
}

fn failed(problem: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem)
}

/// Returns the text that indents one level: Python takes a number of spaces, or the text.
fn indentation(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) if text.len() <= MAX_INDENT as usize => Ok(text.to_owned()),
        None if value.as_i64().is_some_and(|spaces| spaces <= MAX_INDENT) => {
            Ok(" ".repeat(usize::try_from(value.as_i64().unwrap_or(0)).unwrap_or(0)))
        }
        None if value.kind() == ValueKind::Bool => Ok(if value.is_true() { " " } else { "" }.to_owned()),
        _ => Err(failed(format!("the indentation of JSON must be at most {MAX_INDENT} spaces"))),
    }
}

fn pair(value: &Value) -> Result<(String, String), Error> {
    let items: Vec<Value> = value.try_iter()?.collect();
    match items.iter().map(Value::as_str).collect::<Vec<_>>()[..] {
        [Some(item), Some(key)] => Ok((item.to_owned(), key.to_owned())),
        _ => Err(failed("`separators` must be two texts")),
    }
}

struct Writer<'s, 'a, 'b> {
    state: &'s State<'a, 'b>,
    style: Style,
    text: String,
    /// Bytes of `text` that are paid for.
    paid: usize,
}

impl Writer<'_, '_, '_> {
    /// Charges for what was written; indentation can be longer than the value.
    fn pay(&mut self) -> Result<(), Error> {
        let fuel = (self.text.len() - self.paid) / 64;
        self.paid += 64 * fuel;
        self.state.consume_fuel(fuel as u64)
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.pay()?;
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => self.container(value, depth)?,
            kind => return Err(failed(format!("a value of type {kind} is not JSON serializable"))),
        }
        Ok(())
    }

    fn container(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let Some(object) = value.as_object() else { return Err(failed("this value is not JSON serializable")) };
        let is_map = object.repr() == ObjectRepr::Map;
        let mut items: Vec<(Option<String>, Value)> = if is_map {
            let pairs = object.try_iter_pairs().into_iter().flatten();
            pairs.map(|(key, item)| Ok((Some(key_text(&key)?), item))).collect::<Result<_, Error>>()?
        } else {
            object.try_iter().into_iter().flatten().map(|item| (None, item)).collect()
        };
        if self.style.sorted && is_map {
            items.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.text.push(if is_map { '{' } else { '[' });
        let count = items.len();
        for (index, (key, item)) in items.into_iter().enumerate() {
            self.line(depth + 1);
            if let Some(key) = key {
                self.string(&key);
                self.text.push_str(&self.style.separators.1);
            }
            self.value(&item, depth + 1)?;
            if index + 1 < count {
                self.text.push_str(&self.style.separators.0);
            }
        }
        if count > 0 {
            self.line(depth);
        }
        self.text.push(if is_map { '}' } else { ']' });
        Ok(())
    }

    /// Starts a line if the style has lines.
    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.style.indent {
            self.text.push('\n');
            self.text.push_str(&indent.repeat(depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                c if c < ' ' || (self.style.ascii && c > '~') => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

/// Returns the text of a key: Python converts numbers, booleans and None.
fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::Number => Ok(number(key)),
        ValueKind::Bool => Ok(if key.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        kind => Err(failed(format!("keys of JSON must be texts or numbers, not {kind}"))),
    }
}

/// Formats a number as Python's `repr`, which JSON uses.
fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    let number = f64::try_from(value.clone()).unwrap_or(f64::NAN);
    if !number.is_finite() {
        return match number {
            x if x.is_nan() => "NaN",
            x if x > 0.0 => "Infinity",
            _ => "-Infinity",
        }
        .to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{number:?}");
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}
