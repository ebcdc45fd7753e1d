//! Ablation with values from other prompts: their means, and the outputs on paired prompts (activation patching), against
//! Hugging Face transformers with hooks (`tools/golden_patching.py`).

mod common;

use common::{
    Golden,
    facts::{self, ablation, mix, narrow, numbers, prompts},
    relative_error,
};
use partscope::{
    cancel::Cancel,
    decompose::BatchSize,
    experiments::{Ablation, Fill, Positions, RunContext, patch_residual, rerun, sweep},
    runner::{Plan, Prompts, pair},
};
use serde_json::Value;

const TOLERANCE: f32 = 1e-4;
const PAIRED: Ablation = Ablation { positions: Positions::Last, fill: Fill::Paired };

struct Case {
    golden: Golden,
    facts: Value,
    plan: Plan,
    prompts: Prompts,
}

/// Prompts of another run, with the rows that are paired with those of a case.
struct Source {
    plan: Plan,
    prompts: Prompts,
    rows: Vec<usize>,
}

impl Case {
    fn all() -> Vec<Self> {
        let case = |(golden, facts): (Golden, Value)| Self {
            plan: golden.plan(&golden.prompts, 4),
            prompts: prompts(&golden.prompts),
            facts,
            golden,
        };
        let cases: Vec<Self> = facts::all("patching").into_iter().map(case).collect();
        assert!(cases.len() >= 5);
        cases
    }

    /// Returns the prompts called `name`, `source` or `aligned`. Their ids are those of the prompts that they belong to.
    fn source(&self, name: &str) -> Source {
        let tokens: Vec<Vec<u32>> = serde_json::from_value(self.facts[name].clone()).unwrap();
        let rows: Vec<usize> = serde_json::from_value(self.facts["rows"].clone()).unwrap();
        let mut plan = self.golden.plan(&tokens, if name == "aligned" { 3 } else { 2 });
        for (own, &row) in rows.iter().enumerate() {
            plan.test[row].id = own.to_string();
        }
        assert_eq!(pair(&self.plan, &plan).unwrap(), rows);
        Source { plan, prompts: prompts(&tokens), rows }
    }

    fn context<'a>(&'a self, source: &'a Source, how: Ablation) -> partscope::error::Result<RunContext<'a>> {
        let model = &self.golden.model;
        let context = RunContext::new(model, &self.plan, &self.prompts)?;
        context.fill_from(model, (&source.plan, &source.prompts), source.rows.clone(), how)
    }

    fn table(&self) -> partscope::Attribution {
        self.golden.attribute(&self.golden.projection(), &self.golden.prompts, BatchSize::default())
    }
}

#[test]
fn a_mix_with_values_of_other_prompts_equals_transformers() {
    for case in Case::all() {
        let table = case.table();
        for setting in case.facts["settings"].as_array().unwrap() {
            let (how, source) = (ablation(setting), case.source(setting["from"].as_str().unwrap()));
            let context = case.context(&source, how).unwrap();
            let rerun = rerun(&context, &table, &mix(&case.facts), how, &Cancel::default(), &mut |_| {}).unwrap();
            let error = relative_error(&narrow(&rerun.total), &numbers(&setting["mix"]));
            println!("{:16} {:45} mix {error:.1e}", case.golden.name, how.describe());
            assert!(error <= TOLERANCE, "{} {how:?}: {error}", case.golden.name);
            assert!(
                rerun.table.exactness().holds(partscope::attribution::F32_TOLERANCE),
                "{} {how:?}",
                case.golden.name
            );
        }
    }
}

#[test]
fn each_component_with_values_of_other_prompts_equals_transformers() {
    for case in Case::all() {
        for setting in case.facts["settings"].as_array().unwrap() {
            let (how, source) = (ablation(setting), case.source(setting["from"].as_str().unwrap()));
            let context = case.context(&source, how).unwrap();
            let swept = sweep(&context, how, &Cancel::default(), &mut |_, _| {}).unwrap();
            for (index, expected) in setting["each"].as_array().unwrap().iter().enumerate() {
                let rows = numbers(expected);
                let scale = rows.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let margins: Vec<f32> = rows.chunks_exact(3).map(|row| row[0] - row[1].max(row[2])).collect();
                let mean = margins.iter().sum::<f32>() / margins.len() as f32;
                let error = (swept.effects[index].total.margin as f32 - mean).abs() / scale;
                assert!(error <= TOLERANCE, "{} {how:?} {index}: {error}", case.golden.name);
            }
        }
    }
}

/// With means of other prompts at the last position, the probability of the right answer over the whole vocabulary is that
/// of transformers, after the model's own soft-cap.
#[test]
fn probabilities_of_the_right_answer_equal_transformers() {
    for case in Case::all() {
        let (how, source) = (Ablation { fill: Fill::Mean, ..PAIRED }, case.source("source"));
        let context = case.context(&source, how).unwrap();
        let swept = sweep(&context, how, &Cancel::default(), &mut |_, _| {}).unwrap();
        let found = swept.answers.unwrap();
        let expected = &case.facts["probability"];
        let mut worst = relative_error(&narrow(&found.model), &numbers(&expected["model"]));
        for (found, expected) in found.changed.iter().zip(expected["each"].as_array().unwrap()) {
            worst = worst.max(relative_error(&narrow(found), &numbers(expected)));
        }
        println!("{:16} probability {worst:.1e}", case.golden.name);
        assert!(worst <= TOLERANCE, "{}: {worst}", case.golden.name);
        let whole = sweep(&context, PAIRED, &Cancel::default(), &mut |_, _| {}).unwrap();
        assert!(whole.answers.is_none());
    }
}

