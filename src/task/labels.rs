//! Which label a value in the data means.
//!
//! A whole number is a position in `labels` only if the data does not say otherwise: if the data set names its classes, a
//! number stands for a name.

use std::cell::Cell;

use super::{
    class_names::ClassNames,
    label_values::{is_whole, position, same, whole},
    spec::DataSpec,
};
use crate::{error::InputError, text::list};

/// Maps values of the label column to labels, for the files of one part.
pub(super) struct LabelMap<'a> {
    data: &'a DataSpec,
    labels: &'a [String],
    names: Option<ClassNames>,
    numbers: Numbers,
    /// Whether it has been said that the meaning of numbers is unclear.
    said: Cell<bool>,
}

/// What whole numbers mean.
enum Numbers {
    /// Positions in `labels`.
    Positions,
    /// Classes with names; the label of each class that is a label.
    Classes(Vec<Option<usize>>),
    /// It is not clear; says why.
    Unclear(Box<InputError>),
}

impl<'a> LabelMap<'a> {
    /// Creates the map; `names` are those of the data set, or an error if they cannot be read.
    pub(super) fn new(data: &'a DataSpec, labels: &'a [String], names: Result<Option<ClassNames>, InputError>) -> Self {
        let (names, numbers) = match names {
            Ok(None) => (None, Numbers::Positions),
            Ok(Some(names)) => {
                let numbers = numbers(labels, &names, &data.label);
                (Some(names), numbers)
            }
            Err(error) => (None, Numbers::Unclear(Box::new(error))),
        };
        Self { data, labels, names, numbers, said: Cell::new(false) }
    }

    /// Returns whether the task leaves out rows with the label `given`.
    pub(super) fn skips(&self, given: &str) -> bool {
        self.data.skip_labels.iter().any(|skipped| self.is(skipped, given))
    }

    /// Returns the index of the label that `given` means; `None` if that is unclear, after the first time.
    ///
    /// # Errors
    /// If it is not a label, or its meaning is unclear.
    pub(super) fn label(&self, given: &str) -> Result<Option<usize>, InputError> {
        let values = &self.data.label_values;
        if !values.is_empty() {
            let found = values.iter().position(|values| values.iter().any(|value| self.is(value, given)));
            return found.map(Some).ok_or_else(|| self.unknown(given));
        }
        match (&self.numbers, whole(given).parse::<i64>()) {
            (Numbers::Classes(classes), Ok(class)) => {
                let label = usize::try_from(class).ok().and_then(|class| classes.get(class).copied().flatten());
                label.map(Some).ok_or_else(|| self.unknown(given))
            }
            (Numbers::Unclear(_), Ok(_)) if self.said.replace(true) => Ok(None),
            (Numbers::Unclear(error), Ok(_)) => Err((**error).clone()),
            _ => position(self.labels, given).map(Some).ok_or_else(|| self.unknown(given)),
        }
    }

    /// Returns the name of the class `given`, if it is a number and the data set names its classes.
    fn name(&self, given: &str) -> Option<&str> {
        let class: usize = whole(given).parse().ok()?;
        self.names.as_ref()?.names.get(class).map(String::as_str)
    }

    /// Returns whether `value` of the task file means `given`: the same value, or the name of its class.
    fn is(&self, value: &str, given: &str) -> bool {
        let named = self.name(given).is_some_and(|name| whole(value).parse::<f64>().is_err() && alike(name, value));
        same(value, given) || named
    }

    fn unknown(&self, given: &str) -> InputError {
        let named = self.name(given).map_or_else(String::new, |name| format!(" (`{name}` in {})", self.source()));
        let help = format!(
            "the labels are {}; map other values with `label_values`, or exclude them with `skip_labels`",
            list(self.labels)
        );
        InputError::new(format!("`{given}`{named} is not a label")).field(&self.data.label).help(help)
    }

    fn source(&self) -> &str {
        self.names.as_ref().map_or("", |names| &names.source)
    }
}

