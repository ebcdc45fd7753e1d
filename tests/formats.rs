//! What the formats of data mean, through the real binary: names of classes, compressed and nested tables, and tasks of
//! the evaluation harness.

mod binary;

use std::{fs, io::Write, path::Path};

use binary::{TASK, command, json, partscope, stdout, task_folder};
use serde_json::Value;
use tempfile::TempDir;

const CLASSES: &[u8] = include_bytes!("golden/tables/classes.parquet");

/// Exit code and output of `tasks check` on the task with these lines of `[data]` and some files.
fn check(task: &str, files: &[(&str, &[u8])]) -> (Option<i32>, String) {
    let home = task_folder(files);
    let path = home.path().join("task.toml");
    fs::write(&path, task).unwrap();
    let output = partscope(&["tasks", "check", path.to_str().unwrap(), "--json"]);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The task with another pool, and with `lines` under `[data]`.
fn task(pool: &str, lines: &str) -> String {
    TASK.replace("pool.jsonl", pool).replace("[data]", &format!("[data]\n{lines}"))
}

/// The table of a run of the task `name` in `home`.
fn run(home: &Path, name: &str, options: &[&str]) -> Vec<u8> {
    let (task, out) = (home.join(name), home.join("run"));
    let args = ["run", "--task", task.to_str().unwrap(), "--train-examples", "0", "-o", out.to_str().unwrap()];
    stdout(&partscope(&[&args[..], options].concat()));
    fs::read(out.join("attribution.safetensors")).unwrap()
}

/// The prompt of the first template with two demonstrations, with the label of each demonstration.
fn prompt(text: &str) -> String {
    let report: Value = serde_json::from_str(text).unwrap();
    report["templates"][0]["prompt"].as_str().unwrap().to_owned()
}

#[test]
fn class_names_of_parquet_decide_what_integers_mean() {
    let test = br#"{"text": "c", "label": 0, "meta": {"label": 0}}
{"text": "d", "label": 1, "meta": {"label": 1}}
"#;
    let files = [("pool.parquet", CLASSES), ("test.jsonl", test)];
    for lines in ["", "label = \"meta.label\"\nfields = { text = \"text\" }"] {
        let (code, text) = check(&task("pool.parquet", lines), &files);
        let expected =
            "the metadata of pool.parquet names the classes 0 good and 1 bad, but `labels` has another order";
        assert!(code == Some(3) && text.contains(expected), "{text}");
        let (code, text) =
            check(&task("pool.parquet", &format!("{lines}\nlabel_values = [[1, \"bad\"], [0, \"good\"]]")), &files);
        assert_eq!(code, Some(0), "{text}");
        let prompt = prompt(&text);
        assert!(prompt.contains("Text: a\nMood: good") && prompt.contains("Text: b\nMood: bad"), "{prompt}");
    }
}

#[test]
fn class_names_of_a_card_and_texts_beside_labels_decide_what_integers_mean() {
    let card =
        b"---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n          \
        '0': good\n          '1': bad\n---\n# Moods\n";
    let numbers: &[u8] = b"text,label\na,0\nb,1\n";
    let with_text: &[u8] = b"text,label,label_text\na,0,good\nb,1,bad\n";
    let mapping = "label_values = [[1, \"bad\"], [0, \"good\"]]";
    for (pool, card, problem) in [
        (numbers, &card[..], "README.md names the classes 0 good and 1 bad, but `labels` has another order"),
        (with_text, b"# Moods\n", "`0` is the label `bad`, but `label_text` is `good`; set `label = "),
    ] {
        let files = [("pool.csv", pool), ("README.md", card)];
        let (code, text) = check(&task("pool.csv", ""), &files);
        assert!(code == Some(3) && text.contains(problem), "{text}");
        let (code, text) = check(&task("pool.csv", mapping), &files);
        assert_eq!(code, Some(0), "{text}");
        assert!(prompt(&text).contains("Text: a\nMood: good"), "{text}");
    }
}

#[test]
fn floats_are_the_integers_that_they_equal() {
    let (code, text) = check(&task("pool.csv", ""), &[("pool.csv", b"text,label\na,1.0\nb,0.0\n")]);
    assert!(code == Some(0) && prompt(&text).contains("Text: a\nMood: good"), "{text}");
}

#[test]
fn numbers_are_not_positions_among_labels_that_are_numbers() {
    let stars = task("pool.jsonl", "").replace("labels = [\"bad\", \"good\"]", "labels = [1, 2]");
    let (code, text) =
        check(&stars, &[("pool.jsonl", b"{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\", \"label\": 1}\n")]);
    assert!(code == Some(3) && text.contains("`0` is not a label; the labels are 1 and 2"), "{text}");
}

#[test]
fn compressed_tables_give_the_same_run() {
    let home = task_folder(&[]);
    let expected = run(home.path(), "task.toml", &["--num-fewshot", "2"]);
    for name in ["pool.jsonl", "test.jsonl"] {
        let bytes = fs::read(home.path().join(name)).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&bytes).unwrap();
        fs::write(home.path().join(format!("{name}.gz")), gzip.finish().unwrap()).unwrap();
        fs::write(home.path().join(format!("{name}.zst")), zstd::encode_all(&bytes[..], 3).unwrap()).unwrap();
    }
    for ending in [".jsonl.gz", ".jsonl.zst"] {
        fs::write(home.path().join("task.toml"), TASK.replace(".jsonl", ending)).unwrap();
        assert!(run(home.path(), "task.toml", &["--num-fewshot", "2"]) == expected, "{ending}");
        let ids = fs::read_to_string(home.path().join("run/run.json")).unwrap();
        assert!(ids.contains("\"pool-1\""), "ids do not depend on the compression");
    }
    for (codec, bytes) in [
        ("brotli", &include_bytes!("golden/tables/brotli.parquet")[..]),
        ("lz4", include_bytes!("golden/tables/lz4.parquet")),
    ] {
        fs::write(home.path().join("pool.parquet"), bytes).unwrap();
        fs::write(home.path().join("task.toml"), TASK.replace("pool.jsonl", "pool.parquet")).unwrap();
        assert!(run(home.path(), "task.toml", &["--num-fewshot", "2"]) == expected, "{codec}");
    }
}

