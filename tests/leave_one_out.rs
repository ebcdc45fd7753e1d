//! `run --loo`: every labelled example is a demonstration, and a training example behind the others.

mod binary;

use std::{collections::BTreeSet, fs, path::Path, sync::OnceLock};

use binary::{failure, json, partscope, partscope_with_input, stdout, task_folder};
use partscope::{
    Attribution,
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    model::{LoadOptions, Model, Prompt, Source, Tokens},
    runner::{Demonstration, Demos, Plan, PromptBuilder, Prompts, RunRequest, execute, obtain, rebuild},
    store::{Destination, Store, open},
    task::{Library, Task},
};
use serde_json::Value;
use tempfile::TempDir;

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::load(&Source::Demo, &LoadOptions::default()).unwrap())
}

fn task() -> &'static Task {
    static TASK: OnceLock<Task> = OnceLock::new();
    TASK.get_or_init(|| Library.task("topic").unwrap())
}

/// Eight labelled examples, two of them drawn as demonstrations.
fn request() -> RunRequest {
    RunRequest { shots: 2, train_examples: 6, limit: Some(12), loo: true, ..RunRequest::default() }
}

fn planned(request: &RunRequest) -> (Plan, Prompts) {
    PromptBuilder::new(task(), request).unwrap().plan(model()).unwrap()
}

/// Attributes one prompt without a shared prefix.
fn alone(projection: &LabelProjection, prompt: &Tokens) -> Attribution {
    let tokens = [prompt.tokens().collect::<Vec<u32>>()];
    let (first, cancel) = (&tokens[0][..1], Cancel::default());
    let prepared = Prepared::new(&model().decoder, projection, &[first.to_vec(), tokens[0].clone()], &cancel).unwrap();
    assert_eq!(prepared.prefix_tokens(), 0);
    let mut table = Attribution::new(projection.shape(), vec![0]);
    prepared.attribute(&tokens, BatchSize::default(), &cancel, |batch| table.push(&batch)).unwrap();
    table
}

#[test]
fn each_labelled_example_is_behind_all_others_and_test_prompts_show_all() {
    let (plan, prompts) = planned(&request());
    let drawn = PromptBuilder::new(task(), &RunRequest { loo: false, ..request() }).unwrap();
    let ids = |examples: &mut dyn Iterator<Item = &str>| examples.map(str::to_owned).collect::<BTreeSet<String>>();
    let labelled = ids(&mut drawn.demonstrations.iter().chain(drawn.train.iter().copied()).map(|e| e.id.as_str()));
    assert_eq!(ids(&mut plan.prompt.demo_ids.iter().map(String::as_str)), labelled, "the same labels as without --loo");
    let backwards: Vec<&str> = plan.prompt.demo_ids.iter().rev().map(String::as_str).collect();
    assert_eq!(plan.train.iter().map(|own| own.id.as_str()).collect::<Vec<_>>(), backwards);
    let (_, shown) = drawn.whole_budget().plan(model()).unwrap();
    let tokens = |prompts: &[Tokens]| prompts.iter().map(|own| own.tokens().collect()).collect::<Vec<Vec<u32>>>();
    assert_eq!(tokens(&shown.test), tokens(&prompts.test));
    for row in &plan.train {
        let text = row.prompt.as_ref().unwrap().to_string();
        assert_eq!(text.matches(row.text.as_str()).count(), 1, "its text is the query only: {text}");
        let others = plan.train.iter().filter(|other| other.id != row.id);
        assert!(others.into_iter().all(|other| text.contains(other.text.as_str())));
        assert!(text.trim_end().ends_with(':') || text.contains(&row.text), "{text}");
    }
}

