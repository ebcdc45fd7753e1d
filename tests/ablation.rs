//! Ablated re-runs, attention patterns (`tools/golden_ablation.py`) and the logit lens by layer (`tools/golden_lens.py`)
//! against Hugging Face transformers with hooks.

mod common;

use common::{
    Golden,
    facts::{self, ablation, mix, narrow, numbers, prompts},
    golden, relative_error,
};
use partscope::{
    Attribution,
    analysis::{Mix, predict::rivals},
    attribution::Split,
    cancel::Cancel,
    decompose::BatchSize,
    experiments::{
        Ablation, RepeatedPrompt, RunContext, Sweep, attention_pattern, attention_shares, layer_lens, logit_lens,
        repetition_scores, rerun, sweep, top_words,
    },
    runner::{Bos, Plan, PromptLayout, PromptPart, Prompts, Rebuilt},
};
use serde_json::Value;

const TOLERANCE: f32 = 1e-4;

struct Case {
    golden: Golden,
    facts: Value,
    prompts: Prompts,
    plan: Plan,
    table: Attribution,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = facts::all("ablation").into_iter().map(Case::new).collect();
    assert!(cases.len() >= 2);
    cases
}

impl Case {
    fn new((golden, facts): (Golden, Value)) -> Self {
        let table = golden.attribute(&golden.projection(), &golden.prompts, BatchSize::default());
        let (plan, prompts) = (golden.plan(&golden.prompts, 4), prompts(&golden.prompts));
        Self { golden, facts, prompts, plan, table }
    }

    fn context(&self) -> RunContext<'_> {
        RunContext::new(&self.golden.model, &self.plan, &self.prompts).unwrap()
    }

    fn rebuilt(&self) -> Rebuilt {
        let text = |prompt: &Vec<u32>| prompt[1..].iter().map(|id| format!("w{id}")).collect::<Vec<_>>().join(" ");
        let layout = |text: String| PromptLayout { parts: vec![(0..text.len(), PromptPart::Query)], text };
        let layouts = Ok(self.golden.prompts.iter().map(text).map(layout).collect());
        Rebuilt { prompts: self.prompts.clone(), layouts, demonstrations: 0, bos: Bos::Auto }
    }
}

#[test]
fn a_mix_inside_the_forward_pass_equals_transformers() {
    for case in cases() {
        for setting in case.facts["settings"].as_array().unwrap() {
            let how = ablation(setting);
            let rerun =
                rerun(&case.context(), &case.table, &mix(&case.facts), how, &Cancel::default(), &mut |_| {}).unwrap();
            let error = relative_error(&narrow(&rerun.total), &numbers(&setting["mix"]));
            println!("{:20} {:36} mix {error:.1e}", case.golden.name, how.describe());
            assert!(error <= TOLERANCE, "{} {how:?}: {error}", case.golden.name);
            let exactness = rerun.table.exactness();
            assert!(
                exactness.holds(partscope::attribution::F32_TOLERANCE),
                "{} {how:?} {exactness:?}",
                case.golden.name
            );
        }
    }
}

/// Ablates each component alone, with and without a shared prefix.
#[test]
fn ablating_each_in_turn_equals_transformers() {
    for case in cases() {
        for setting in case.facts["settings"].as_array().unwrap() {
            let (how, each) = (ablation(setting), setting["each"].as_array().unwrap());
            for prefix_tokens in [4, 0] {
                let mut plan = case.plan.clone();
                plan.prompt.prefix_tokens = prefix_tokens;
                let context = RunContext::new(&case.golden.model, &plan, &case.prompts).unwrap();
                let mut worst = 0.0_f32;
                let swept = sweep(&context, how, &Cancel::default(), &mut |_, _| {}).unwrap();
                for (index, expected) in each.iter().enumerate() {
                    let (rows, expected) = (numbers(expected), margin_mean(&numbers(expected)));
                    let scale = rows.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
                    worst = worst.max((swept.effects[index].total.margin as f32 - expected).abs() / scale);
                }
                println!("{:20} {:36} each {worst:.1e}", case.golden.name, how.describe());
                assert!(worst <= TOLERANCE, "{} {how:?} {prefix_tokens}: {worst}", case.golden.name);
            }
        }
    }
}