#[test]
fn a_bomb_is_refused() {
    let bomb = zstd::encode_all(&vec![b'\n'; 8 << 20][..], 3).unwrap();
    assert!(bomb.len() < 2000);
    let home = task_folder(&[("pool.jsonl.zst", &bomb)]);
    let path = home.path().join("task.toml");
    fs::write(&path, task("pool.jsonl.zst", "")).unwrap();
    let output =
        command(&["tasks", "check", path.to_str().unwrap()]).env("PARTSCOPE_MAX_DATA", "8MB").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected =
        "compressed bytes decode to more than 4 MB; if you trust the file, raise the limit: PARTSCOPE_MAX_DATA";
    assert!(output.status.code() == Some(3) && text.contains(expected), "{text}");
}

#[test]
fn prompts_name_their_label_by_index_or_word() {
    let home = TempDir::new().unwrap();
    let table = |lines: &str| {
        let (path, out) = (home.path().join("prompts.jsonl.gz"), home.path().join("run"));
        let mut gzip = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::default());
        gzip.write_all(lines.as_bytes()).unwrap();
        gzip.finish().unwrap();
        let args =
            ["run", "--prompts", path.to_str().unwrap(), "--labels", " sports| food", "-o", out.to_str().unwrap()];
        stdout(&partscope(&args));
        fs::read(out.join("attribution.safetensors")).unwrap()
    };
    let by_index = table("{\"prompt\": \"Topic:\", \"label\": 1}\n{\"prompt\": \"A Topic:\", \"label\": 0.0}\n");
    let by_word =
        table("{\"prompt\": \"Topic:\", \"label\": \"food\"}\n{\"prompt\": \"A Topic:\", \"label\": \" sports\"}\n");
    assert!(by_index == by_word);
}

/// The task of [`TASK`] for the evaluation harness.
const HARNESS: &str = r#"task: mood
dataset_path: json
dataset_kwargs: {data_files: {train: pool.jsonl, test: [test.jsonl]}}
output_type: multiple_choice
training_split: train
test_split: test
doc_to_text: "Text: {{ text }}\nMood:"
doc_to_target: label
doc_to_choice: [bad, good]
metric_list: [{metric: acc}]
"#;

