//! Which components moved the flipped examples, all of them together.
//!
//! A component's pull on one flipped example is the change, from the first run to the second, of its contribution to the
//! margin of the second run's prediction over the first run's. It is positive if the component pulls to the new
//! prediction, whichever of the two is right; the pulls of all components and of `rest` add up to the change of the
//! model's own margin.

use serde::Serialize;

use crate::{
    analysis::{
        compare::{Flip, Shared},
        intervals::student_t95,
        predict::{component_margins, difference},
    },
    attribution::Attribution,
    component::Component,
};

/// Mean pull over examples, in logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pull {
    /// Mean.
    pub mean: f64,
    /// 95% interval of the mean: Student's t over the examples; equal to the mean for a single example.
    pub ci: [f64; 2],
    /// Mean over the examples that the second run gets right; `None` if there are none.
    pub won: Option<f64>,
    /// Mean over the examples that the first run got right; `None` if there are none.
    pub lost: Option<f64>,
}

/// Mean pull of one component.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mover {
    /// The component.
    #[serde(rename = "name")]
    pub component: Component,
    /// Its pull.
    #[serde(flatten)]
    pub pull: Pull,
}

/// Mean pulls on all flipped examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Movers {
    /// Pull of `rest`.
    pub rest: Pull,
    /// Change of the model's own margin.
    pub total: Pull,
    /// Pulls of all components, largest size of the mean first.
    pub components: Vec<Mover>,
}

/// Sums of one term over the flips.
#[derive(Clone, Copy, Default)]
struct Sums {
    all: f64,
    squares: f64,
    won: f64,
    lost: f64,
}

impl Sums {
    fn add(&mut self, pull: f64, flip: &Flip) {
        self.all += pull;
        self.squares += pull * pull;
        self.won += if flip.b == flip.gold { pull } else { 0.0 };
        self.lost += if flip.a == flip.gold { pull } else { 0.0 };
    }

    fn pull(&self, (n, won, lost): (usize, usize, usize)) -> Pull {
        let count = n as f64;
        let mean = self.all / count;
        let variance = (self.squares - count * mean * mean).max(0.0) / (count - 1.0).max(1.0);
        let half = if n < 2 { 0.0 } else { student_t95(n - 1) * (variance / count).sqrt() };
        let part = |sum: f64, of: usize| (of > 0).then(|| sum / of as f64);
        Pull { mean, ci: [mean - half, mean + half], won: part(self.won, won), lost: part(self.lost, lost) }
    }
}

/// Mean pulls of all components on `flips`, which are among the `shared` examples of the two runs; `None` without flips.
pub fn movers(a: &Attribution, b: &Attribution, shared: &[Shared], flips: &[Flip]) -> Option<Movers> {
    let mut sums = vec![Sums::default(); a.shape().components()];
    let (rest_a, rest_b) = (a.rest_addends(), b.rest_addends());
    let (mut rest, mut total, mut at) = (Sums::default(), Sums::default(), shared.iter());
    for flip in flips {
        let example = at.find(|example| example.id == flip.id)?;
        let (of, over) = (flip.b, flip.a);
        let (before, after) = (component_margins(a, example.a, of, over), component_margins(b, example.b, of, over));
        for (sums, (before, after)) in sums.iter_mut().zip(before.iter().zip(&after)) {
            sums.add(after - before, flip);
        }
        let change = |a_values: &[f32], b_values: &[f32]| {
            difference(b_values, b.labels(), example.b, of, over)
                - difference(a_values, a.labels(), example.a, of, over)
        };
        rest.add(change(&rest_a, &rest_b), flip);
        total.add(change(a.full(), b.full()), flip);
    }
    let won = flips.iter().filter(|flip| flip.b == flip.gold).count();
    let lost = flips.iter().filter(|flip| flip.a == flip.gold).count();
    let counts = (flips.len(), won, lost);
    if flips.is_empty() {
        return None;
    }
    let named = a.shape().iter().zip(&sums);
    let mut components: Vec<Mover> =
        named.map(|(component, sums)| Mover { component, pull: sums.pull(counts) }).collect();
    components.sort_by(|x, y| y.pull.mean.abs().total_cmp(&x.pull.mean.abs()));
    Some(Movers { rest: rest.pull(counts), total: total.pull(counts), components })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{compare::flips, testing::table},
        component::Shape,
    };

    const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 3 };

    fn shared(n: usize) -> Vec<Shared> {
        (0..n).map(|row| Shared { id: row.to_string(), a: row, b: row }).collect()
    }

    #[test]
    fn pulls_add_up_to_the_change_of_the_margin_and_agree_with_each_flip() {
        let (a, b) = (table(SHAPE, 80, 1, |_| 0.3), table(SHAPE, 80, 1, |_| 0.0));
        let shared = shared(80);
        let flips = flips(&a, &b, &shared, usize::MAX);
        let movers = movers(&a, &b, &shared, &flips).unwrap();
        let sum: f64 = movers.components.iter().map(|mover| mover.pull.mean).sum::<f64>() + movers.rest.mean;
        assert!((sum - movers.total.mean).abs() < 1e-4 && movers.total.mean > 0.0, "{sum} {:?}", movers.total);
        assert!(movers.components.is_sorted_by(|x, y| x.pull.mean.abs() >= y.pull.mean.abs()));
        for mover in &movers.components {
            let own = flips.iter().map(|flip| {
                let delta = flip.components.iter().find(|moved| moved.component == mover.component).unwrap().delta;
                if flip.of == flip.b { delta } else { -delta }
            });
            let own: Vec<f64> = own.collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            let variance = own.iter().map(|pull| (pull - mean).powi(2)).sum::<f64>() / (own.len() - 1) as f64;
            let half = student_t95(own.len() - 1) * (variance / own.len() as f64).sqrt();
            let [low, high] = mover.pull.ci;
            assert!((mover.pull.mean - mean).abs() < 1e-6, "{mover:?} {mean}");
            assert!((high - low - 2.0 * half).abs() < 1e-6, "{mover:?} {half}");
        }
    }

    #[test]
    fn runs_without_flips_have_no_movers() {
        let a = table(SHAPE, 20, 1, |_| 0.3);
        assert_eq!(movers(&a, &a, &shared(20), &flips(&a, &a, &shared(20), 3)), None);
    }
}
