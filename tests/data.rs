//! No silent mistake between the data and the table: leaks, samples, empty texts, degenerate logits, files that are not
//! what their names say.

mod binary;

use std::{collections::BTreeSet, fs, path::Path};

use binary::{command, failure, json, partscope, partscope_with_input, stdout, task_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

const TASK: &str = "name = \"t\"\nlabels = [\"sports\", \"food\"]\n[data]\npool = \"pool.jsonl\"\ntest = \"test.jsonl\"\n\
                    [[template]]\nname = \"a\"\nexample = \"Article: {{ text }}\\nTopic:\"\n\
                    label_words = [\" sports\", \" food\"]\n";

const LABELS: [&str; 2] = ["sports", "food"];

/// Lines of a table: id, text and label.
fn rows<T: AsRef<str>>(rows: impl IntoIterator<Item = (String, T, usize)>) -> String {
    let line = |(id, text, label): (String, T, usize)| {
        json!({"id": id, "text": text.as_ref(), "label": LABELS[label]}).to_string() + "\n"
    };
    rows.into_iter().map(line).collect()
}

/// A task of four pool examples and these test texts, with labels in turn.
fn task(test: &[&str]) -> TempDir {
    let pool = ["The match was won 0", "The soup was superb 0", "A striker scored 0", "A cake with cream 0"];
    let all = |prefix: &str, texts: &[&str]| {
        rows(texts.iter().enumerate().map(|(at, text)| (format!("{prefix}{at}"), *text, at % 2)).collect::<Vec<_>>())
    };
    let files = [("pool.jsonl", all("d", &pool)), ("test.jsonl", all("q", test)), ("task.toml", TASK.to_owned())];
    task_folder(&files.each_ref().map(|(name, text)| (*name, text.as_bytes())))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ids(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out.join("examples.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["split"] == "test").map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn test_examples_of_the_prompt_are_refused_by_content() {
    // q0 is d0 and q1 is d1 but for white space; q4 repeats q2.
    let home = task(&[
        "The match  was won 0 ",
        "The soup was\tsuperb 0",
        "A striker scored 9",
        "A cake 9",
        "A striker scored 9",
    ]);
    let (file, out) = (home.path().join("task.toml"), home.path().join("out"));
    let args = ["run", "--task", path(&file), "--demo-ids", "d0,d1", "--train-examples", "2", "-o", path(&out)];
    let (code, message) = failure(&args);
    assert_eq!(code, 3);
    assert!(
        message.contains("2 test examples are demonstrations or training examples word for word: q0 (d0) and q1 (d1)"),
        "{message}"
    );
    assert!(message.contains("--on-leak drop"), "{message}");
    // The advice works.
    let text = stdout(&partscope(&[&args[..], &["--on-leak", "drop"]].concat()));
    assert!(text.contains("2 test examples left out") && text.contains("1 test examples repeat the text"), "{text}");
    assert_eq!(ids(&out), ["q2", "q3", "q4"]);
    let meta: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let selection = &meta["selection"];
    assert_eq!(selection["leaked"], json!([["q0", "d0"], ["q1", "d1"]]));
    assert_eq!((&selection["of"], &selection["duplicates"]), (&json!(5), &json!(1)));
    // Training examples count, too: without shots, all four pool examples train.
    let trained = ["run", "--task", path(&file), "--num-fewshot", "0", "--train-examples", "4", "-o", path(&out)];
    assert!(failure(&trained).1.contains("q0 (d0)"));
    // Demonstrations written out count, too.
    let demos = home.path().join("demos.jsonl");
    fs::write(&demos, "{\"text\": \"A cake 9\", \"label\": \"food\", \"id\": \"own\"}").unwrap();
    let written = ["run", "--task", path(&file), "--demos", path(&demos), "--train-examples", "0", "-o", path(&out)];
    let (_, message) = failure(&written);
    assert!(message.contains("q3 (own)"), "{message}");
}

#[test]
fn tasks_check_finds_test_examples_in_the_pool() {
    let home = task(&["The match was won 0", "A soup 9", "A soup  9", "A cake 9"]);
    let file = home.path().join("task.toml");
    let text = stdout(&partscope(&["tasks", "check", path(&file)]));
    assert!(text.contains("note: 1 test examples are in the pool word for word: q0 (d0)"), "{text}");
    assert!(text.contains("note: 1 test examples repeat the text of another one"), "{text}");
    let report = json(&partscope(&["tasks", "check", path(&file), "--json"]));
    assert_eq!((&report["leaks"], &report["duplicates"]), (&json!([["q0", "d0"]]), &json!(1)));
    // The same file under two names is a mistake.
    let text = fs::read_to_string(home.path().join("pool.jsonl")).unwrap();
    let bare: String = text.lines().map(|line| line.replacen("\"id\"", "\"number\"", 1) + "\n").collect();
    fs::write(home.path().join("pool.jsonl"), &bare).unwrap();
    fs::write(home.path().join("test.jsonl"), &bare).unwrap();
    let output = partscope(&["tasks", "check", path(&file)]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("all 4 test examples are in the pool word for word: test-1 (pool-1)"), "{text}");
}

#[test]
fn reproduce_drops_leaks_and_says_so() {
    let pool: Vec<(String, String, usize)> =
        (0..24).map(|at| (format!("d{at}"), format!("text number {at}"), at % 2)).collect();
    let test: Vec<(String, String, usize)> =
        (0..12).map(|at| (format!("q{at}"), format!("text number {}", at + 18), at % 2)).collect();
    let files = [("pool.jsonl", rows(pool)), ("test.jsonl", rows(test)), ("task.toml", TASK.to_owned())];
    let home = task_folder(&files.each_ref().map(|(name, text)| (*name, text.as_bytes())));
    let file = home.path().join("task.toml");
    let args = ["reproduce", "--tasks", path(&file), "--seeds", "1", "--templates", "1", "--budget", "24"];
    let report = json(&partscope(&[&args[..], &["--json"]].concat()));
    let row = &report["rows"][0];
    assert_eq!((&row["leaked"], &row["n"]), (&json!(6), &json!(6)));
    let text = stdout(&partscope(&args));
    assert!(text.contains("t: 6 test examples left out of its runs together"), "{text}");
}

#[test]
fn a_prompt_in_both_splits_is_a_leak() {
    let home = TempDir::new().unwrap();
    let (file, out) = (home.path().join("p.jsonl"), home.path().join("out"));
    let line = |prompt: &str, split: &str, label: usize| {
        json!({"prompt": prompt, "label": label, "split": split}).to_string() + "\n"
    };
    let text = line("It was a", "train", 0) + &line("It was  a", "test", 0) + &line("It was b", "test", 1);
    fs::write(&file, text).unwrap();
    let args = ["run", "--prompts", path(&file), "--labels", " negative| positive", "-o", path(&out)];
    let (code, message) = failure(&args);
    assert!(code == 3 && message.contains("line-2 (line-1)"), "{message}");
    stdout(&partscope(&[&args[..], &["--on-leak", "drop"]].concat()));
    assert_eq!(ids(&out), ["line-3"]);
}

/// A task whose test file is sorted by label, three quarters `sports`.
fn sorted_task() -> TempDir {
    let pool: Vec<_> = (0..8).map(|at| (format!("d{at}"), format!("pool {at}"), at % 2)).collect();
    let test: Vec<_> = (0..400).map(|at| (format!("q{at}"), format!("test {at}"), usize::from(at >= 300))).collect();
    let files = [("pool.jsonl", rows(pool)), ("test.jsonl", rows(test)), ("task.toml", TASK.to_owned())];
    task_folder(&files.each_ref().map(|(name, text)| (*name, text.as_bytes())))
}

#[test]
fn a_limit_draws_a_sample_with_the_shares_of_the_file() {
    let home = sorted_task();
    let (file, out) = (home.path().join("task.toml"), home.path().join("out"));
    let run = |more: &[&str]| {
        let args =
            ["run", "--task", path(&file), "--num-fewshot", "2", "--train-examples", "2", "-o", path(&out), "--json"];
        let meta = json(&partscope(&[&args[..], more].concat()));
        (ids(&out), meta)
    };
    let food = |ids: &[String]| ids.iter().filter(|id| id[1..].parse::<usize>().unwrap() >= 300).count();
    let (twenty, meta) = run(&["--limit", "20"]);
    assert_eq!((twenty.len(), food(&twenty), &meta["accuracy"]["majority"]), (20, 5, &json!(0.75)));
    assert_eq!(
        meta["selection"],
        json!({"of": 400, "limit": 20, "seed": 0, "balanced": false, "by_id": false, "leaked": [], "duplicates": 0})
    );
    let (forty, more_meta) = run(&["--limit", "40"]);
    let (small, large): (BTreeSet<_>, BTreeSet<_>) = (twenty.iter().collect(), forty.iter().collect());
    assert!(small.is_subset(&large) && food(&forty) == 10);
    assert_eq!(meta["prompt"]["demos"], more_meta["prompt"]["demos"]);
    assert_ne!(run(&["--limit", "20", "--sample-seed", "1"]).0, twenty);
    assert_eq!(
        run(&["--limit", "20", "--demo-seed", "1"]).0,
        twenty,
        "the sample does not depend on the demonstrations"
    );
    assert_eq!(food(&run(&["--limit", "20", "--balanced"]).0), 10);
    // Named examples, in the order of the file.
    let list = home.path().join("ids.txt");
    fs::write(&list, "q399\n\nq7\n").unwrap();
    let (named, meta) = run(&["--ids", path(&list)]);
    assert_eq!((named, &meta["selection"]["by_id"]), (vec!["q7".to_owned(), "q399".to_owned()], &json!(true)));
    let wrong = |text: &str, more: &[&str]| {
        fs::write(&list, text).unwrap();
        let args = ["run", "--task", path(&file), "--train-examples", "2", "-o", path(&out), "--ids", path(&list)];
        failure(&[&args[..], more].concat())
    };
    assert!(wrong("q1000\n", &[]).1.contains("no test example is called `q1000`"));
    assert!(wrong("\n", &[]).1.contains("there are no ids"));
    // The check for several labels is repeated after the choice.
    let (code, message) = wrong("q1\nq2\n", &[]);
    assert!(code == 3 && message.contains("all 2 chosen test examples have the label `sports`"), "{message}");
}

#[test]
fn explicit_prompts_are_sampled_and_named_like_examples() {
    let home = TempDir::new().unwrap();
    let (file, out) = (home.path().join("p.jsonl"), home.path().join("out"));
    let line = |at: usize| {
        let split = if at < 2 { "train" } else { "test" };
        json!({"prompt": format!("It was {at}"), "label": usize::from(at >= 12), "split": split}).to_string() + "\n"
    };
    fs::write(&file, (0..22).map(line).collect::<String>()).unwrap();
    let args = ["run", "--prompts", path(&file), "--labels", " negative| positive", "-o", path(&out), "--json"];
    let meta = json(&partscope(&[&args[..], &["--limit", "6"]].concat()));
    assert_eq!((&meta["examples"], &meta["accuracy"]["majority"]), (&json!({"train": 2, "test": 6}), &json!(0.5)));
    let named = partscope_with_input(&[&args[..], &["--ids", "-"]].concat(), "line-3\nline-22\n");
    assert_eq!(json(&named)["examples"]["test"], 2);
    assert_eq!(ids(&out), ["line-3", "line-22"]);
}

#[test]
fn texts_pass_one_gate() {
    let home = task(&["a 9", "b 9", "c 9", "d 9"]);
    let (file, out) = (home.path().join("task.toml"), home.path().join("out"));
    let (run, weights) = (path(&out), home.path().join("w.json"));
    let made = ["run", "--task", "topic", "--limit", "8", "-o", run];
    stdout(&partscope(&made));
    stdout(&partscope(&["fit", run, "-o", path(&weights)]));
    let classify = |input: &str| {
        let output = partscope_with_input(&["classify", "-w", path(&weights), "-"], input);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, labels, _) = classify("{\"text\": \"a goal\"}\nA soup.\n");
    assert_eq!((code, labels.lines().count()), (0, 2));
    for bad in [
        "{\"text\": null}",
        "{\"text\": \"\"}",
        "{\"text\": \" \\t \"}",
        "{\"text\": {\"x\": 1}}",
        "{\"id\": \"line-1\", \"text\": \"b\"}",
    ] {
        let (code, labels, message) = classify(&format!("fine\n{bad}\n"));
        assert!(code == 3 && labels.is_empty() && message.contains("line 2"), "{bad}: {message}");
    }
    // The same rows in a task, as demonstrations and as prompts.
    for bad in ["null", "\"\"", "\" \"", "{\"x\": 1}"] {
        let rows = format!("{{\"text\": \"e 9\", \"label\": \"food\"}}\n{{\"text\": {bad}, \"label\": \"sports\"}}\n");
        fs::write(home.path().join("test.jsonl"), rows).unwrap();
        let output = partscope(&["tasks", "check", path(&file)]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() == Some(3) && text.contains("test.jsonl, line 2"), "{bad}: {text}");
        fs::write(
            home.path().join("test.jsonl"),
            "{\"text\": \"e 9\", \"label\": \"food\"}\n{\"text\": \"f\", \"label\": 0}\n",
        )
        .unwrap();
        let demos = home.path().join("demos.jsonl");
        fs::write(&demos, format!("{{\"text\": {bad}, \"label\": \"food\"}}")).unwrap();
        let (code, message) = failure(&["run", "--task", path(&file), "--demos", path(&demos), "-o", run]);
        assert!(code == 3 && message.contains("demos.jsonl, line 1"), "{bad}: {message}");
    }
    for bad in ["\"\"", "\" \\n\"", "null", "3"] {
        let prompts = home.path().join("p.jsonl");
        fs::write(&prompts, format!("{{\"prompt\": {bad}, \"label\": 0}}")).unwrap();
        let (code, message) = failure(&["run", "--prompts", path(&prompts), "--labels", " a| b", "-o", run]);
        assert!(code == 3 && message.contains("p.jsonl, line 1"), "{bad}: {message}");
    }
}

#[test]
fn refusals_name_their_option_and_line() {
    let home = task(&["a 9", "b 9"]);
    let (file, out) = (home.path().join("task.toml"), home.path().join("out"));
    let (code, message) = failure(&["run", "--task", path(&file), "--demo-ids", "d0,x", "-o", path(&out)]);
    assert!(code == 3 && message.contains("`--demo-ids`: the pool of `t` has no example `x`"), "{message}");
    fs::write(home.path().join("test.jsonl"), rows([("a".to_owned(), "e", 1), ("b".to_owned(), "f", 1)])).unwrap();
    let text = String::from_utf8(partscope(&["tasks", "check", path(&file)]).stdout).unwrap();
    assert!(text.contains("test.jsonl, line 1: all 2 examples of the test split have the label `food`"), "{text}");
    let help = stdout(&partscope(&["attention", "--help"]));
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("[default: the model of a saved run, or else `demo`]") && !help.contains("[default: demo]"));
}

#[test]
fn ties_and_constant_logits_are_said() {
    let home = TempDir::new().unwrap();
    let (file, out) = (home.path().join("p.jsonl"), home.path().join("out"));
    // The same prompt twice has the same logits.
    let line = |id: &str| json!({"id": id, "prompt": "It was", "label": usize::from(id == "b")}).to_string() + "\n";
    fs::write(&file, line("a") + &line("b")).unwrap();
    let args = ["run", "--prompts", path(&file), "--labels", " negative| positive", "-o", path(&out)];
    let text = stdout(&partscope(&args));
    assert!(text.contains("the model's label logits are the same on all test examples"), "{text}");
    assert!(text.contains("1 test examples repeat the text of another one"), "{text}");
    fs::write(&file, line("b") + &line("b").replace("\"b\"", "\"c\"").replace("was", "is")).unwrap();
    let text = stdout(&partscope(&args));
    assert!(text.contains("all test examples have the same label") && !text.contains("are the same on"), "{text}");
}

#[test]
fn cache_folders_are_expanded_as_in_python() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("out");
    let run = |cache: &str, option: &[&str]| {
        let args = [&["run", "--task", "topic", "--limit", "8", "-o", path(&out)], option].concat();
        let output = command(&args)
            .current_dir(home.path())
            .env("HOME", home.path().join("user"))
            .env("DATA", home.path().join("data"))
            .env("PARTSCOPE_CACHE", cache)
            .output()
            .unwrap();
        stdout(&output);
    };
    run("~/a", &[]);
    run("${DATA}/b", &[]);
    run("off", &["--cache=~/c"]);
    run("off", &["--cache=$DATA/d"]);
    for folder in ["user/a", "data/b", "user/c", "data/d"] {
        assert!(home.path().join(folder).join("entries").is_dir(), "{folder}");
    }
    assert!(!home.path().join("~").exists() && !home.path().join("$DATA").exists());
}

#[test]
fn files_are_what_they_contain() {
    let home = TempDir::new().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gguf/qwen2.gguf");
    let file = |name: &str| home.path().join(name);
    let doctor = |model: &Path| partscope(&["doctor", "-m", path(model), "--json"]);
    let out = file("out");
    let refused = |model: &Path| failure(&["run", "-m", path(model), "--task", "topic", "-o", path(&out)]);
    // A GGUF file has any name.
    fs::copy(golden, file("blob")).unwrap();
    assert!(json(&doctor(&file("blob"))).is_object());
    // A folder that holds only GGUF files lists them, and its advice works.
    let folder = file("folder");
    fs::create_dir(&folder).unwrap();
    fs::copy(golden, folder.join("small.gguf")).unwrap();
    fs::copy(golden, folder.join("unnamed.bin")).unwrap();
    let (code, message) = refused(&folder);
    assert!(code == 3 && message.contains("no config.json, but GGUF models: small.gguf and unnamed.bin"), "{message}");
    let advised = message.trim().rsplit_once("-m ").unwrap().1;
    assert!(json(&doctor(Path::new(advised))).is_object());
    // A Git LFS pointer is called that, wherever it is.
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    fs::write(file("model.gguf"), pointer).unwrap();
    fs::write(file("weights.bin"), pointer).unwrap();
    for name in ["model.gguf", "weights.bin"] {
        let (code, message) = refused(&file(name));
        assert!(code == 3 && message.contains("Git LFS pointer"), "{message}");
    }
    let model = file("hf");
    fs::create_dir(&model).unwrap();
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/model");
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        for own in ["config.json", "tokenizer.json", "model.safetensors"] {
            fs::copy(Path::new(assets).join(own), model.join(own)).unwrap();
        }
        // A file of the folder is not the model; its advice works.
        let (code, message) = refused(&model.join(name));
        assert!(code == 3 && message.contains("is not a GGUF model"), "{message}");
        assert!(json(&doctor(Path::new(message.trim().rsplit_once("-m ").unwrap().1))).is_object());
        fs::write(model.join(name), pointer).unwrap();
        let (code, message) = refused(&model);
        assert!(code == 3 && message.contains(name) && message.contains("Git LFS pointer"), "{message}");
    }
    let home = task_folder(&[("pool.jsonl", pointer.as_bytes())]);
    let text = String::from_utf8(partscope(&["tasks", "check", path(&home.path().join("task.toml"))]).stdout).unwrap();
    assert!(text.contains("pool.jsonl: this is a Git LFS pointer"), "{text}");
}
