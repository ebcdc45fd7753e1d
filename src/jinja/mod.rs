//! Jinja templates of task files and models, rendered within bounds.
//!
//! A template arrives with a model or a task, and may be broken or hostile. So its length and the length of its
//! expressions are bounded before it is parsed (`limits`), everything that it walks through or creates is paid for from
//! a supply of fuel (`charged`), and it is parsed, rendered and dropped on a thread whose stack is large enough for any
//! template within these bounds. The same template and values give the same text or the same error on every machine: no
//! clock is involved.
//!
//! Cost: one thread with a stack of 16 MiB of address space per compiled template (memory is used only as the
//! stack grows), and 10 to 20 µs per rendered text for the way there and back.

mod charged;
mod date;
mod failure;
mod json;
mod limits;
mod meter;
mod python;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter,
    machinery::{self, CodeGenerator, Instructions, Span, Token, tokenize},
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};
use serde::Serialize;

use crate::catch_panic;

pub use date::Date;
pub use failure::{JinjaError, Reason};

/// Size of a template thread's stack, in bytes; a test measures that a quarter of it is enough for every template.
const STACK: usize = 16 << 20;

/// Which variety of Jinja a template is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Templates of task files: what is written is kept, and a missing field is an error.
    Task,
    /// Chat templates, as Hugging Face transformers renders them.
    Chat(Date),
}

impl Dialect {
    /// Fuel of one text without values: an upper bound of its instructions, and of 1/64 of the bytes that it creates.
    const fn fuel(self) -> u64 {
        match self {
            Self::Task => 50_000,
            Self::Chat(_) => 2_000_000,
        }
    }

    fn syntax(self) -> Result<SyntaxConfig, Error> {
        let chat = matches!(self, Self::Chat(_));
        SyntaxConfig::builder().trim_blocks(chat).lstrip_blocks(chat).keep_trailing_newline(!chat).build()
    }

    fn environment(self) -> Result<Environment<'static>, Error> {
        let mut environment = Environment::new();
        environment.set_syntax(self.syntax()?);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        meter::add_to(&mut environment);
        python::add_to(&mut environment);
        match self {
            Self::Task => {
                environment.set_undefined_behavior(UndefinedBehavior::Strict);
                environment.set_formatter(refuse_objects);
            }
            Self::Chat(date) => python::add_transformers(&mut environment, date),
        }
        Ok(environment)
    }
}

/// Writes a value; an object, which is hardly meant as a text, is an error.
fn refuse_objects(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Map {
        let problem = "an object is not a text; name one of its keys, such as `field.key`";
        return Err(Error::new(ErrorKind::InvalidOperation, problem));
    }
    escape_formatter(out, state, value)
}

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Jinja {
    dialect: Dialect,
    names: Names,
    requests: Sender<Request>,
}

/// Names that a template uses without defining them.
#[derive(Clone, Debug, Default)]
struct Names {
    /// All of them, sorted.
    used: Vec<String>,
    /// Those of functions.
    functions: Vec<String>,
}

/// Values and fuel for each of several texts, and where the texts are sent.
struct Request {
    texts: Vec<(Value, u64)>,
    answer: SyncSender<Vec<Result<String, JinjaError>>>,
}

impl Jinja {
    /// Compiles a template.
    ///
    /// # Errors
    /// If it is too large, or not valid.
    pub fn new(dialect: Dialect, source: &str) -> Result<Self, JinjaError> {
        let (requests, inbox) = channel();
        let (ready, compiled) = sync_channel(1);
        let source = source.to_owned();
        let started = thread::Builder::new()
            .name("template".to_owned())
            .stack_size(STACK)
            .spawn(move || catch_panic::catch(|| serve(dialect, &source, &ready, &inbox)));
        started.map_err(|error| JinjaError::new(Reason::Failed, format!("cannot start a thread: {error}")))?;
        let names = compiled.recv().map_err(|_| stopped())??;
        Ok(Self { dialect, names, requests })
    }

    /// Names of the values that it uses, sorted. A function of the engine is among them, since a value may have its name.
    pub fn names(&self) -> &[String] {
        &self.names.used
    }

    /// Returns whether it uses the function `name` of the engine.
    pub fn calls(&self, name: &str) -> bool {
        self.names.functions.iter().any(|function| function == name)
    }

    /// Renders a text from the fields of `values`; each byte of a text in it adds to what the template may spend.
    ///
    /// # Errors
    /// If the template fails or spends too much.
    pub fn render(&self, values: &impl Serialize) -> Result<String, JinjaError> {
        self.render_all([values])?.pop().unwrap_or_else(|| Err(stopped()))
    }

    /// As [`Jinja::render`] for each of `all`, in one trip to the template's thread.
    ///
    /// # Errors
    /// If the engine failed; a text that cannot be rendered has an error of its own.
    pub fn render_all<'v, V: Serialize + 'v>(
        &self,
        all: impl IntoIterator<Item = &'v V>,
    ) -> Result<Vec<Result<String, JinjaError>>, JinjaError> {
        let charged = |values: &V| {
            let values = Value::from(Serde(values));
            let fuel = self.dialect.fuel() + bytes_in(&values, 0) / 4;
            (values, fuel)
        };
        let (answer, texts) = sync_channel(1);
        let request = Request { texts: all.into_iter().map(charged).collect(), answer };
        self.requests.send(request).map_err(|_| stopped())?;
        texts.recv().map_err(|_| stopped())
    }
}

