//! Token ids of prompts.

use std::sync::Arc;

/// Token ids of one prompt, independent of how they are stored.
pub trait Prompt {
    /// Number of tokens.
    fn len(&self) -> usize;

    /// Whether the prompt has no tokens.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the token ids in order.
    fn tokens(&self) -> impl Iterator<Item = u32>;

    /// Returns the token ids after the first `shared`.
    ///
    /// # Panics
    /// If they are not stored contiguously: see [`align_prefix`].
    fn suffix(&self, shared: usize) -> &[u32];
}

impl<T: AsRef<[u32]>> Prompt for T {
    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn tokens(&self) -> impl Iterator<Item = u32> {
        self.as_ref().iter().copied()
    }

    fn suffix(&self, shared: usize) -> &[u32] {
        &self.as_ref()[shared..]
    }
}

/// A prompt that shares its prefix with another prompt and stores only the suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens of the other prompt.
    base: Arc<[u32]>,
    /// Length of the shared prefix.
    shared: usize,
    suffix: Box<[u32]>,
}

impl Tokens {
    /// Stores `tokens` without the prefix they share with `base`.
    pub fn sharing_prefix(base: &Arc<[u32]>, tokens: &[u32]) -> Self {
        let shared = base.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        Self { base: Arc::clone(base), shared, suffix: tokens[shared..].into() }
    }

    /// Stores the first `shared` tokens of `base`, at most all of them, and `suffix` after them.
    pub fn after_prefix(base: &Arc<[u32]>, shared: usize, suffix: &[u32]) -> Self {
        Self { base: Arc::clone(base), shared: shared.min(base.len()), suffix: suffix.into() }
    }

    /// Returns the number of stored prefix tokens, those that it shares with its base.
    pub const fn shared(&self) -> usize {
        self.shared
    }

    /// Shortens the shared prefix to at most `shared` tokens, and so that at least one token follows it.
    pub fn shorten_prefix(&mut self, shared: usize) {
        let shared = if self.suffix.is_empty() { shared.min(self.shared.saturating_sub(1)) } else { shared };
        if shared < self.shared {
            self.suffix = [&self.base[shared..self.shared], &self.suffix].concat().into();
            self.shared = shared;
        }
    }
}

impl From<Vec<u32>> for Tokens {
    /// Creates a prompt that shares no prefix.
    fn from(tokens: Vec<u32>) -> Self {
        Self { base: Arc::default(), shared: 0, suffix: tokens.into() }
    }
}

impl Prompt for &Tokens {
    fn len(&self) -> usize {
        Tokens::len(self)
    }

    fn tokens(&self) -> impl Iterator<Item = u32> {
        Tokens::tokens(self)
    }

    fn suffix(&self, shared: usize) -> &[u32] {
        Tokens::suffix(self, shared)
    }
}

impl Prompt for Tokens {
    fn len(&self) -> usize {
        self.shared + self.suffix.len()
    }

    fn tokens(&self) -> impl Iterator<Item = u32> {
        self.base[..self.shared].iter().chain(&self.suffix).copied()
    }

    fn suffix(&self, shared: usize) -> &[u32] {
        &self.suffix[shared - self.shared..]
    }
}

/// Reduces every prompt's stored prefix to the one that all `prompts` share, and returns its length in tokens.
pub fn align_prefix<'a>(prompts: impl Iterator<Item = &'a mut Tokens>) -> usize {
    let prompts: Vec<&mut Tokens> = prompts.collect();
    let shared = shared_prefix(&prompts.iter().map(|prompt| &**prompt).collect::<Vec<_>>());
    for prompt in prompts {
        prompt.shorten_prefix(shared);
    }
    shared
}

/// Returns the length of the longest prefix that all `prompts` share and that leaves each at least one token.
pub fn shared_prefix<P: Prompt>(prompts: &[P]) -> usize {
    let Some((first, others)) = prompts.split_first() else { return 0 };
    let common = |other: &P| first.tokens().zip(other.tokens()).take_while(|(a, b)| a == b).count();
    let longest = others.iter().map(common).min().unwrap_or(first.len());
    let shortest = prompts.iter().map(Prompt::len).min().unwrap_or(0);
    longest.min(shortest.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_prefix_leaves_one_token() {
        assert_eq!(shared_prefix(&[vec![1, 2, 3], vec![1, 2, 4]]), 2);
        assert_eq!(shared_prefix(&[vec![1, 2, 3], vec![1, 2]]), 1);
        assert_eq!(shared_prefix(&[vec![1, 2, 3]]), 2);
        assert_eq!(shared_prefix(&[vec![1], vec![2]]), 0);
        assert_eq!(shared_prefix::<Vec<u32>>(&[]), 0);
    }

    #[test]
    fn prompts_with_a_shared_prefix_keep_their_tokens() {
        let whole = [vec![5, 6, 7, 8, 9], vec![5, 6, 7, 1], vec![5, 6, 2, 2, 2, 2], vec![5, 6, 7, 8, 9, 9]];
        let base: Arc<[u32]> = whole[0].clone().into();
        let mut stored: Vec<Tokens> = whole.iter().map(|tokens| Tokens::sharing_prefix(&base, tokens)).collect();
        assert_eq!((stored[1].suffix.len(), stored[3].suffix.len()), (1, 1));
        assert_eq!(align_prefix(stored.iter_mut()), 2);
        for (stored, whole) in stored.iter().zip(&whole) {
            assert_eq!(stored.tokens().collect::<Vec<_>>(), *whole);
            assert_eq!((stored.len(), stored.suffix(2), stored.suffix(3)), (whole.len(), &whole[2..], &whole[3..]));
        }
    }
}
