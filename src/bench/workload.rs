//! Synthetic prompts of realistic length, without a task or a tokenizer.

use crate::random::SeededRng;

/// Tokens of a sentence: 8 to 26 words in modern tokenizers.
const SENTENCE: (usize, usize) = (10, 34);
/// Tokens that a template adds to a sentence, including the label word.
const TEMPLATE: usize = 6;

/// Draws the token ids of `examples` whole prompts with `shots` demonstrations each from `seed`.
pub(super) fn prompts(shots: usize, examples: usize, vocabulary: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut rng = SeededRng::new(seed);
    let mut sentence = || -> Vec<u32> {
        let length = SENTENCE.0 + rng.below(SENTENCE.1 - SENTENCE.0 + 1) + TEMPLATE;
        (0..length).map(|_| rng.below(vocabulary) as u32).collect()
    };
    let demonstrations: Vec<u32> = (0..shots).flat_map(|_| sentence()).collect();
    (0..examples).map(|_| [demonstrations.clone(), sentence()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_share_only_their_demonstrations() {
        let prompts = prompts(4, 8, 1000, 0);
        let shared = crate::model::prompt::shared_prefix(&prompts);
        assert!((4 * 16..=4 * 40).contains(&shared), "{shared}");
        assert!(prompts.iter().all(|prompt| (16..=40).contains(&(prompt.len() - shared))));
        assert_eq!(prompts, super::prompts(4, 8, 1000, 0));
    }
}
