//! Finds the labelled examples that are most similar to a query.

use std::collections::{HashMap, HashSet};

/// TF-IDF vectors of candidate demonstrations (Spärck Jones 1972), compared by cosine.
pub(super) struct Nearest {
    weights: HashMap<u32, f64>,
    unseen: f64,
    candidates: Vec<HashMap<u32, f64>>,
}

impl Nearest {
    /// Takes document frequencies from `pool`; queries are compared with `candidates`. All texts are token ids.
    pub(super) fn new(pool: &[Vec<u32>], candidates: &[Vec<u32>]) -> Self {
        let mut frequencies: HashMap<u32, usize> = HashMap::new();
        for document in pool {
            for token in document.iter().collect::<HashSet<_>>() {
                *frequencies.entry(*token).or_default() += 1;
            }
        }
        let weight = |documents: usize| ((1.0 + pool.len() as f64) / (1.0 + documents as f64)).ln();
        let weights = frequencies.into_iter().map(|(token, documents)| (token, weight(documents))).collect();
        let mut nearest = Self { weights, unseen: weight(0), candidates: Vec::new() };
        nearest.candidates = candidates.iter().map(|candidate| nearest.vector(candidate)).collect();
        nearest
    }

    /// Returns the `count` candidates most similar to `query`, the most similar last; ties go to the earlier candidate.
    pub(super) fn most_similar(&self, query: &[u32], count: usize) -> Vec<usize> {
        let query = self.vector(query);
        let similarity = |candidate: &HashMap<u32, f64>| {
            let mut products: Vec<f64> =
                query.iter().filter_map(|(token, weight)| Some(weight * candidate.get(token)?)).collect();
            products.sort_by(f64::total_cmp);
            products.iter().sum::<f64>()
        };
        let mut ranked: Vec<(f64, usize)> = self.candidates.iter().map(similarity).zip(0..).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(count).map(|(_, index)| index).rev().collect()
    }

    /// Returns the unit-length TF-IDF vector of `tokens`.
    fn vector(&self, tokens: &[u32]) -> HashMap<u32, f64> {
        let mut vector: HashMap<u32, f64> = HashMap::new();
        for token in tokens {
            *vector.entry(*token).or_default() += self.weights.get(token).copied().unwrap_or(self.unseen);
        }
        let mut squares: Vec<f64> = vector.values().map(|value| value * value).collect();
        squares.sort_by(f64::total_cmp);
        let length = squares.iter().sum::<f64>().sqrt();
        if length > 0.0 {
            for value in vector.values_mut() {
                *value /= length;
            }
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_rare_tokens_count_and_the_most_similar_comes_last() {
        let pool = vec![vec![1, 2, 3], vec![1, 4, 5], vec![1, 6, 7]];
        let nearest = Nearest::new(&pool, &pool);
        assert_eq!(nearest.most_similar(&[1, 4, 5], 2), [0, 1]);
        assert_eq!(nearest.most_similar(&[1, 7], 1), [2]);
        assert_eq!(nearest.most_similar(&[99], 2), [1, 0]);
    }
}
