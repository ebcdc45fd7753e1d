//! A fake model for tests: fixed data with good, bad, label-biased and neutral components.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    attribution::{Attribution, Batch, Exactness, Split},
    component::Shape,
    jobs::{StoredContent, StoredRun},
    progress::Progress,
    run::{AccuracyMeta, ExampleCounts, ExampleRecord, ModelMeta, PromptMeta, Run, RunMeta, SCHEMA, TaskMeta, Timing},
    runner::{Demonstration, Demos, Event, Plan, PlannedExample, Query, QueryAnswer, RunRequest},
    task::{Example, Task},
};

/// Eight layers of eight heads, two labels.
pub(crate) const SHAPE: Shape = Shape { layers: 8, heads: 8, labels: 2 };

const TEXTS: [&str; 8] = [
    "a warm and clever film",
    "the plot is dull and the jokes are flat",
    "not bad at all, though far too long",
    "I wanted to like it",
    "sharp, funny, never in a hurry",
    "two hours of rain on a window",
    "the cast is better than the script",
    "nobody will remember the ending",
];

/// Returns a number in `[-1, 1)` that depends only on `a` and `b`.
fn noise(a: usize, b: usize) -> f32 {
    let mut x = (a as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (b as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    for _ in 0..3 {
        x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    (x >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

pub(crate) fn gold(labels: usize, index: usize) -> usize {
    index % labels
}

/// Returns contributions to the examples `from..to`. Later layers contribute more; every fifth component is biased to
/// one label.
pub(crate) fn batch(shape: Shape, from: usize, to: usize) -> Batch {
    let labels = shape.labels;
    let mut full = vec![0.0_f32; (to - from) * labels];
    let mut components = Vec::new();
    for (index, component) in shape.iter().enumerate() {
        let size = 0.2 + component.layer as f32 / shape.layers as f32;
        let skill = noise(index, 7).powi(3) * 1.6;
        let stuck = if index % 5 == 0 { 9.0 } else { 0.4 * noise(index, 9) };
        for example in from..to {
            for label in 0..labels {
                let right = f32::from(u8::from(label == gold(labels, example)));
                let value = size * (skill * right + noise(index * labels + label, example + 100));
                let bias = if label == index % labels { size * stuck * 0.4 } else { 0.0 };
                components.push(value + bias);
                full[(example - from) * labels + label] += value + bias;
            }
        }
    }
    let rest: Vec<f32> = (0..full.len()).map(|at| 0.1 * noise(from * labels + at, 3)).collect();
    full.iter_mut().zip(&rest).for_each(|(sum, rest)| *sum += rest);
    Batch { examples: to - from, components, rest, full, norms: Vec::new() }
}

/// Returns attributions of the first `n` test examples.
pub(crate) fn table(n: usize) -> Attribution {
    let mut table = Attribution::new(SHAPE, (0..n).map(|index| gold(SHAPE.labels, index)).collect());
    table.push(&batch(SHAPE, 0, n));
    table
}

pub(crate) fn request() -> RunRequest {
    let (task, template) = ("sentiment".to_owned(), Some("review".to_owned()));
    RunRequest { task, template, shots: 4, demo_seed: 0, train_examples: 20, ..RunRequest::default() }
}

/// Returns the pool example at this index as a demonstration.
pub(crate) fn demo(index: usize) -> Demonstration {
    let task = task();
    let example = &task.pool[index % task.pool.len()];
    let label = Some(task.labels[example.label].clone());
    Demonstration { id: example.id.clone(), label, fields: Some(example.fields.clone()) }
}

/// Returns the task of the fake runs, with a pool of twelve examples.
pub(crate) fn task() -> Task {
    let example = |index: usize| Example {
        id: format!("pool{index}"),
        fields: [("text".to_owned(), format!("{}, said {index}", TEXTS[index % 8]).into())].into_iter().collect(),
        label: index % 2,
    };
    Task {
        name: "sentiment".to_owned(),
        description: String::new(),
        labels: vec!["negative".to_owned(), "positive".to_owned()],
        templates: Vec::new(),
        pool: (0..12).map(example).collect(),
        pools: Vec::new(),
        dev: Vec::new(),
        test: Vec::new(),
        keeps_empty: false,
    }
}

/// Returns the answer of the model worker to a query.
pub(crate) fn answer(query: &Query) -> QueryAnswer {
    let texts: Vec<String> = query.demos.iter().map(crate::app::state::demo_editor::summary).collect();
    let lines = |(text, demo): (&String, &Demonstration)| {
        format!("Review: {text}\nIt is {}\n\n", demo.label.as_deref().unwrap_or("?"))
    };
    let context: String = texts.iter().zip(&query.demos).map(lines).collect();
    let demo_tokens: Vec<usize> = texts.iter().map(|text| text.split(' ').count() + 6).collect();
    let mut table = Attribution::new(SHAPE, vec![0]);
    table.push(&batch(SHAPE, 7, 8));
    QueryAnswer {
        serial: query.serial,
        prompt: format!("{context}Review: {}\nIt is", query.text),
        tokens: demo_tokens.iter().sum::<usize>() + query.text.split(' ').count() + 4,
        context: 512,
        demo_tokens,
        table: (!query.text.is_empty()).then_some(table),
    }
}

fn planned(labels: usize, prefix: &str, n: usize) -> Vec<PlannedExample> {
    let text = |index: usize| format!("{}{}", TEXTS[index % TEXTS.len()], ["", " indeed", " after all"][index / 8 % 3]);
    let made = |i: usize| {
        let prompt = format!("Review: what a film\nIt is positive\n\nReview: {}\nIt is", text(i));
        let prompt = Some(prompt.as_str().into());
        PlannedExample { id: format!("{prefix}{i}"), text: text(i), gold: gold(labels, i), prompt }
    };
    (0..n).map(made).collect()
}

pub(crate) fn plan(shape: Shape, request: &RunRequest, test: usize) -> Plan {
    let words = [" negative", " positive", " neutral", " mixed"];
    Plan {
        request: Some(request.clone()),
        selection: None,
        kept: None,
        label_gram: None,
        model: ModelMeta {
            id: "demo".to_owned(),
            family: "llama".to_owned(),
            layers: shape.layers,
            heads: shape.heads,
            hidden: 128,
            dtype: "f32".to_owned(),
            device: "cpu".to_owned(),
            weights_hash: "0".repeat(64),
        },
        task: TaskMeta {
            name: request.task.clone(),
            template: request.template.clone().unwrap_or_else(|| "review".to_owned()),
            label_words: words[..shape.labels].iter().map(|&word| word.to_owned()).collect(),
            label_tokens: (10..10 + shape.labels as u32).collect(),
            ..TaskMeta::default()
        },
        prompt: PromptMeta {
            shots: request.shots,
            demo_seed: request.demo_seed,
            demo_ids: (0..request.shots).map(|shot| format!("pool{shot}")).collect(),
            demos: match &request.demos {
                Demos::Listed(listed) => listed.clone(),
                _ => (0..request.shots).map(|shot| demo(shot + 4 * request.demo_seed as usize)).collect(),
            },
            prefix_tokens: 61,
            ..PromptMeta::default()
        },
        shape,
        train: planned(shape.labels, "train", request.train_examples),
        test: planned(shape.labels, "test", test),
    }
}

pub(crate) fn meta(plan: &Plan, test: &Attribution) -> RunMeta {
    RunMeta {
        hidden: None,
        selection: None,
        checksum: Some("of run.json".to_owned()),
        file_checksums: BTreeMap::from([("examples.jsonl".to_owned(), "of the examples".to_owned())]),
        schema: SCHEMA,
        model: plan.model.clone(),
        task: plan.task.clone(),
        prompt: plan.prompt.clone(),
        examples: ExampleCounts { train: plan.train.len(), test: plan.test.len() },
        accuracy: AccuracyMeta::measure(test),
        exactness: Exactness { max_abs: 2e-6, max_rel: 3.1e-7, ..Exactness::default() },
        request: plan.request.clone(),
        timing: Timing { load_s: 0.1, attribute_s: 2.0, examples_per_s: 110.0, tokens_per_s: 9000.0 },
    }
}

/// Returns all events of a run, in batches of `size` test examples.
pub(crate) fn events(shape: Shape, request: &RunRequest, test: usize, size: usize) -> Vec<Event> {
    let plan = plan(shape, request, test);
    let (train, total) = (plan.train.len(), plan.train.len() + test);
    let mut events = vec![Event::Loading("demo".to_owned()), Event::Planned(Box::new(plan.clone()))];
    events.push(Event::Batch(Split::Train, batch(shape, 1000, 1000 + train)));
    let mut table = Attribution::new(shape, plan.gold(Split::Test));
    for from in (0..test).step_by(size) {
        let other = 5000 * request.demo_seed as usize;
        let batch = batch(shape, other + from, other + (from + size).min(test));
        table.push(&batch);
        events.push(Event::Batch(Split::Test, batch));
        let done = train + table.len();
        let left = Some(Duration::from_secs_f64((total - done) as f64 / 50.0));
        events.push(Event::Progress(Progress { done, total, rate: 50.0, left }));
    }
    events.push(Event::Finished(Box::new(meta(&plan, &table))));
    events
}

/// Returns the content of the store: a complete, an interrupted and a damaged run.
pub(crate) fn stored() -> Vec<StoredRun> {
    let request = RunRequest { demo_seed: 7, ..request() };
    let meta = run(&request, 200).meta;
    let interrupted = StoredContent::Interrupted {
        task: "topic".to_owned(),
        template: "article".to_owned(),
        model: "demo".to_owned(),
        prompt: Box::new(PromptMeta { shots: 4, demo_seed: 3, ..PromptMeta::default() }),
        request: None,
        done: 64,
        total: 220,
    };
    let contents = [
        StoredContent::Run(Box::new(meta)),
        interrupted,
        StoredContent::Damaged("run.json: a checksum differs".to_owned()),
    ];
    let stored =
        |(index, content)| StoredRun { key: format!("{index:032x}"), content, bytes: 310_000 * (index as u64 + 1) };
    contents.into_iter().enumerate().map(stored).collect()
}

/// Returns the fake run as read from disk.
pub(crate) fn run(request: &RunRequest, test: usize) -> Run {
    let plan = plan(SHAPE, request, test);
    let mut train = Attribution::new(SHAPE, plan.gold(Split::Train));
    train.push(&batch(SHAPE, 1000, 1000 + plan.train.len()));
    let table = table(test);
    let record = |split, table: &Attribution| {
        let rows = plan.split(split).iter().zip(table.full().chunks_exact(SHAPE.labels));
        let rows = rows.map(move |(example, row)| ExampleRecord {
            id: example.id.clone(),
            split,
            text: example.text.clone(),
            gold: example.gold,
            full: crate::attribution::argmax(row),
            logits: row.to_vec(),
            tokens: Vec::new(),
            shared: None,
        });
        rows.collect::<Vec<_>>()
    };
    let examples = [record(Split::Train, &train), record(Split::Test, &table)].concat();
    Run { meta: meta(&plan, &table), train, test: table, examples, hidden: None }
}
