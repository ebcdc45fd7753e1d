//! `partscope ablate`: components changed inside the forward pass.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::ValueEnum;
use serde::Serialize;

use super::{
    Failure,
    options::ModelOptions,
    output::{ProgressLine, human_time, print, print_json},
    subject::Loaded,
};
use crate::{
    analysis::{Effects, Flips, Mix, Score, WeightsFile, weights::named},
    cancel::Cancel,
    cause::{Ablation, Fill, Positions, Rerun, Sweep, price, rerun, sweep},
    component::{Component, Shape},
    error::{Error, InputError, Result},
    store::Beside,
    text::printable,
};

/// Change components inside the forward pass and state direct, total and indirect effects on a run's test examples.
///
/// The direct effect scales a contribution in the sum; the total effect is that of a re-run in which later layers react
/// and norms are realised anew; the indirect effect is their difference. Results are also written beside the run; a
/// sweep that is interrupted leaves there what it has.
///
/// Example: partscope ablate out --set L5.H3=0
/// Example: partscope ablate out --each --positions all --fill mean --json
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)), verbatim_doc_comment)]
pub(super) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Apply a mix: weights that `partscope fit -o` wrote
    #[arg(long, value_name = "W.json", group = "what")]
    mix: Option<PathBuf>,
    /// Apply weights given here, 1 for all others: L5.H3=0,L2.MLP=2
    #[arg(long, value_name = "WEIGHTS", group = "what", value_delimiter = ',', value_parser = weight)]
    set: Vec<(Component, f64)>,
    /// Ablate each component in turn
    #[arg(long, group = "what")]
    each: bool,
    /// At which tokens: the last one, where the label is read off, or all of them
    #[arg(long, value_enum, default_value = "last")]
    positions: PositionsName,
    /// What stands in for what is taken away: nothing, or the component's mean over the test prompts
    #[arg(long, value_enum, default_value = "zero")]
    fill: FillName,
    #[command(flatten)]
    model: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PositionsName {
    Last,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FillName {
    Zero,
    Mean,
}

fn weight(text: &str) -> Result<(Component, f64), String> {
    let wrong = || format!("`{}` is not a weight: write L5.H3=0", printable(text));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let component = name.trim().parse::<Component>().map_err(|error| error.to_string())?;
    let value: f64 = value.trim().parse().map_err(|_| wrong())?;
    if value.is_finite() { Ok((component, value)) } else { Err(wrong()) }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let ablation = Ablation {
        positions: match args.positions {
            PositionsName::Last => Positions::Last,
            PositionsName::All => Positions::All,
        },
        fill: match args.fill {
            FillName::Zero => Fill::Zero,
            FillName::Mean => Fill::Mean,
        },
    };
    let mut line = ProgressLine::new();
    let loaded = Loaded::open(&args.run, &args.model, &mut line)?;
    let beside = Beside::of(&args.run)?;
    if args.each { each(args, &loaded, ablation, &beside, line) } else { mixed(args, &loaded, ablation, &beside, line) }
}

/// What is stated about a change of all components at once.
#[derive(Serialize)]
struct MixReport<'a> {
    schema: u32,
    model_hash: &'a str,
    #[serde(flatten)]
    ablation: Ablation,
    examples: usize,
    #[serde(flatten)]
    effects: EffectReport,
    seconds: f64,
    rest: f64,
    weights: BTreeMap<Component, f64>,
    reacted: Vec<Reaction>,
    flipped: Vec<Flipped<'a>>,
}

/// How much more a component adds to the mean margin than it did, where its own weight is not what did it.
#[derive(Serialize)]
struct Reaction {
    name: Component,
    delta: f64,
}

/// An example that the change answers otherwise.
#[derive(Serialize)]
struct Flipped<'a> {
    id: &'a str,
    gold: usize,
    model: usize,
    direct: usize,
    total: usize,
}

/// Scores and effects under the names of the contract.
#[derive(Serialize)]
struct EffectReport {
    accuracy: Sides,
    margin: Sides,
    flips: Changes,
}

#[derive(Serialize)]
struct Sides {
    model: f64,
    direct: f64,
    total: f64,
    effect: Three,
}

#[derive(Serialize)]
struct Three {
    direct: f64,
    indirect: f64,
    total: f64,
}

#[derive(Serialize)]
struct Changes {
    direct: Flips,
    total: Flips,
    disagree: usize,
}

