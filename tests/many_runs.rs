//! Several runs at once, prompts that are too long, label words of several tokens, and estimates of a run.

mod binary;

use std::fs;

use binary::{failure, json, partscope, partscope_with_input, stdout, task_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Makes a folder with a task in which one test example is longer than the demo model's context.
fn task_with_long_example() -> TempDir {
    let line = |id: &str, words: usize, label: usize| {
        json!({"id": id, "text": "soup ".repeat(words), "label": label}).to_string() + "\n"
    };
    let pool: String = (0..8).map(|at| line(&format!("p{at}"), 20, at % 2)).collect();
    let test = line("short", 1, 0) + &line("long", CONTEXT - 40, 1) + &line("other", 2, 1);
    task_folder(&[("pool.jsonl", pool.as_bytes()), ("test.jsonl", test.as_bytes())])
}

/// Context length of the demo model, in tokens.
const CONTEXT: usize = 1024;

#[test]
fn the_overflow_policy_handles_prompts_that_are_too_long() {
    let home = task_with_long_example();
    let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
    let args =
        ["run", "--task", task.to_str().unwrap(), "--train-examples", "0", "-o", out.to_str().unwrap(), "--json"];
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("1 of 3 prompts exceed the model's"), "{message}");
    assert!(message.contains("--on-overflow drop-demos") && !out.join("run.json").exists(), "{message}");

    let with = |policy: &str| json(&partscope(&[&args[..], &["--on-overflow", policy]].concat()));
    let skipped = with("skip");
    assert_eq!(skipped["prompt"]["overflow"]["skipped"], json!(["long"]));
    assert_eq!(skipped["examples"]["test"], 2);
    let dropped = with("drop-demos");
    assert_eq!(dropped["examples"]["test"], 3);
    assert_eq!(dropped["prompt"]["overflow"]["policy"], "drop-demos");
    let (id, count) =
        (&dropped["prompt"]["overflow"]["dropped"][0][0], &dropped["prompt"]["overflow"]["dropped"][0][1]);
    assert!(id == "long" && (1..=4).contains(&count.as_u64().unwrap()), "{dropped}");
    let ids = home.path().join("ids.txt");
    fs::write(&ids, "short\n").unwrap();
    let fits = json(&partscope(&[&args[..], &["--ids", ids.to_str().unwrap()]].concat()));
    assert!(fits["prompt"].get("overflow").is_none());
}

#[test]
fn several_templates_and_seeds_give_several_runs() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("runs");
    let args = [
        "run",
        "--task",
        "sentiment",
        "--template",
        "all",
        "--demo-seeds",
        "0..2",
        "--limit",
        "6",
        "--train-examples",
        "2",
    ];
    let report = json(&partscope(&[&args[..], &["-o", out.to_str().unwrap(), "--json"]].concat()));
    let runs = report["runs"].as_array().unwrap();
    let mut folders: Vec<String> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!((runs.len(), folders.len()), (6, 6));
    assert_eq!(&folders[..2], ["review-hash-s0", "review-hash-s1"]);
    for run in runs {
        let folder = format!("{}-s{}", run["task"]["template"].as_str().unwrap(), run["prompt"]["demo_seed"]);
        let stored: Value = serde_json::from_slice(&fs::read(out.join(folder).join("run.json")).unwrap()).unwrap();
        assert_eq!(&stored, run);
    }
    let (code, message) =
        failure(&[&args[..2], &["sentiment", "--template", "review,x", "-o", out.to_str().unwrap()]].concat());
    assert!(code == 3 && message.contains("no template is called `x`"), "{message}");
}

#[test]
fn label_words_of_several_tokens_are_scored_by_their_first_distinguishing_token() {
    let home = task_with_long_example();
    let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
    let text = fs::read_to_string(&task).unwrap().replace("[\" bad\", \" good\"]", "[\" not good\", \" not bad\"]");
    fs::write(&task, text).unwrap();
    let args = [
        "run",
        "--task",
        task.to_str().unwrap(),
        "--train-examples",
        "0",
        "--limit",
        "1",
        "-o",
        out.to_str().unwrap(),
        "--json",
    ];
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("2 tokens, not one"), "{message}");
    let meta = json(&partscope(&[&args[..], &["--first-token"]].concat()));
    assert_eq!(meta["task"]["scored"], json!([" good", " bad"]));
    assert_eq!(meta["request"]["prompting"]["first_token"], true);
}

#[test]
fn a_dry_run_estimates_and_saves_nothing() {
    let report = json(&partscope(&["run", "--task", "sentiment", "--limit", "30", "--dry-run", "--json"]));
    assert_eq!((report["runs"].as_u64(), report["prompts"].as_u64()), (Some(1), Some(50)));
    let (tokens, computed) = (report["tokens"].as_u64().unwrap(), report["computed_tokens"].as_u64().unwrap());
    assert!(computed < tokens && report["seconds"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn prompts_and_demonstrations_can_come_from_a_pipe() {
    let home = TempDir::new().unwrap();
    for (args, line) in [
        (vec!["--prompts", "-", "--labels", " bad| good"], "{\"prompt\": \"The soup was\", \"label\": 0}\n"),
        (
            vec!["--task", "sentiment", "--limit", "3", "--demos", "-"],
            "{\"text\": \"Nice.\", \"label\": \"positive\"}\n",
        ),
    ] {
        let out = home.path().join(args.len().to_string());
        stdout(&partscope_with_input(&[&["run", "-o", out.to_str().unwrap()], &args[..]].concat(), line));
        assert!(out.join("run.json").is_file());
    }
}

#[test]
fn instruct_models_use_their_own_chat_template() {
    let lines = |words: [&str; 2]| -> String {
        words.iter().enumerate().map(|(at, word)| json!({"text": word, "label": at}).to_string() + "\n").collect()
    };
    let task = r#"name = "words"
labels = ["no", "yes"]
[data]
pool = "pool.jsonl"
test = "test.jsonl"
[[template]]
name = "plain"
example = "{{ text }}"
label_words = [" w11", " w42"]
"#;
    let (pool, test) = (lines(["w5", "w6"]), lines(["w7", "w8"]));
    let home = task_folder(&[
        ("task.toml", task.as_bytes()),
        ("pool.jsonl", pool.as_bytes()),
        ("test.jsonl", test.as_bytes()),
    ]);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama");
    let model = home.path().join("model");
    fs::create_dir(&model).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(format!("{golden}/{name}"), model.join(name)).unwrap();
    }
    let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
    let args = ["run", "-m", model.to_str().unwrap(), "--task", task.to_str().unwrap(), "--num-fewshot", "2"];
    let args = [&args[..], &["--train-examples", "0", "-o", out.to_str().unwrap(), "--json", "--chat"]].concat();
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("has no chat template"), "{message}");
    let template = "{% for m in messages %}{{ 'w1' if m.role == 'user' else 'w2' }} {{ m.content }} {% endfor %}w2 ";
    fs::write(model.join("tokenizer_config.json"), json!({"chat_template": template}).to_string()).unwrap();
    let meta = json(&partscope(&args));
    assert_eq!(meta["task"]["label_words"], json!(["w11", "w42"]));
    assert_eq!(meta["task"]["label_tokens"], json!([11, 42]));
    // Two demonstrations of four words each, then the query's two words and the answer's one.
    assert_eq!((&meta["prompt"]["tokens"], &meta["request"]["prompting"]["chat"]), (&22.into(), &true.into()));
}
