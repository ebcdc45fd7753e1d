//! Several label words per class, in all analyses: against values computed independently, and against tables with one
//! word per class.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    analysis::{
        Mix, MixedLogits, Tally,
        baseline::{BaselineOptions, outcomes},
        compare::compare,
        golden::golden,
        held_out::held_out_best,
        kind::Thresholds,
        predict::{component_margins, cross_entropy, rival_of},
        reweight::{FITS, FitOptions, fit, fit_by, has_path, path_of},
        summarize,
        testing::{run, table},
    },
    attribution::{Attribution, Batch, ClassLogit, Split, WordClasses},
    cancel::Cancel,
    component::Shape,
    run::{AccuracyMeta, ExampleRecord, Run},
};

#[derive(Deserialize)]
struct Case {
    rule: ClassLogit,
    of_word: Vec<usize>,
    gold: Vec<usize>,
    contributions: Vec<f32>,
    rest: Vec<f32>,
    weights: Vec<f64>,
    offsets: Vec<f64>,
    component: Vec<f64>,
    full: Vec<f64>,
    mix: Vec<f64>,
    accuracy: Accuracies,
    margins: Vec<f64>,
    margin: f64,
}

#[derive(Deserialize)]
struct Accuracies {
    full: f64,
    components: Vec<f64>,
    sum: f64,
    mix: f64,
}

fn classes(of_word: &[usize], rule: ClassLogit) -> WordClasses {
    let names = (0..=*of_word.iter().max().unwrap()).map(|class| format!("class {class}")).collect();
    WordClasses::new(names, of_word.to_vec(), rule).unwrap().unwrap()
}

impl Case {
    /// The table, filled by batches of 5 examples.
    fn table(&self) -> Attribution {
        let (words, n) = (self.of_word.len(), self.gold.len());
        let components = self.contributions.len() / (words * n);
        let shape = Shape { layers: components / 2, heads: 1, labels: words };
        let sum = |at: usize| self.contributions[at..].iter().step_by(n * words).sum::<f32>() + self.rest[at];
        let full: Vec<f32> = (0..n * words).map(sum).collect();
        let mut whole = Attribution::new(shape, vec![0; n]);
        let (components, rest) = (self.contributions.clone(), self.rest.clone());
        whole.push(&Batch { examples: n, components, rest, full, norms: Vec::new() });
        let mut table = Attribution::with_classes(shape, Some(classes(&self.of_word, self.rule)), self.gold.clone());
        for from in (0..n).step_by(5) {
            table.push(&whole.batch(from..n.min(from + 5)));
        }
        table
    }
}

fn assert_close(ours: impl IntoIterator<Item = f64>, theirs: &[f64]) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-5), "{ours:?}\n{theirs:?}");
}

#[test]
fn words_are_added_before_classes_are_read() {
    for case in golden::<Vec<Case>>("word_classes") {
        let table = case.table();
        assert!(table.is_complete() && table.exactness().max_rel < 1e-5);
        assert_eq!((table.labels(), table.words().shape().labels), (case.offsets.len(), case.of_word.len()));
        assert_close(table.contribution(0).iter().map(|&x| x.into()), &case.component);
        assert_close(table.full().iter().map(|&x| x.into()), &case.full);
        let mix = Mix { weights: case.weights.clone(), rest: 0.5, offsets: case.offsets.clone() };
        assert_close(mix.logits(&table), &case.mix);
        assert!((mix.accuracy(&table) - case.accuracy.mix).abs() < 1e-12);
        let measured = AccuracyMeta::measure(&table);
        assert_close([measured.full, measured.components], &[case.accuracy.full, case.accuracy.sum]);
        assert!((measured.chance - 1.0 / table.labels() as f64).abs() < 1e-12);
        assert_close(Tally::from_table(&table).accuracies(), &case.accuracy.components);
        let even: Vec<f32> = table.full().chunks_exact(table.labels()).step_by(2).flatten().copied().collect();
        assert_eq!(table.filter(|row| row % 2 == 0).full(), even);
    }
}

#[test]
fn margins_of_components_add_up_to_the_models() {
    for case in golden::<Vec<Case>>("word_classes") {
        let (table, n) = (case.table(), case.gold.len());
        let tally = Tally::from_table(&table);
        let terms = case.margins.len() - 1;
        assert_close((0..terms).map(|index| tally.margin(index).unwrap()), &case.margins[..terms]);
        assert!((tally.full_margin().unwrap() - case.margin).abs() < 1e-5);
        let rest: f64 = (0..n).map(|row| rest_margin(&table, row)).sum::<f64>() / n as f64;
        assert!((rest - case.margins[terms]).abs() < 1e-5);
        let row = 7;
        let (gold, rival) = (case.gold[row], rival_of(&table, row));
        let sum: f64 = component_margins(&table, row, gold, rival).iter().sum::<f64>() + rest_margin(&table, row);
        let full = &table.full()[row * table.labels()..];
        assert!((sum - f64::from(full[gold] - full[rival])).abs() < 1e-4);
    }
}

fn rest_margin(table: &Attribution, row: usize) -> f64 {
    let (width, rest) = (table.labels(), table.rest_addends());
    f64::from(rest[row * width + table.gold()[row]]) - f64::from(rest[row * width + rival_of(table, row)])
}