/// Mean of label 0 minus the strongest other label, `[N, 3]`.
fn margin_mean(rows: &[f32]) -> f32 {
    let margins: Vec<f32> = rows.chunks_exact(3).map(|row| row[0] - row[1].max(row[2])).collect();
    margins.iter().sum::<f32>() / margins.len() as f32
}

#[test]
fn a_mix_of_ones_gives_identical_bits() {
    for case in cases() {
        for setting in case.facts["settings"].as_array().unwrap() {
            let ones = Mix::identity(case.plan.shape);
            let how = ablation(setting);
            let rerun = rerun(&case.context(), &case.table, &ones, how, &Cancel::default(), &mut |_| {}).unwrap();
            assert_eq!(rerun.table, case.table, "{} {how:?}", case.golden.name);
            assert!(rerun.total.iter().zip(case.table.full()).all(|(a, b)| a.to_bits() == f64::from(*b).to_bits()));
            assert_eq!(rerun.effects.total_flips.count(), 0);
        }
    }
}

/// The indirect effect equals the sum of the reactions of components and the change of `rest` under its new norm; a
/// mean fill does not count as a reaction.
#[test]
fn reactions_add_up_to_the_indirect_effect() {
    for case in cases() {
        for setting in case.facts["settings"].as_array().unwrap() {
            let how = ablation(setting);
            let rerun =
                rerun(&case.context(), &case.table, &mix(&case.facts), how, &Cancel::default(), &mut |_| {}).unwrap();
            let rivals = rivals(&case.table);
            let mean = |logits: &dyn Fn(usize) -> f64| {
                let margins = rivals.iter().enumerate().map(|(row, rival)| logits(3 * row) - logits(3 * row + rival));
                margins.sum::<f64>() / rivals.len() as f64
            };
            let indirect = mean(&|at| rerun.total[at] - rerun.direct[at]);
            let rest = mean(&|at| f64::from(rerun.table.rest()[at]) - f64::from(case.table.rest()[at]));
            let reactions: f64 = rerun.reactions.iter().map(|(_, delta)| delta).sum();
            let scale = case.table.full().iter().fold(0.0_f32, |most, logit| most.max(logit.abs()));
            let error = (reactions + rest - indirect).abs() / f64::from(scale);
            assert!(error < 1e-4, "{} {how:?}: {reactions} + {rest} is not {indirect}", case.golden.name);
        }
    }
}

/// Partial results never shrink, and the final result does not depend on the number of threads.
#[test]
fn a_sweep_is_the_same_on_any_number_of_threads() {
    let case = &cases()[0];
    for setting in case.facts["settings"].as_array().unwrap() {
        let how = ablation(setting);
        let swept = |threads: usize| {
            let mut reports = Vec::new();
            let mut observe = |partial: Option<&Sweep>, _| reports.extend(partial.cloned());
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let complete = pool.install(|| sweep(&case.context(), how, &Cancel::default(), &mut observe)).unwrap();
            assert!(complete.is_complete() && reports.iter().all(|partial| partial.done() <= partial.begun()));
            assert!(reports.windows(2).all(|two| two[0].done() <= two[1].done()));
            assert_eq!(reports.last(), Some(&complete));
            (complete, reports.len())
        };
        let (serial, parallel) = (swept(1), swept(3));
        assert_eq!(serial.0, parallel.0, "{how:?}");
        assert!(common::ON_CARD || parallel.1 > 1, "at least one report per batch");
    }
}

