//! Output of effects, shared by mixes and sweeps: the unchanged model, the direct effect in the sum, the total effect
//! of the re-run, and the indirect effect.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    analysis::{Effects, Flips, Score},
    text::signed,
};

/// Scores and effects, with the JSON keys of the contract.
#[derive(Serialize)]
pub(super) struct EffectReport {
    accuracy: Values,
    margin: Values,
    flips: FlipCounts,
}

#[derive(Serialize)]
struct Values {
    model: f64,
    direct: f64,
    total: f64,
    effect: EffectValues,
}

#[derive(Serialize)]
struct EffectValues {
    direct: f64,
    indirect: f64,
    total: f64,
}

#[derive(Serialize)]
struct FlipCounts {
    direct: Flips,
    total: Flips,
    disagree: usize,
}

impl EffectReport {
    pub(super) fn new(effects: &Effects) -> Self {
        let values = |value: fn(Score) -> f64| Values {
            model: value(effects.model),
            direct: value(effects.direct),
            total: value(effects.total),
            effect: EffectValues {
                direct: value(effects.direct_effect()),
                indirect: value(effects.indirect_effect()),
                total: value(effects.total_effect()),
            },
        };
        Self {
            accuracy: values(|score| score.accuracy),
            margin: values(|score| score.margin),
            flips: FlipCounts { direct: effects.direct_flips, total: effects.total_flips, disagree: effects.disagree },
        }
    }
}

/// Formats accuracy, mean margin and flips, one line each.
pub(super) fn table(effects: &Effects) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{:<14}{:>10}{:>18}{:>18}{:>12}", "", "model", "direct effect", "total effect", "indirect");
    let row = |name: &str, value: fn(Score) -> f64, scale: f64, unit: &str| {
        let show = |score: Score| scale * value(score);
        let change = |score: Score, effect: Score| format!("{:.2} ({})", show(score), signed(show(effect), 2));
        format!(
            "{name:<14}{:>10.2}{:>18}{:>18}{:>12}{unit}",
            show(effects.model),
            change(effects.direct, effects.direct_effect()),
            change(effects.total, effects.total_effect()),
            signed(show(effects.indirect_effect()), 2)
        )
    };
    let _ = writeln!(text, "{}", row("accuracy", |score| score.accuracy, 100.0, " %"));
    let _ = writeln!(text, "{}", row("mean margin", |score| score.margin, 1.0, " nats"));
    let flips = |flips: Flips| format!("{} (+{} −{})", flips.count(), flips.fixed, flips.broken);
    let _ = writeln!(
        text,
        "{:<14}{:>10}{:>18}{:>18}{:>12} where they differ",
        "flips",
        "",
        flips(effects.direct_flips),
        flips(effects.total_flips),
        effects.disagree
    );
    text
}