/// Outputs of a run's own prompts change nothing, whatever is patched and wherever.
#[test]
fn own_outputs_change_nothing() {
    for case in Case::all() {
        let (table, rows) = (case.table(), (0..case.plan.test.len()).collect());
        let own = Source { plan: case.plan.clone(), prompts: case.prompts.clone(), rows };
        for positions in [Positions::Last, Positions::All] {
            let how = Ablation { positions, ..PAIRED };
            let context = case.context(&own, how).unwrap();
            let swept = sweep(&context, how, &Cancel::default(), &mut |_, _| {}).unwrap();
            for (index, effects) in swept.effects.iter().enumerate() {
                let moved = [effects.total_effect().margin, effects.direct_effect().margin];
                assert!(moved.iter().all(|by| by.abs() < 1e-5), "{} {how:?} {index} {moved:?}", case.golden.name);
                assert_eq!(effects.total_flips.count(), 0);
            }
            let rerun = rerun(&context, &table, &mix(&case.facts), how, &Cancel::default(), &mut |_| {}).unwrap();
            let error = relative_error(&narrow(&rerun.total), table.full());
            assert!(error < 1e-5, "{} {how:?}: {error}", case.golden.name);
            assert!(relative_error(&narrow(&rerun.direct), table.full()) < 1e-5, "{} {how:?}", case.golden.name);
        }
        let how = Ablation { fill: Fill::Mean, ..PAIRED };
        let one = |context: &RunContext<'_>| sweep(context, how, &Cancel::default(), &mut |_, _| {}).unwrap().effects;
        let alone = RunContext::new(&case.golden.model, &case.plan, &case.prompts).unwrap();
        assert_eq!(one(&case.context(&own, how).unwrap()), one(&alone), "the same means");
    }
}

#[test]
fn a_sweep_with_paired_values_is_the_same_on_any_number_of_threads() {
    let case = &Case::all()[0];
    for positions in [Positions::Last, Positions::All] {
        let (how, source) = (Ablation { positions, ..PAIRED }, case.source("aligned"));
        let swept = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let context = case.context(&source, how).unwrap();
            pool.install(|| sweep(&context, how, &Cancel::default(), &mut |_, _| {}).unwrap())
        };
        assert_eq!(swept(1), swept(3), "{how:?}");
    }
}

#[test]
fn prompts_of_other_lengths_are_refused_at_all_positions() {
    let case = &Case::all()[0];
    let source = case.source("source");
    assert!(case.context(&source, PAIRED).is_ok());
    let error = case.context(&source, Ablation { positions: Positions::All, ..PAIRED }).unwrap_err().to_string();
    assert!(error.contains("`0` has 5 tokens, in the other run 4; 4 of 4"), "{error}");
}

#[test]
fn runs_that_cannot_be_paired_are_refused_with_the_difference() {
    let case = &Case::all()[0];
    let other = case.source("source").plan;
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut other = other.clone();
        change(&mut other);
        pair(&case.plan, &other).unwrap_err().to_string()
    };
    for (change, expected) in [
        (&(|plan: &mut Plan| plan.model.weights_hash.push('0')) as &dyn Fn(&mut Plan), "another model"),
        (&|plan| plan.model.dtype = "q8_0".into(), "computed with q8_0"),
        (&|plan| plan.shape.labels = 2, "2 labels, this one 3"),
        (&|plan| plan.test[0].id = "x".into(), "the test example `1` is not in the other run"),
        (
            &|plan| plan.test.push(partscope::runner::PlannedExample { id: "x".into(), ..plan.test[0].clone() }),
            "also has",
        ),
    ] {
        let message = refused(change);
        assert!(message.contains(expected), "{message}");
    }
    let without = RunContext::new(&case.golden.model, &case.plan, &case.prompts).unwrap();
    let error = sweep(&without, PAIRED, &Cancel::default(), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("need another run"), "{error}");
}

/// The residual stream patched before each layer at each position, on two prompts of which the first tokens are the same.
#[test]
fn residual_patching_equals_transformers() {
    for case in Case::all() {
        let source = case.source("aligned");
        let context = case.context(&source, PAIRED).unwrap();
        let facts = &case.facts["residual"];
        let example = facts["example"].as_u64().unwrap() as usize;
        let found = patch_residual(&context, example, &Cancel::default(), &mut |_| {}).unwrap();
        let logits: Vec<f64> = found.patched.iter().flatten().flatten().copied().collect();
        let error = relative_error(&narrow(&logits), &numbers(&facts["logits"]));
        println!("{:16} residual {error:.1e}", case.golden.name);
        assert!(error <= TOLERANCE, "{}: {error}", case.golden.name);
        assert_eq!(found.first_difference(), 6);
        assert!(found.patched.iter().all(|row| row[..6].iter().all(|logits| *logits == found.logits)));
        assert!(found.patched[0].iter().skip(6).all(|logits| *logits != found.logits));
        let last = relative_error(&narrow(found.patched.last().unwrap().last().unwrap()), &narrow(&found.other_logits));
        assert!(last > 1e-3, "the last layer reads other positions, too");
        let rows = (0..case.plan.test.len()).collect();
        let own = Source { plan: case.plan.clone(), prompts: case.prompts.clone(), rows };
        let same =
            patch_residual(&case.context(&own, PAIRED).unwrap(), example, &Cancel::default(), &mut |_| {}).unwrap();
        assert!(same.patched.iter().flatten().all(|logits| *logits == same.logits), "{}", case.golden.name);
    }
}

#[test]
fn residual_patching_refuses_prompts_of_other_lengths() {
    let case = &Case::all()[0];
    let source = case.source("source");
    let context = case.context(&source, PAIRED).unwrap();
    let error = patch_residual(&context, 1, &Cancel::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("`1` has 11 tokens, in the other run 7; 1 of 1"), "{error}");
}