fn stopped() -> JinjaError {
    JinjaError::new(Reason::Failed, "the template engine failed")
}

/// Returns the length of all texts in `value`.
fn bytes_in(value: &Value, depth: usize) -> u64 {
    if let Some(text) = value.as_str() {
        return text.len() as u64;
    }
    let Some(object) = value.as_object().filter(|_| depth < 200) else { return 0 };
    match object.try_iter_pairs() {
        Some(pairs) => pairs.map(|(_, item)| bytes_in(&item, depth + 1)).sum(),
        None => object.try_iter().into_iter().flatten().map(|item| bytes_in(&item, depth + 1)).sum(),
    }
}

/// The thread of a template: compiles it, then answers requests until their senders are gone.
fn serve(dialect: Dialect, source: &str, ready: &SyncSender<Result<Names, JinjaError>>, inbox: &Receiver<Request>) {
    let source = match checked(dialect, source) {
        Ok(source) => source,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let mut program = match Program::new(dialect, &source) {
        Ok(program) => program,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(program.names()));
    for Request { texts, answer } in inbox {
        let _ = answer.send(texts.into_iter().map(|(values, fuel)| program.render(values, fuel)).collect());
    }
}

/// Checks the bounds of a template, and translates the tags that the engine does not know.
fn checked(dialect: Dialect, source: &str) -> Result<String, JinjaError> {
    let syntax = dialect.syntax()?;
    limits::check(source, &syntax)?;
    Ok(if matches!(dialect, Dialect::Chat(_)) { without_generation(source, &syntax) } else { source.to_owned() })
}

/// Replaces `{% generation %}` … `{% endgeneration %}` by a block with the same scope. Transformers uses these tags to
/// find the tokens of the assistant and prints what is between them.
fn without_generation(source: &str, syntax: &SyntaxConfig) -> String {
    let tokens = tokens(source, syntax);
    let (mut text, mut done) = (String::with_capacity(source.len()), 0);
    for pair in tokens.windows(2) {
        let word = match pair {
            [(Token::BlockStart, _), (Token::Ident("generation"), span)] => Some(("with", span)),
            [(Token::BlockStart, _), (Token::Ident("endgeneration"), span)] => Some(("endwith", span)),
            _ => None,
        };
        if let Some((word, span)) = word {
            text += &source[done..span.start_offset as usize];
            text += word;
            done = span.end_offset as usize;
        }
    }
    text + &source[done..]
}

fn tokens<'s>(source: &'s str, syntax: &SyntaxConfig) -> Vec<(Token<'s>, Span)> {
    tokenize(source, false, syntax.clone()).map_while(Result::ok).collect()
}

/// Returns the names of which an item or a slice is taken, as in `text[:9]` or `meta.text[0]`, without those that the
/// template itself defines: the engine forgets the names in slices.
fn sliced(tokens: &[(Token<'_>, Span)]) -> BTreeSet<String> {
    let ident = |at: usize| match tokens.get(at) {
        Some((Token::Ident(name), _)) => Some(*name),
        _ => None,
    };
    let (mut used, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for at in 0..tokens.len() {
        if matches!(ident(at), Some("for" | "set" | "with" | "macro")) {
            let here = (at + 1..tokens.len()).take_while(|&at| !matches!(tokens[at].0, Token::BlockEnd));
            defined.extend(here.take_while(|&at| ident(at) != Some("in")).filter_map(ident));
        }
        if matches!(tokens[at].0, Token::BracketOpen) {
            let mut root = at.wrapping_sub(1);
            while root >= 2 && ident(root).is_some() && matches!(tokens[root - 1].0, Token::Dot) {
                root -= 2;
            }
            used.extend(ident(root));
        }
    }
    used.into_iter().filter(|name| !defined.contains(name)).map(str::to_owned).collect()
}

/// A template as instructions of the engine.
struct Program<'s> {
    environment: Environment<'static>,
    source: &'s str,
    syntax: SyntaxConfig,
    instructions: Instructions<'s>,
    blocks: BTreeMap<&'s str, Instructions<'s>>,
}

impl<'s> Program<'s> {
    fn new(dialect: Dialect, source: &'s str) -> Result<Self, JinjaError> {
        let (environment, syntax) = (dialect.environment()?, dialect.syntax()?);
        let tree = charged::statement(&machinery::parse(source, "template", syntax.clone())?);
        let mut generator = CodeGenerator::new("template", source);
        generator.compile_stmt(&tree);
        let (instructions, blocks) = generator.finish();
        Ok(Self { environment, source, syntax, instructions, blocks })
    }

    fn names(&self) -> Names {
        let template = self.environment.template_from_str(self.source);
        let mut used = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        used.extend(sliced(&tokens(self.source, &self.syntax)));
        let mut used = Vec::from_iter(used);
        used.sort();
        let functions = self.environment.globals().map(|(name, _)| name.to_owned());
        let functions = functions.filter(|name| used.contains(name)).collect();
        Names { used, functions }
    }

    fn render(&mut self, values: Value, fuel: u64) -> Result<String, JinjaError> {
        self.environment.set_fuel(Some(fuel));
        let mut text = String::new();
        let mut output = machinery::make_string_output(&mut text);
        let none = AutoEscape::None;
        machinery::eval(&self.environment, &self.instructions, values, &self.blocks, &mut output, none).map(|_| ())?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
