//! JSON with real numbers that are read as the same numbers.
//!
//! The JSON library reads a number with many digits as its neighbour now and then. Tables of a sweep must not depend on
//! whether rows come from memory or from disk, so real numbers are written as texts and read by the standard library.

use serde_json::{Number, Value};

/// How the text of a real number starts. Names and texts in results do not start like this.
const MARK: char = '\u{1}';

/// Replaces the real numbers in `value` by texts.
pub(super) fn encode(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(real) = number.as_f64() {
                *value = Value::String(format!("{MARK}{real:?}"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(encode),
        Value::Object(fields) => fields.values_mut().for_each(encode),
        _ => {}
    }
}

/// Undoes [`encode`].
pub(super) fn decode(value: &mut Value) {
    match value {
        Value::String(text) => {
            let real = text.strip_prefix(MARK).and_then(|digits| digits.parse().ok());
            if let Some(number) = real.and_then(Number::from_f64) {
                *value = Value::Number(number);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(decode),
        Value::Object(fields) => fields.values_mut().for_each(decode),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::random::SeededRng;

    #[test]
    fn numbers_are_the_same_bit_by_bit() {
        let mut random = SeededRng::new(0);
        for _ in 0..20_000 {
            let real = random.normal() * 10_f64.powi(random.below(40) as i32 - 20);
            let mut value = json!({"a": [real, 3, "text", null, true]});
            let before = value.clone();
            encode(&mut value);
            let mut read: Value = serde_json::from_str(&value.to_string()).unwrap();
            decode(&mut read);
            assert_eq!(read["a"][0].as_f64().unwrap().to_bits(), real.to_bits());
            assert_eq!(read, before);
        }
    }
}
