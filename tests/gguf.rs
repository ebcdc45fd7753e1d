//! Compares GGUF files with the golden values of their models, and loads crafted files.

mod common;

use std::{fs, path::PathBuf};

use common::{Golden, ON_CARD, options};
use partscope::{
    decompose::BatchSize,
    model::{Dtype, LoadOptions, Model, Source},
};

const TOLERANCE: f32 = 1e-4;

fn folder() -> PathBuf {
    common::golden("gguf")
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter_map(|name| Some(name.strip_suffix(".gguf")?.to_owned())).collect();
    names.sort();
    assert!(names.len() >= 13);
    names
}

fn source(name: &str) -> Source {
    Source::Gguf(folder().join(format!("{name}.gguf")))
}

/// Prints one line per file: `cargo test --test gguf -- --nocapture`.
#[test]
fn an_f32_file_equals_transformers() {
    for name in names() {
        let golden = Golden::load_from(&name, &source(&name), &options());
        assert_eq!(golden.model.meta.dtype, "f32");
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        let (worst, component, rest, full) = golden.errors(&table);
        println!("{name:24} worst component {worst:.1e} ({component}), rest {rest:.1e}, full {full:.1e}");
        assert!(worst <= TOLERANCE && rest <= TOLERANCE && full <= TOLERANCE, "{name}: {worst} {rest} {full}");
    }
}

/// A model in several files equals transformers; parts of it are refused by name.
#[test]
fn a_split_model_equals_transformers() {
    let part = |number: usize| format!("split/llama-llama3-{number:05}-of-00003");
    let golden = Golden::load_from("llama-llama3", &source(&part(1)), &options());
    let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
    let (worst, component, rest, full) = golden.errors(&table);
    assert!(worst <= TOLERANCE && rest <= TOLERANCE && full <= TOLERANCE, "{component} {worst} {rest} {full}");
    let error = |source: &Source| Model::load(source, &LoadOptions::default()).unwrap_err().to_string();
    let second = error(&source(&part(2)));
    assert!(second.contains("part 2 of a model in 3 files") && second.contains("-00001-of-00003.gguf"), "{second}");
    let alone = tempfile::tempdir().unwrap();
    let copy = |name: &str| {
        let path = alone.path().join(name);
        fs::copy(folder().join(format!("{}.gguf", part(1))), &path).unwrap();
        Source::Gguf(path)
    };
    let missing = error(&copy("m-00001-of-00003.gguf"));
    assert!(missing.contains("`split.count`") && missing.contains("m-00002-of-00003.gguf is missing"), "{missing}");
    let renamed = error(&copy("m.gguf"));
    assert!(renamed.contains("`split.no`") && renamed.contains("does not end in -00001-of-00003.gguf"), "{renamed}");
}

#[test]
fn token_ids_are_those_of_transformers() {
    let golden_ids: serde_json::Value =
        serde_json::from_slice(&fs::read(folder().join("tokens.json")).unwrap()).unwrap();
    let texts: Vec<String> = serde_json::from_value(golden_ids["texts"].clone()).unwrap();
    for name in names() {
        let expected: Vec<Vec<u32>> = serde_json::from_value(golden_ids["ids"][&name].clone()).unwrap();
        let model = Model::load(&source(&name), &LoadOptions::default()).unwrap();
        for (text, expected) in texts.iter().zip(expected) {
            assert_eq!(model.tokenizer.encode(text).unwrap(), expected, "{name}: {text:?}");
        }
    }
}

/// Returns the offset just after `key`, where its type and value are stored.
fn after(bytes: &[u8], key: &str) -> usize {
    bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len()
}

