//! Chat templates of instruct models: Jinja, as in Hugging Face's tokenizer files.

use std::{
    env,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    data_memory::check_json,
    disk,
    error::{InputError, Result},
    jinja::{Date, Dialect, Jinja, JinjaError, Reason},
};

/// File of a model's folder with nothing but the template; it is used before the one in tokenizer_config.json.
const OWN_FILE: &str = "chat_template.jinja";
/// Variable of the environment with the date that templates print.
const DATE: &str = "PARTSCOPE_DATE";
/// Fields of tokenizer_config.json that templates can use, as transformers passes them on.
const TOKENS: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Compiled chat template with its special tokens.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    jinja: Jinja,
    place: Place,
    tokens: Map<String, Value>,
    date: Date,
}

/// Where a template comes from.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    /// The field with the template; `None` if the file is the template.
    field: Option<&'static str>,
}

impl Place {
    fn error(&self, problem: &str, error: &JinjaError) -> InputError {
        let place = match self.field {
            Some(field) => InputError::new(format!("{problem}{error}")).field(field),
            None => InputError { line: error.line, ..InputError::new(format!("{problem}{}", error.message)) },
        };
        let place = place.path(&self.path);
        match error.reason {
            Reason::TooLarge | Reason::OutOfFuel => {
                place.help("published templates stay far below this limit; check where the file comes from")
            }
            Reason::Raised => place.help("leave out `chat`, or choose prompts that the model's template accepts"),
            _ => place,
        }
    }
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

/// The values that transformers' `apply_chat_template` gives to a template.
#[derive(Serialize)]
struct Conversation<'a> {
    messages: &'a [Turn],
    tools: (),
    documents: (),
    add_generation_prompt: bool,
    #[serde(flatten)]
    tokens: &'a Map<String, Value>,
}

impl ChatTemplate {
    /// Compiles the template in `field` of the file at `path`, or the one that is the file. `tokens` holds the special
    /// tokens by the names that templates use, such as `bos_token`.
    ///
    /// # Errors
    /// If `source` is not a valid template, or larger than accepted; names file and field.
    pub fn new(path: &Path, field: Option<&'static str>, source: &str, tokens: Map<String, Value>) -> Result<Self> {
        let (place, date) = (Place { path: path.to_owned(), field }, date()?);
        let jinja = Jinja::new(Dialect::Chat(date), source).map_err(|error| place.error("", &error))?;
        Ok(Self { jinja, place, tokens, date })
    }

    /// Reads the template of the model in `folder`, from `chat_template.jinja` or else from tokenizer_config.json.
    /// Returns `None` if there is no template.
    ///
    /// # Errors
    /// If a file cannot be read, or tokenizer_config.json or the template is invalid.
    pub(super) fn from_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("tokenizer_config.json");
        let config: Value = match disk::read_if_exists(&path)? {
            None => json!({}),
            Some(bytes) => {
                check_json(&bytes).map_err(|error| error.path(&path))?;
                serde_json::from_slice(&bytes)
                    .map_err(|error| InputError::new(error.to_string()).path(&path).line(error.line()))?
            }
        };
        let tokens = special_tokens(&config);
        let own = folder.join(OWN_FILE);
        if let Some(bytes) = disk::read_if_exists(&own)? {
            let source = String::from_utf8(bytes)
                .map_err(|_| InputError::new("the template is not UTF-8").path(&own).help("convert it to UTF-8"))?;
            return Self::new(&own, None, &source, tokens).map(Some);
        }
        let Some(source) = config.get("chat_template").and_then(template) else { return Ok(None) };
        Self::new(&path, Some("chat_template"), &source, tokens).map(Some)
    }

    /// Renders the conversation up to the start of the model's next turn.
    ///
    /// # Errors
    /// If the template rejects the conversation, or runs too long; names the template's file.
    pub fn render(&self, turns: &[Turn]) -> Result<String> {
        let conversation = Conversation {
            messages: turns,
            tools: (),
            documents: (),
            add_generation_prompt: true,
            tokens: &self.tokens,
        };
        self.jinja.render(&conversation).map_err(|error| {
            let problem = match error.reason {
                Reason::Raised => "the chat template rejects the conversation: ",
                _ => "the chat template cannot be rendered: ",
            };
            self.place.error(problem, &error).into()
        })
    }

    /// Returns a remark if prompts may contain a date, and thus depend on `PARTSCOPE_DATE`.
    pub fn date_note(&self) -> Option<String> {
        self.jinja.calls("strftime_now").then(|| {
            let date = self.date;
            format!(
                "the chat template may print a date: {date}, fixed so that the run can be repeated; set {DATE} to \
                     YYYY-MM-DD or `today` for another"
            )
        })
    }
}

