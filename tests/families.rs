//! Every supported architecture against Hugging Face transformers, component by component.

mod common;

use common::{Golden, names, relative_error};
use partscope::decompose::BatchSize;

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

/// How far values may move with the batch and the split between prefix and suffix, relative to a component's largest:
/// matrix products of other shapes add in another order.
const REGROUPING: f32 = 3e-5;

/// One prompt at a time, all at once, and each with a prefix of its own: the same values to f32 rounding.
#[test]
fn a_batch_equals_its_members() {
    for name in names() {
        let golden = Golden::load(&name);
        let projection = golden.projection();
        let whole = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 10_000 });
        let single = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 1 });
        let alone: Vec<_> = golden
            .prompts
            .iter()
            .map(|prompt| golden.attribute(&projection, std::slice::from_ref(prompt), BatchSize::default()))
            .collect();
        for component in 0..projection.shape().components() {
            let alone: Vec<f32> = alone.iter().flat_map(|table| table.contribution(component).to_vec()).collect();
            for grouped in [&whole, &single] {
                let error = relative_error(grouped.contribution(component), &alone);
                assert!(error <= REGROUPING, "{name} {component}: {error}");
            }
        }
    }
}

/// Prompts that share nothing have a prefix of zero tokens, and still come out right.
#[test]
fn no_shared_prefix_is_no_special_case() {
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

/// A prefix longer than the sliding window, and than what is computed of it at once.
#[test]
fn a_long_prefix_equals_none() {
    for name in names().into_iter().filter(|name| !name.starts_with("gpt2")) {
        let golden = Golden::load(&name);
        let projection = golden.projection();
        let long: Vec<u32> = (0..300_u32).map(|at| (at * at * 31 + at * 7 + 3) % 97).collect();
        let shared = golden.attribute(&projection, std::slice::from_ref(&long), BatchSize::default());
        let apart = golden.attribute(&projection, &[long, vec![90, 1]], BatchSize::default());
        for component in 0..projection.shape().components() {
            let expected = shared.contribution(component);
            let error = relative_error(&apart.contribution(component)[..expected.len()], expected);
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
