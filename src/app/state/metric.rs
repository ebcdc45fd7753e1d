//! The quantities shown on the map, and their scales.
//!
//! Each quantity is declared once, in the list below; legend, footer, ranking, mixer and `state.json` use it.

use super::{
    open_run::OpenRun,
    scale::{Range, Scale},
};

/// Unit of a quantity, which determines its format.
#[derive(Clone, Copy)]
enum Unit {
    Percent,
    Points,
    Nats,
    Factor,
}

/// Data that a quantity requires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The run itself.
    Run,
    /// A sweep.
    Sweep,
    /// Attention by part of the prompt.
    Shares,
    /// A second run.
    SecondRun,
}

/// Declaration of a quantity.
struct Quantity {
    /// Name on the screen and in `state.json`.
    title: &'static str,
    unit: Unit,
    needs: Needs,
    /// Value of a component, if known.
    value: fn(&OpenRun, usize) -> Option<f64>,
    range: Range,
    /// Legend text for the neutral point; `{}` is replaced by its value.
    note: &'static str,
}

macro_rules! quantities {
    ($($(#[$about:meta])* $metric:ident = $quantity:expr,)*) => {
        /// A quantity of a component.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Metric { $($(#[$about])* $metric,)* }

        impl Metric {
            /// All quantities, in cycling order.
            pub const ALL: &'static [Self] = &[$(Self::$metric,)*];

            const fn quantity(self) -> &'static Quantity {
                match self {
                    $(Self::$metric => {
                        const QUANTITY: Quantity = $quantity;
                        &QUANTITY
                    })*
                }
            }
        }
    };
}

quantities! {
    /// Accuracy of the component alone on test examples.
    #[default]
    Accuracy = Quantity {
        title: "accuracy",
        unit: Unit::Percent,
        needs: Needs::Run,
        value: |run, component| run.test.tally.accuracy(component),
        range: Range::AroundChance,
        note: "chance {}",
    },
    /// Accuracy of the component minus that of the model.
    VersusModel = Quantity {
        title: "accuracy − model",
        unit: Unit::Points,
        needs: Needs::Run,
        value: |run, component| Some(run.test.tally.accuracy(component)? - run.test.tally.full_accuracy()?),
        range: Range::AroundZero(0.25),
        note: "0: as the model",
    },
    /// Label bias: distance of its predictions from a uniform label distribution.
    Bias = Quantity {
        title: "label bias",
        unit: Unit::Percent,
        needs: Needs::Run,
        value: |run, component| run.test.tally.bias(component),
        range: Range::UpToOne,
        note: "100: one label only",
    },
    /// Mean contribution to the margin of gold over the strongest other label, in nats.
    Margin = Quantity {
        title: "margin",
        unit: Unit::Nats,
        needs: Needs::Run,
        value: |run, component| run.test.tally.margin(component),
        range: Range::AroundZero(0.01),
        note: "above 0: for gold",
    },
    /// Weight in the mix.
    Weight = Quantity {
        title: "weight in the mix",
        unit: Unit::Factor,
        needs: Needs::Run,
        value: |run, component| (!run.test.tally.is_empty()).then(|| run.mixer.weight(component)),
        range: Range::AroundZero(1.0),
        note: "1: the model's own",
    },
    /// Effect of ablating it on the mean margin when later layers react, in nats.
    TotalEffect = Quantity {
        title: "total effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.total_effect().margin),
        range: Range::AroundZero(0.01),
        note: "below 0: it helps",
    },
    /// Effect of ablating it on the mean margin with all other components unchanged, in nats.
    DirectEffect = Quantity {
        title: "direct effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.direct_effect().margin),
        range: Range::AroundZero(0.01),
        note: "below 0: it helps",
    },
    /// Total minus direct effect, in nats.
    IndirectEffect = Quantity {
        title: "indirect effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.indirect_effect().margin),
        range: Range::AroundZero(0.01),
        note: "total − direct",
    },
    /// Mean share of a head's attention on label words of demonstrations.
    LabelAttention = Quantity {
        title: "attention to labels",
        unit: Unit::Percent,
        needs: Needs::Shares,
        value: |run, component| run.results.label_share(run.shape, component),
        range: Range::UpToLargest(0.1),
        note: "of the last token",
    },
    /// Difference in accuracy between two compared runs.
    Change = Quantity {
        title: "difference",
        unit: Unit::Points,
        needs: Needs::SecondRun,
        value: |_, _| None,
        range: Range::AroundZero(0.25),
        note: "0: no change",
    },
}

impl Metric {
    /// Returns the next quantity that is known for `run`.
    #[must_use]
    pub fn next(self, run: Option<&OpenRun>) -> Self {
        let known = |metric: Self| run.map_or(metric.quantity().needs == Needs::Run, |run| metric.is_known(run));
        let at = Self::ALL.iter().position(|&metric| metric == self).unwrap_or(0);
        let mut others = (1..=Self::ALL.len()).map(|step| Self::ALL[(at + step) % Self::ALL.len()]);
        others.find(|&metric| known(metric)).unwrap_or(self)
    }

    /// Returns the quantity with this title.
    pub fn from_title(title: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.title() == title)
    }

    /// Whether `run` has the quantity, or will have it without an experiment.
    pub const fn is_known(self, run: &OpenRun) -> bool {
        match self.quantity().needs {
            Needs::Run => true,
            Needs::Sweep => run.results.sweep.is_some(),
            Needs::Shares => run.results.shares.is_some(),
            Needs::SecondRun => false,
        }
    }

    /// Whether the quantity is an effect of ablation.
    pub const fn is_effect(self) -> bool {
        matches!(self.quantity().needs, Needs::Sweep)
    }

    /// Title of the quantity.
    pub const fn title(self) -> &'static str {
        self.quantity().title
    }

    /// Unit on the map.
    pub const fn unit(self) -> &'static str {
        match self.quantity().unit {
            Unit::Percent => "%",
            Unit::Points => "points",
            Unit::Nats => "nats",
            Unit::Factor => "×",
        }
    }

    /// Returns the value of a component, if known.
    pub fn value(self, run: &OpenRun, component: usize) -> Option<f64> {
        (self.quantity().value)(run, component)
    }

    /// Returns the scale for `values` with this number of labels.
    pub fn scale(self, labels: usize, values: &[Option<f64>]) -> Scale {
        self.quantity().range.scale(labels, values)
    }

    /// Returns the legend text for the neutral point.
    pub fn note(self, scale: Scale) -> String {
        self.quantity().note.replace("{}", &self.short(scale.neutral))
    }

    /// Formats a value in at most three characters (accuracy, shares) or four (signed quantities).
    pub fn short(self, value: f64) -> String {
        match self.quantity().unit {
            Unit::Percent => format!("{:.0}", value * 100.0),
            Unit::Points => whole(value * 100.0),
            Unit::Nats | Unit::Factor => decimal(value),
        }
    }
}

/// Formats a signed whole number; zero has no sign.
fn whole(value: f64) -> String {
    let text = format!("{value:+.0}");
    if text == "+0" || text == "-0" { "0".to_owned() } else { text }
}

/// Formats a number in three characters where possible: `.35`, `-.4`, `1.2`, `12`.
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
