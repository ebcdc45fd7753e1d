//! Text to token ids, as Hugging Face's tokenizers give them.

use std::path::Path;

use crate::error::{Error, InputError, Result};

/// A tokenizer with stored truncation and padding cleared.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Reads a tokenizer.json; `path` is named in errors.
    ///
    /// # Errors
    /// If the bytes are not a tokenizer.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let wrong = |problem: String| InputError::new(problem).path(path);
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| wrong(error.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { inner })
    }

    /// Token ids of a whole prompt, with the special tokens that the tokenizer's post-processor adds.
    ///
    /// # Errors
    /// If the tokenizer cannot encode `text`.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, true);
        Ok(encoding.map_err(|error| Error::Model(format!("the tokenizer failed: {error}")))?.get_ids().to_vec())
    }

    /// The texts of token ids, one each, for messages.
    pub fn pieces(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.inner.decode(&[id], false).unwrap_or_else(|_| format!("#{id}"))).collect()
    }

    /// Number of ids, added tokens included.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
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

    /// What usually helps.
    fn cure(&self, word: &str) -> String {
        let bare = word.trim_start();
        let other = if bare.len() == word.len() { format!(" {word}") } else { bare.to_owned() };
        let single = self.inner.encode_fast(other.as_str(), false).is_ok_and(|encoding| encoding.len() == 1);
        match (single, bare.len() == word.len()) {
            (true, true) => format!("write it with a leading space: `{other}`"),
            (true, false) => format!("write it without the leading space: `{other}`"),
            _ => "choose a shorter or more common word".to_owned(),
        }
    }
}
