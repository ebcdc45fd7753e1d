//! How an example becomes text.

use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Deserialize;

use super::file::Example;
use crate::error::{InputError, Result};

/// Work that rendering one example may cost, in template instructions: ends templates that loop without end.
const FUEL: u64 = 50_000;

/// One way to put examples of a task into words.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name, unique within the task.
    pub name: String,
    /// Words that name the labels, in the task's order, exactly as they follow [`Template::render`]'s text.
    pub label_words: Vec<String>,
    /// What stands between demonstrations.
    pub separator: String,
    /// The template it forms a contrastive pair with.
    pub contrast: Option<String>,
    environment: Environment<'static>,
}

/// A template as it stands in a task file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateSpec {
    name: String,
    example: String,
    label_words: Vec<String>,
    separator: String,
    #[serde(default)]
    contrast: Option<String>,
}

impl Template {
    pub(super) fn new(path: &Path, spec: TemplateSpec, labels: usize) -> Result<Self> {
        let wrong = |field: &str, problem: String| {
            let field = format!("template.{}.{field}", spec.name);
            InputError::new(problem).path(path).field(field)
        };
        if spec.label_words.len() != labels {
            let problem = format!("{} label words for {labels} labels", spec.label_words.len());
            return Err(wrong("label_words", problem).into());
        }
        if spec.label_words.iter().any(String::is_empty) {
            return Err(wrong("label_words", "a label word is empty".to_owned()).into());
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment
            .add_template_owned("example", spec.example.clone())
            .map_err(|error| wrong("example", error.to_string()))?;
        Ok(Self {
            name: spec.name,
            label_words: spec.label_words,
            separator: spec.separator,
            contrast: spec.contrast,
            environment,
        })
    }

    /// The text of `example` up to its label word.
    ///
    /// # Errors
    /// If the template names a field that the example does not have, or does too much work.
    pub fn render(&self, example: &Example) -> Result<String> {
        let rendered =
            self.environment.get_template("example").and_then(|template| template.render(Serde(&example.fields)));
        rendered.map_err(|error| {
            let fields = crate::text::list(example.fields.keys());
            InputError::new(format!("the example `{}` cannot be put into words: {error}", example.id))
                .field(format!("template.{}.example", self.name))
                .cure(format!("its fields are {fields}"))
                .into()
        })
    }

    /// What stands before every query: the demonstrations, each with its label word and the separator.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn context(&self, demonstrations: &[Example]) -> Result<String> {
        demonstrations.iter().try_fold(String::new(), |context, demonstration| {
            let word = &self.label_words[demonstration.label];
            Ok(context + &self.render(demonstration)? + word + &self.separator)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn template(example: &str) -> Template {
        let spec = TemplateSpec {
            name: "t".to_owned(),
            example: example.to_owned(),
            label_words: vec![" no".to_owned(), " yes".to_owned()],
            separator: "\n".to_owned(),
            contrast: None,
        };
        Template::new(Path::new("t.toml"), spec, 2).unwrap()
    }

    fn example(text: &str, label: usize) -> Example {
        let fields = [("text".to_owned(), Value::from(text))].into_iter().collect();
        Example { id: "x".to_owned(), fields, label }
    }

    #[test]
    fn demonstrations_end_in_their_label_word_and_the_separator() {
        let (a, b) = (example("<a> & b", 1), example("c", 0));
        let context = template("Q: {{ text }}\nA:").context(&[a, b]).unwrap();
        assert_eq!(context, "Q: <a> & b\nA: yes\nQ: c\nA: no\n");
    }

    #[test]
    fn a_missing_field_is_named_with_what_there_is() {
        let error = template("{{ txet }}").render(&example("a", 0)).unwrap_err().to_string();
        assert!(error.contains("template.t.example") && error.contains("its fields are text"), "{error}");
    }

    #[test]
    fn a_template_cannot_run_forever() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(template(endless).render(&example("a", 0)).is_err());
    }
}
