//! Names of a column's classes, as data sets state them: in the metadata of Parquet files and in data set cards.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::yaml;
use crate::{disk, error::InputError};

/// File name of a data set card.
pub(super) const CARD: &str = "README.md";
/// Largest size of a card that is read, in bytes.
const LARGEST_CARD: u64 = 4 << 20;

/// Names of the integers 0, 1, 2 … in a column, and the file that states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClassNames {
    pub(super) names: Vec<String>,
    /// For messages, e.g. `the metadata of train.parquet`.
    pub(super) source: String,
}

/// Returns the names of the classes of `column` in the `huggingface` metadata of a Parquet file.
pub(super) fn of_metadata(path: &Path, metadata: &str, column: &str) -> Option<ClassNames> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let feature = nested(&metadata["info"]["features"], column)?;
    let names = texts(feature.get("names")?)?;
    Some(ClassNames { names, source: format!("the metadata of {}", file_name(path)) })
}

/// Returns the names of the classes of `column` in the data set card `path`, which may have no such names.
///
/// # Errors
/// If the card has class names that cannot be read, or if those of several configurations differ and none is chosen.
pub(super) fn of_card(path: &Path, config: Option<&str>, column: &str) -> Result<Option<ClassNames>, InputError> {
    let mut text = String::new();
    let read = disk::open(path).map(|file| file.take(LARGEST_CARD).read_to_string(&mut text).is_ok());
    let Some(front) =
        read.ok().filter(|&read| read).and_then(|_| front_matter(&text)).filter(|front| front.contains("class_label"))
    else {
        return Ok(None);
    };
    let card = yaml::parse(front).map_err(|error| {
        // The front matter begins in line 2.
        let line = error.line.map_or(1, |line| line + 1);
        error.path(path).line(line).help("mend the data set card, or map labels with `label_values`")
    })?;
    let info = &card["dataset_info"];
    let all: Vec<&Value> = info.as_array().map_or_else(|| vec![info], |list| list.iter().collect());
    let named = |one: &&&Value| config.is_some() && one["config_name"].as_str() == config;
    let chosen = all.iter().find(named).map_or_else(|| all.clone(), |one| vec![one]);
    let mut found: Vec<Vec<String>> = chosen.iter().filter_map(|one| card_names(&one["features"], column)).collect();
    found.dedup();
    if found.len() > 1 {
        let problem = format!("the configurations of the data set card have different names for `{column}`");
        let help = "choose one with `data.config`, or map labels with `label_values`";
        return Err(InputError::new(problem).path(path).help(help));
    }
    Ok(found.pop().map(|names| ClassNames { names, source: path.display().to_string() }))
}

/// Returns the data set card that belongs to the data file `path`: in its folder, or in one of the two above it, as in
/// `data/default/train.csv`.
pub(super) fn card_of(path: &Path) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1).take(3);
    folders.map(|folder| folder.join(CARD)).find(|card| card.is_file())
}

fn front_matter(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('\u{feff}');
    let inner = text.strip_prefix("---")?.trim_start_matches([' ', '\r']).strip_prefix('\n')?;
    inner.find("\n---").map(|end| &inner[..=end])
}

/// Follows `column`, whose levels are separated by dots, through features in JSON.
fn nested<'v>(features: &'v Value, column: &str) -> Option<&'v Value> {
    if let Some(feature) = features.get(column) {
        return Some(feature);
    }
    let (first, rest) = column.split_once('.')?;
    nested(features.get(first)?, rest)
}

/// As [`nested`], through the list of features in a card, whose levels are `struct`.
fn card_names(features: &Value, column: &str) -> Option<Vec<String>> {
    let named = |name: &str| features.as_array()?.iter().find(|feature| feature["name"].as_str() == Some(name));
    if let Some(feature) = named(column) {
        return numbered(&feature["dtype"]["class_label"]["names"]);
    }
    let (first, rest) = column.split_once('.')?;
    card_names(&named(first)?["struct"], rest)
}

