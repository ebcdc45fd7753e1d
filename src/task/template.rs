//! How an example becomes text.

use minijinja::{Environment, ErrorKind, UndefinedBehavior, value::Serde};

use super::{diagnostics::Location, example::Example};
use crate::{
    error::{Error, InputError, Result},
    text::list,
};

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
    /// What stands before the first demonstration, with its own line breaks; mostly nothing.
    pub instruction: String,
    /// The template it forms a contrastive pair with.
    pub contrast: Option<String>,
    /// Label words may be several tokens, scored by the first that tells all of them apart.
    pub first_token: bool,
    /// Demonstrations and query are turns of a conversation.
    pub chat: bool,
    environment: Environment<'static>,
    /// Where the text of an example and the label words stand in the task file.
    places: Option<[Location; 2]>,
}

/// A template as it stands in a task file, checked for itself.
pub(super) struct TemplateSpec {
    pub(super) name: String,
    pub(super) example: String,
    pub(super) label_words: Vec<String>,
    pub(super) separator: String,
    pub(super) instruction: String,
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
            instruction: spec.instruction,
            contrast: spec.contrast,
            first_token: spec.first_token,
            chat: spec.chat,
            environment,
            places: None,
        })
    }

    /// The same, knowing where its `example` and its `label_words` stand.
    pub(super) fn placed(self, example: Location, label_words: Location) -> Self {
        Self { places: Some([example, label_words]), ..self }
    }

    /// An error about the label words with their place in the task file; other errors as they are.
    pub fn locate(&self, error: Error) -> Error {
        match (error, &self.places) {
            (Error::Input(error), Some([_, words]))
                if error.path.is_none() && error.field.as_deref() == Some("label_words") =>
            {
                words.of(error.field(format!("template.{}.label_words", self.name))).into()
            }
            (error, _) => error,
        }
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
            let mistake = self.refusal(example, &error).field(format!("template.{}.example", self.name));
            match &self.places {
                Some([text, _]) => text.of(mistake).into(),
                None => mistake.into(),
            }
        })
    }

    /// Why `example` cannot be put into words, and what helps.
    fn refusal(&self, example: &Example, error: &minijinja::Error) -> InputError {
        let id = &example.id;
        let known = |field: &str| {
            example.fields.contains_key(field) || self.environment.globals().any(|(name, _)| name == field)
        };
        let stranger = || self.fields().into_iter().find(|field| !known(field));
        match (error.kind(), stranger()) {
            (ErrorKind::UndefinedError, Some(field)) => {
                InputError::new(format!("the example `{id}` has no field `{field}`"))
                    .cure(format!("its fields are {}", list(example.fields.keys())))
            }
            (ErrorKind::OutOfFuel, _) => {
                InputError::new(format!("too much work for the example `{id}` (the engine ran out of fuel)"))
                    .cure("let its loops end, and make long texts in the data")
            }
            _ => InputError::new(format!("the example `{id}` cannot be put into words: {error}"))
                .cure(format!("its fields are {}", list(example.fields.keys()))),
        }
    }

    /// What stands before every query: the instruction, and the demonstrations, each with its label word and the
    /// separator.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn context(&self, demonstrations: &[Example]) -> Result<String> {
        demonstrations.iter().try_fold(self.instruction.clone(), |context, demonstration| {
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
            instruction: String::new(),
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
        let told = Template { instruction: "Say yes or no.\n".to_owned(), ..template("Q: {{ text }}\nA:") };
        assert_eq!(told.context(&[]).unwrap(), "Say yes or no.\n");
    }

    #[test]
    fn a_missing_field_is_named_with_what_there_is() {
        let error = template("{{ txet }}").render(&example("a", 0)).unwrap_err().to_string();
        let expected = "`template.t.example`: the example `x` has no field `txet`; its fields are text";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_template_cannot_run_forever() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(template(endless).render(&example("a", 0)).is_err());
    }
}
