//! The demonstrations of two runs side by side.

use serde::Serialize;
use serde_json::Value;

use crate::request::Demonstration;

/// How the demonstrations of two runs at one position differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemoDifference {
    /// The same text and label.
    Same,
    /// The same text with another label.
    OtherLabel,
    /// Another text with the same label.
    OtherText,
    /// Another text with another label.
    Other,
    /// Only one run has a demonstration here.
    Missing,
}

/// A demonstration as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DemoSide {
    /// Its id.
    pub id: String,
    /// Its label; `None` if it is the one in the pool.
    pub label: Option<String>,
    /// Its text; empty if the run does not record it.
    pub text: String,
}

/// The demonstrations at one position of two prompts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DemoPair {
    /// How they differ.
    pub difference: DemoDifference,
    /// That of the first run.
    pub a: Option<DemoSide>,
    /// That of the second run.
    pub b: Option<DemoSide>,
    /// Position from 1 of the first run's demonstration in the second, if it stands elsewhere there.
    pub moved_to: Option<usize>,
}

/// Demonstrations of two runs, by position.
pub fn demo_pairs(a: &[Demonstration], b: &[Demonstration]) -> Vec<DemoPair> {
    let pair = |index: usize| {
        let (first, second) = (a.get(index), b.get(index));
        let difference = match (first, second) {
            (Some(first), Some(second)) => match (same_text(first, second), first.label == second.label) {
                (true, true) => DemoDifference::Same,
                (true, false) => DemoDifference::OtherLabel,
                (false, true) => DemoDifference::OtherText,
                (false, false) => DemoDifference::Other,
            },
            _ => DemoDifference::Missing,
        };
        let elsewhere = first.and_then(|first| b.iter().position(|other| same_text(first, other)));
        let moved_to = elsewhere.filter(|&at| at != index).map(|at| at + 1);
        DemoPair { difference, a: first.map(side), b: second.map(side), moved_to }
    };
    (0..a.len().max(b.len())).map(pair).collect()
}

fn same_text(a: &Demonstration, b: &Demonstration) -> bool {
    match (&a.fields, &b.fields) {
        (Some(a), Some(b)) => a == b,
        _ => a.id == b.id,
    }
}

fn side(demo: &Demonstration) -> DemoSide {
    let fields = demo.fields.iter().flat_map(|fields| fields.values());
    let texts: Vec<&str> = fields.filter_map(Value::as_str).collect();
    DemoSide { id: demo.id.clone(), label: demo.label.clone(), text: texts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo(id: &str, label: &str) -> Demonstration {
        Demonstration { label: Some(label.to_owned()), ..Demonstration::of_pool(id) }
    }

    #[test]
    fn every_difference_is_found() {
        let a = ["one", "two", "three", "four", "five"].map(|id| demo(id, "x"));
        let b = [demo("one", "x"), demo("two", "y"), demo("four", "x"), demo("six", "y")];
        let pairs = demo_pairs(&a, &b);
        let found: Vec<DemoDifference> = pairs.iter().map(|pair| pair.difference).collect();
        let expected = [
            DemoDifference::Same,
            DemoDifference::OtherLabel,
            DemoDifference::OtherText,
            DemoDifference::Other,
            DemoDifference::Missing,
        ];
        assert_eq!(found, expected);
        assert_eq!((pairs[3].moved_to, pairs[0].moved_to, &pairs[4].b), (Some(3), None, &None));
    }

    #[test]
    fn equal_ids_with_other_fields_are_other_texts() {
        let with = |text: &str| {
            let fields = [("text".to_owned(), Value::from(text))].into_iter().collect();
            Demonstration { fields: Some(fields), ..demo("one", "x") }
        };
        assert_eq!(demo_pairs(&[with("a")], &[with("b")])[0].difference, DemoDifference::OtherText);
        assert_eq!(demo_pairs(&[with("a")], &[with("a")])[0].a.as_ref().unwrap().text, "a");
    }
}
