//! Function vector scores: how much a component's mean output on other prompts raises the probability of the right answer.
//!
//! Todd et al. 2024 (arXiv 2310.15213), *Function Vectors in Large Language Models*: the causal indirect effect of a head is
//! the probability of the right answer on a prompt with shuffled labels where the head's output at the last token is its
//! mean over prompts with correct labels, minus the probability on the same prompt unchanged. As in the authors' code
//! (`compute_indirect_effect.py`) probabilities are over the whole vocabulary. Yin & Steinhardt 2025 (arXiv 2502.14010) call
//! its mean over prompts the head's function vector score.

use rayon::prelude::*;

use super::measures::{Measured, interval, resamples};

/// Probability of the right answer on examples `N`, unchanged and with each component changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerProbabilities {
    /// In the unchanged model, `[N]`.
    pub model: Vec<f64>,
    /// With each component changed, `[C][N]`.
    pub changed: Vec<Vec<f64>>,
}

impl AnswerProbabilities {
    /// Returns the mean rise of the probability for every component, with 95% percentile intervals over resampled test
    /// examples, the same for all components.
    pub fn scores(&self) -> Vec<Measured> {
        let draws: Vec<Vec<u32>> = resamples(self.model.len()).collect();
        let n = self.model.len().max(1) as f64;
        let score = |changed: &Vec<f64>| {
            let rises: Vec<f64> = changed.iter().zip(&self.model).map(|(changed, model)| changed - model).collect();
            let drawn =
                |counts: &Vec<u32>| rises.iter().zip(counts).map(|(rise, &m)| rise * f64::from(m)).sum::<f64>() / n;
            Measured { value: rises.iter().sum::<f64>() / n, ci: interval(draws.iter().map(drawn).collect()) }
        };
        self.changed.par_iter().map(score).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRng;

    #[test]
    fn a_score_is_the_mean_rise() {
        let probabilities =
            AnswerProbabilities { model: vec![0.1, 0.3, 0.2], changed: vec![vec![0.4, 0.3, 0.2], vec![0.1, 0.3, 0.2]] };
        let scores = probabilities.scores();
        assert!((scores[0].value - 0.1).abs() < 1e-12 && scores[0].ci.0 <= 0.1 && scores[0].ci.1 >= 0.1);
        assert_eq!(scores[1], Measured { value: 0.0, ci: (0.0, 0.0) });
        assert!(AnswerProbabilities::default().scores().is_empty());
    }

    /// Over many samples of a rise with a known mean, about 95% of the intervals contain it.
    #[test]
    fn intervals_cover_the_true_rise() {
        let mut rng = SeededRng::new(3);
        let (trials, mean) = (400, 0.02);
        let mut covered = 0;
        for _ in 0..trials {
            let model: Vec<f64> = (0..60).map(|_| 0.5 * rng.unit()).collect();
            let changed = model.iter().map(|p| p + mean + 0.1 * (rng.unit() - 0.5)).collect();
            let score = AnswerProbabilities { model, changed: vec![changed] }.scores()[0];
            covered += usize::from(score.ci.0 <= mean && mean <= score.ci.1);
        }
        assert!((360..=395).contains(&covered), "{covered} of {trials}");
    }
}