impl EffectReport {
    fn of(effects: &Effects) -> Self {
        let sides = |value: fn(Score) -> f64| Sides {
            model: value(effects.model),
            direct: value(effects.direct),
            total: value(effects.total),
            effect: Three {
                direct: value(effects.direct_effect()),
                indirect: value(effects.indirect_effect()),
                total: value(effects.total_effect()),
            },
        };
        Self {
            accuracy: sides(|score| score.accuracy),
            margin: sides(|score| score.margin),
            flips: Changes { direct: effects.direct_flips, total: effects.total_flips, disagree: effects.disagree },
        }
    }
}

fn mixed(
    args: &Args,
    loaded: &Loaded,
    ablation: Ablation,
    beside: &Beside,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    let mix = mix_of(args, loaded)?;
    let started = Instant::now();
    let outcome = rerun(&loaded.subject()?, &loaded.run.test, &mix, ablation, &Cancel::default(), &mut |progress| {
        line.count(&progress, "prompts");
    })?;
    line.clear();
    let report = MixReport {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        ablation,
        examples: outcome.effects.examples,
        effects: EffectReport::of(&outcome.effects),
        seconds: started.elapsed().as_secs_f64(),
        rest: mix.rest,
        weights: named(&mix, loaded.plan.shape),
        reacted: outcome
            .reactions(&loaded.run.test)
            .into_iter()
            .map(|(name, delta)| Reaction { name, delta })
            .collect(),
        flipped: flipped(loaded, &outcome),
    };
    let path = beside.write(&file_name("mix", ablation), &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&mix_table(&outcome, &report, &path))?;
    }
    Ok(())
}

/// `ablation-each-last-zero.json`.
fn file_name(what: &str, ablation: Ablation) -> String {
    format!("ablation-{what}-{}-{}.json", ablation.positions.name(), ablation.fill.name())
}

fn mix_of(args: &Args, loaded: &Loaded) -> Result<Mix> {
    if let Some(path) = &args.mix {
        let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        return WeightsFile::parse(&text)?.mix(&loaded.plan.model, &loaded.plan.task);
    }
    let shape = loaded.plan.shape;
    let mut mix = Mix::identity(shape);
    for &(component, weight) in &args.set {
        mix.weights[index_of(shape, component)?] = weight;
    }
    Ok(mix)
}

/// The place of a component in a model of this shape.
pub(super) fn index_of(shape: Shape, component: Component) -> Result<usize> {
    shape.index(component).ok_or_else(|| {
        let problem = format!("the model has no component {component}");
        let cure = format!("it has {} layers of {} heads and an MLP", shape.layers, shape.heads);
        InputError::new(problem).cure(cure).into()
    })
}

fn flipped<'a>(loaded: &'a Loaded, outcome: &Rerun) -> Vec<Flipped<'a>> {
    let labels = loaded.plan.shape.labels;
    let said = |logits: &[f64]| crate::analysis::predict::predictions(logits, labels);
    let model: Vec<f64> = loaded.run.test.full().iter().copied().map(f64::from).collect();
    let (model, direct, total) = (said(&model), said(&outcome.direct), said(&outcome.total));
    let rows = loaded.plan.test.iter().enumerate();
    rows.filter(|&(row, _)| model[row] != total[row] || model[row] != direct[row])
        .map(|(row, example)| Flipped {
            id: &example.id,
            gold: example.gold,
            model: model[row],
            direct: direct[row],
            total: total[row],
        })
        .collect()
}

fn mix_table(outcome: &Rerun, report: &MixReport<'_>, path: &Path) -> String {
    let effects = &outcome.effects;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} · {} test examples · {:.2} s",
        outcome.ablation.describe(),
        effects.examples,
        report.seconds
    );
    let _ = writeln!(text, "{:<14}{:>10}{:>18}{:>18}{:>12}", "", "model", "direct effect", "total effect", "indirect");
    let row = |name: &str, value: fn(Score) -> f64, scale: f64, unit: &str| {
        let show = |score: Score| scale * value(score);
        let change = |score: Score, effect: Score| format!("{:.2} ({:+.2})", show(score), show(effect));
        format!(
            "{name:<14}{:>10.2}{:>18}{:>18}{:>+12.2}{unit}",
            show(effects.model),
            change(effects.direct, effects.direct_effect()),
            change(effects.total, effects.total_effect()),
            show(effects.indirect_effect())
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
    let reacted: Vec<String> =
        report.reacted.iter().take(5).map(|reaction| format!("{} {:+.2}", reaction.name, reaction.delta)).collect();
    if !reacted.is_empty() {
        let _ = writeln!(text, "reacted most (change of the mean margin): {}", reacted.join("  "));
    }
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}

/// What is stated about each component ablated alone.
#[derive(Serialize)]
struct EachReport<'a> {
    schema: u32,
    model_hash: &'a str,
    #[serde(flatten)]
    ablation: Ablation,
    examples: usize,
    of: usize,
    complete: bool,
    estimate_s: f64,
    seconds: f64,
    components: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: Component,
    #[serde(flatten)]
    effects: EffectReport,
}