/// The direct effect in a sweep equals muting the component in the table; the total effect equals that of a re-run.
#[test]
fn direct_and_total_effects_of_a_sweep_equal_single_runs() {
    let case = &cases()[0];
    let swept = sweep(&case.context(), Ablation::default(), &Cancel::default(), &mut |_, _| {}).unwrap();
    for (index, effects) in swept.effects.iter().enumerate() {
        let mut mix = Mix::identity(case.plan.shape);
        mix.weights[index] = 0.0;
        let margins = mix.margins(&case.table);
        let mean = margins.iter().sum::<f64>() / margins.len() as f64;
        assert!((effects.direct.margin - mean).abs() < 1e-5, "{index}");
        let total = rerun(&case.context(), &case.table, &mix, Ablation::default(), &Cancel::default(), &mut |_| {});
        assert!((effects.total.margin - total.unwrap().effects.total.margin).abs() < 1e-5, "{index}");
    }
    assert_eq!(case.plan.split(Split::Test).len(), swept.done());
}

#[test]
fn attention_of_the_last_token_equals_transformers_and_sums_to_one() {
    for case in cases() {
        let (context, rebuilt, tokenizer) = (case.context(), case.rebuilt(), &case.golden.model.tokenizer);
        // A sink takes a share that belongs to no token.
        let has_sinks = case.golden.model.decoder.layers[0].attention.sinks.is_some();
        let mut worst = 0.0_f32;
        let mut query = vec![0.0; case.plan.shape.layers * case.plan.shape.heads];
        for (example, expected) in case.facts["attention"].as_array().unwrap().iter().enumerate() {
            let pattern = attention_pattern(&context, tokenizer, &rebuilt, example, &Cancel::default()).unwrap();
            let expected: Vec<&Value> =
                expected.as_array().unwrap().iter().flat_map(|l| l.as_array().unwrap()).collect();
            assert_eq!(
                (pattern.weights.len(), pattern.tokens.len()),
                (expected.len(), case.golden.prompts[example].len())
            );
            for (head, (weights, expected)) in pattern.weights.iter().zip(expected).enumerate() {
                worst = worst.max(relative_error(weights, &numbers(expected)));
                let sum: f32 = weights.iter().sum();
                assert!(if has_sinks { (0.0..1.0).contains(&sum) } else { (sum - 1.0).abs() < 1e-5 });
                query[head] += pattern.shares(head, 0)[2] / case.golden.prompts.len() as f64;
            }
        }
        println!("{:20} attention {worst:.1e}", case.golden.name);
        assert!(worst <= TOLERANCE, "{}: {worst}", case.golden.name);
        let mean = attention_shares(&context, tokenizer, &rebuilt, &Cancel::default(), &mut |_| {}).unwrap();
        for (mean, query) in mean.means.iter().zip(query) {
            let sum = mean.iter().sum::<f64>();
            assert!((mean[2] - query).abs() < 1e-5 && (has_sinks || (sum - 1.0).abs() < 1e-5));
        }
    }
}

/// At the label words, the logit lens equals the attribution's contributions.
#[test]
fn the_logit_lens_equals_the_contributions() {
    for case in cases() {
        let (context, tokenizer) = (case.context(), &case.golden.model.tokenizer);
        for (index, component) in case.plan.shape.iter().enumerate() {
            let at = (3, component);
            let lens = logit_lens(&context, tokenizer, &case.golden.labels, at, 5, &Cancel::default()).unwrap();
            let labels: Vec<f32> = lens.labels.iter().map(|word| word.logit as f32).collect();
            let expected = &case.table.contribution(index)[9..12];
            assert!(relative_error(&labels, expected) <= TOLERANCE, "{} {component}", case.golden.name);
            let best = lens.promoted[0].logit;
            assert!(lens.labels.iter().all(|word| (lens.suppressed[0].logit..=best).contains(&word.logit)));
        }
    }
}

