//! Chat templates of instruct models: Jinja, as in Hugging Face's tokenizer files.

use std::path::Path;

use minijinja::{Environment, Error as JinjaError, ErrorKind, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use serde_json::Value;

use crate::{
    disk,
    error::{Error, InputError, Result},
};

/// Limit on template instructions per rendered conversation.
const FUEL: u64 = 5_000_000;

/// Compiled chat template with its special tokens.
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
    /// Creates a turn of the user.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user", content: content.into() }
    }

    /// Creates a turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: "assistant", content: content.into() }
    }
}

impl ChatTemplate {
    /// Compiles `source`; `bos` and `eos` are the texts of the special tokens. Errors name `path`.
    ///
    /// # Errors
    /// If `source` is not a valid template.
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

    /// Reads the template of the model in `folder`, from `chat_template.jinja` or else from tokenizer_config.json.
    /// Returns `None` if there is no template or no tokenizer_config.json.
    ///
    /// # Errors
    /// If tokenizer_config.json or the template is invalid.
    pub(super) fn from_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("tokenizer_config.json");
        let Some(bytes) = disk::read_if_exists(&path)? else { return Ok(None) };
        let config: Value = serde_json::from_slice(&bytes)
            .map_err(|error| InputError::new(error.to_string()).path(&path).line(error.line()))?;
        let separate =
            disk::read_if_exists(&folder.join("chat_template.jinja"))?.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(source) = separate.or_else(|| template(config.get("chat_template")?)) else { return Ok(None) };
        let special = |name: &str| {
            let token = config.get(name)?;
            token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
        };
        Self::new(&path, &source, special("bos_token").unwrap_or_default(), special("eos_token").unwrap_or_default())
            .map(Some)
    }

    /// Renders the conversation up to the start of the model's next turn.
    ///
    /// # Errors
    /// If the template rejects the conversation or runs too many instructions.
    pub fn render(&self, turns: &[Turn]) -> Result<String> {
        let values = context! {
            messages => Serde(turns), add_generation_prompt => true, bos_token => &self.bos, eos_token => &self.eos,
        };
        let rendered = self.environment.get_template("chat").and_then(|template| template.render(values));
        rendered.map_err(|error| Error::Model(format!("the model's chat template rejects the conversation: {error}")))
    }
}

/// Returns the template in `value`, or the one named `default` in a list of templates.
fn template(value: &Value) -> Option<String> {
    let named = |name: &str| {
        value.as_array()?.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))?.get("template")
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

    /// Expected texts come from Jinja2 with the settings of Hugging Face's `apply_chat_template`.
    #[test]
    fn published_templates_render_as_in_jinja2() {
        let chatml = "{% for message in messages %}\n{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                      '<|im_end|>' + '\\n'}}\n{% endfor %}\n{% if add_generation_prompt %}\n{{ '<|im_start|>assistant\\n' \
                      }}{% endif %}";
        let turn = |role: &str, text: &str| format!("<|im_start|>{role}\n{text}<|im_end|>\n\n");
        let expected = turn("user", "a") + &turn("assistant", "b") + &turn("user", "c <d>") + "<|im_start|>assistant\n";
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
    fn errors_of_templates_are_reported() {
        let error = rendered("{{ raise_exception('roles must alternate') }}").unwrap_err().to_string();
        assert!(error.contains("roles must alternate"), "{error}");
        assert!(rendered("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}").is_err());
        assert!(rendered("{% for %}").is_err());
    }
}