/// Loads a golden file after `change` and expects an error that contains the texts in `expected`.
#[track_caller]
fn fails(change: impl FnOnce(&mut Vec<u8>), expected: &[&str]) {
    let mut bytes = fs::read(folder().join("qwen2.gguf")).unwrap();
    change(&mut bytes);
    let file = tempfile::Builder::new().suffix(".gguf").tempfile().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let error = Model::load(&Source::Gguf(file.path().to_owned()), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    let message = error.to_string();
    assert!(message.contains(".gguf"), "{message}");
    for text in expected {
        assert!(message.contains(text), "`{text}` is not in: {message}");
    }
}

#[test]
fn crafted_headers_are_rejected() {
    let write = |at: usize, new: Vec<u8>| move |bytes: &mut Vec<u8>| bytes[at..at + new.len()].copy_from_slice(&new);
    fails(|bytes| bytes.truncate(100), &["no room"]);
    fails(|bytes| bytes.truncate(2000), &["no room"]);
    fails(|bytes| bytes.truncate(3), &["`magic`"]);
    fails(|bytes| bytes.truncate(bytes.len() - 40_000), &["leave the file"]);
    fails(write(0, b"GGML".to_vec()), &["`magic`", "not a GGUF file"]);
    fails(write(4, vec![1]), &["`version`", "version 1"]);
    fails(write(4, vec![0, 0, 0, 3]), &["`version`", "big-endian"]);
    fails(write(8, vec![0xff; 8]), &["`tensor_count`", "no room"]);
    fails(write(16, vec![0xff; 8]), &["`metadata_kv_count`", "no room"]);
    fails(write(24, vec![0xff; 8]), &["no room"]);
    let tokens = |bytes: &[u8]| after(bytes, "tokenizer.ggml.tokens");
    fails(
        |bytes| {
            let at = tokens(bytes);
            bytes[at + 8..at + 16].fill(0xff)
        },
        &["tokenizer.ggml.tokens", "no room"],
    );
    fails(
        |bytes| {
            let at = tokens(bytes);
            bytes[at..at + 4].fill(77)
        },
        &["tokenizer.ggml.tokens", "value type"],
    );
}

#[test]
fn crafted_tensors_are_rejected() {
    let info = |bytes: &[u8]| after(bytes, "token_embd.weight");
    let name = "`token_embd.weight`";
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at] = 9
        },
        &[name, "dimensions"],
    );
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 4..at + 12].fill(0)
        },
        &[name, "0 is not a size"],
    );
    // Two sizes of 2^63: their product overflows 64 bits.
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 4..at + 20]
                .copy_from_slice(&[(1_u64 << 63).to_le_bytes(), (1_u64 << 63).to_le_bytes()].concat());
        },
        &[name, "impossible shape"],
    );
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 20] = 99
        },
        &[name, "ggml type 99"],
    );
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 20] = 8
        },
        &[name, "rows of 48 values", "blocks of 32"],
    );
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 24] ^= 1
        },
        &[name, "misaligned"],
    );
    fails(
        |bytes| {
            let at = info(bytes);
            bytes[at + 24..at + 32].fill(0xe0)
        },
        &[name, "leave the file"],
    );
}

#[test]
fn unsupported_features_are_named() {
    let replace = |from: &'static str, to: &'static str| {
        assert_eq!(from.len(), to.len());
        move |bytes: &mut Vec<u8>| {
            let at = after(bytes, from);
            bytes[at - from.len()..at].copy_from_slice(to.as_bytes());
        }
    };
    fails(
        |bytes| {
            let at = after(bytes, "tokenizer.ggml.pre") + 12;
            bytes[at..at + 5].copy_from_slice(b"qwenX")
        },
        &["tokenizer.ggml.pre", "`qwenX`", "llama-bpe"],
    );
    fails(replace("tokenizer.ggml.pre", "tokenizer.ggml.prx"), &["tokenizer.ggml.pre", "does not name"]);
    fails(
        |bytes| {
            let at = after(bytes, "tokenizer.ggml.model") + 12;
            bytes[at..at + 4].copy_from_slice(b"bert")
        },
        &["tokenizer.ggml.model", "`bert`"],
    );
    fails(
        |bytes| {
            let at = after(bytes, "general.architecture") + 12;
            bytes[at..at + 5].copy_from_slice(b"mamba")
        },
        &["general.architecture", "`mamba`", "gptneox"],
    );
    fails(replace("qwen2.block_count", "qwen2.block_kount"), &["num_hidden_layers", "missing"]);
    fails(replace("blk.1.attn_k.weight", "blk.1.attn_x.weight"), &["model.layers.1.self_attn.k_proj.weight"]);
}