/// Golden values of the logit lens by layer, of models that have them.
fn lens(name: &str) -> Option<Value> {
    let text = std::fs::read(golden("lens").join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// Label logits of the residual stream after every block, in both conventions, equal those of transformers, and both end
/// in `full`.
#[test]
fn the_lens_by_layer_equals_transformers_and_ends_in_full() {
    let mut families = 0;
    for case in cases() {
        let Some(facts) = lens(&case.golden.name) else { continue };
        families += 1;
        assert_eq!(facts["prompts"], serde_json::json!(case.golden.prompts));
        let found = layer_lens(&case.context(), &Cancel::default(), &mut |_| {}).unwrap();
        for (convention, points) in [("own", &found.own), ("realised", &found.realised)] {
            let expected = facts[convention].as_array().unwrap();
            assert_eq!(points.len(), expected.len());
            for (point, (logits, expected)) in points.iter().zip(expected).enumerate() {
                let error = relative_error(&narrow(logits), &numbers(expected));
                println!("{:20} {convention:9} {point} {error:.1e}", case.golden.name);
                assert!(error <= TOLERANCE, "{} {convention} {point}: {error}", case.golden.name);
            }
        }
        let end = narrow(found.own.last().unwrap());
        assert!(end == case.table.full(), "the own norm at the end is the model's: {}", case.golden.name);
        let exactness = found.exactness(case.table.full(), case.plan.shape.labels);
        assert!(exactness.holds(partscope::attribution::F32_TOLERANCE), "{} {exactness:?}", case.golden.name);
        let mut other = case.table.full().to_vec();
        other[0] += 0.1;
        let exactness = found.exactness(&other, case.plan.shape.labels);
        assert!(!exactness.holds(partscope::attribution::F32_TOLERANCE), "{} {exactness:?}", case.golden.name);
    }
    assert!(families >= 7, "{families}");
}

/// Attention on repeated sequences equals that of transformers (`tools/golden_atlas.py`).
#[test]
fn induction_scores_equal_transformers() {
    let mut families = 0;
    for case in cases() {
        let Ok(text) = std::fs::read(golden("atlas").join(format!("{}.json", case.golden.name))) else { continue };
        families += 1;
        let facts: Value = serde_json::from_slice(&text).unwrap();
        let facts = &facts["repetition"];
        let period = facts["period"].as_u64().unwrap() as usize;
        let prompts: Vec<Vec<u32>> = serde_json::from_value(facts["prompts"].clone()).unwrap();
        let prompts: Vec<_> = prompts.into_iter().map(|tokens| RepeatedPrompt { tokens, period }).collect();
        let found = repetition_scores(&case.context(), &prompts, &Cancel::default(), &mut |_| {}).unwrap();
        for (key, found) in
            [("induction", found.induction), ("previous", found.previous), ("duplicate", found.duplicate)]
        {
            let expected = facts[key].as_array().unwrap();
            assert_eq!(found.len(), expected.len());
            for (head, (found, expected)) in found.iter().zip(expected).enumerate() {
                let (found, expected) = (narrow(found), numbers(expected));
                let difference = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
                assert!(difference <= TOLERANCE, "{} {key} {head}: {difference}", case.golden.name);
            }
        }
    }
    assert!(families >= 5, "{families}");
}

/// With the realised scale, the logits after a block are those before it and the block's contributions.
#[test]
fn the_realised_lens_is_a_sum_of_contributions() {
    for case in cases() {
        let shape = case.plan.shape;
        let found = layer_lens(&case.context(), &Cancel::default(), &mut |_| {}).unwrap().realised;
        for layer in 0..shape.layers {
            let mlp = case.table.contribution(shape.index(partscope::Component::mlp(layer)).unwrap());
            let added = |(after, before): (&f64, &f64)| (after - before) as f32;
            let steps: Vec<f32> = found[2 * layer + 1].iter().zip(&found[2 * layer]).map(added).collect();
            let error = relative_error(&steps, mlp);
            assert!(error <= TOLERANCE, "{} {layer}: {error}", case.golden.name);
        }
    }
}

#[test]
fn the_top_words_by_layer_equal_transformers() {
    for case in cases() {
        let Some(facts) = lens(&case.golden.name) else { continue };
        let last = case.golden.prompts.len() - 1;
        let found = top_words(&case.context(), &case.golden.model.tokenizer, last, 5, &Cancel::default()).unwrap();
        let tokens: Vec<Vec<u32>> =
            found.iter().map(|point| point.words.iter().map(|word| word.token).collect()).collect();
        assert_eq!(facts["top"], serde_json::json!(tokens), "{}", case.golden.name);
    }
}
