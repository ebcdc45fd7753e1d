//! Templates that render examples as text.

use std::fmt::Write;

use super::{diagnostics::Location, example::Example};
use crate::{
    attribution::WordClasses,
    error::{Error, InputError, Result},
    jinja::{Dialect, Jinja, JinjaError, Reason},
    text::{list, normalized},
};

/// Examples that are rendered at a time, which limits the memory for their texts.
pub(super) const RENDERED: usize = 256;

/// Template that renders the examples of a task.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name, unique within the task.
    pub name: String,
    /// Label words, exactly as they follow [`Template::render`]'s text: one per label, in the task's order, or several
    /// with `word_classes`.
    pub label_words: Vec<String>,
    /// The label of every label word, if not every label has one.
    pub word_classes: Option<WordClasses>,
    /// Text between demonstrations.
    pub separator: String,
    /// Text before the first demonstration, including its line breaks; usually empty.
    pub instruction: String,
    /// The other template of a contrastive pair.
    pub contrast: Option<String>,
    /// Whether label words may have several tokens, scored by the first one that distinguishes all of them.
    pub first_token: bool,
    /// Whether demonstrations and query are turns of a conversation.
    pub chat: bool,
    jinja: Jinja,
    hash: String,
    /// Positions of `example` and `label_words` in the task file.
    locations: Option<[Location; 2]>,
}

/// The checked fields of a template in a task file.
pub(super) struct TemplateSpec {
    pub(super) name: String,
    pub(super) example: String,
    pub(super) label_words: Vec<String>,
    pub(super) word_classes: Option<WordClasses>,
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
    /// If `example` is not a valid template, or larger than accepted.
    pub(super) fn new(spec: TemplateSpec) -> Result<Self, String> {
        let jinja = Jinja::new(Dialect::Task, &spec.example).map_err(|error| error.to_string())?;
        let parts = (&spec.example, &spec.separator, &spec.instruction, &spec.label_words, spec.chat);
        let mut parts = format!("{parts:?}");
        if let Some(classes) = &spec.word_classes {
            let _ = write!(parts, "{classes:?}");
        }
        let hash = blake3::hash(parts.as_bytes()).to_hex().to_string();
        Ok(Self {
            hash,
            name: spec.name,
            label_words: spec.label_words,
            word_classes: spec.word_classes,
            separator: spec.separator,
            instruction: spec.instruction,
            contrast: spec.contrast,
            first_token: spec.first_token,
            chat: spec.chat,
            jinja,
            locations: None,
        })
    }

    /// Records the positions of `example` and `label_words` in the task file.
    pub(super) fn placed(self, example: Location, label_words: Location) -> Self {
        Self { locations: Some([example, label_words]), ..self }
    }

    /// Adds the position in the task file to an error about the label words; returns other errors unchanged.
    pub fn locate(&self, error: Error) -> Error {
        match (error, &self.locations) {
            (Error::Input(error), Some([_, words]))
                if error.path.is_none() && error.field.as_deref() == Some("label_words") =>
            {
                words.locate(error.field(format!("template.{}.label_words", self.name))).into()
            }
            (error, _) => error,
        }
    }

    /// Returns the names of the fields that it uses.
    pub fn fields(&self) -> Vec<String> {
        self.jinja.names().to_vec()
    }

    /// Returns the word that demonstrations show for a label: its only one, or the first of several.
    ///
    /// # Panics
    /// If there is no such label.
    pub fn word(&self, label: usize) -> &str {
        &self.label_words[self.word_classes.as_ref().map_or(label, |classes| classes.first_word(label))]
    }

    /// Renders `example` up to its label word.
    ///
    /// # Errors
    /// If the template uses a field that the example does not have, or runs too long.
    pub fn render(&self, example: &Example) -> Result<String> {
        self.jinja.render(&example.fields).map_err(|error| self.located(example, &error).into())
    }

    /// Returns the error of each of `examples` that cannot be rendered, with its index; faster than rendering one by one.
    pub(super) fn failures(&self, examples: &[&Example]) -> Vec<(usize, InputError)> {
        let fields = examples.iter().map(|example| &example.fields);
        let texts = match self.jinja.render_all(fields) {
            Ok(texts) => texts,
            Err(error) => return examples.first().map(|first| (0, self.located(first, &error))).into_iter().collect(),
        };
        let failed = texts.into_iter().enumerate().filter_map(|(at, text)| Some((at, text.err()?)));
        failed.map(|(at, error)| (at, self.located(examples[at], &error))).collect()
    }

