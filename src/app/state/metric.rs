//! The quantities that the map can show, and their scales.

use super::open_run::OpenRun;

/// A quantity of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// Share of test examples that the component alone gets right.
    #[default]
    Accuracy,
    /// Its accuracy minus that of the whole model.
    VersusModel,
    /// How far it is from saying all labels equally often.
    Bias,
    /// Its mean contribution to the margin of gold over the strongest other label, in nats.
    Margin,
    /// Its weight in the mix.
    Weight,
    /// What ablating it does to the mean margin while the rest stands still, in nats.
    DirectEffect,
    /// What ablating it does to the mean margin when later layers react, in nats.
    TotalEffect,
    /// Total minus direct effect, in nats.
    IndirectEffect,
    /// Mean share of a head's attention that label words of demonstrations get.
    LabelAttention,
    /// Its accuracy in one run minus that in another; only where two runs are compared.
    Change,
}

/// The ends and the neutral point of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Value of the strongest low colour.
    pub low: f64,
    /// Value that is drawn neutral.
    pub neutral: f64,
    /// Value of the strongest high colour.
    pub high: f64,
}

impl Scale {
    /// Where `value` lies: −1 at the low end, 0 at the neutral point, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        let side = if value < self.neutral { self.neutral - self.low } else { self.high - self.neutral };
        if side > 0.0 { ((value - self.neutral) / side).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// Tenth of the scale in which `value` lies, 0 to 9 from low to high.
    pub fn tenth(&self, value: f64) -> u32 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        (share * 10.0 + 1e-9).clamp(0.0, 9.0) as u32
    }
}

impl Metric {
    /// The quantities of one run, in the order they are cycled.
    pub const ALL: [Self; 9] = [
        Self::Accuracy,
        Self::VersusModel,
        Self::Bias,
        Self::Margin,
        Self::Weight,
        Self::TotalEffect,
        Self::DirectEffect,
        Self::IndirectEffect,
        Self::LabelAttention,
    ];

    /// The next quantity; what has to be asked of the model first is passed over until it is known.
    #[must_use]
    pub fn next(self, run: Option<&OpenRun>) -> Self {
        let known = |metric: Self| run.map_or(!metric.is_asked(), |run| metric.is_known(run));
        let at = Self::ALL.iter().position(|&metric| metric == self).unwrap_or(0);
        let mut others = (1..=Self::ALL.len()).map(|step| Self::ALL[(at + step) % Self::ALL.len()]);
        others.find(|&metric| known(metric)).unwrap_or(self)
    }

    /// Whether the model has to be asked for it.
    const fn is_asked(self) -> bool {
        self.is_effect() || matches!(self, Self::LabelAttention)
    }

    /// Whether `run` has it, or will have it as the run goes on.
    pub const fn is_known(self, run: &OpenRun) -> bool {
        match self {
            Self::DirectEffect | Self::TotalEffect | Self::IndirectEffect => run.results.sweep.is_some(),
            Self::LabelAttention => run.results.shares.is_some(),
            _ => true,
        }
    }

