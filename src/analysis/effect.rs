//! Direct, total and indirect effects of a change on predictions.
//!
//! The *direct* effect changes contributions in the sum and leaves the rest of the network as it is; the *total* effect
//! is measured in a re-run in which later layers react; the *indirect* effect is total minus direct (Pearl 2001,
//! *Direct and Indirect Effects*; Vig et al. 2020, arXiv 2004.12265, for language models).

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{intervals::student_t95, predict::margin},
    attribution::argmax,
};

/// Accuracy and mean margin over a set of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of correct predictions.
    pub accuracy: f64,
    /// Mean margin (gold logit minus the strongest other logit), in nats.
    pub margin: f64,
}

/// Numbers of changed predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// Wrong before, right after.
    pub fixed: usize,
    /// Right before, wrong after.
    pub broken: usize,
    /// From one wrong label to another.
    pub other: usize,
}

impl Flips {
    /// Returns the number of all changes.
    pub const fn count(self) -> usize {
        self.fixed + self.broken + self.other
    }

    fn add(&mut self, gold: usize, before: usize, after: usize) {
        match gold {
            _ if before == after => {}
            gold if after == gold => self.fixed += 1,
            gold if before == gold => self.broken += 1,
            _ => self.other += 1,
        }
    }
}

/// Scores before and after a change, over the examples added so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Number of examples.
    pub examples: usize,
    /// Score of the unchanged model.
    pub model: Score,
    /// Score after the change in the sum.
    pub direct: Score,
    /// Score after the change inside the forward pass.
    pub total: Score,
    /// Predictions changed by the change in the sum.
    pub direct_flips: Flips,
    /// Predictions changed by the change inside the forward pass.
    pub total_flips: Flips,
    /// Examples on which the two changes give different predictions.
    pub disagree: usize,
    /// Correct predictions of the model, the changed sum and the changed network.
    right: [usize; 3],
    /// Sums of the margins of the same three.
    margins: [f64; 3],
    /// Sum of the squared changes of the margin inside the forward pass.
    #[serde(default)]
    squares: f64,
}

impl Effects {
    /// Computes the effects over rows of label logits `[N, labels]`.
    pub fn new(gold: &[usize], labels: usize, model: &[f64], direct: &[f64], total: &[f64]) -> Self {
        let mut effects = Self::default();
        effects.extend(gold, labels, model, direct, total);
        effects
    }

    /// Adds examples, as rows of label logits `[N, labels]`.
    pub fn extend(&mut self, gold: &[usize], labels: usize, model: &[f64], direct: &[f64], total: &[f64]) {
        let rows = model.chunks_exact(labels).zip(direct.chunks_exact(labels)).zip(total.chunks_exact(labels));
        for (&gold, ((model, direct), total)) in gold.iter().zip(rows) {
            self.add(gold, [model, direct, total]);
        }
    }

    fn add(&mut self, gold: usize, rows: [&[f64]; 3]) {
        self.examples += 1;
        let n = self.examples as f64;
        let predicted = rows.map(argmax);
        let scores = [&mut self.model, &mut self.direct, &mut self.total];
        for (at, (score, row)) in scores.into_iter().zip(rows).enumerate() {
            self.right[at] += usize::from(predicted[at] == gold);
            self.margins[at] += margin(row, gold);
            *score = Score { accuracy: self.right[at] as f64 / n, margin: self.margins[at] / n };
        }
        self.squares += (margin(rows[2], gold) - margin(rows[0], gold)).powi(2);
        self.direct_flips.add(gold, predicted[0], predicted[1]);
        self.total_flips.add(gold, predicted[0], predicted[2]);
        self.disagree += usize::from(predicted[1] != predicted[2]);
    }

    /// Returns the direct effect: score after the change in the sum minus the model's score.
    pub fn direct_effect(&self) -> Score {
        self.direct.minus(self.model)
    }

    /// Returns the total effect: score after the change inside the forward pass minus the model's score.
    pub fn total_effect(&self) -> Score {
        self.total.minus(self.model)
    }

    /// Returns the 95% interval of the total effect on the margin: that of a mean, by Student's t.
    pub fn total_interval(&self) -> (f64, f64) {
        let (n, mean) = (self.examples as f64, self.total_effect().margin);
        let freedom = self.examples.saturating_sub(1);
        let variance = ((self.squares - n * mean * mean) / freedom.max(1) as f64).max(0.0);
        let half = student_t95(freedom) * (variance / n.max(1.0)).sqrt();
        // One example says nothing of the spread.
        if freedom == 0 { (mean, mean) } else { (mean - half, mean + half) }
    }

    /// Returns the indirect effect: total minus direct.
    pub fn indirect_effect(&self) -> Score {
        self.total.minus(self.direct)
    }
}

impl Score {
    fn minus(self, other: Self) -> Self {
        Self { accuracy: self.accuracy - other.accuracy, margin: self.margin - other.margin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_add_up_and_flips_are_counted_by_type() {
        let model = [2.0, 1.0, 0.0, 0.0, 3.0, 1.0, 5.0, 0.0, 1.0];
        let direct = [0.0, 1.0, 0.0, 0.0, 3.0, 1.0, 0.0, 5.0, 1.0];
        let total = [0.0, 0.0, 4.0, 9.0, 3.0, 1.0, 0.0, 1.0, 5.0];
        let effects = Effects::new(&[0, 0, 2], 3, &model, &direct, &total);
        assert_eq!((effects.examples, effects.disagree), (3, 3));
        assert_eq!(effects.direct_flips, Flips { fixed: 0, broken: 1, other: 1 });
        assert_eq!(effects.total_flips, Flips { fixed: 2, broken: 1, other: 0 });
        assert_eq!(effects.model.accuracy.to_bits(), (1.0_f64 / 3.0).to_bits(), "the same bits as in a run");
        assert!((effects.model.margin - (1.0 - 3.0 - 4.0) / 3.0).abs() < 1e-12);
        let (direct, indirect, total) = (effects.direct_effect(), effects.indirect_effect(), effects.total_effect());
        assert!((direct.margin + indirect.margin - total.margin).abs() < 1e-12);
        assert!((total.accuracy - 1.0 / 3.0).abs() < 1e-12);
        // From 1, -3 and -4 to -4, 6 and 4; t = 4.303 with two degrees of freedom.
        let changes = [-5.0_f64, 9.0, 8.0];
        let mean = changes.iter().sum::<f64>() / 3.0;
        let sd = (changes.iter().map(|change| (change - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        let (lo, hi) = effects.total_interval();
        assert!((total.margin - mean).abs() < 1e-12, "{total:?}");
        assert!((hi - mean - 4.302_652_73 * sd / 3.0_f64.sqrt()).abs() < 1e-6 && (lo + hi - 2.0 * mean).abs() < 1e-9);
    }
}
