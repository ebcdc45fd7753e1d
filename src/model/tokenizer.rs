//! Text to token ids, as Hugging Face's tokenizers give them.

use std::path::Path;

use serde_json::Value;

use super::catch_panic;
use crate::error::{Error, InputError, Result};

/// A tokenizer with stored truncation and padding cleared.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Ids that the model knows are below this.
    known: usize,
    /// Whether the post-processor adds its special tokens.
    specials: bool,
}

impl Tokenizer {
    /// Reads a tokenizer.json; `path` is named in errors.
    ///
    /// # Errors
    /// If the bytes are not a tokenizer, or one that cannot encode.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let wrong = |problem: String| InputError::new(problem).path(path).cure("fetch the file again");
        check_post_processor(bytes).map_err(|(field, problem)| wrong(problem).field(field))?;
        let read = catch_panic::catch(|| tokenizers::Tokenizer::from_bytes(bytes)).map_err(&wrong)?;
        let mut inner = read.map_err(|error| wrong(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        let tokenizer = Self { inner: without_dropout(inner), known: usize::MAX, specials: true };
        tokenizer.encode("Is it sound? 1 2").map_err(|error| wrong(error.to_string()))?;
        Ok(tokenizer)
    }

    /// The same for a model with `vocabulary` token ids.
    ///
    /// Added tokens may lie beyond it, as those for images do in text-only models; using one is an error then.
    ///
    /// # Errors
    /// Names the first ordinary token whose id the model does not know.
    pub fn for_vocabulary(mut self, vocabulary: usize) -> Result<Self, InputError> {
        let beyond = self.inner.get_vocab(false).into_iter().filter(|&(_, id)| id as usize >= vocabulary);
        if let Some((token, id)) = beyond.min_by_key(|&(_, id)| id) {
            let problem = format!("the token `{token}` has the id {id}, but the model knows only {vocabulary} ids");
            return Err(InputError::new(problem).field("model.vocab").cure("take the tokenizer of this model"));
        }
        self.known = vocabulary;
        Ok(self)
    }

    /// The same for texts that hold their special tokens already, as chat templates write them.
    #[must_use]
    pub fn without_specials(&self) -> Self {
        Self { specials: false, ..self.clone() }
    }

    /// Token ids of a whole prompt, with the special tokens that the tokenizer's post-processor adds.
    ///
    /// # Errors
    /// If the tokenizer cannot encode `text`, or gives a token that the model does not know.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let failed = |error: String| Error::Model(format!("the tokenizer failed: {error}"));
        let encoding = catch_panic::catch(|| self.inner.encode_fast(text, self.specials)).map_err(failed)?;
        let ids = encoding.map_err(|error| failed(error.to_string()))?.get_ids().to_vec();
        match ids.iter().find(|&&id| id as usize >= self.known) {
            Some(&id) => Err(failed(format!(
                "the text holds `{}`, token {id}, which the model does not know",
                self.inner.id_to_token(id).unwrap_or_default()
            ))),
            None => Ok(ids),
        }
    }

