//! Measures frame times on a large model: `cargo run --release --example frame_time`.
//!
//! Two runs of 80 layers × 64 heads with 2000 examples each, 200 × 60 cells; each frame follows a cursor move or a change
//! of the mix.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use partscope::{
    Attribution, Batch, Exactness, Result, Run, Shape, Split,
    run::{AccuracyMeta, ExampleCounts, ExampleRecord, ModelMeta, PromptMeta, RunMeta, SCHEMA, TaskMeta, Timing},
    tui::{ExploreOptions, Headless},
};
use ratatui::layout::Size;

const SHAPE: Shape = Shape { layers: 80, heads: 64, labels: 2 };
const FRAMES: usize = 300;

/// What is measured: a name, the keys that lead there, and the keys before the frames.
const PLACES: [(&str, &str, [&str; 4]); 15] = [
    ("map", "", ["l", "k", "h", "j"]),
    ("map, enlarged", "_", ["l", "k", "h", "j"]),
    ("ranking", "_ v", ["j", "j", "k", "k"]),
    ("mix", "v", ["+", "m", "space", "u"]),
    ("mixer", "d", ["j", "l", "k", "h"]),
    ("prompt", "esc p", ["pageup", "j", "pagedown", "k"]),
    ("examples", "esc e", ["j", "j", "k", "k"]),
    ("experiments", "esc P", ["l", "k", "h", "j"]),
    ("compare", "esc c", ["l", "k", "h", "j"]),
    ("compare: ranking", "v", ["j", "j", "k", "k"]),
    ("compare: scatter", "v", ["l", "k", "h", "j"]),
    ("matrix", "esc M", ["l", "j", "h", "k"]),
    ("runs", "esc R", ["j", "k", "j", "k"]),
    ("help", "?", ["j", "j", "k", "k"]),
    ("palette", "esc :", ["down", "down", "up", "up"]),
];

fn main() -> Result<()> {
    let saved = vec![run(2000, 1), run(2000, 2)];
    let mut explorer = Headless::open(ExploreOptions { saved, ..ExploreOptions::default() })?;
    let size = Size { width: 200, height: 60 };
    for (what, before, keys) in PLACES {
        explorer.keys(before)?;
        let mut update = Vec::new();
        let mut draw = Vec::new();
        for frame in 0..FRAMES {
            let start = Instant::now();
            explorer.keys(keys[frame % keys.len()])?;
            update.push(start.elapsed());
            let start = Instant::now();
            std::hint::black_box(explorer.frame(size));
            draw.push(start.elapsed());
        }
        println!("{what:<17} update {}   draw {}", summary(update), summary(draw));
    }
    Ok(())
}

fn summary(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("median {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99))
}

/// Creates a run with random contributions.
fn run(examples: usize, seed: u64) -> Run {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    let mut table = |n: usize| {
        let rows = n * SHAPE.labels;
        let mut values = |count: usize| (0..count).map(|_| noise()).collect::<Vec<f32>>();
        let batch = Batch {
            examples: n,
            components: values(SHAPE.components() * rows),
            rest: values(rows),
            full: values(rows),
            norms: Vec::new(),
        };
        let mut table = Attribution::new(SHAPE, (0..n).map(|index| index % SHAPE.labels).collect());
        table.push(&batch);
        table
    };
    let (train, test) = (table(20), table(examples));
    let records = [(Split::Train, 20), (Split::Test, examples)].into_iter().flat_map(|(split, n)| {
        (0..n).map(move |index| ExampleRecord {
            id: format!("{}-{index}", split.name()),
            split,
            text: format!("example number {index} of a large run"),
            gold: index % SHAPE.labels,
            full: 0,
            logits: vec![0.0; SHAPE.labels],
            tokens: Vec::new(),
            shared: None,
        })
    });
    Run { meta: meta(&test, seed), examples: records.collect(), train, test, hidden: None }
}

fn meta(test: &Attribution, seed: u64) -> RunMeta {
    RunMeta {
        hidden: None,
        checksum: None,
        file_checksums: BTreeMap::new(),
        schema: SCHEMA,
        selection: None,
        model: ModelMeta {
            id: "noise".to_owned(),
            family: "llama".to_owned(),
            layers: SHAPE.layers,
            heads: SHAPE.heads,
            hidden: 8192,
            dtype: "f32".to_owned(),
            device: "cpu".to_owned(),
            weights_hash: "0".repeat(64),
        },
        task: TaskMeta {
            name: "noise".to_owned(),
            template: "plain".to_owned(),
            label_words: vec![" no".to_owned(), " yes".to_owned()],
            label_tokens: vec![1, 2],
            ..TaskMeta::default()
        },
        prompt: PromptMeta { shots: 4, demo_seed: seed, ..PromptMeta::default() },
        examples: ExampleCounts { train: 20, test: test.len() },
        accuracy: AccuracyMeta::measure(test),
        exactness: Exactness::default(),
        timing: Timing::default(),
        request: None,
    }
}
