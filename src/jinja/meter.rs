//! Charges fuel for walking through values, and bounds how deeply they are nested.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{DynObject, ObjectRepr},
};

use super::charged::{SETTLED, STORED, USED, WALKED};

/// Maximum depth of lists in lists: printing, comparing and dropping them is recursive.
const MAX_DEPTH: usize = 100;
/// Cost of an item, in bytes; the engine asks the same of its own filters.
const ITEM: usize = 32;
/// Bytes that one unit of fuel pays for, as in the engine.
const BYTES: usize = 64;

/// Adds the filters of [`super::charged`].
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(WALKED, |state: &State, value: Value| walked(state, value, false));
    environment.add_filter(STORED, |state: &State, value: Value| walked(state, value, true));
    // The engine charges the length of a string, or the number of items, for passing it through a filter.
    environment.add_filter(USED, |value: Value| value);
    environment.add_filter(SETTLED, settled);
}

/// Returns `value` after charging for all that is in it.
pub(super) fn walked(state: &State, value: Value, stored: bool) -> Result<Value, Error> {
    let mut meter = Meter { state, owed: 0 };
    meter.walk(&value, 0, stored)?;
    meter.pay()?;
    Ok(value)
}

/// Copies a lazy list.
fn settled(state: &State, value: Value) -> Result<Value, Error> {
    if value.as_object().is_none_or(|object| object.repr() != ObjectRepr::Iterable) {
        return Ok(value);
    }
    let mut meter = Meter { state, owed: 0 };
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        meter.owe(ITEM)?;
        items.push(item?);
    }
    meter.pay()?;
    Ok(Value::from(items))
}

struct Meter<'s, 'a, 'b> {
    state: &'s State<'a, 'b>,
    /// Bytes not yet paid for.
    owed: usize,
}

impl Meter<'_, '_, '_> {
    fn owe(&mut self, bytes: usize) -> Result<(), Error> {
        self.owed = self.owed.saturating_add(bytes);
        if self.owed < 64 * BYTES { Ok(()) } else { self.pay() }
    }

    fn pay(&mut self) -> Result<(), Error> {
        let fuel = self.owed / BYTES;
        self.owed %= BYTES;
        self.state.consume_fuel(fuel as u64)
    }

    /// Charges for `value`, at `depth` within the value that is walked.
    fn walk(&mut self, value: &Value, depth: usize, stored: bool) -> Result<(), Error> {
        if let Some(text) = value.as_str() {
            return self.owe(text.len());
        }
        let Some(object) = value.as_object() else { return Ok(()) };
        if depth > MAX_DEPTH {
            let problem = format!("lists are nested more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::InvalidOperation, problem));
        }
        if is_mutable(object) && (stored || depth > 0) {
            let problem = "a namespace or loop cannot be stored in a list, map or namespace";
            return Err(Error::new(ErrorKind::InvalidOperation, problem));
        }
        match object.repr() {
            ObjectRepr::Seq | ObjectRepr::Iterable => {
                for item in object.try_iter().into_iter().flatten() {
                    self.owe(ITEM)?;
                    self.walk(&item, depth + 1, stored)?;
                }
            }
            ObjectRepr::Map => {
                for (key, item) in object.try_iter_pairs().into_iter().flatten() {
                    self.owe(2 * ITEM)?;
                    self.walk(&key, depth + 1, stored)?;
                    self.walk(&item, depth + 1, stored)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Returns whether an object can change after it was stored, so that it could come to contain itself.
fn is_mutable(object: &DynObject) -> bool {
    let name = object.type_name();
    name.ends_with("::Namespace") || name.ends_with("::Loop")
}
