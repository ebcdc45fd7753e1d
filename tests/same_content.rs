//! Prompts are compared by what they show, and weights belong to the template that they were fitted with.

mod binary;

use std::{fs, path::Path};

use binary::{command, failure, partscope, partscope_with_input, stdout, task_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A task whose template is `example`; texts are in the field `text` of the column `meta`, beside the number of the row.
fn nested(example: &str, test: &[&str]) -> TempDir {
    let pool = ["The match was won", "The soup was superb", "A striker scored", "A cake with cream"];
    let rows = |texts: &[&str], first: usize| -> String {
        let line = |(at, text): (usize, &&str)| {
            let (row, label) = (first + at, ["sports", "food"][at % 2]);
            json!({"id": format!("r{row}"), "meta": {"text": text, "row": row}, "label": label}).to_string() + "\n"
        };
        texts.iter().enumerate().map(line).collect()
    };
    let task = format!(
        "name = \"t\"\nlabels = [\"sports\", \"food\"]\n[data]\npool = \"pool.jsonl\"\ntest = \"test.jsonl\"\n[[template]]\n\
         name = \"a\"\nexample = '''{example}'''\nlabel_words = [\" sports\", \" food\"]\n"
    );
    let files = [("pool.jsonl", rows(&pool, 0)), ("test.jsonl", rows(test, 100)), ("task.toml", task)];
    task_folder(&files.each_ref().map(|(name, text)| (*name, text.as_bytes())))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_leak_is_found_whatever_the_rest_of_the_column_is() {
    for (example, text) in [
        ("Article: {{ meta.text }}. Topic:", "The  match was won"),
        ("Article: {{ meta.text[:9] }}. Topic:", "The match was lost"),
    ] {
        let home = nested(example, &[text, "A cake was eaten"]);
        let (file, out) = (home.path().join("task.toml"), home.path().join("out"));
        let (code, message) =
            failure(&["run", "--task", path(&file), "--demo-ids", "r0,r1", "--train-examples", "2", "-o", path(&out)]);
        assert!(code == 3 && message.contains("r100 (r0)") && !message.contains("r101"), "{example}: {message}");
        assert!(stdout(&partscope(&["tasks", "check", path(&file)])).contains("r100 (r0)"), "{example}");
    }
}

/// A run of the demo's task `topic`, and the weights fitted on it.
fn fitted(home: &Path, task: &str, more: &[&str]) -> String {
    let (out, weights) = (home.join("out"), home.join("w.json"));
    let run = ["run", "--task", task, "--num-fewshot", "2", "--train-examples", "2", "-o", path(&out)];
    stdout(&partscope(&[&run[..], more].concat()));
    stdout(&partscope(&["fit", path(&out), "-o", path(&weights)]));
    path(&weights).to_owned()
}

#[test]
fn weights_are_refused_once_their_template_has_changed() {
    let home = nested("Article: {{ meta.text }}. Topic:", &["A goal was scored", "A soup was eaten"]);
    let file = home.path().join("task.toml");
    let weights = fitted(home.path(), path(&file), &[]);
    let input = "{\"meta\": {\"text\": \"A goal\", \"row\": 1}}\n";
    let classify = || partscope_with_input(&["classify", "-w", &weights, "-"], input);
    assert_eq!(classify().status.code(), Some(0));
    let text = fs::read_to_string(&file).unwrap();
    for (from, to) in [("Article: ", "Text: "), ("label_words", "separator = \"; \"\nlabel_words")] {
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let output = classify();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && message.contains("template `a` has changed"), "{message}");
    }
}

#[test]
fn every_text_that_is_classified_has_a_line_of_json() {
    let home = nested("Article: {{ meta.text }}. Topic:", &["A goal was scored", "A soup was eaten"]);
    let file = home.path().join("task.toml");
    let weights = fitted(home.path(), path(&file), &["--on-overflow", "skip"]);
    let line = |id: &str, text: &str| json!({"id": id, "meta": {"text": text, "row": 0}}).to_string() + "\n";
    let ids = ["a\u{200b}b", "x\u{7f}y"];
    let input: String = ids.iter().map(|id| line(id, "A goal")).collect();
    let labelled = stdout(&partscope_with_input(&["classify", "-w", &weights, "-"], &input));
    let found: Vec<Value> = labelled.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    // A text that does not fit is an error, not a missing line.
    let long = "A goal was scored. ".repeat(2000);
    let output = partscope_with_input(&["classify", "-w", &weights, "-"], &(input + &line("long", &long)));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && output.stdout.is_empty() && message.contains("long"), "{message}");
}