/// Returns the date that templates print: PARTSCOPE_DATE, or a fixed one.
fn date() -> Result<Date> {
    let Some(text) = env::var_os(DATE).filter(|text| !text.is_empty()) else { return Ok(Date::default()) };
    let text = text.to_string_lossy();
    Date::parse(&text).ok_or_else(|| {
        let help = "write YYYY-MM-DD, or `today`";
        InputError::new(format!("`{text}` is not a date")).field(DATE).help(help).into()
    })
}

/// Returns the special tokens of a tokenizer_config.json as transformers gives them to templates.
fn special_tokens(config: &Value) -> Map<String, Value> {
    let text = |token: &Value| token.as_str().or_else(|| token.get("content")?.as_str()).map(Value::from);
    let mut tokens = Map::new();
    for name in TOKENS {
        if let Some(token) = config.get(name).and_then(text) {
            tokens.insert(name.to_owned(), token);
        }
    }
    if let Some(list) = config.get("additional_special_tokens").and_then(Value::as_array) {
        tokens.insert("additional_special_tokens".to_owned(), list.iter().filter_map(text).collect());
    }
    if let Some(own) = config.get("extra_special_tokens").and_then(Value::as_object) {
        tokens.extend(own.iter().filter_map(|(name, token)| Some((name.clone(), text(token)?))));
    }
    tokens
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
    use std::fs;

    use super::*;

    fn turns() -> [Turn; 3] {
        [Turn::user("a"), Turn::assistant("b"), Turn::user("c <d>")]
    }

    fn rendered(source: &str) -> Result<String> {
        let tokens = json!({"bos_token": "<s>", "eos_token": "</s>"});
        ChatTemplate::new(Path::new("t"), None, source, tokens.as_object().unwrap().clone())?.render(&turns())
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
        assert_eq!(rendered(controls).unwrap(), expected);
    }

    #[test]
    fn a_folder_gives_its_own_file_first_and_all_special_tokens() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
        let rendered =
            || ChatTemplate::from_folder(home.path()).map(|found| found.map(|it| it.render(&turns()).unwrap()));
        assert_eq!(rendered().unwrap(), None);
        let tokens = json!({"bos_token": {"content": "<s>"}, "unk_token": "<u>", "eos_token": null,
            "additional_special_tokens": ["<a>", {"content": "<b>"}], "extra_special_tokens": {"image_token": "<i>"},
            "chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "of the config"}]});
        write("tokenizer_config.json", &tokens.to_string());
        assert_eq!(rendered().unwrap().as_deref(), Some("of the config"));
        let all =
            "{{ bos_token }}{{ unk_token }}{{ eos_token }}{{ additional_special_tokens | join }}{{ image_token }}";
        write("chat_template.jinja", all);
        assert_eq!(rendered().unwrap().as_deref(), Some("<s><u><a><b><i>"));
        fs::remove_file(home.path().join("tokenizer_config.json")).unwrap();
        assert_eq!(rendered().unwrap().as_deref(), Some(""));
        fs::write(home.path().join("chat_template.jinja"), b"\xff").unwrap();
        let error = rendered().unwrap_err().to_string();
        assert!(error.contains("chat_template.jinja: the template is not UTF-8"), "{error}");
    }

    #[test]
    fn a_template_that_may_print_a_date_says_so() {
        let note = |source| ChatTemplate::new(Path::new("t"), None, source, Map::new()).unwrap().date_note();
        assert_eq!(note("{{ messages }}"), None);
        assert!(note("{{ strftime_now('%d') }}").unwrap().contains("2024-07-26"));
    }

    #[test]
    fn errors_of_templates_are_reported() {
        let error = rendered("{{ raise_exception('roles must alternate') }}").unwrap_err().to_string();
        assert!(error.contains("roles must alternate"), "{error}");
        assert!(rendered("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}").is_err());
        assert!(rendered("{% for %}").is_err());
    }
}