#[test]
fn moving_weights_equals_mixing_from_zero() {
    for case in golden::<Vec<Case>>("word_classes") {
        let table = case.table();
        let mut mixed = MixedLogits::new(Mix::identity(table.shape()), &table.filter(|row| row < 3));
        let mut mix = Mix { offsets: case.offsets.clone(), ..Mix::identity(table.shape()) };
        for (rows, index) in [(6, 1), (12, 3), (12, 0), (12, 1)] {
            mix.weights[index] = case.weights[index];
            mixed.update(&table.filter(|row| row < rows), mix.clone());
        }
        assert_close(mixed.logits().to_vec(), &mix.logits(&table));
        assert_eq!(mixed.predictions(), mix.predictions(&table));
        assert_eq!(mixed.accuracy(), Some(mix.accuracy(&table)));
    }
}

/// `plain` with every word twice: a class is its two equal words.
fn doubled(plain: &Attribution, rule: ClassLogit) -> Attribution {
    let labels = plain.labels();
    let of_word: Vec<usize> = (0..2 * labels).map(|word| word / 2).collect();
    let twice = |values: &[f32]| values.iter().flat_map(|&value| [value; 2]).collect::<Vec<f32>>();
    let Batch { examples, components, rest, full, norms: _ } = plain.batch(0..plain.len());
    let shape = Shape { labels: 2 * labels, ..plain.shape() };
    let mut table = Attribution::with_classes(shape, Some(classes(&of_word, rule)), plain.gold().to_vec());
    table.push(&Batch {
        examples,
        components: twice(&components),
        rest: twice(&rest),
        full: twice(&full),
        norms: Vec::new(),
    });
    table
}

fn doubled_run(plain: &Run, rule: ClassLogit) -> Run {
    let (train, test) = (doubled(&plain.train, rule), doubled(&plain.test, rule));
    let twice = |record: &ExampleRecord| ExampleRecord {
        logits: record.logits.iter().flat_map(|&value| [value; 2]).collect(),
        ..record.clone()
    };
    let mut meta = plain.meta.clone();
    meta.task.label_words = (0..2 * plain.test.labels()).map(|word| format!(" word {word}")).collect();
    meta.task.label_tokens = (0..2 * plain.test.labels() as u32).collect();
    meta.task.word_classes = test.word_classes().cloned();
    Run { meta, examples: plain.examples.iter().map(twice).collect(), train, test, hidden: None }
}

/// Every reader must see classes: equal words change nothing.
#[test]
fn equal_words_of_a_class_change_no_result() {
    let shape = Shape { layers: 3, heads: 4, labels: 3 };
    let signal = |index: usize| index as f64 / 9.0;
    let make = |seed| run(table(shape, 21, seed, signal), table(shape, 90, seed + 10, signal));
    let (a, b, cancel) = (make(1), make(2), Cancel::default());
    for rule in [ClassLogit::Max, ClassLogit::Mean] {
        let (c, d) = (doubled_run(&a, rule), doubled_run(&b, rule));
        let thresholds = Thresholds::default();
        assert_eq!(summarize(&c.test, &thresholds), summarize(&a.test, &thresholds));
        assert_eq!(held_out_best(&c.test), held_out_best(&a.test));
        assert_eq!(AccuracyMeta::measure(&c.test), AccuracyMeta::measure(&a.test));
        assert_eq!(compare(&c, &d, 5).unwrap(), compare(&a, &b, 5).unwrap());
        for method in FITS {
            let (ours, plain) =
                (fit_by(method, &c.train, &cancel).unwrap(), fit_by(method, &a.train, &cancel).unwrap());
            assert_eq!(ours, plain, "{method} {rule:?}");
            if has_path(method) {
                assert_eq!(path_of(&ours, &c.train, 5, &cancel).unwrap().map(|path| path.len()), Some(6));
            }
        }
        let options = BaselineOptions::default();
        let scored = |run: &Run| -> BTreeMap<_, _> {
            let rows = outcomes(&run.train, &run.test, &options, &cancel).unwrap();
            rows.into_iter().map(|row| (row.method, row.predictions)).collect()
        };
        assert_eq!(scored(&c), scored(&a));
        assert_eq!(c.split(Split::Test).gold(), a.test.gold());
    }
}

/// Random words: with the largest of several, a fit is a stationary point of the objective itself.
#[test]
fn a_fit_to_the_largest_words_cannot_be_improved_by_a_small_step() {
    let mut settled = 0;
    for seed in 0..12 {
        let words = table(Shape { layers: 3, heads: 3, labels: 6 }, 24, seed, |index| index as f64 / 9.0);
        let gold = words.gold().iter().map(|word| word / 2).collect();
        let classes = classes(&[0, 0, 1, 1, 2, 2], ClassLogit::Max);
        let mut train = Attribution::with_classes(words.shape(), Some(classes), gold);
        train.push(&words.batch(0..24));
        let options = FitOptions { ridge: 1.0, rest: 1.0, tolerance: 1e-9, ..FitOptions::default() };
        let found = fit(&train, &options, &Cancel::default()).unwrap();
        if found.words_change {
            continue;
        }
        settled += 1;
        let objective = |mix: &Mix| {
            let penalty: f64 = mix.weights.iter().map(|weight| 0.5 * 0.01 * weight * weight).sum();
            cross_entropy(&mix.logits(&train), train.gold(), 3) + penalty
        };
        let least = objective(&found.mix);
        assert!((least - found.objective).abs() < 1e-9, "{least} {}", found.objective);
        for index in 0..found.mix.weights.len() {
            for step in [-1e-4, 1e-4] {
                let mut moved = found.mix.clone();
                moved.weights[index] += step;
                assert!(objective(&moved) >= least - 1e-12, "seed {seed}, weight {index}");
            }
        }
    }
    assert!(settled > 0, "no words stayed");
}