/// Reads names by number, `'0': negative`, or as a list.
fn numbered(names: &Value) -> Option<Vec<String>> {
    let Some(names) = names.as_object() else { return texts(names) };
    let mut found = Vec::new();
    for at in 0..names.len() {
        found.push(yaml::as_text(names.get(&at.to_string())?)?);
    }
    (!found.is_empty()).then_some(found)
}

fn texts(names: &Value) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = names.as_array()?.iter().map(yaml::as_text).collect();
    names.filter(|names| !names.is_empty())
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str, config: Option<&str>, column: &str) -> Result<Option<Vec<String>>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let found = of_card(file.path(), config, column).map_err(|error| error.to_string());
        Ok(found?.map(|found| found.names))
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    /// The metadata that `datasets` 5.2 writes.
    #[test]
    fn metadata_names_classes_of_columns_and_fields() {
        let metadata = r#"{"info": {"features": {"text": {"dtype": "string", "_type": "Value"},
            "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
            "meta": {"label": {"names": ["u", "v"], "_type": "ClassLabel"}}}}}"#;
        let of = |column| of_metadata(Path::new("a/b.parquet"), metadata, column);
        assert_eq!(of("label").unwrap().source, "the metadata of b.parquet");
        assert_eq!(of("label").unwrap().names, names(&["neg", "pos"]));
        assert_eq!(of("meta.label").unwrap().names, names(&["u", "v"]));
        assert_eq!((of("text"), of("meta"), of("x.y")), (None, None, None));
        assert_eq!(of_metadata(Path::new("b"), "[]", "label"), None);
    }

    const ONE: &str = "---\nlicense: mit\ndataset_info:\n  features:\n  - name: text\n    dtype: string\n  - name: label\n    \
        dtype:\n      class_label:\n        names:\n          '0': neg\n          '1': pos\n  - name: meta\n    struct:\n    \
        - name: label\n      dtype:\n        class_label:\n          names:\n            '0': no\n            '1': v\n---\n\n\
        # Title\n\nclass_label\n";

    #[test]
    fn cards_name_classes_of_columns_and_fields() {
        assert_eq!(card(ONE, None, "label"), Ok(Some(names(&["neg", "pos"]))));
        assert_eq!(card(&ONE.replace('\n', "\r\n"), None, "label"), Ok(Some(names(&["neg", "pos"]))));
        assert_eq!(card(ONE, Some("default"), "meta.label"), Ok(Some(names(&["False", "v"]))), "as PyYAML reads it");
        for (text, column) in
            [(ONE, "text"), (ONE, "x"), ("# class_label\n", "label"), ("---\nclass_label: 1\n---\n", "label")]
        {
            assert_eq!(card(text, None, column), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_configuration_is_chosen_if_they_differ() {
        let config = |name: &str, first: &str| {
            format!(
                "- config_name: {name}\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names: [{first}, z]\n"
            )
        };
        let two = |a: &str, b: &str| format!("---\ndataset_info:\n{}{}---\n", config("a", a), config("b", b));
        assert_eq!(card(&two("x", "y"), Some("b"), "label"), Ok(Some(names(&["y", "z"]))));
        assert_eq!(card(&two("x", "x"), None, "label"), Ok(Some(names(&["x", "z"]))));
        assert!(card(&two("x", "y"), None, "label").unwrap_err().contains("choose one with `data.config`"));
    }

    #[test]
    fn a_broken_card_is_an_error_only_if_it_names_classes() {
        assert_eq!(card("---\na: [\n---\n", None, "label"), Ok(None));
        let error = card("---\nclass_label: 1\na: [\n---\n", None, "label").unwrap_err();
        assert!(error.contains("not valid YAML") && error.contains("mend the data set card"), "{error}");
    }

    #[test]
    fn a_card_is_found_in_the_folders_above() {
        let home = tempfile::TempDir::new().unwrap();
        let folder = home.path().join("data/en");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(card_of(&folder.join("a.csv")), None);
        std::fs::write(home.path().join(CARD), "").unwrap();
        assert_eq!(card_of(&folder.join("a.csv")), Some(home.path().join(CARD)));
    }
}
