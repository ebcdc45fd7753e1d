//! Chat templates of instruct models: Jinja, as Hugging Face's tokenizers carry them.

use std::{fs, path::Path};

use minijinja::{Environment, Error as JinjaError, ErrorKind, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, InputError, Result};

/// Work that rendering one conversation may cost, in template instructions.
const FUEL: u64 = 5_000_000;

/// How a model wants a conversation written.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    role: &'static str,
    content: String,
}

impl Turn {
    /// Something that the user says.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user", content: content.into() }
    }

    /// Something that the model says.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: "assistant", content: content.into() }
    }
}

impl ChatTemplate {
    /// Compiles `source`; `bos` and `eos` are the texts of the special tokens that templates name.
    ///
    /// # Errors
    /// If it is no template; `path` is named.
    pub fn new(path: &Path, source: &str, bos: String, eos: String) -> Result<Self> {
        let mut environment = Environment::new();
        let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(blocks.map_err(|error| Error::Model(error.to_string()))?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", |_: String| String::new());
        let added = environment.add_template_owned("chat", source.to_owned());
        added.map_err(|error| InputError::new(error.to_string()).path(path).field("chat_template"))?;
        Ok(Self { environment, bos, eos })
    }

    /// The template of the model in `folder`: `chat_template.jinja`, or what tokenizer_config.json says.
    ///
    /// # Errors
    /// If a file is there but unsound.
    pub(super) fn of_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("tokenizer_config.json");
        let Ok(bytes) = fs::read(&path) else { return Ok(None) };
        let config: Value = serde_json::from_slice(&bytes)
            .map_err(|error| InputError::new(error.to_string()).path(&path).line(error.line()))?;
        let own = fs::read_to_string(folder.join("chat_template.jinja")).ok();
        let Some(source) = own.or_else(|| template(config.get("chat_template")?)) else { return Ok(None) };
        let special = |name: &str| {
            let token = config.get(name)?;
            token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
        };
        Self::new(&path, &source, special("bos_token").unwrap_or_default(), special("eos_token").unwrap_or_default())
            .map(Some)
    }

    /// The conversation up to where the model is to speak.
    ///
    /// # Errors
    /// If the template refuses it, or does too much work.
    pub fn render(&self, turns: &[Turn]) -> Result<String> {
        let values = context! {
            messages => Serde(turns), add_generation_prompt => true, bos_token => &self.bos, eos_token => &self.eos,
        };
        let rendered = self.environment.get_template("chat").and_then(|template| template.render(values));
        rendered.map_err(|error| Error::Model(format!("the model's chat template refuses the conversation: {error}")))
    }
}

/// A template, or the one called `default` of several.
fn template(value: &Value) -> Option<String> {
    let named = |name: &str| {
        value.as_array()?.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))?.get("template")
    };
    value.as_str().or_else(|| named("default")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns() -> [Turn; 3] {
        [Turn::user("a"), Turn::assistant("b"), Turn::user("c <d>")]
    }

    fn rendered(source: &str) -> Result<String> {
        ChatTemplate::new(Path::new("t"), source, "<s>".to_owned(), "</s>".to_owned())?.render(&turns())
    }

    /// The ways in which published templates are written; expected texts are those of Jinja2 with the settings of
    /// Hugging Face's `apply_chat_template`.
    #[test]
    fn templates_as_they_are_published() {
        let chatml = "{% for message in messages %}\n{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                      '<|im_end|>' + '\\n'}}\n{% endfor %}\n{% if add_generation_prompt %}\n{{ '<|im_start|>assistant\\n' \
                      }}{% endif %}";
        let said = |role: &str, text: &str| format!("<|im_start|>{role}\n{text}<|im_end|>\n\n");
        let expected = said("user", "a") + &said("assistant", "b") + &said("user", "c <d>") + "<|im_start|>assistant\n";
        assert_eq!(rendered(chatml).unwrap(), expected);
        let mistral = "{{ bos_token }}{%- for message in messages -%}{%- if message.role == 'user' -%}{{ '[INST] ' + \
                       message.content.strip() + ' [/INST]' }}{%- elif message['role'] == 'assistant' -%}{{ ' ' + \
                       message['content'] | trim + eos_token }}{%- else -%}{{ raise_exception('no ' + message.role) }}\
                       {%- endif -%}{%- endfor -%}";
        assert_eq!(rendered(mistral).unwrap(), "<s>[INST] a [/INST] b</s>[INST] c <d> [/INST]");
        let controls = "{%- for message in messages -%}{%- if loop.index0 == 1 -%}{%- continue -%}{%- endif -%}\
                        {{- message | tojson -}}{%- endfor -%}";
        let expected = r#"{"role": "user", "content": "a"}{"role": "user", "content": "c <d>"}"#;
        assert_eq!(rendered(controls).unwrap().replace("\\u003c", "<").replace("\\u003e", ">"), expected);
    }

    #[test]
    fn what_a_template_refuses_is_said() {
        let error = rendered("{{ raise_exception('roles must alternate') }}").unwrap_err().to_string();
        assert!(error.contains("roles must alternate"), "{error}");
        assert!(rendered("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}").is_err());
        assert!(rendered("{% for %}").is_err());
    }
}