#[test]
fn contributions_are_those_of_the_same_prompts_without_sharing() {
    let (plan, prompts) = planned(&request());
    let shared: Vec<usize> = prompts.train.iter().map(Tokens::shared).collect();
    assert!(shared.is_sorted_by(|a, b| a > b), "later examples share more: {shared:?}");
    assert!(shared[0] > plan.prompt.prefix_tokens / 2 && shared[0] <= plan.prompt.prefix_tokens);
    let projection = LabelProjection::new(&model().decoder, &plan.task.label_tokens).unwrap();
    let run = execute(model(), plan, &prompts, &Cancel::default(), &mut |_| {}).unwrap();
    let scale = run.train.full().iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    for (row, prompt) in prompts.train.iter().enumerate() {
        let (once, labels) = (alone(&projection, prompt), run.train.labels());
        for index in 0..run.train.shape().components() {
            let own = &run.train.contribution(index)[row * labels..(row + 1) * labels];
            let near = own.iter().zip(once.contribution(index)).all(|(a, b)| (a - b).abs() < 1e-5 * scale);
            assert!(near, "row {row}, component {index}: {own:?} {:?}", once.contribution(index));
        }
    }
    let computed: usize = prompts.train.iter().map(|own| own.len() - own.shared()).sum();
    assert_eq!(run.meta.prompt.loo.as_ref().unwrap().tokens, computed);
    let whole: usize = prompts.train.iter().map(Prompt::len).sum();
    assert!(computed * 10 < whole * 7, "{computed} of {whole} tokens are computed");
}

#[test]
fn a_saved_run_keeps_its_prompts_and_the_store_tells_it_from_the_plain_one() {
    let home = TempDir::new().unwrap();
    let (plan, prompts) = planned(&request());
    let store = Store::at(home.path().join("cache"));
    let kept = |request: &RunRequest| {
        let (plan, prompts) = planned(request);
        obtain(&store, model(), plan, &prompts, &Cancel::default(), &mut |_| {}).unwrap()
    };
    let (first, plain) = (kept(&request()), kept(&RunRequest { loo: false, ..request() }));
    let again = kept(&request());
    assert_eq!((&first.train, &first.test, &first.examples), (&again.train, &again.test, &again.examples));
    assert_ne!(first.train, plain.train);
    let folder = home.path().join("run");
    Destination::prepare(&folder).unwrap().write(&first).unwrap();
    let read = open(&folder).unwrap();
    let rebuilt = rebuild(model(), &Plan::from_run(&read)).unwrap();
    assert!(rebuilt.layouts.is_ok(), "{:?}", rebuilt.layouts.err());
    let tokens = |prompts: &[Tokens]| prompts.iter().map(|own| own.tokens().collect()).collect::<Vec<Vec<u32>>>();
    assert_eq!(tokens(&rebuilt.prompts.train), tokens(&prompts.train));
    assert_eq!(tokens(&rebuilt.prompts.test), tokens(&prompts.test));
    assert_eq!(plan.prompt.loo, read.meta.prompt.loo);
}

#[test]
fn listed_demonstrations_are_all_labelled_examples() {
    let drawn = planned(&request()).0.prompt.demo_ids;
    let listed = Demos::Listed(drawn.iter().take(4).map(Demonstration::of_pool).collect());
    let (plan, _) = planned(&RunRequest { demos: listed, ..request() });
    assert_eq!((plan.prompt.demo_ids.as_slice(), plan.train.len()), (&drawn[..4], 4));
}

