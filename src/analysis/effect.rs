//! What a change does to predictions: in the sum alone, and when the network reacts.
//!
//! The *direct* effect changes contributions in the sum while the rest of the network stands still; the *total* effect
//! is that of a re-run in which later layers react; the *indirect* effect is their difference (Pearl 2001, *Direct and
//! Indirect Effects*; Vig et al. 2020, arXiv 2004.12265, for language models).

use serde::{Deserialize, Serialize};

use crate::{analysis::predict::margin, attribution::argmax};

/// How a set of examples is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of examples that are right.
    pub accuracy: f64,
    /// Mean of gold minus the strongest other label, in nats.
    pub margin: f64,
}

/// How many predictions change, and how.
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
    /// All changes.
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

/// Scores before and after a change, over the examples seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Examples seen.
    pub examples: usize,
    /// The model itself.
    pub model: Score,
    /// After the change in the sum.
    pub direct: Score,
    /// After the change inside the forward pass.
    pub total: Score,
    /// What the direct effect does to predictions.
    pub direct_flips: Flips,
    /// What the total effect does to predictions.
    pub total_flips: Flips,
    /// Examples on which the two predict different labels.
    pub disagree: usize,
    /// Examples that the model, the sum and the changed network get right.
    right: [usize; 3],
    /// Their margins, summed up.
    margins: [f64; 3],
}

impl Effects {
    /// Effects over rows of label logits `[N, labels]`.
    pub fn of(gold: &[usize], labels: usize, model: &[f64], direct: &[f64], total: &[f64]) -> Self {
        let mut effects = Self::default();
        effects.extend(gold, labels, model, direct, total);
        effects
    }

    /// Takes in more examples.
    pub fn extend(&mut self, gold: &[usize], labels: usize, model: &[f64], direct: &[f64], total: &[f64]) {
        let rows = model.chunks_exact(labels).zip(direct.chunks_exact(labels)).zip(total.chunks_exact(labels));
        for (&gold, ((model, direct), total)) in gold.iter().zip(rows) {
            self.add(gold, [model, direct, total]);
        }
    }

    fn add(&mut self, gold: usize, rows: [&[f64]; 3]) {
        self.examples += 1;
        let n = self.examples as f64;
        let said = rows.map(argmax);
        let scores = [&mut self.model, &mut self.direct, &mut self.total];
        for (at, (score, row)) in scores.into_iter().zip(rows).enumerate() {
            self.right[at] += usize::from(said[at] == gold);
            self.margins[at] += margin(row, gold);
            *score = Score { accuracy: self.right[at] as f64 / n, margin: self.margins[at] / n };
        }
        self.direct_flips.add(gold, said[0], said[1]);
        self.total_flips.add(gold, said[0], said[2]);
        self.disagree += usize::from(said[1] != said[2]);
    }

    /// Direct effect: what the change in the sum adds to the model's score.
    pub fn direct_effect(&self) -> Score {
        self.direct.minus(self.model)
    }

    /// Total effect: what the change inside the forward pass adds to the model's score.
    pub fn total_effect(&self) -> Score {
        self.total.minus(self.model)
    }

    /// Indirect effect: total minus direct.
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
    fn effects_add_up_and_flips_are_told_apart() {
        let model = [2.0, 1.0, 0.0, 0.0, 3.0, 1.0, 5.0, 0.0, 1.0];
        let direct = [0.0, 1.0, 0.0, 0.0, 3.0, 1.0, 0.0, 5.0, 1.0];
        let total = [0.0, 0.0, 4.0, 9.0, 3.0, 1.0, 0.0, 1.0, 5.0];
        let effects = Effects::of(&[0, 0, 2], 3, &model, &direct, &total);
        assert_eq!((effects.examples, effects.disagree), (3, 3));
        assert_eq!(effects.direct_flips, Flips { fixed: 0, broken: 1, other: 1 });
        assert_eq!(effects.total_flips, Flips { fixed: 2, broken: 1, other: 0 });
        assert_eq!(effects.model.accuracy.to_bits(), (1.0_f64 / 3.0).to_bits(), "as a run states it");
        assert!((effects.model.margin - (1.0 - 3.0 - 4.0) / 3.0).abs() < 1e-12);
        let (direct, indirect, total) = (effects.direct_effect(), effects.indirect_effect(), effects.total_effect());
        assert!((direct.margin + indirect.margin - total.margin).abs() < 1e-12);
        assert!((total.accuracy - 1.0 / 3.0).abs() < 1e-12);
    }
}
