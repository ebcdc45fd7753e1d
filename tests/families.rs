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
        let shape = table.shape();
        let mut worst = (0.0, String::new());
        for (index, expected) in golden.components.iter().enumerate() {
            let error = relative_error(table.contribution(index), expected);
            if error >= worst.0 {
                worst = (error, shape.component(index).to_string());
            }
        }
        let rest = relative_error(table.rest(), &golden.rest);
        let full = relative_error(table.full(), &golden.full);
        println!("{name:24} worst component {:.1e} ({}), rest {rest:.1e}, full {full:.1e}", worst.0, worst.1);
        assert!(worst.0 <= TOLERANCE && rest <= TOLERANCE && full <= TOLERANCE, "{name}: {worst:?} {rest} {full}");
        assert!(table.exactness().holds(partscope::attribution::F32_TOLERANCE), "{name}: {:?}", table.exactness());
    }
}

/// One prompt at a time, all at once, and with no shared prefix: the same values to f32 rounding.
#[test]
fn a_batch_equals_its_members() {
    for name in names() {
        let golden = Golden::load(&name);
        let projection = golden.projection();
        let whole = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 10_000 });
        let single = golden.attribute(&projection, &golden.prompts, BatchSize { tokens: 1 });
        for (index, prompt) in golden.prompts.iter().enumerate() {
            let alone = golden.attribute(&projection, std::slice::from_ref(prompt), BatchSize::default());
            let labels = golden.labels.len();
            for component in 0..projection.shape().components() {
                let row = |table: &partscope::Attribution| {
                    table.contribution(component)[index * labels..(index + 1) * labels].to_vec()
                };
                let scale = golden.components[component].iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                for (&a, (&b, &c)) in alone.contribution(component).iter().zip(row(&whole).iter().zip(&row(&single))) {
                    assert!((a - b).abs() <= 1e-5 * scale && (a - c).abs() <= 1e-5 * scale, "{name} {component}");
                }
            }
        }
    }
}

/// Prompts that share nothing have a prefix of zero tokens, and still come out right.
#[test]
fn no_shared_prefix_is_no_special_case() {
    let golden = Golden::load("llama");
    let mut prompts = golden.prompts.clone();
    prompts.push(vec![2, 3]);
    let table = golden.attribute(&golden.projection(), &prompts, BatchSize::default());
    for (index, expected) in golden.components.iter().enumerate() {
        assert!(relative_error(&table.contribution(index)[..expected.len()], expected) <= TOLERANCE);
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let golden = Golden::load("llama-biased");
    let projection = golden.projection();
    let first = golden.attribute(&projection, &golden.prompts, BatchSize::default());
    assert_eq!(first, golden.attribute(&projection, &golden.prompts, BatchSize::default()));
}
