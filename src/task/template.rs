//! How an example becomes text.

use minijinja::{Environment, UndefinedBehavior, value::Serde};

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
    /// Label words may be several tokens, scored by the first that tells all of them apart.
    pub first_token: bool,
    /// Demonstrations and query are turns of a conversation.
    pub chat: bool,
    environment: Environment<'static>,
}

/// A template as it stands in a task file, checked for itself.
pub(super) struct TemplateSpec {
    pub(super) name: String,
    pub(super) example: String,
    pub(super) label_words: Vec<String>,
    pub(super) separator: String,
    pub(super) contrast: Option<String>,
    pub(super) first_token: bool,
    pub(super) chat: bool,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// What is wrong with its `example`.
    pub(super) fn new(spec: TemplateSpec) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_template_owned("example", spec.example).map_err(|error| error.to_string())?;
        Ok(Self {
            name: spec.name,
            label_words: spec.label_words,
            separator: spec.separator,
            contrast: spec.contrast,
            first_token: spec.first_token,
            chat: spec.chat,
            environment,
        })
    }

    /// Names of the fields that it shows.
    pub fn fields(&self) -> Vec<String> {
        let template = self.environment.get_template("example");
        let mut fields: Vec<String> =
            template.map(|template| template.undeclared_variables(false).into_iter().collect()).unwrap_or_default();
        fields.sort();
        fields
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
            first_token: false,
            chat: false,
        };
        Template::new(spec).unwrap()
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