#[test]
fn an_example_whose_text_another_demonstration_shows_is_no_training_example() {
    let pool = "{\"text\": \"good\", \"label\": 1}\n{\"text\": \"bad\", \"label\": 0}\n{\"text\": \"good\", \"label\": 1}\n{\"text\": \"poor\", \"label\": 0}\n";
    let test = "{\"text\": \"fine\", \"label\": 1}\n{\"text\": \"awful\", \"label\": 0}\n";
    let toml = "name = \"t\"\nlabels = [\"no\", \"yes\"]\n[data]\npool = \"pool.jsonl\"\ntest = \"test.jsonl\"\n\
                [[template]]\nname = \"a\"\nexample = \"review: {{ text }}\\nlabel:\"\nlabel_words = [\" bad\", \" good\"]\n";
    let folder =
        task_folder(&[("t.toml", toml.as_bytes()), ("pool.jsonl", pool.as_bytes()), ("test.jsonl", test.as_bytes())]);
    let (task, out) = (folder.path().join("t.toml"), folder.path().join("out"));
    let args = ["run", "--task", path(&task), "--num-fewshot", "4", "--train-examples", "0", "--loo", "-o", path(&out)];
    let meta = json(&partscope(&[&args[..], &["--json"]].concat()));
    let repeated = meta["prompt"]["loo"]["repeated"].as_array().unwrap();
    assert_eq!((repeated.len(), meta["examples"]["train"].as_u64()), (2, Some(2)), "{meta}");
    assert!(stdout(&partscope(&args)).contains("are demonstrations with the same text"));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn fit_and_classify_take_the_run_as_any_other() {
    let home = TempDir::new().unwrap();
    let (out, weights) = (home.path().join("run"), home.path().join("w.json"));
    let args = ["run", "--task", "topic", "--limit", "40", "--loo", "-o", path(&out)];
    let meta = json(&partscope(&[&args[..], &["--json"]].concat()));
    assert_eq!((meta["prompt"]["shots"].as_u64(), meta["examples"]["train"].as_u64()), (Some(24), Some(24)));
    assert!(meta["request"]["loo"].as_bool().unwrap() && meta["prompt"]["loo"]["tokens"].as_u64().unwrap() > 0);
    let report = json(&partscope(&["fit", path(&out), "-o", path(&weights), "--with-model", "--json"]));
    assert_eq!(
        (report["train_n"].as_u64(), &report["accuracy"]["standard_k"]),
        (Some(24), &report["accuracy"]["standard"])
    );
    let file: Value = serde_json::from_slice(&fs::read(&weights).unwrap()).unwrap();
    assert_eq!((file["demo_ids"].as_array().unwrap().len(), file["request"]["loo"].as_bool()), (24, Some(true)));

    // The texts of the run's own test examples get the run's own logits.
    let run = open(&out).unwrap();
    let texts: String = run.examples[24..34].iter().map(|own| own.text.clone() + "\n").collect();
    let labelled = stdout(&partscope_with_input(&["classify", "--weights", path(&weights), "-"], &texts));
    let labels = &task().labels;
    for (line, own) in labelled.lines().zip(&run.examples[24..]) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["full"], labels[own.full].as_str(), "{line}");
    }
    assert_eq!(labelled.lines().count(), 10);

    let (plain, other) = (home.path().join("plain"), ["fit", "--with-model", "--json"]);
    stdout(&partscope(&["run", "--task", "topic", "--limit", "40", "-o", path(&plain)]));
    let accuracy = json(&partscope(&[&other[..], &[path(&plain)]].concat()))["accuracy"].clone();
    assert_eq!(accuracy["standard_k"], report["accuracy"]["standard"]);
    for (own, left_out) in [("partscope", "loo_partscope"), ("comprw", "loo_comprw"), ("calib", "loo_calib")] {
        assert_eq!(accuracy[left_out], report["accuracy"][own], "{left_out}");
    }
}

#[test]
fn the_cost_is_said_and_one_example_is_too_few() {
    let text = stdout(&partscope(&["run", "--task", "topic", "--limit", "20", "--loo", "--dry-run"]));
    assert!(text.contains(" of them for 24 leave-one-out prompts"), "{text}");
    let args = ["run", "--task", "topic", "--loo", "--num-fewshot", "1", "--train-examples", "0", "-o", "x"];
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("at least two labelled examples") && message.contains("--train-examples"));
    let refused = partscope(&["run", "--prompts", "x.jsonl", "--labels", "a|b", "--loo", "-o", "x"]);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && message.contains("--loo"), "{message}");
}