/// Decides what whole numbers mean, from the names that the data set gives them.
fn numbers(labels: &[String], ClassNames { names, source }: &ClassNames, column: &str) -> Numbers {
    let classes: Vec<Option<usize>> =
        labels.iter().map(|label| names.iter().position(|name| alike(name, label))).collect();
    let found: Vec<usize> = classes.iter().copied().flatten().collect();
    if found.is_empty() {
        return Numbers::Positions;
    }
    let all = found.len() == labels.len();
    if all && found.is_sorted_by(|a, b| a < b) {
        let label = |class| classes.iter().position(|found| *found == Some(class));
        return Numbers::Classes((0..names.len()).map(label).collect());
    }
    if !all && classes.iter().enumerate().all(|(label, class)| class.is_none_or(|class| class == label)) {
        return Numbers::Positions;
    }
    let written: Vec<String> = names.iter().enumerate().map(|(class, name)| format!("{class} {name}")).collect();
    let problem = format!("{source} names the classes {}, but `labels` has another order", list(written));
    let help = if all {
        format!("write `labels` in that order, with their label words, or `label_values = {found:?}` under [data]")
    } else {
        "map the numbers with `label_values` under [data], one value per label".to_owned()
    };
    Numbers::Unclear(Box::new(InputError::new(problem).field(column).help(help)))
}

/// Returns whether two names differ at most in case and in the separators of words.
fn alike(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.trim().to_lowercase().replace(['_', '-'], " ");
    plain(a) == plain(b)
}

/// Returns the columns that may hold the label as a text, besides `column`.
pub(super) fn columns_beside(column: &str) -> [String; 2] {
    ["text", "name"].map(|ending| format!("{column}_{ending}"))
}