    /// Token ids of a whole prompt as [`Tokenizer::encode`] gives them, each with the bytes of `text` that it stands
    /// for: from where the token before ends to where it ends. Added special tokens stand for nothing.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_with_ranges(&self, text: &str) -> Result<Vec<(u32, std::ops::Range<usize>)>> {
        let failed = |error: String| Error::Model(format!("the tokenizer failed: {error}"));
        let encoding = catch_panic::catch(|| self.inner.encode(text, true)).map_err(failed)?;
        let encoding = encoding.map_err(|error| failed(error.to_string()))?;
        let mut seen = 0;
        let ends = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask());
        let ranges = ends.map(|(&(_, end), &special)| {
            let start = seen;
            seen = if special == 1 { seen } else { end.max(seen) };
            start..seen
        });
        Ok(encoding.get_ids().iter().copied().zip(ranges).collect())
    }

    /// The texts of token ids, one each, for messages.
    pub fn pieces(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.inner.decode(&[id], false).unwrap_or_else(|_| format!("#{id}"))).collect()
    }

    /// Number of ids, added tokens included.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The largest id.
    pub fn largest_id(&self) -> u32 {
        self.inner.get_vocab(true).into_values().max().unwrap_or(0)
    }

    /// The token by which each label word is scored after `prompt`.
    ///
    /// A word is usable if it is one token, unlike the others', and if the prompt's own tokens stay what they are when
    /// the word follows: otherwise the model would be asked about a token that never comes next.
    ///
    /// # Errors
    /// Names the word, its tokens and a likely cure.
    pub fn label_tokens(&self, prompt: &str, words: &[String]) -> Result<Vec<u32>> {
        let before = self.encode(prompt)?;
        let mut tokens: Vec<u32> = Vec::with_capacity(words.len());
        for word in words {
            let token = self.label_token(prompt, &before, word)?;
            if let Some(twin) = tokens.iter().position(|&other| other == token) {
                let problem = format!("the label words `{}` and `{word}` share the token #{token}", words[twin]);
                return Err(InputError::new(problem).field("label_words").cure("choose words that differ").into());
            }
            tokens.push(token);
        }
        Ok(tokens)
    }

    fn label_token(&self, prompt: &str, before: &[u32], word: &str) -> Result<u32> {
        let whole = self.encode(&format!("{prompt}{word}"))?;
        let wrong =
            |problem: String, cure: String| Err(InputError::new(problem).field("label_words").cure(cure).into());
        match whole.strip_prefix(before) {
            Some(&[token]) => Ok(token),
            Some(several) => {
                let pieces = self.pieces(several).join("` `");
                let problem = format!("the label word `{word}` is {} tokens, not one: `{pieces}`", several.len());
                wrong(problem, self.cure(word))
            }
            None => {
                let ending: String = prompt.chars().skip(prompt.chars().count().saturating_sub(12)).collect();
                let problem = format!("the label word `{word}` fuses with the end of the prompt `…{ending}`");
                wrong(problem, self.cure(word))
            }
        }
    }

    /// The tokens that tell label words of any length apart after `prompt`: the first in which all of them differ.
    ///
    /// Tokens that all words begin with belong to the prompt then.
    ///
    /// # Errors
    /// If a word fuses with the prompt, or no such token exists.
    pub fn first_tokens(&self, prompt: &str, words: &[String]) -> Result<FirstTokens> {
        let before = self.encode(prompt)?;
        let wrong = |problem: String, cure: String| InputError::new(problem).field("label_words").cure(cure);
        let mut spelled: Vec<Vec<u32>> = Vec::with_capacity(words.len());
        for word in words {
            let whole = self.encode(&format!("{prompt}{word}"))?;
            let Some(own) = whole.strip_prefix(before.as_slice()).filter(|own| !own.is_empty()) else {
                let problem = format!("the label word `{word}` fuses with the end of the prompt");
                return Err(wrong(problem, self.cure(word)).into());
            };
            spelled.push(own.to_vec());
        }
        let at = |place: usize| spelled.iter().map(move |word| word.get(place).copied());
        let shared = (0..)
            .take_while(|&place| at(place).all(|token| token.is_some() && token == spelled[0].get(place).copied()));
        let shared = shared.count();
        let tokens: Option<Vec<u32>> = at(shared).collect();
        let distinct =
            |tokens: &Vec<u32>| tokens.iter().collect::<std::collections::HashSet<_>>().len() == tokens.len();
        let tokens = tokens.filter(distinct).ok_or_else(|| {
            let pieces: Vec<String> = spelled.iter().map(|word| self.pieces(word).join("|")).collect();
            let problem = format!("no one token tells the label words apart: {}", pieces.join(", "));
            wrong(problem, "choose words that differ from their first token on".to_owned())
        })?;
        Ok(FirstTokens { shared: spelled[0][..shared].to_vec(), tokens })
    }

    /// What usually helps.
    fn cure(&self, word: &str) -> String {
        let bare = word.trim_start();
        let other = if bare.len() == word.len() { format!(" {word}") } else { bare.to_owned() };
        let single = self.inner.encode_fast(other.as_str(), false).is_ok_and(|encoding| encoding.len() == 1);
        match (single, bare.len() == word.len()) {
            (true, true) => format!("write it with a leading space: `{other}`"),
            (true, false) => format!("write it without the leading space: `{other}`"),
            _ => "choose a shorter or more common word, or score words by the first token that tells them apart: \
                  first_token = true in the template, or --first-token"
                .to_owned(),
        }
    }
}

/// What [`Tokenizer::first_tokens`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstTokens {
    /// Tokens with which every label word begins.
    pub shared: Vec<u32>,
    /// The next token of each word: all different.
    pub tokens: Vec<u32>,
}

/// BPE dropout makes ids a matter of chance; it is for training.
fn without_dropout(mut inner: tokenizers::Tokenizer) -> tokenizers::Tokenizer {
    if let tokenizers::ModelWrapper::BPE(model) = inner.get_model() {
        let mut model = model.clone();
        if model.dropout.take().is_some() {
            inner.with_model(model);
        }
    }
    inner
}

/// A template may only name special tokens that the file lists; the tokenizers crate believes it.
fn check_post_processor(bytes: &[u8]) -> Result<(), (&'static str, String)> {
    /// The rest is passed over: as a tree it would be many times the size of the file.
    #[derive(serde::Deserialize)]
    struct File {
        post_processor: Option<Value>,
    }
    let Ok(file) = serde_json::from_slice::<File>(bytes) else {
        return Ok(()); // the reader says what is wrong
    };
    let Some(top) = &file.post_processor else { return Ok(()) };
    let inner = top.get("processors").and_then(Value::as_array);
    for processor in std::iter::once(top).chain(inner.into_iter().flatten()) {
        let pieces = ["single", "pair"].into_iter().filter_map(|side| processor.get(side)?.as_array());
        let named = pieces.flatten().filter_map(|piece| piece.get("SpecialToken")?.get("id")?.as_str());
        for token in named {
            if processor.get("special_tokens").and_then(|known| known.get(token)).is_none() {
                return Err(("post_processor", format!("the template names `{token}`, which it does not define")));
            }
        }
    }
    Ok(())
}