/// An alignment of zero makes candle's reader divide by zero.
#[test]
fn invalid_alignments_are_rejected() {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    for alignment in [0_u32, 33, u32::MAX] {
        let header = [
            b"GGUF".to_vec(),
            3_u32.to_le_bytes().to_vec(),
            0_u64.to_le_bytes().to_vec(),
            1_u64.to_le_bytes().to_vec(),
            text("general.alignment"),
            4_u32.to_le_bytes().to_vec(),
            alignment.to_le_bytes().to_vec(),
        ]
        .concat();
        fails(|bytes| *bytes = header, &["general.alignment", "power of two"]);
    }
}

/// Tolerance for sums of contributions. It is tight for all dtypes, because the last position's projections are
/// computed from weights widened to f32.
const CONSISTENCY: f64 = 1e-5;

#[test]
fn quantised_files_stay_quantised_and_exact() {
    if ON_CARD {
        return; // widened while loading
    }
    for kind in ["q8_0", "q4_0"] {
        let source = source(&format!("quantised/llama-wide-{kind}"));
        let load = |dtype| Golden::load_from("llama-wide", &source, &LoadOptions { dtype, ..options() });
        let (own, widened) = (load(Dtype::Auto), load(Dtype::F32));
        assert_eq!((own.model.meta.dtype.as_str(), widened.model.meta.dtype.as_str()), (kind, "f32"));
        let table = |golden: &Golden| golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        let (own, widened) = (table(&own), table(&widened));
        assert!(own.exactness().holds(CONSISTENCY), "{kind}: {:?}", own.exactness());
        assert_eq!(own.full(), widened.full(), "{kind}: products round their inputs");
        for index in 0..own.shape().components() {
            let error = common::relative_error(own.contribution(index), widened.contribution(index));
            assert!(error < 1e-5, "{kind}: component {index} differs by {error} from that of the unpacked weights");
        }
    }
}

#[test]
fn every_dtype_stays_consistent_and_near_f32() {
    for (dtype, rounding) in [(Dtype::F16, 1e-2), (Dtype::Bf16, 6e-2), (Dtype::Q8, 0.2)] {
        if ON_CARD && dtype == Dtype::Q8 {
            continue; // for CPUs only
        }
        let options = LoadOptions { dtype, ..options() };
        let golden = Golden::load_from("llama-wide", &Source::Folder(common::folder("llama-wide")), &options);
        assert_eq!(golden.model.meta.dtype, dtype.to_string());
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        assert!(table.exactness().holds(CONSISTENCY), "{dtype}: {:?}", table.exactness());
        let (_, _, _, full) = golden.errors(&table);
        println!("llama-wide {dtype:5} logits off by {full:.1e}, sums off by {:.1e}", table.exactness().max_rel);
        assert!(full > 1e-5 && full < rounding, "{dtype}: {full}");
    }
}

/// llama.cpp writes a window of 0 tokens for models without one, such as Phi-4.
#[test]
fn a_window_of_0_tokens_means_none() {
    let bytes = fs::read(folder().join("phi3-partial.gguf")).unwrap();
    let at = after(&bytes, "phi3.attention.sliding_window");
    assert_eq!(bytes[at..at + 8], [4, 0, 0, 0, 0, 0, 0, 0]);
    let error = |window: u8| {
        let (folder, mut bytes) = (tempfile::tempdir().unwrap(), bytes.clone());
        bytes[at + 4] = window;
        let path = folder.path().join("model.gguf");
        fs::write(&path, bytes).unwrap();
        let golden = Golden::load_from("phi3-partial", &Source::Gguf(path), &options());
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        golden.errors(&table).3
    };
    assert!(error(0) <= TOLERANCE && error(2) > TOLERANCE);
}