#[test]
fn task_files_of_the_evaluation_harness_give_the_same_run() {
    let home = task_folder(&[("mood.yaml", HARNESS.as_bytes())]);
    let expected = run(home.path(), "task.toml", &["--num-fewshot", "2"]);
    assert!(run(home.path(), "mood.yaml", &["--num-fewshot", "2"]) == expected);
    let own = "include: mood.yaml\ntask: other\ndoc_to_target: \"{{ label }}\"\n";
    fs::write(home.path().join("other.yml"), own).unwrap();
    assert!(run(home.path(), "other.yml", &["--num-fewshot", "2"]) == expected);
    for (from, to, expected) in [
        (
            "doc_to_text: \"Text: {{ text }}\\nMood:\"",
            "doc_to_text: !function utils.text",
            "`doc_to_text`: it is not a text",
        ),
        ("multiple_choice", "generate_until", "`output_type`: the task is not multiple-choice"),
        ("[bad, good]", "\"{{ choices }}\"", "`doc_to_choice`: the choices are not a list"),
        ("[bad, good]", "[2, 1]", "`doc_to_choice`: choices are numbers"),
        (
            "doc_to_target: label",
            "doc_to_target: \"{{ labels.index(label) }}\"",
            "`doc_to_target`: `{{ labels.index(label) }}`",
        ),
        ("metric_list", "process_docs: !function utils.f\nmetric_list", "`process_docs`: this key is not understood"),
        ("task: mood", "task: [", "mood.yaml, line "),
    ] {
        fs::write(home.path().join("mood.yaml"), HARNESS.replace(from, to)).unwrap();
        let path = home.path().join("mood.yaml");
        let output = partscope(&["tasks", "check", path.to_str().unwrap()]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() == Some(3) && text.contains(expected), "{to}: {text}");
    }
}

#[test]
fn sample_logs_of_the_evaluation_harness_give_the_same_run() {
    let home = task_folder(&[]);
    let expected = run(home.path(), "task.toml", &["--num-fewshot", "0"]);
    let line = |id: usize, text: &str, target: &str| {
        let ask = |word: &str| serde_json::json!({"arg_0": format!("Text: {text}\nMood:"), "arg_1": word});
        serde_json::json!({
            "doc_id": id, "doc": {"text": text}, "target": target, "filter": "none", "acc": 1.0,
            "arguments": {"gen_args_0": ask(" bad"), "gen_args_1": ask(" good")},
        })
        .to_string()
            + "\n"
    };
    let log = line(1, "c", "0") + &line(2, "d", "good");
    let name = "samples_mood_2024-11-05T12-33-12.123456.jsonl";
    let write = |log: &str| fs::write(home.path().join(name), log).unwrap();
    write(&log);
    assert!(run(home.path(), name, &["--num-fewshot", "0"]) == expected);
    let meta: Value = serde_json::from_slice(&fs::read(home.path().join("run/run.json")).unwrap()).unwrap();
    assert_eq!((&meta["task"]["name"], &meta["task"]["template"]), (&"mood".into(), &"harness".into()));
    let again = log.replace("\"none\"", "\"strict\"");
    write(&(log.clone() + &again));
    assert!(run(home.path(), name, &["--num-fewshot", "0"]) == expected, "the results of a second filter");
    for (log, expected) in [
        (log.clone() + &log, "the example `1` occurs twice"),
        (
            log.replace(" good\"", " fine\"").replace("\"good\"", "\"fine\"") + &log,
            "line 3: `arguments`: the choices are",
        ),
        (log.replace("\"good\"", "\"fair\""), "line 2: `target`: `fair` is not one of the choices"),
        ("{\"doc_id\": 0}\n".to_owned(), "line 1, column 13: not a line of a sample log: missing field `arguments`"),
        (log.replace("\"arg_1\":\" bad\"", "\"arg_1\":{\"until\":[]}"), "only multiple-choice tasks can be used"),
    ] {
        write(&log);
        let path = home.path().join(name);
        let output = partscope(&["tasks", "check", path.to_str().unwrap()]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() == Some(3) && text.contains(expected), "{expected} is not in {text}");
    }
}

#[test]
fn tasks_of_the_hub_are_listed_with_those_of_staicc() {
    let listing = json(&partscope(&["tasks", "--json"]));
    let names: Vec<&str> =
        listing["hub_tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("staicc-")).count(), 10, "{names:?}");
}