#[test]
fn empty_demonstrations_are_refused_by_the_template_that_shows_them() {
    let home = TempDir::new().unwrap();
    let demos = home.path().join("demos.jsonl");
    let shown = |text: &str, label: &str| json!({"text": text, "label": label}).to_string() + "\n";
    fs::write(&demos, shown("A goal was scored", "sports") + &shown("  ", "food")).unwrap();
    let out = home.path().join("out");
    let (code, message) = failure(&[
        "run",
        "--task",
        "topic",
        "--demos",
        path(&demos),
        "--train-examples",
        "4",
        "--limit",
        "8",
        "-o",
        path(&out),
    ]);
    assert!(code == 3 && message.contains("`text`") && message.contains("empty"), "{message}");
}

#[test]
fn a_choice_of_prompts_with_one_label_is_refused() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("p.jsonl");
    let prompt = |(at, label): (usize, usize)| {
        json!({"prompt": format!("Article: {at}\nTopic:"), "label": label, "id": format!("p{at}")}).to_string() + "\n"
    };
    fs::write(&file, [0, 0, 0, 1].into_iter().enumerate().map(prompt).collect::<String>()).unwrap();
    let ids = home.path().join("ids");
    fs::write(&ids, "p0\np1\n").unwrap();
    let out = home.path().join("out");
    let run = ["run", "--prompts", path(&file), "--labels", " sports| food", "-o", path(&out)];
    let (code, message) = failure(&[&run[..], &["--ids", path(&ids)]].concat());
    assert!(code == 3 && message.contains("all 2 chosen prompts have the label 0"), "{message}");
    fs::write(&ids, "p0\np3\n").unwrap();
    stdout(&partscope(&[&run[..], &["--ids", path(&ids)]].concat()));
}

#[test]
fn an_experiment_on_an_entry_of_the_store_does_not_damage_it() {
    let home = TempDir::new().unwrap();
    let (cache, out) = (home.path().join("cache"), home.path().join("out"));
    let binary = |args: &[&str]| command(args).env("PARTSCOPE_CACHE", &cache).output().unwrap();
    let run = ["run", "--task", "sentiment", "--limit", "8", "-o", path(&out)];
    stdout(&binary(&run));
    let entry = fs::read_dir(cache.join("entries")).unwrap().next().unwrap().unwrap().path();
    stdout(&binary(&["ablate", path(&entry), "--set", "L0.H1=0"]));
    let verified = stdout(&binary(&["cache", "verify"]));
    assert!(verified.contains("0 damaged"), "{verified}");
    let again = binary(&run);
    assert!(!String::from_utf8_lossy(&again.stderr).contains("damaged"));
    assert!(entry.join("run.json").is_file());
}

#[test]
fn a_template_and_seed_named_twice_are_refused() {
    let out = TempDir::new().unwrap();
    let run = ["run", "--task", "sentiment", "--limit", "4", "-o", path(out.path())];
    for more in [["--template", "review,review"], ["--demo-seeds", "0,0"]] {
        let (code, message) = failure(&[&run[..], &more].concat());
        assert!(code == 3 && message.contains("named twice"), "{message}");
    }
    assert_eq!(partscope(&["run", "--task", "sentiment", "--sample-seed", "3", "-o", "x"]).status.code(), Some(2));
}
