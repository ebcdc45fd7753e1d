//! Bounds on the source of a template, checked before it is parsed.
//!
//! The engine parses and compiles by recursion, one level per operator of a chain such as `1 + 1 + …` or `not not …` and
//! one per `elif`. These bounds and the size of the thread's stack belong together: no template within them fills it.

use minijinja::{
    machinery::{Token, tokenize},
    syntax::SyntaxConfig,
};

use super::{JinjaError, Reason};

/// Maximum length of a template, in bytes. The longest published chat templates have about 30,000.
pub(super) const MAX_LENGTH: usize = 256 << 10;
/// Maximum number of operators, brackets, filters and attributes between `{{` and `}}`, or `{%` and `%}`.
const MAX_OPERATORS: usize = 1_000;
/// Maximum number of `elif` in a template.
const MAX_BRANCHES: usize = 1_000;

/// Checks the length of `source`, the length of its expressions and the number of its branches.
pub(super) fn check(source: &str, syntax: &SyntaxConfig) -> Result<(), JinjaError> {
    if source.len() > MAX_LENGTH {
        let problem = format!("the template has {} bytes; at most {MAX_LENGTH} are accepted", source.len());
        return Err(JinjaError::new(Reason::TooLarge, problem));
    }
    let (mut operators, mut branches) = (0, 0);
    // Errors of the tokenizer are left to the parser.
    for (token, span) in tokenize(source, false, syntax.clone()).map_while(Result::ok) {
        match token {
            Token::BlockStart | Token::VariableStart => operators = 0,
            Token::Ident("elif") => branches += 1,
            token if is_operator(&token) => operators += 1,
            _ => {}
        }
        let (what, limit) = match () {
            () if operators > MAX_OPERATORS => ("operators in one expression", MAX_OPERATORS),
            () if branches > MAX_BRANCHES => ("branches (`elif`)", MAX_BRANCHES),
            () => continue,
        };
        let problem = format!("the template has more than {limit} {what}");
        return Err(JinjaError::new(Reason::TooLarge, problem).at(span.start_line.into()));
    }
    Ok(())
}

const fn is_operator(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(name) => matches!(name.as_bytes(), b"and" | b"or" | b"not" | b"if" | b"else" | b"is" | b"in"),
        Token::TemplateData(_)
        | Token::VariableStart
        | Token::VariableEnd
        | Token::BlockStart
        | Token::BlockEnd
        | Token::Str(_)
        | Token::String(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::Float(_)
        | Token::Comma
        | Token::Colon
        | Token::Assign
        | Token::ParenClose
        | Token::BracketClose
        | Token::BraceClose => false,
        _ => true,
    }
}