    /// Whether it is an effect of ablation.
    pub const fn is_effect(self) -> bool {
        matches!(self, Self::DirectEffect | Self::TotalEffect | Self::IndirectEffect)
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::VersusModel => "accuracy − model",
            Self::Bias => "label bias",
            Self::Margin => "margin",
            Self::Weight => "weight in the mix",
            Self::DirectEffect => "direct effect",
            Self::TotalEffect => "total effect",
            Self::IndirectEffect => "indirect effect",
            Self::LabelAttention => "attention to labels",
            Self::Change => "difference",
        }
    }

    /// The unit the map writes it in.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Accuracy | Self::Bias | Self::LabelAttention => "%",
            Self::VersusModel | Self::Change => "points",
            Self::Margin | Self::DirectEffect | Self::TotalEffect | Self::IndirectEffect => "nats",
            Self::Weight => "×",
        }
    }

    /// The value of a component, if it has one yet.
    pub fn value(self, run: &OpenRun, component: usize) -> Option<f64> {
        let tally = &run.test.tally;
        match self {
            Self::Accuracy => tally.accuracy(component),
            Self::VersusModel => Some(tally.accuracy(component)? - tally.full_accuracy()?),
            Self::Bias => tally.bias(component),
            Self::Margin => tally.margin(component),
            Self::Weight => (!tally.is_empty()).then(|| run.mixer.weight(component)),
            Self::DirectEffect => Some(run.results.effects(component)?.direct_effect().margin),
            Self::TotalEffect => Some(run.results.effects(component)?.total_effect().margin),
            Self::IndirectEffect => Some(run.results.effects(component)?.indirect_effect().margin),
            Self::LabelAttention => run.results.label_share(run.shape, component),
            Self::Change => None,
        }
    }

    /// The scale on which `values` are drawn.
    pub fn scale(self, labels: usize, values: &[Option<f64>]) -> Scale {
        let largest = |least: f64| values.iter().flatten().fold(least, |most, value| most.max(value.abs()));
        let around_zero = |end: f64| Scale { low: -end, neutral: 0.0, high: end };
        match self {
            Self::Accuracy => Scale { low: 0.0, neutral: 1.0 / labels as f64, high: 1.0 },
            Self::VersusModel | Self::Change => around_zero(largest(0.25)),
            Self::Bias => Scale { low: 0.0, neutral: 0.0, high: 1.0 },
            Self::LabelAttention => Scale { low: 0.0, neutral: 0.0, high: largest(0.1) },
            Self::Margin | Self::DirectEffect | Self::TotalEffect | Self::IndirectEffect => around_zero(largest(0.01)),
            Self::Weight => around_zero(largest(1.0)),
        }
    }

    /// What the neutral point means, for the legend.
    pub fn note(self, scale: Scale) -> String {
        match self {
            Self::Accuracy => format!("chance {}", self.short(scale.neutral)),
            Self::VersusModel => "0: as the model".to_owned(),
            Self::Weight => "1: the model's own".to_owned(),
            Self::Bias => "100: one label only".to_owned(),
            Self::Margin => "above 0: for gold".to_owned(),
            Self::DirectEffect | Self::TotalEffect => "below 0: it helps".to_owned(),
            Self::IndirectEffect => "total − direct".to_owned(),
            Self::LabelAttention => "of the last token".to_owned(),
            Self::Change => "0: no change".to_owned(),
        }
    }

    /// The value in at most three characters (accuracy, shares) or four (signed quantities).
    pub fn short(self, value: f64) -> String {
        match self {
            Self::Accuracy | Self::Bias | Self::LabelAttention => format!("{:.0}", value * 100.0),
            Self::VersusModel | Self::Change => whole(value * 100.0),
            _ => decimal(value),
        }
    }
}

/// A signed whole number; zero has no sign.
fn whole(value: f64) -> String {
    let text = format!("{value:+.0}");
    if text == "+0" || text == "-0" { "0".to_owned() } else { text }
}

/// A number in three characters where its size allows: `.35`, `-.4`, `1.2`, `12`.
fn decimal(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 9.95 { 0 } else { usize::from(value >= 0.0 && size < 0.995) + 1 };
    let text = format!("{value:.digits$}");
    let text = text.replacen("0.", ".", usize::from(size < 1.0));
    if text.trim_matches(['-', '.', '0']).is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_point_of_accuracy_is_chance() {
        let scale = Metric::Accuracy.scale(4, &[]);
        assert_eq!((scale.place(0.25), scale.place(0.0), scale.place(1.0)), (0.0, -1.0, 1.0));
        assert!((scale.place(0.625) - 0.5).abs() < 1e-12);
        assert_eq!((scale.tenth(0.0), scale.tenth(0.93), scale.tenth(1.0)), (0, 9, 9));
    }

    #[test]
    fn numbers_are_short() {
        for (metric, value, text) in [
            (Metric::Accuracy, 0.934, "93"),
            (Metric::Accuracy, 1.0, "100"),
            (Metric::VersusModel, -0.28, "-28"),
            (Metric::VersusModel, 0.001, "0"),
            (Metric::Weight, 0.35, ".35"),
            (Metric::Weight, -0.42, "-.4"),
            (Metric::Weight, 0.999, "1.0"),
            (Metric::Weight, 12.3, "12"),
            (Metric::Weight, 0.0, "0"),
            (Metric::Margin, -1.25, "-1.2"),
            (Metric::Margin, -0.01, "0"),
        ] {
            assert_eq!(metric.short(value), text, "{value}");
        }
    }
}
