//! Compares every supported architecture with Hugging Face transformers, component by component.

mod common;

use common::{Golden, names, relative_error};
use partscope::{
    Attribution,
    analysis::task_subspace::{TaskSubspace, subspace_scores},
    decompose::{BatchSize, label_gram},
};

const TOLERANCE: f32 = 1e-4;

/// Prints one line per model: `cargo test --test families -- --nocapture`.
#[test]
fn every_component_equals_transformers() {
    for name in names() {
        let golden = Golden::load(&name);
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        let (worst, component, rest, full) = golden.errors(&table);
        println!("{name:24} worst component {worst:.1e} ({component}), rest {rest:.1e}, full {full:.1e}");
        assert!(worst <= TOLERANCE && rest <= TOLERANCE && full <= TOLERANCE, "{name}: {worst} {rest} {full}");
        assert!(table.exactness().holds(partscope::attribution::F32_TOLERANCE), "{name}: {:?}", table.exactness());
    }
}

/// Tolerated difference between batch sizes and prefix lengths, relative to a component's largest value: matrix
/// products of different shapes sum in different orders.
const BATCH_TOLERANCE: f32 = 3e-5;

/// Attributing prompts one by one, all at once, or each with its own prefix gives the same values up to f32 rounding.
#[test]
fn values_do_not_depend_on_the_batch() {
    for name in names() {
        let golden = Golden::load(&name);
        let projection = golden.projection();
        let whole = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 10_000 });
        let single = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 1 });
        let separate: Vec<_> = golden
            .prompts
            .iter()
            .map(|prompt| golden.attribute(&projection, std::slice::from_ref(prompt), BatchSize::default()))
            .collect();
        for component in 0..projection.shape().components() {
            let separate: Vec<f32> = separate.iter().flat_map(|table| table.contribution(component).to_vec()).collect();
            for grouped in [&whole, &single] {
                let error = relative_error(grouped.contribution(component), &separate);
                assert!(error <= BATCH_TOLERANCE, "{name} {component}: {error}");
            }
        }
    }
}

/// Prompts without a shared prefix give the right values, too.
#[test]
fn an_empty_prefix_equals_transformers() {
    for name in names() {
        let golden = Golden::load(&name);
        let mut prompts = golden.prompts.clone();
        prompts.push(vec![2, 3]);
        let table = golden.attribute(&golden.projection(), &prompts, BatchSize::default());
        for (index, expected) in golden.components.iter().enumerate() {
            assert!(relative_error(&table.contribution(index)[..expected.len()], expected) <= TOLERANCE, "{name}");
        }
    }
}

/// The prefix is longer than the sliding window and than one chunk of the prefix pass.
#[test]
fn a_long_prefix_equals_no_prefix() {
    for name in names().into_iter().filter(|name| Golden::load(name).model.decoder.positions.is_none()) {
        let golden = Golden::load(&name);
        let projection = golden.projection();
        let long: Vec<u32> = (0..300_u32).map(|at| (at * at * 31 + at * 7 + 3) % 97).collect();
        let shared = golden.attribute(&projection, std::slice::from_ref(&long), BatchSize::default());
        let unshared = golden.attribute(&projection, &[long, vec![90, 1]], BatchSize::default());
        for component in 0..projection.shape().components() {
            let expected = shared.contribution(component);
            let error = relative_error(&unshared.contribution(component)[..expected.len()], expected);
            assert!(error <= TOLERANCE, "{name} {component}: {error}");
        }
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let golden = Golden::load("llama-biased");
    let projection = golden.projection();
    let first = golden.attribute(&projection, &golden.prompts, BatchSize::default());
    assert_eq!(first, golden.attribute(&projection, &golden.prompts, BatchSize::default()));
}

/// Golden values of the atlas (`tools/golden_atlas.py`), of models that have them.
fn atlas(name: &str) -> Option<serde_json::Value> {
    let text = std::fs::read(common::golden("atlas").join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

fn numbers(values: &serde_json::Value) -> Vec<f32> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

/// Norms of outputs, inner products of label rows, task recognition and task learning equal those of transformers, which
/// projects every output on an orthonormal basis of the label rows.
#[test]
fn norms_task_recognition_and_task_learning_equal_transformers() {
    let mut families = 0;
    for name in names() {
        let Some(facts) = atlas(&name) else { continue };
        families += 1;
        let golden = Golden::load(&name);
        assert_eq!(facts["prompts"], serde_json::json!(golden.prompts));
        let decoder = &golden.model.decoder;
        let projection = golden.projection().with_norms(decoder).unwrap();
        let gram = label_gram(decoder, &golden.labels).unwrap();
        let expected: Vec<f32> = facts["gram"].as_array().unwrap().iter().flat_map(numbers).collect();
        let found: Vec<f32> = gram.iter().map(|&value| value as f32).collect();
        assert!(relative_error(&found, &expected) <= TOLERANCE, "{name}");
        let plain = golden.attribute(&projection, &golden.prompts, BatchSize::default());
        let gold = (0..golden.prompts.len()).map(|index| index % golden.labels.len()).collect();
        let mut table = Attribution::new(projection.shape(), gold).with_label_gram(Some(gram.clone().into()));
        table.push(&plain.batch(0..plain.len()));
        let span = TaskSubspace::new(&gram, golden.labels.len());
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        for index in 0..projection.shape().components() {
            let scores = subspace_scores(&table, &span, index);
            let norms = table.output_norms(index).unwrap().to_vec();
            let of = |key: &str| numbers(&facts[key][index]);
            for (key, found) in [
                ("norms", norms),
                ("inside", narrow(&scores.recognition.unwrap())),
                ("separation", narrow(&scores.learning)),
            ] {
                let error = relative_error(&found, &of(key));
                println!("{name:16} {key:12} {index:3} {error:.1e}");
                assert!(error <= TOLERANCE, "{name} {key} {index}: {error}");
            }
        }
    }
    assert!(families >= 6, "{families}");
}
