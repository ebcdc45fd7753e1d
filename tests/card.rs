//! Tests of the code path for graphics cards, on a CPU that computes as a card does: architectures, GGUF files,
//! ablation, attention and logit lens.
//!
//! `PARTSCOPE_CARD=cuda cargo test --features cuda --test card` runs them on a real card.

#![allow(clippy::duplicate_mod, reason = "each test program includes the shared helpers")]

#[path = "ablation.rs"]
mod ablation;
#[path = "families.rs"]
mod families;
#[path = "gguf.rs"]
mod gguf;
#[path = "patching.rs"]
mod patching;

mod common;

use common::{Golden, folder, golden, options};
use partscope::{
    decompose::BatchSize,
    model::{Dtype, LoadOptions, Model, Source},
};

/// Returns 70 prompts that share 9 tokens and have 2 to 51 own tokens: more than one group of attention.
fn many_prompts() -> Vec<Vec<u32>> {
    let token = |prompt: u32, at: u32| (prompt * 7919 + at * at * 31 + at * 13 + 5) % 97;
    let own = |prompt: u32| (0..=(prompt * 37) % 50).map(move |at| token(prompt, at + 1));
    (0..70).map(|prompt| (1..10).chain([prompt % 90]).chain(own(prompt)).collect()).collect()
}

/// Returns the largest difference.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

/// Returns the largest magnitude.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// The models cover sliding windows, soft-caps and all kinds of grouped queries; half precision has larger tolerances.
#[test]
fn a_batch_of_prompts_gives_the_same_results_as_single_prompts() {
    for name in ["gemma2", "gemma3", "gpt2", "llama", "phi3-partial"] {
        for (dtype, tolerance) in [(Dtype::F32, 3e-5), (Dtype::F16, 2e-2), (Dtype::Bf16, 1e-1)] {
            let golden = Golden::load_from(name, &Source::Folder(folder(name)), &LoadOptions { dtype, ..options() });
            let projection = golden.projection();
            let prompts = many_prompts();
            let whole = golden.attribute(&projection, &prompts, BatchSize::default());
            assert!(whole.exactness().holds(1e-5), "{name} {dtype}: {:?}", whole.exactness());
            for prompt in [0, 1, 33, 69] {
                let alone = golden.attribute(&projection, &prompts[prompt..=prompt], BatchSize::default());
                let labels = golden.labels.len();
                let together = &whole.full()[prompt * labels..(prompt + 1) * labels];
                let error = largest_difference(together, alone.full()) / largest(whole.full());
                assert!(error <= tolerance, "{name} {dtype} {prompt}: {error}");
            }
        }
    }
}

#[test]
fn quantised_files_are_widened_while_loading() {
    for kind in ["q8_0", "q4_0"] {
        let source = Source::Gguf(golden(&format!("gguf/quantised/llama-wide-{kind}")).with_extension("gguf"));
        let load = |memory| Model::load(&source, &LoadOptions { memory, ..options() });
        assert_eq!(load(None).unwrap().meta.dtype, "f32", "{kind}");
        // The smallest memory above the overhead of a card that suffices fits f16, not f32.
        let overhead = 1 << 30;
        let half = (0..40).map(|step| load(Some(overhead + (step << 17)))).find_map(Result::ok).unwrap();
        assert_eq!(half.meta.dtype, "f16", "{kind}");
    }
}

/// The store is keyed by the device among others: results of a card must never be taken for those of the CPU.
#[test]
fn the_simulated_card_is_a_device_of_its_own() {
    let model = Model::load(&Source::Demo, &options()).unwrap();
    assert_eq!(model.meta.device, "as-card");
}

#[test]
fn quantised_weights_on_a_card_are_rejected() {
    let options = LoadOptions { dtype: Dtype::Q8, ..options() };
    let error = Model::load(&Source::Demo, &options).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("on the CPU only"), "{error}");
}

#[test]
fn too_little_memory_is_reported_before_weights_are_read() {
    let options = LoadOptions { memory: Some(1 << 30), ..options() };
    let error = Model::load(&Source::Demo, &options).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("the card's memory"), "{error}");
}
