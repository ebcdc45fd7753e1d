//! What UniBias reads from heads and streams, and runs with heads weighted down, against Hugging Face transformers with
//! hooks (`tools/golden_unibias.py`).

mod common;

use common::{Golden, golden, relative_error};
use partscope::{
    analysis::baseline::BiasedHeads,
    cancel::Cancel,
    experiments::{RunContext, logits_without},
    runner::Prompts,
};
use serde::Deserialize;

const TOLERANCE: f32 = 1e-4;

/// Label logits of heads `[L][H][N][Y]` and of streams `[L][N][Y]`, and results of a run with heads weighted down.
#[derive(Deserialize)]
struct Expected {
    prompts: Vec<Vec<u32>>,
    heads: Vec<Vec<Vec<Vec<f32>>>>,
    streams: Vec<Vec<Vec<f32>>>,
    silenced: Vec<usize>,
    weight: f64,
    logits: Vec<Vec<f32>>,
    probabilities: Vec<f32>,
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[test]
fn readings_and_runs_without_heads_equal_transformers() {
    let mut files: Vec<_> = std::fs::read_dir(golden("unibias")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4);
    for file in files {
        let expected: Expected = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let model = Golden::load(file.file_stem().unwrap().to_str().unwrap());
        let prompts = Prompts { train: Vec::new(), test: expected.prompts.iter().cloned().map(Into::into).collect() };
        let plan = model.plan(&expected.prompts, 4);
        let (context, cancel) = (RunContext::new(&model.model, &plan, &prompts).unwrap(), Cancel::default());
        let found = context.head_readings(&cancel).unwrap();
        assert_eq!((found.examples, found.shape.labels), (4, model.labels.len()));
        let chosen = BiasedHeads { heads: expected.silenced.clone(), weight: expected.weight, bias: 0.0 };
        let probabilities = context.label_probabilities(&chosen.heads, chosen.weight, &cancel).unwrap();
        let logits = logits_without(&context, &chosen, &cancel, &mut |_| {}).unwrap();
        for (what, own, theirs) in [
            ("heads", found.heads, expected.heads.concat().concat().concat()),
            ("streams", found.streams, expected.streams.concat().concat()),
            ("logits", logits, expected.logits.concat()),
            ("probabilities", probabilities, expected.probabilities),
        ] {
            let error = relative_error(&narrow(&own), &theirs);
            println!("{:10} {what:14} {error:.1e}", model.name);
            assert!(error <= TOLERANCE, "{} {what}: {error}", model.name);
        }
        let whole = context.label_probabilities(&[], 1.0, &cancel).unwrap();
        assert!(
            relative_error(&narrow(&whole), &narrow(&context.label_probabilities(&[0], 1.0, &cancel).unwrap())) == 0.0
        );
    }
}
