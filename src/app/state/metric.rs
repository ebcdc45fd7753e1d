//! The quantities shown on the map, and their scales.
//!
//! Each quantity is declared once, in the list below; legend, footer, ranking, mixer and `state.json` use it.

use super::{
    cell_number::Unit,
    open_run::OpenRun,
    scale::{Range, Scale},
};

/// Data that a quantity requires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The run itself.
    Run,
    /// A sweep.
    Sweep,
    /// Attention by part of the prompt.
    Shares,
    /// At least two other comparable runs.
    Others,
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
    /// What it is, in one line.
    about: &'static str,
    /// Where it is defined.
    source: &'static str,
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
        about: "share of test examples that its own contribution labels right",
        source: "docs/statistics.md",
    },
    /// Accuracy of the component minus that of the model.
    VersusModel = Quantity {
        title: "accuracy − model",
        unit: Unit::Points,
        needs: Needs::Run,
        value: |run, component| Some(run.test.tally.accuracy(component)? - run.test.tally.full_accuracy()?),
        range: Range::AroundZero(0.25),
        note: "0: as the model",
        about: "its accuracy alone minus the accuracy of the whole model",
        source: "docs/statistics.md",
    },
    /// Accuracy of the component minus its mean accuracy in the other comparable runs.
    VersusOthers = Quantity {
        title: "accuracy − other runs",
        unit: Unit::Points,
        needs: Needs::Others,
        value: |run, component| {
            Some(run.test.tally.accuracy(component)? - *run.others.as_ref()?.accuracy.get(component)?)
        },
        range: Range::AroundZero(0.1),
        note: "0: as in the others",
        about: "its accuracy in this run minus its mean accuracy in the other open runs of the task",
        source: "docs/explorer.md, Screens",
    },
    /// Label bias: distance of its predictions from a uniform label distribution.
    Bias = Quantity {
        title: "label bias",
        unit: Unit::Percent,
        needs: Needs::Run,
        value: |run, component| run.test.tally.bias(component),
        range: Range::UpToOne,
        note: "100: one label only",
        about: "1 − entropy of its predictions / log of the labels: 0 balanced, 100 one label",
        source: "docs/statistics.md",
    },
    /// Mean contribution to the margin of gold over the strongest other label, in nats.
    Margin = Quantity {
        title: "margin",
        unit: Unit::Nats,
        needs: Needs::Run,
        value: |run, component| run.test.tally.margin(component),
        range: Range::AroundZero(0.01),
        note: "above 0: for gold",
        about: "mean contribution to the logit of gold minus its strongest rival",
        source: "docs/method.md, Predictions, margins, mixes",
    },
    /// Weight in the mix.
    Weight = Quantity {
        title: "weight in the mix",
        unit: Unit::Factor,
        needs: Needs::Run,
        value: |run, component| (!run.test.tally.is_empty()).then(|| run.mixer.weight(component)),
        range: Range::AroundZero(1.0),
        note: "1: the model's own",
        about: "factor of its contribution in the sum: 1 in the model, 0 if muted",
        source: "docs/method.md, Fitting a mix",
    },
    /// Effect of ablating it on the mean margin when later layers react, in nats.
    TotalEffect = Quantity {
        title: "total effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.total_effect().margin),
        range: Range::AroundZero(0.01),
        note: "below 0: it helps",
        about: "change of the mean margin when it is ablated and later layers react",
        source: "docs/method.md, Causal effects: ablated re-runs",
    },
    /// Effect of ablating it on the mean margin with all other components unchanged, in nats.
    DirectEffect = Quantity {
        title: "direct effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.direct_effect().margin),
        range: Range::AroundZero(0.01),
        note: "below 0: it helps",
        about: "change of the mean margin when only its own contribution is removed",
        source: "docs/method.md, Causal effects: ablated re-runs",
    },
    /// Total minus direct effect, in nats.
    IndirectEffect = Quantity {
        title: "indirect effect",
        unit: Unit::Nats,
        needs: Needs::Sweep,
        value: |run, component| Some(run.results.effects(component)?.indirect_effect().margin),
        range: Range::AroundZero(0.01),
        note: "total − direct",
        about: "total effect minus direct effect: what later layers add",
        source: "docs/method.md, Causal effects: ablated re-runs",
    },
    /// Mean share of a head's attention on label words of demonstrations.
    LabelAttention = Quantity {
        title: "attention to labels",
        unit: Unit::Percent,
        needs: Needs::Shares,
        value: |run, component| run.results.label_share(run.shape, component),
        range: Range::UpToLargest(0.1),
        note: "of the last token",
        about: "mean share of the last token's attention on label words of demonstrations",
        source: "docs/explorer.md, Screens",
    },
}

