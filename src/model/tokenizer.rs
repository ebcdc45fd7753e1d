//! Converts text to token ids with Hugging Face's tokenizers.

use std::{ops::Range, path::Path, sync::Arc};

use tokenizers::Model as _;

use super::tokenizer_check;
use crate::{
    catch_panic,
    data_memory::check_json,
    error::{Error, InputError, Result},
    request::Bos,
};

/// A tokenizer with stored truncation and padding cleared. Clones share the vocabulary.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    /// Number of token ids in the model; larger ids are errors.
    model_ids: usize,
    /// When special tokens are added.
    bos: Bos,
    added: Added,
}

/// The special tokens that the post-processor adds to a text.
#[derive(Clone, Debug, Default)]
struct Added {
    /// At its beginning, most often one beginning-of-text token.
    start: Arc<[u32]>,
    /// The text of the first of them.
    start_text: Arc<str>,
    /// At its end, most often none.
    end: Arc<[u32]>,
}

impl Tokenizer {
    /// Parses a tokenizer.json; errors name `path`.
    ///
    /// # Errors
    /// If `bytes` is not a tokenizer, or the tokenizer cannot encode.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let invalid = |problem: String| InputError::new(problem).path(path).help("fetch the file again");
        check_json(bytes).map_err(|error| error.path(path))?;
        tokenizer_check::check(bytes).map_err(|(field, problem)| invalid(problem).field(field))?;
        let read = catch_panic::catch(|| tokenizers::Tokenizer::from_bytes(bytes)).map_err(&invalid)?;
        Self::checked(path, read.map_err(|error| invalid(error.to_string()))?)
    }

    /// Prepares a tokenizer for prompts; errors name `path`.
    ///
    /// # Errors
    /// If the tokenizer cannot encode.
    pub(super) fn checked(path: &Path, mut inner: tokenizers::Tokenizer) -> Result<Self> {
        let invalid = |problem: String| InputError::new(problem).path(path).help("fetch the file again");
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        let inner = Arc::new(without_dropout(inner));
        let tokenizer = Self { inner, model_ids: usize::MAX, bos: Bos::Auto, added: Added::default() };
        let added = tokenizer.find_added("Is it sound? 1 2").map_err(|error| invalid(error.to_string()))?;
        Ok(Self { added, ..tokenizer })
    }

    /// Limits the tokenizer to a model with `vocabulary` token ids.
    ///
    /// Added tokens may have larger ids, as image tokens do in text-only models; encoding one is then an error.
    ///
    /// # Errors
    /// If an ordinary token's id is too large; the error names the first one.
    pub fn for_vocabulary(mut self, vocabulary: usize) -> Result<Self, InputError> {
        if !self.ids_are_below(vocabulary) {
            let beyond = self.inner.get_vocab(false).into_iter().filter(|&(_, id)| id as usize >= vocabulary);
            if let Some((token, id)) = beyond.min_by_key(|&(_, id)| id) {
                let problem = format!("the token `{token}` has the id {id}, but the model has only {vocabulary} ids");
                return Err(InputError::new(problem).field("model.vocab").help("use the tokenizer of this model"));
            }
        }
        self.model_ids = vocabulary;
        Ok(self)
    }

    /// Whether the ids of the ordinary tokens are 0, 1, 2, …, all below `limit`; false if that cannot be said without a
    /// copy of the whole vocabulary.
    fn ids_are_below(&self, limit: usize) -> bool {
        let count = self.inner.get_vocab_size(false);
        let model = self.inner.get_model();
        count <= limit && (0..count).all(|id| model.id_to_token(id as u32).is_some())
    }

    /// Returns a copy that adds special tokens as `bos` says.
    #[must_use]
    pub fn with_bos(&self, bos: Bos) -> Self {
        Self { bos, ..self.clone() }
    }

    /// Returns the special tokens that the post-processor adds at the beginning of a text.
    pub fn start(&self) -> &[u32] {
        &self.added.start
    }

    /// Returns whether `text` itself begins with the special tokens that the post-processor adds there, if it adds any.
    pub fn begins_with_start(&self, text: &str) -> bool {
        !self.added.start.is_empty()
            && text.trim_start().starts_with(&*self.added.start_text)
            && self.ids(text, false).is_ok_and(|ids| ids.starts_with(&self.added.start))
    }

    /// Encodes a whole prompt, with the special tokens that the post-processor adds, as [`Tokenizer::with_bos`] says.
    ///
    /// # Errors
    /// If the tokenizer cannot encode `text`, or returns a token that the model does not have.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let complete = self.is_complete(text);
        let mut ids = self.ids(text, !complete)?;
        if complete && self.bos != Bos::Never {
            ids.extend(&*self.added.end);
        }
        match ids.iter().find(|&&id| id as usize >= self.model_ids) {
            Some(&id) => Err(failed(&format!(
                "the text contains `{}`, token {id}, which the model does not have",
                self.inner.id_to_token(id).unwrap_or_default()
            ))),
            None => Ok(ids),
        }
    }

    /// Returns the ids of [`Tokenizer::encode`], each with its byte range in `text`, from the end of the token before to
    /// its own end. Ranges of added special tokens are empty.
    ///
    /// # Errors
    /// If the tokenizer cannot encode `text`.
    pub fn encode_with_ranges(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>> {
        let complete = self.is_complete(text);
        let encoding = catch_panic::catch(|| self.inner.encode(text, !complete)).map_err(|error| failed(&error))?;
        let encoding = encoding.map_err(|error| failed(&error.to_string()))?;
        let mut covered = 0;
        let ends = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask());
        let ranges = ends.map(|(&(_, end), &special)| {
            let start = covered;
            covered = if special == 1 { covered } else { end.max(covered) };
            start..covered
        });
        let mut found: Vec<(u32, Range<usize>)> = encoding.get_ids().iter().copied().zip(ranges).collect();
        if complete && self.bos != Bos::Never {
            found.extend(self.added.end.iter().map(|&id| (id, covered..covered)));
        }
        Ok(found)
    }

    /// Returns whether no special tokens are added at the beginning of `text`.
    fn is_complete(&self, text: &str) -> bool {
        match self.bos {
            Bos::Always => false,
            Bos::Never => true,
            Bos::Auto => self.begins_with_start(text),
        }
    }

    fn ids(&self, text: &str, specials: bool) -> Result<Vec<u32>> {
        let encoding = catch_panic::catch(|| self.inner.encode_fast(text, specials)).map_err(|error| failed(&error))?;
        Ok(encoding.map_err(|error| failed(&error.to_string()))?.get_ids().to_vec())
    }

    /// Finds the special tokens that are added around `text`.
    fn find_added(&self, text: &str) -> Result<Added> {
        let (all, own) = (self.ids(text, true)?, self.ids(text, false)?);
        let at = (0..=all.len().saturating_sub(own.len())).find(|&at| all[at..].starts_with(&own));
        let Some(at) = at.filter(|_| !own.is_empty()) else { return Ok(Added::default()) };
        let start_text = all[..at].first().and_then(|&id| self.inner.id_to_token(id)).unwrap_or_default();
        Ok(Added { start: all[..at].into(), start_text: start_text.into(), end: all[at + own.len()..].into() })
    }

    /// Decodes each token id separately, for messages.
    pub fn pieces(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.inner.decode(&[id], false).unwrap_or_else(|_| format!("#{id}"))).collect()
    }

    /// Number of ids, including added tokens.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Largest id.
    pub fn largest_id(&self) -> u32 {
        let count = self.inner.get_vocab_size(true);
        if (0..count).all(|id| self.inner.id_to_token(id as u32).is_some()) {
            return count.saturating_sub(1) as u32;
        }
        self.inner.get_vocab(true).into_values().max().unwrap_or(0)
    }

    /// Returns the token that scores each label word after `prompt`.
    ///
    /// A word must be a single token, different from the others', and must leave the prompt's own tokens unchanged;
    /// otherwise the scored token could never come next.
    ///
    /// # Errors
    /// If a word does not qualify; the error names the word, its tokens and a likely fix.
    pub fn label_tokens(&self, prompt: &str, words: &[String]) -> Result<Vec<u32>> {
        let before = self.encode(prompt)?;
        let mut tokens: Vec<u32> = Vec::with_capacity(words.len());
        for word in words {
            let token = self.label_token(prompt, &before, word)?;
            if let Some(duplicate) = tokens.iter().position(|&other| other == token) {
                let problem = format!("the label words `{}` and `{word}` share the token #{token}", words[duplicate]);
                return Err(InputError::new(problem).field("label_words").help("choose words that differ").into());
            }
            tokens.push(token);
        }
        Ok(tokens)
    }

    fn label_token(&self, prompt: &str, before: &[u32], word: &str) -> Result<u32> {
        let whole = self.encode(&format!("{prompt}{word}"))?;
        let invalid =
            |problem: String, help: String| Err(InputError::new(problem).field("label_words").help(help).into());
        match whole.strip_prefix(before) {
            Some(&[token]) => Ok(token),
            Some(several) => {
                let pieces = self.pieces(several).join("` `");
                let problem = format!("the label word `{word}` is {} tokens, not one: `{pieces}`", several.len());
                invalid(problem, self.help_for(word))
            }
            None => {
                let ending: String = prompt.chars().skip(prompt.chars().count().saturating_sub(12)).collect();
                let problem =
                    format!("the label word `{word}` merges with the end of the prompt, `…{ending}`, in tokenization");
                invalid(problem, self.help_for(word))
            }
        }
    }

    /// Finds the first token position after `prompt` at which all label words differ; words may have any length.
    ///
    /// Tokens before it, which all words share, become part of the prompt.
    ///
    /// # Errors
    /// If a word merges with the end of the prompt, or no such position exists.
    pub fn first_tokens(&self, prompt: &str, words: &[String]) -> Result<FirstTokens> {
        let before = self.encode(prompt)?;
        let invalid = |problem: String, help: String| InputError::new(problem).field("label_words").help(help);
        let mut word_tokens: Vec<Vec<u32>> = Vec::with_capacity(words.len());
        for word in words {
            let whole = self.encode(&format!("{prompt}{word}"))?;
            let Some(tokens) = whole.strip_prefix(before.as_slice()).filter(|tokens| !tokens.is_empty()) else {
                let problem = format!("the label word `{word}` merges with the end of the prompt in tokenization");
                return Err(invalid(problem, self.help_for(word)).into());
            };
            word_tokens.push(tokens.to_vec());
        }
        let at = |index: usize| word_tokens.iter().map(move |word| word.get(index).copied());
        let shared = (0..)
            .take_while(|&index| at(index).all(|token| token.is_some() && token == word_tokens[0].get(index).copied()));
        let shared = shared.count();
        let tokens: Option<Vec<u32>> = at(shared).collect();
        let distinct =
            |tokens: &Vec<u32>| tokens.iter().collect::<std::collections::HashSet<_>>().len() == tokens.len();
        let tokens = tokens.filter(distinct).ok_or_else(|| {
            let pieces: Vec<String> = word_tokens.iter().map(|word| self.pieces(word).join("|")).collect();
            let problem = format!("the label words differ at no single token: {}", pieces.join(", "));
            invalid(problem, "choose words that differ in their first token".to_owned())
        })?;
        Ok(FirstTokens { shared: word_tokens[0][..shared].to_vec(), tokens })
    }

    /// Suggests a fix for a label word that is not a single token.
    fn help_for(&self, word: &str) -> String {
        let bare = word.trim_start();
        let other = if bare.len() == word.len() { format!(" {word}") } else { bare.to_owned() };
        let single = self.inner.encode_fast(other.as_str(), false).is_ok_and(|encoding| encoding.len() == 1);
        match (single, bare.len() == word.len()) {
            (true, true) => format!("write it with a leading space: `{other}`"),
            (true, false) => format!("write it without the leading space: `{other}`"),
            _ => "choose a shorter or more common word, or score words by the first token in which they differ: \
                  first_token = true in the template, or --first-token"
                .to_owned(),
        }
    }
}

fn failed(error: &str) -> Error {
    Error::Model(format!("the tokenizer failed: {error}"))
}

/// Result of [`Tokenizer::first_tokens`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstTokens {
    /// Tokens at the start of every label word.
    pub shared: Vec<u32>,
    /// Next token of each word; all differ.
    pub tokens: Vec<u32>,
}

/// Removes BPE dropout, which is for training and makes ids random.
fn without_dropout(mut inner: tokenizers::Tokenizer) -> tokenizers::Tokenizer {
    if let tokenizers::ModelWrapper::BPE(model) = inner.get_model()
        && model.dropout.is_some()
    {
        let mut model = model.clone();
        model.dropout = None;
        inner.with_model(model);
    }
    inner
}
