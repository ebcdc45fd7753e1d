//! The target that `PARTSCOPE_FUZZ_TARGET` names, from the list that the tests run as well.

#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
#[allow(dead_code, reason = "the tests use the fields that libFuzzer does not")]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static NAME: LazyLock<String> =
    LazyLock::new(|| std::env::var("PARTSCOPE_FUZZ_TARGET").expect("PARTSCOPE_FUZZ_TARGET names a target"));

fuzz_target!(|bytes: &[u8]| targets::run(&NAME, bytes));