    /// Returns what each of `examples` shows in a prompt, with normalised white space, to compare examples by content;
    /// empty if all fields that it shows are empty.
    pub fn contents<'e>(&self, examples: impl IntoIterator<Item = &'e Example>) -> Vec<String> {
        let (examples, shown): (Vec<&Example>, _) = (examples.into_iter().collect(), self.fields());
        let mut contents = Vec::with_capacity(examples.len());
        for part in examples.chunks(RENDERED) {
            let texts = self.jinja.render_all(part.iter().map(|example| &example.fields)).unwrap_or_default();
            let mut texts = texts.into_iter().map(Result::unwrap_or_default);
            contents.extend(part.iter().map(|example| {
                let text = texts.next().unwrap_or_default();
                if example.is_empty(&shown) { String::new() } else { normalized(&text) }
            }));
        }
        contents
    }

    /// Returns a hash of all that it adds to prompts: its text, the text around it, label words and their classes, and
    /// whether it makes a conversation.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    fn located(&self, example: &Example, error: &JinjaError) -> InputError {
        self.locate_text(self.render_error(example, error))
    }

    /// Adds the field `example` and its position in the task file to an error or a remark.
    pub fn locate_text(&self, error: InputError) -> InputError {
        let error = error.field(format!("template.{}.example", self.name));
        match &self.locations {
            Some([text, _]) => text.locate(error),
            None => error,
        }
    }

    /// Explains why `example` cannot be rendered.
    fn render_error(&self, example: &Example, error: &JinjaError) -> InputError {
        let id = &example.id;
        let unknown = |field: &&String| !example.fields.contains_key(*field) && !self.jinja.calls(field);
        match (error.reason, self.jinja.names().iter().find(unknown)) {
            (Reason::Undefined, Some(field)) => InputError::new(format!("the example `{id}` has no field `{field}`"))
                .help(format!("its fields are {}", list(example.fields.keys()))),
            (Reason::OutOfFuel, _) => {
                InputError::new(format!("rendering the example `{id}` takes too long (the engine ran out of fuel)"))
                    .help("check that its loops end, and move long texts to the data")
            }
            _ => InputError::new(format!("the example `{id}` cannot be rendered: {error}"))
                .help(format!("its fields are {}", list(example.fields.keys()))),
        }
    }

    /// Renders the text before every query: the instruction and the demonstrations, each with its label word and the
    /// separator.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn context(&self, demonstrations: &[Example]) -> Result<String> {
        demonstrations.iter().try_fold(self.instruction.clone(), |context, demonstration| {
            Ok(context + &self.render(demonstration)? + self.word(demonstration.label) + &self.separator)
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
            word_classes: None,
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
        let instructed = Template { instruction: "Say yes or no.\n".to_owned(), ..template("Q: {{ text }}\nA:") };
        assert_eq!(instructed.context(&[]).unwrap(), "Say yes or no.\n");
    }

    #[test]
    fn errors_name_the_missing_field_and_the_existing_ones() {
        let error = template("{{ txet }}").render(&example("a", 0)).unwrap_err().to_string();
        let expected = "`template.t.example`: the example `x` has no field `txet`; its fields are text";
        assert_eq!(error, expected);
    }

    #[test]
    fn text_is_kept_as_written() {
        for text in ["Topic:\n", "Topic:\n\n", "a\r\n", " {% if true %}\n x {% endif %}\n"] {
            let expected = text.replace("{% if true %}", "").replace("{% endif %}", "");
            assert_eq!(template(text).render(&example("a", 0)).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn methods_of_python_work() {
        let methods = "{{ text.strip().upper() }}|{{ text.split()[0] }}|{{ text.replace('b', 'c') }}";
        assert_eq!(template(methods).render(&example(" a b ", 0)).unwrap(), "A B|a| a c ");
    }

    #[test]
    fn long_texts_pay_for_themselves() {
        let long = "x".repeat(20 << 20);
        assert_eq!(template("{{ text | trim }}:").render(&example(&long, 0)).unwrap().len(), long.len() + 1);
    }

    #[test]
    fn endless_templates_are_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(template(endless).render(&example("a", 0)).is_err());
    }
}
