//! Golden values in `tests/golden/analysis`, computed by the scripts `tools/reference_*.py`.

use serde::de::DeserializeOwned;

/// Reads `tests/golden/analysis/{name}.json`.
pub(crate) fn golden<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/golden/analysis/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}
