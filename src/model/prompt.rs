//! Token ids of prompts, in whatever form they are kept.

use std::sync::Arc;

/// A prompt as the engine reads it.
pub trait Prompt {
    /// Number of tokens.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The token ids, in order.
    fn tokens(&self) -> impl Iterator<Item = u32>;

    /// Those behind the first `shared`, which other prompts have too.
    ///
    /// # Panics
    /// If the prompt is kept in another cut and they are in no one piece: see [`align_prefix`].
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

/// A prompt that begins as another: only where they part do its tokens stand in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    first: Arc<[u32]>,
    shared: usize,
    own: Box<[u32]>,
}

impl Tokens {
    /// `tokens`, as far as they are not those of `first`.
    pub fn sharing_prefix(first: &Arc<[u32]>, tokens: &[u32]) -> Self {
        let shared = first.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        Self { first: Arc::clone(first), shared, own: tokens[shared..].into() }
    }

    fn cut(&mut self, shared: usize) {
        if shared < self.shared {
            self.own = [&self.first[shared..self.shared], &self.own].concat().into();
            self.shared = shared;
        }
    }
}

impl From<Vec<u32>> for Tokens {
    /// A prompt that shares nothing.
    fn from(tokens: Vec<u32>) -> Self {
        Self { first: Arc::default(), shared: 0, own: tokens.into() }
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
        self.shared + self.own.len()
    }

    fn tokens(&self) -> impl Iterator<Item = u32> {
        self.first[..self.shared].iter().chain(&self.own).copied()
    }

    fn suffix(&self, shared: usize) -> &[u32] {
        &self.own[shared - self.shared..]
    }
}

/// Cuts `prompts` behind what all of them share, and tells how many tokens that is.
pub fn align_prefix<'a>(prompts: impl Iterator<Item = &'a mut Tokens>) -> usize {
    let prompts: Vec<&mut Tokens> = prompts.collect();
    let shared = shared_prefix(&prompts.iter().map(|prompt| &**prompt).collect::<Vec<_>>());
    for prompt in prompts {
        prompt.cut(shared);
    }
    shared
}

/// Length of the longest prefix that all `prompts` share, short enough to leave each of them one token.
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
    fn prompts_that_begin_alike_are_what_they_were() {
        let whole = [vec![5, 6, 7, 8, 9], vec![5, 6, 7, 1], vec![5, 6, 2, 2, 2, 2], vec![5, 6, 7, 8, 9, 9]];
        let first: Arc<[u32]> = whole[0].clone().into();
        let mut kept: Vec<Tokens> = whole.iter().map(|tokens| Tokens::sharing_prefix(&first, tokens)).collect();
        assert_eq!((kept[1].own.len(), kept[3].own.len()), (1, 1));
        assert_eq!(align_prefix(kept.iter_mut()), 2);
        for (kept, whole) in kept.iter().zip(&whole) {
            assert_eq!(kept.tokens().collect::<Vec<_>>(), *whole);
            assert_eq!((kept.len(), kept.suffix(2), kept.suffix(3)), (whole.len(), &whole[2..], &whole[3..]));
        }
    }
}
