//! Synthetic tables and runs for tests.

use std::collections::BTreeMap;

use crate::{
    attribution::{Attribution, Batch, Split, argmax},
    component::Shape,
    random::SeededRng,
    run::{AccuracyMeta, ExampleCounts, ExampleRecord, ModelMeta, PromptMeta, Run, RunMeta, SCHEMA, TaskMeta, Timing},
};

/// Three layers of four heads, three labels.
pub(crate) const SHAPE: Shape = Shape { layers: 3, heads: 4, labels: 3 };

/// A table of `n` examples with balanced labels and contributions independent of them; 2 layers of 3 heads.
pub(crate) fn noise(n: usize, labels: usize, seed: u64) -> Attribution {
    table(Shape { layers: 2, heads: 3, labels }, n, seed, |_| 0.0)
}

/// A table of `n` examples with balanced labels in random order. The component at `index` adds `signal(index)` to the
/// gold label's logit, and standard normal noise to every label's.
pub(crate) fn table(shape: Shape, n: usize, seed: u64, signal: impl Fn(usize) -> f64) -> Attribution {
    let mut rng = SeededRng::new(seed);
    let mut gold: Vec<usize> = (0..n).map(|i| i % shape.labels).collect();
    rng.shuffle(&mut gold);
    let rows = n * shape.labels;
    let mut components = Vec::with_capacity(shape.components() * rows);
    for index in 0..shape.components() {
        for &gold in &gold {
            let boost = |label: usize| if label == gold { signal(index) } else { 0.0 };
            components.extend((0..shape.labels).map(|label| (boost(label) + rng.normal()) as f32));
        }
    }
    let rest: Vec<f32> = (0..rows).map(|_| rng.normal() as f32).collect();
    let full = (0..rows).map(|i| components[i..].iter().step_by(rows).sum::<f32>() + rest[i]).collect();
    let mut table = Attribution::new(shape, gold);
    table.push(&Batch { examples: n, components, rest, full, norms: Vec::new() });
    table
}

/// A run of two tables, with ids `train-000`, `test-000` … and distinct texts.
pub(crate) fn run(train: Attribution, test: Attribution) -> Run {
    let shape = test.shape();
    let examples = [(Split::Train, &train), (Split::Test, &test)].into_iter().flat_map(|(split, table)| {
        (0..table.len()).map(move |row| {
            let logits = table.full()[row * shape.labels..(row + 1) * shape.labels].to_vec();
            let id = format!("{}-{row:03}", split.name());
            ExampleRecord {
                text: id.clone(),
                id,
                split,
                gold: table.gold()[row],
                full: argmax(&logits),
                logits,
                tokens: Vec::new(),
                shared: None,
            }
        })
    });
    Run { meta: meta(&train, &test), examples: examples.collect(), train, test, hidden: None }
}

fn meta(train: &Attribution, test: &Attribution) -> RunMeta {
    let shape = test.shape();
    RunMeta {
        checksum: None,
        hidden: None,
        file_checksums: BTreeMap::new(),
        schema: SCHEMA,
        model: ModelMeta {
            id: "toy".into(),
            family: "toy".into(),
            layers: shape.layers,
            heads: shape.heads,
            hidden: 8,
            dtype: "f32".into(),
            device: "cpu".into(),
            weights_hash: "abc".into(),
        },
        task: TaskMeta {
            name: "toy".into(),
            template: "plain".into(),
            label_words: (0..shape.labels).map(|label| format!(" label {label}")).collect(),
            label_tokens: (0..shape.labels as u32).collect(),
            ..TaskMeta::default()
        },
        prompt: PromptMeta::default(),
        examples: ExampleCounts { train: train.len(), test: test.len() },
        accuracy: AccuracyMeta::measure(test),
        exactness: train.exactness().merge(test.exactness()),
        timing: Timing::default(),
        selection: None,
        request: None,
    }
}
