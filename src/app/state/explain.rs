//! What the panes of a screen show, in three lines each: two of explanation, and where it is defined.

use crate::app::screen::Screen;

use super::metric::Metric;

/// Explanation of a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Title of the pane.
    pub pane: &'static str,
    /// What stands there, in one or two lines.
    pub lines: &'static [&'static str],
    /// Where it is defined.
    pub source: &'static str,
}

const COMPONENT: Explanation = Explanation {
    pane: "component (L6.H2)",
    lines: &[
        "The head or MLP under the cursor as a classifier of its own, on n test examples. [ ]: 95% interval.",
        "▲ good and ▼ bad: right or wrong more often than chance (κ, q); ■ label-biased: always one label.",
    ],
    source: "docs/statistics.md",
};

const MIX: Explanation = Explanation {
    pane: "mix",
    lines: &[
        "Accuracy of the model, and of the sum of all contributions with your weights; space switches.",
        "▲ fixed: wrong in the model, right in the mix; ▼ broken: the other way; ◆ other: both wrong.",
    ],
    source: "docs/method.md, Predictions, margins, mixes",
};

const EXAMPLES: Explanation = Explanation {
    pane: "examples",
    lines: &[
        "✓ ✗ whether the prediction is the gold label; nats: logit of gold minus its strongest rival.",
        "was and now: the prediction of the model and that of the mix.",
    ],
    source: "docs/explorer.md, Signs",
};

const FADERS: Explanation = Explanation {
    pane: "mixer",
    lines: &[
        "A row per component (channel) and one for `rest`: embeddings, biases and label offsets.",
        "The weight multiplies its contribution; mute is 0, solo silences all others.",
    ],
    source: "docs/method.md, Predictions, margins, mixes",
};

const FIT: Explanation = Explanation {
    pane: "fit",
    lines: &[
        "λ is the strength of the penalty that keeps weights near their start; ◇ marks the fit's own choice.",
        "CompRW: reweighting as the paper prints it (comprw), as its code does it (comprw_released); partscope: the default.",
    ],
    source: "docs/method.md, Fitting a mix",
};

const BASELINES: Explanation = Explanation {
    pane: "baselines",
    lines: &[
        "Other methods on the same labels. Calib+ (calib) and batch calibration correct the model's probabilities; * uses the",
        "other test examples. Best and vote choose components on training labels; † oracles choose on test labels.",
    ],
    source: "docs/method.md, Fitting a mix",
};

const PROMPT: [Explanation; 3] = [
    Explanation {
        pane: "demonstrations",
        lines: &[
            "The labelled examples in the prompt, in order; ≠ relabelled and + new against the run.",
            "The number on the right counts tokens.",
        ],
        source: "docs/tasks.md",
    },
    Explanation {
        pane: "as the model reads it",
        lines: &["The whole prompt, from its end; page keys scroll it."],
        source: "docs/tasks.md",
    },
    Explanation {
        pane: "your text",
        lines: &[
            "Probabilities of the labels for the text that you type, under the model and under the mix.",
            "Bars: what each component contributes for the predicted label and against it, in nats.",
        ],
        source: "docs/method.md, The sum",
    },
];

const EXPERIMENTS: [Explanation; 3] = [
    Explanation {
        pane: "ablated re-run",
        lines: &[
            "The model runs again with the mix inside it: the total effect, as later layers react.",
            "The direct effect changes only the sum; total − direct is the indirect effect.",
        ],
        source: "docs/method.md, Causal effects: ablated re-runs",
    },
    Explanation {
        pane: "attention",
        lines: &[
            "Which tokens the selected head reads from the last position; shares by part of the prompt.",
            "Attention shows where a head looks, not what it does.",
        ],
        source: "docs/run-files.md, Ablations, attention and the lens by layer",
    },
    Explanation {
        pane: "logit lens",
        lines: &[
            "The component's output times the whole unembedding: words whose logit it raises and lowers,",
            "under the frozen norm.",
        ],
        source: "docs/method.md, The sum",
    },
];

const COMPARE: [Explanation; 5] = [
    Explanation {
        pane: "A, B and B − A",
        lines: &[
            "The chosen quantity of every component in both runs, and its difference.",
            "Pearson r and Spearman ρ correlate accuracies; top-5 overlap: common among the five best (IoU).",
        ],
        source: "docs/statistics.md",
    },
    Explanation {
        pane: "demonstrations",
        lines: &["What stands at each position of the two prompts: = same, ≠ another label, ~ another text."],
        source: "docs/explorer.md, Compare",
    },
    Explanation {
        pane: "predicted labels",
        lines: &[
            "Share of examples with each gold label, and share that A and B predict.",
            "✗→✓ examples of this label that only B gets right, ✓→✗ that only A does.",
        ],
        source: "docs/explorer.md, Compare",
    },
    Explanation {
        pane: "what moved all flips",
        lines: &[
            "Mean over all flipped examples of the change from A to B of a component's contribution to the margin",
            "of B's label over A's, in nats, with its 95% interval. All of them and `rest` add up to the model's.",
        ],
        source: "docs/explorer.md, Compare",
    },
    Explanation {
        pane: "flipped examples",
        lines: &[
            "Examples that A and B label differently. A→B names the label words of each run.",
            "moved by: the components whose contribution changed the margin of this example most.",
        ],
        source: "docs/explorer.md, Compare",
    },
];

const MATRIX: Explanation = Explanation {
    pane: "all open runs",
    lines: &[
        "Above the diagonal: r of component accuracies; below: overlap of the five best (IoU); on it: accuracy.",
        "others: r with the mean of the other runs, and the component farthest from it, in points.",
    ],
    source: "docs/statistics.md",
};

const RUNS: Explanation = Explanation {
    pane: "runs",
    lines: &[
        "Runs in progress, queued, open and stored. enter shows one and never stops the one in progress.",
        "examples: training + test.",
    ],
    source: "docs/run-files.md",
};

/// Returns the explanations of a screen whose map shows `metric`.
pub fn explanations(screen: Screen, metric: Metric) -> Vec<Explanation> {
    let quantity = |source: &'static str| Explanation { pane: metric.title(), lines: metric.lines(), source };
    let map = quantity(metric.source());
    match screen {
        Screen::Map => vec![map, COMPONENT, MIX, EXAMPLES],
        Screen::Mixer => vec![map, FADERS, MIX, FIT, BASELINES],
        Screen::Prompt => PROMPT.to_vec(),
        Screen::Examples => vec![EXAMPLES, PROMPT[2]],
        Screen::Experiments => EXPERIMENTS.to_vec(),
        Screen::Compare => COMPARE.to_vec(),
        Screen::Matrix => vec![MATRIX],
        Screen::Runs => vec![RUNS],
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn panes_are_explained_in_three_lines_with_an_existing_source() {
        for &screen in Screen::ALL {
            for &metric in Metric::ALL {
                let all = explanations(screen, metric);
                assert!(!all.is_empty(), "{screen:?}");
                for Explanation { pane, lines, source } in all {
                    assert!((1..=2).contains(&lines.len()), "{pane}");
                    assert!(lines.iter().all(|line| line.chars().count() <= 118), "{pane}");
                    let (file, section) = source.split_once(", ").map_or((source, None), |(f, s)| (f, Some(s)));
                    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                    let text = std::fs::read_to_string(&path).unwrap();
                    let has = |section: &str| text.lines().any(|line| line.trim_start_matches('#').trim() == section);
                    assert!(section.is_none_or(has), "{pane}: {source}");
                }
            }
        }
    }
}