impl Metric {
    /// Returns the next quantity that is known for `run`, or the previous one.
    #[must_use]
    pub fn beside(self, run: Option<&OpenRun>, forward: bool) -> Self {
        let known = |metric: Self| run.map_or(metric.quantity().needs == Needs::Run, |run| metric.is_known(run));
        let (count, at) = (Self::ALL.len(), Self::ALL.iter().position(|&metric| metric == self).unwrap_or(0));
        let step = if forward { 1 } else { count - 1 };
        let mut others = (1..=count).map(|steps| Self::ALL[(at + steps * step) % count]);
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
            Needs::Others => run.others.is_some(),
        }
    }

    /// Why a run does not have the quantity.
    pub const fn lacks(self) -> &'static str {
        match self.quantity().needs {
            Needs::Run => "",
            Needs::Sweep => "its components were not ablated",
            Needs::Shares => "its attention was not measured",
            Needs::Others => "fewer than two other runs of its task are open",
        }
    }

    /// Whether the quantity is an effect of ablation.
    pub const fn is_effect(self) -> bool {
        matches!(self.quantity().needs, Needs::Sweep)
    }

    /// What the quantity is, in one line.
    pub const fn about(self) -> &'static str {
        self.quantity().about
    }

    /// What the quantity is, as lines.
    pub const fn lines(self) -> &'static [&'static str] {
        std::slice::from_ref(&self.quantity().about)
    }

    /// Where the quantity is defined.
    pub const fn source(self) -> &'static str {
        self.quantity().source
    }

    /// Title of the quantity.
    pub const fn title(self) -> &'static str {
        self.quantity().title
    }

    /// Unit on the map.
    pub const fn unit(self) -> Unit {
        self.quantity().unit
    }

    /// Unit of a difference of two values.
    pub const fn change_unit(self) -> Unit {
        match self.quantity().unit {
            Unit::Percent => Unit::Points,
            unit => unit,
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

    /// Formats a value for lists and legends, in at most five characters.
    pub fn short(self, value: f64) -> String {
        self.unit().number(value, if value < 0.0 { 5 } else { 4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_point_of_accuracy_is_chance() {
        let scale = Metric::Accuracy.scale(4, &[]);
        assert_eq!((scale.place(0.25), scale.place(0.0), scale.place(1.0)), (0.0, -1.0, 1.0));
        assert!((scale.place(0.625) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_short() {
        for (metric, value, text) in [
            (Metric::Accuracy, 0.934, "93"),
            (Metric::Accuracy, 1.0, "100"),
            (Metric::VersusModel, -0.28, "-28"),
            (Metric::VersusModel, 0.001, "0"),
            (Metric::Weight, 0.35, ".35"),
            (Metric::Weight, -0.42, "-.42"),
            (Metric::Weight, 0.999, "1.00"),
            (Metric::Weight, 12.3, "12.3"),
            (Metric::Weight, 0.0, "0"),
            (Metric::Margin, -1.25, "-1.25"),
            (Metric::Margin, -0.01, "-.01"),
            (Metric::Margin, -0.001, "0"),
        ] {
            assert_eq!(metric.short(value), text, "{value}");
        }
    }
}
