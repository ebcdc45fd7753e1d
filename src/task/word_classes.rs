//! Several label words per label: `word_classes` and `class_logit` of a template.

use super::{
    label_values::position,
    toml_reader::{TomlReader, TomlSection},
};
use crate::{
    attribution::{ClassLogit, WordClasses},
    text::list,
};

/// What a template says about its label words.
pub(super) struct Given {
    /// Whether it has `word_classes`, right or wrong.
    pub(super) is_given: bool,
    /// The label of every word; `None` if every label has one, in their order.
    pub(super) classes: Option<WordClasses>,
}

/// Reads `word_classes`, the label of each of `words` label words, and `class_logit`.
pub(super) fn read(toml: &mut TomlReader<'_>, section: &mut TomlSection<'_>, labels: &[String], words: usize) -> Given {
    let given = section.texts(toml, "word_classes");
    let rule = rule(toml, section);
    let field = section.name("word_classes");
    let Some((given, span)) = given else {
        if let Some((_, span)) = rule {
            let problem = "no label has several label words";
            toml.wrong(&span, &section.name("class_logit"), problem, "add `word_classes`, the label of every word");
        }
        return Given { is_given: false, classes: None };
    };
    let unusable = Given { is_given: true, classes: None };
    if given.len() != words {
        let problem = format!("{} labels for {words} label words", given.len());
        toml.wrong(&span, &field, problem, "write the label of every word, in the order of `label_words`");
        return unusable;
    }
    let mut of_word = Vec::with_capacity(words);
    for (name, span) in &given {
        let Some(label) = position(labels, name) else {
            let problem = format!("`{name}` is not a label");
            toml.wrong(span, &field, problem, &format!("the labels are {}", list(labels)));
            return unusable;
        };
        of_word.push(label);
    }
    if rule.is_none() && words > labels.len() {
        let problem = "a label has several label words, and nothing says what its logit is";
        toml.wrong(&span, &section.name("class_logit"), problem, HELP);
        return unusable;
    }
    let rule = rule.map_or(ClassLogit::Max, |(rule, _)| rule);
    match WordClasses::new(labels.to_vec(), of_word, rule) {
        Ok(classes) => Given { is_given: true, classes },
        Err(error) => {
            toml.wrong(&span, &field, error.problem, error.help.as_deref().unwrap_or_default());
            unusable
        }
    }
}

const HELP: &str = "write `class_logit = \"max\"`, \"sum\" or \"mean\": the largest, the sum or the mean of the logits of a \
                    label's words";

fn rule(toml: &mut TomlReader<'_>, section: &mut TomlSection<'_>) -> Option<(ClassLogit, std::ops::Range<usize>)> {
    let (name, span) = section.text(toml, "class_logit")?;
    let rule = ClassLogit::named(&name);
    if rule.is_none() {
        let problem = format!("`{name}` is not a rule for the logit of a label");
        toml.wrong(&span, &section.name("class_logit"), problem, HELP);
    }
    Some((rule?, span))
}
