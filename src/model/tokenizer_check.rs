//! What the tokenizers crate does not check in a tokenizer.json before it acts on it.

use serde_json::Value;

/// The longest regular expression of a tokenizer, in bytes; compiling one can take fifty times as much. Those of known
/// tokenizers have at most 2 kB.
const LONGEST_REGEX: usize = 64 << 10;

/// Checks the parts of a tokenizer.json; returns the field and the problem of a wrong one: the length of regular expressions, and that a template names only special
/// tokens that the file defines.
pub(super) fn check(bytes: &[u8]) -> Result<(), (&'static str, String)> {
    /// Skips all other fields, which would need many times the file's size in memory.
    #[derive(serde::Deserialize)]
    struct File {
        normalizer: Option<Value>,
        pre_tokenizer: Option<Value>,
        decoder: Option<Value>,
        post_processor: Option<Value>,
    }
    let Ok(file) = serde_json::from_slice::<File>(bytes) else {
        return Ok(()); // the tokenizers crate reports the error
    };
    let parts = [("normalizer", file.normalizer), ("pre_tokenizer", file.pre_tokenizer), ("decoder", file.decoder)];
    for (field, part) in parts {
        if let Some(length) = part.as_ref().and_then(long_regex) {
            let problem = format!("a regular expression has {length} bytes, more than {LONGEST_REGEX}");
            return Err((field, problem));
        }
    }
    check_special_tokens(file.post_processor.as_ref())
}

/// Returns the length of a regular expression in `value` that is too long.
fn long_regex(value: &Value) -> Option<usize> {
    match value {
        Value::Array(values) => values.iter().find_map(long_regex),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) => (name == "Regex" && text.len() > LONGEST_REGEX).then_some(text.len()),
            other => long_regex(other),
        }),
        _ => None,
    }
}

fn check_special_tokens(post_processor: Option<&Value>) -> Result<(), (&'static str, String)> {
    let Some(top) = post_processor else { return Ok(()) };
    let inner = top.get("processors").and_then(Value::as_array);
    for processor in std::iter::once(top).chain(inner.into_iter().flatten()) {
        let pieces = ["single", "pair"].into_iter().filter_map(|side| processor.get(side)?.as_array());
        let special = pieces.flatten().filter_map(|piece| piece.get("SpecialToken")?.get("id")?.as_str());
        for token in special {
            if processor.get("special_tokens").and_then(|known| known.get(token)).is_none() {
                return Err(("post_processor", format!("the template names `{token}`, which it does not define")));
            }
        }
    }
    Ok(())
}