fn each(
    args: &Args,
    loaded: &Loaded,
    ablation: Ablation,
    beside: &Beside,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    let (subject, shape, cancel) = (loaded.subject()?, loaded.plan.shape, Cancel::default());
    line.stage("measuring…");
    let estimate = price(&subject, ablation, &cancel)?;
    line.clear();
    if std::io::stderr().is_terminal() {
        eprintln!(
            "{} of each of {} components on {} examples: about {} (measured on the first batch)",
            ablation.describe(),
            shape.components(),
            subject.len(),
            human_time(estimate)
        );
    }
    let started = Instant::now();
    let name = file_name("each", ablation);
    let report = |sweep: &Sweep| EachReport {
        schema: 1,
        model_hash: &loaded.plan.model.weights_hash,
        ablation,
        examples: sweep.done(),
        of: sweep.examples,
        complete: sweep.is_complete(),
        estimate_s: estimate.as_secs_f64(),
        seconds: started.elapsed().as_secs_f64(),
        components: (shape.iter().zip(&sweep.effects))
            .map(|(name, effects)| Entry { name, effects: EffectReport::of(effects) })
            .collect(),
    };
    let mut unwritten = None;
    let swept = sweep(&subject, ablation, &cancel, &mut |partial, progress| {
        line.count(&progress, "layers");
        if let Some(Err(error)) = partial.filter(|sweep| !sweep.is_complete()).map(|s| beside.write(&name, &report(s)))
        {
            unwritten.get_or_insert(error);
            cancel.cancel();
        }
    });
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let swept = swept?;
    line.clear();
    let report = report(&swept);
    let path = beside.write(&name, &report)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&each_table(&swept, shape, report.seconds, &path))?;
    }
    Ok(())
}

fn each_table(swept: &Sweep, shape: Shape, seconds: f64, path: &Path) -> String {
    let mut text = String::new();
    let first = swept.effects.first().copied().unwrap_or_default();
    let _ = writeln!(
        text,
        "{} of each component · {} test examples · {seconds:.1} s\nmodel: accuracy {:.1} %, mean margin {:.2} nats",
        swept.ablation.describe(),
        swept.done(),
        100.0 * first.model.accuracy,
        first.model.margin
    );
    let _ = writeln!(
        text,
        "{:<10}{:>26}{:>10}{:>24}{:>18}",
        "", "margin: direct   indirect", "total", "accuracy: direct  total", "flips"
    );
    for (component, effects) in shape.iter().zip(&swept.effects) {
        let (direct, indirect, total) = (effects.direct_effect(), effects.indirect_effect(), effects.total_effect());
        let _ = writeln!(
            text,
            "{component:<10}{:>+15.3}{:>+11.3}{:>+10.3}{:>+17.1}{:>+7.1}{:>18}",
            direct.margin,
            indirect.margin,
            total.margin,
            100.0 * direct.accuracy,
            100.0 * total.accuracy,
            format!("{} → {}", effects.direct_flips.count(), effects.total_flips.count())
        );
    }
    let most = (0..swept.effects.len()).max_by(|&a, &b| {
        let gap = |index: usize| swept.effects[index].indirect_effect().margin.abs();
        gap(a).total_cmp(&gap(b))
    });
    if let Some(index) = most {
        let effects = &swept.effects[index];
        let _ = writeln!(
            text,
            "direct and total effect differ most at {}: {:+.2} in the sum, {:+.2} when the network reacts",
            shape.component(index),
            effects.direct_effect().margin,
            effects.total_effect().margin
        );
    }
    let _ = writeln!(text, "written to {}", printable(&path.display().to_string()));
    text
}