/// Returns an error if a column beside the label, `label_text` or `label_name`, names another label than `label`.
pub(super) fn check_text_beside(
    labels: &[String],
    column: &str,
    given: &str,
    label: usize,
    beside: &dyn Fn(&str) -> Option<String>,
) -> Result<(), InputError> {
    if !is_whole(whole(given)) {
        return Ok(());
    }
    for other in columns_beside(column) {
        let Some(name) = beside(&other) else { continue };
        let named = labels.iter().position(|label| alike(label, &name));
        if named.is_some_and(|named| named != label) {
            let problem = format!("`{given}` is the label `{}`, but `{other}` is `{name}`", labels[label]);
            let help = format!("set `label = \"{other}\"` under [data], or map the numbers with `label_values`");
            return Err(InputError::new(problem).field(column).help(help));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn names(list: &[&str]) -> Option<ClassNames> {
        let names = (!list.is_empty()).then(|| texts(list));
        names.map(|names| ClassNames { names, source: "the metadata of a.parquet".to_owned() })
    }

    /// Labels that values mean, and the first error.
    fn read(data: &DataSpec, labels: &[&str], classes: &[&str], given: &[&str]) -> Result<Vec<usize>, String> {
        let labels = texts(labels);
        let map = LabelMap::new(data, &labels, Ok(names(classes)));
        let one = |given: &&str| map.label(given).map_err(|error| error.to_string());
        given.iter().filter_map(|given| one(given).transpose()).collect()
    }

    #[test]
    fn unclear_numbers_are_reported_once() {
        let (data, labels) = (DataSpec::default(), texts(&["b", "a"]));
        let map = LabelMap::new(&data, &labels, Ok(names(&["a", "b"])));
        assert!(map.label("0").is_err());
        assert_eq!((map.label("1").ok(), map.label("a").ok()), (Some(None), Some(Some(1))));
    }

    #[test]
    fn without_names_numbers_are_positions_unless_labels_are_numbers() {
        let data = DataSpec::default();
        assert_eq!(read(&data, &["no", "yes"], &[], &["no", "1", "1.0", "0"]), Ok(vec![0, 1, 1, 0]));
        assert_eq!(read(&data, &["0", "1"], &[], &["1", "0.0"]), Ok(vec![1, 0]));
        assert_eq!(read(&data, &["1.0", "2.0"], &[], &["2", "1"]), Ok(vec![1, 0]));
        let error = read(&data, &["1", "2", "3"], &[], &["2", "0"]).unwrap_err();
        assert!(error.contains("`0` is not a label"), "0 must not be taken for the first label, which is 1: {error}");
        assert!(read(&data, &["no", "yes"], &[], &["1.5"]).is_err());
    }

    #[test]
    fn numbers_stand_for_the_names_that_the_data_gives_them() {
        let data = DataSpec::default();
        let classes = ["anger", "joy", "optimism", "sadness"];
        assert_eq!(read(&data, &["joy", "sadness"], &classes, &["1", "3", "joy"]), Ok(vec![0, 1, 0]));
        let error = read(&data, &["joy", "sadness"], &classes, &["0"]).unwrap_err();
        assert!(error.contains("`0` (`anger` in the metadata of a.parquet) is not a label"), "{error}");
        assert_eq!(read(&data, &["1", "2", "3"], &["1", "2", "3"], &["0", "2"]), Ok(vec![0, 2]), "names are numbers");
        assert_eq!(read(&data, &["Not spam", "SPAM"], &["not_spam", "spam"], &["1"]), Ok(vec![1]));
    }

    #[test]
    fn names_of_the_tasks_own_are_positions() {
        let data = DataSpec::default();
        assert_eq!(read(&data, &["different", "same"], &["False", "True"], &["1"]), Ok(vec![1]));
        assert_eq!(read(&data, &["different", "duplicate"], &["not_duplicate", "duplicate"], &["1"]), Ok(vec![1]));
    }

    #[test]
    fn another_order_is_refused_until_a_mapping_is_given() {
        let (labels, classes) = (["positive", "negative"], ["negative", "positive"]);
        let error = read(&DataSpec::default(), &labels, &classes, &["0"]).unwrap_err();
        assert!(error.contains("the metadata of a.parquet names the classes 0 negative and 1 positive"), "{error}");
        assert!(error.contains("`label_values = [1, 0]`"), "{error}");
        assert_eq!(read(&DataSpec::default(), &labels, &classes, &["negative"]), Ok(vec![1]), "a text is no number");
        for values in [["1", "0"], ["positive", "negative"]] {
            let label_values = values.iter().map(|value| texts(&[value])).collect();
            let data = DataSpec { label_values, ..DataSpec::default() };
            assert_eq!(read(&data, &labels, &classes, &["0", "1"]), Ok(vec![1, 0]), "the advice");
        }
        let partly = read(&DataSpec::default(), &["spam", "ham", "x"], &["ham", "spam", "eggs"], &["2"]).unwrap_err();
        assert!(partly.contains("map the numbers with `label_values`"), "{partly}");
    }

    #[test]
    fn rows_are_left_out_by_value_or_name() {
        let data = DataSpec { skip_labels: texts(&["-1", "skip"]), ..DataSpec::default() };
        let labels = texts(&["no", "yes"]);
        let map = LabelMap::new(&data, &labels, Ok(names(&["no", "yes", "skip"])));
        assert_eq!(["-1", "-1.0", "2", "skip", "1"].map(|given| map.skips(given)), [true, true, true, true, false]);
    }

    #[test]
    fn a_text_beside_the_number_must_agree() {
        let labels = texts(&["positive", "negative"]);
        let check = |given, label, text: &str| {
            let beside = |name: &str| (name == "label_text").then(|| text.to_owned());
            check_text_beside(&labels, "label", given, label, &beside).map_err(|error| error.to_string())
        };
        assert_eq!(check("1", 1, "Negative"), Ok(()));
        assert_eq!(check("1", 1, "bad"), Ok(()), "a name that is not a label says nothing");
        assert_eq!(check("negative", 1, "positive"), Ok(()));
        let error = check("0", 0, "negative").unwrap_err();
        assert!(error.contains("`0` is the label `positive`, but `label_text` is `negative`"), "{error}");
        assert!(error.contains("set `label = \"label_text\"`"), "{error}");
    }
}
