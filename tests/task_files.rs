//! User-defined tasks through the real binary: every kind of table, and every error with its position and advice.

mod binary;

use std::{collections::BTreeSet, fs, path::Path};

use binary::{POOL, TASK, json, partscope, stdout, task_folder};
use serde_json::Value;
use tempfile::TempDir;

/// A name, the replaced files, and expected parts of the output.
type Case<'a> = (&'a str, Vec<(&'a str, &'a [u8])>, &'a [&'a str]);

fn check(home: &Path) -> (i32, String) {
    let output = partscope(&["tasks", "check", home.join("task.toml").to_str().unwrap()]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Output of `tasks check` on the valid task with some files replaced.
fn errors(files: &[(&str, &[u8])]) -> String {
    let home = task_folder(files);
    let (code, text) = check(home.path());
    assert_eq!(code, 3, "{text}");
    text
}

#[test]
fn a_valid_task_shows_its_prompts() {
    let (code, text) = check(task_folder(&[]).path());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 pool, 0 dev, 2 test; examples by label 2, 2"), "{text}");
    assert!(text.contains("  | Text: c\n  | Mood:\n  answer: ` bad`"), "{text}");
    assert!(text.contains("  | Text: b\n  | Mood: bad\n") && text.contains("  | Text: a\n  | Mood: good\n"), "{text}");
}

#[test]
fn a_model_counts_and_checks_tokens() {
    let home = task_folder(&[("task.toml", TASK.replace("\" bad\"", "\" dreadfully\"").as_bytes())]);
    let path = home.path().join("task.toml");
    let output = partscope(&["tasks", "check", path.to_str().unwrap(), "-m", "demo"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = "task.toml, line 11, column 15: `template.plain.label_words`: the label word ` dreadfully` is";
    assert!(output.status.code() == Some(3) && text.contains(expected), "{text}");
    let (task, out) = (path.to_str().unwrap(), home.path().join("run"));
    let args = ["run", "--task", task, "--num-fewshot", "2", "--train-examples", "0", "-o", out.to_str().unwrap()];
    let (code, message) = binary::failure(&args);
    assert!(code == 3 && message.contains(expected) && message.contains("--first-token"), "{message}");
    fs::write(&path, TASK).unwrap();
    let report = json(&partscope(&["tasks", "check", path.to_str().unwrap(), "-m", "demo", "--json"]));
    assert!(report["templates"][0]["tokens"].as_u64().unwrap() > 5);
    assert_eq!(report["templates"][0]["label_tokens"].as_array().unwrap().len(), 2);
}

#[test]
fn all_errors_of_a_task_file_are_reported_with_line_and_column() {
    let text = errors(&[(
        "task.toml",
        br#"name = 3
labels = ["bad", "good", "bad"]
colour = "red"

[data]
pool = "pool.jsonl[9:3]"
labl = "x"

[[template]]
name = "plain"
example = "Text: {{ text "
label_words = [" bad", " bad"]
contrast = "nothing"
"#,
    )]);
    for expected in [
        "task.toml, line 1, column 8: `name`: this is integer, not a text",
        "line 2, column 26: `labels`: the label `bad` occurs twice",
        "line 3, column 1: `colour`: there is no such field; the fields here are data, description",
        "line 6, column 8: `data.pool`: `[9:3]` is not a range of rows; write [:2000]",
        "line 7, column 1: `data.labl`: there is no such field",
        "`data.test`: the field is missing",
        "line 11, column 11: `template.plain.example`: ",
        "line 12, column 24: `template.plain.label_words`: the label word ` bad` occurs twice",
        "line 12, column 15: `template.plain.label_words`: 2 label words, but there are 3 labels",
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }
    let text = errors(&[("task.toml", b"name = \nlabels = [\"a\"\n")]);
    assert!(text.contains("task.toml, line 1, column 8: "), "{text}");
}

#[test]
fn every_error_in_data_has_its_position_and_advice() {
    let long = [b"{\"text\": \"".as_slice(), &vec![b'x'; 100 << 20], b"\", \"label\": \"bad\"}\n"].concat();
    let csv = |text: &str| TASK.replace("pool.jsonl", text);
    let utf16: Vec<u8> = POOL.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_csv = csv("pool.csv");
    let endless =
        TASK.replace("{{ text }}", "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
    let unknown_field = TASK.replace("{{ text }}", "{{ txet }}");
    let cases: Vec<Case> = vec![
        (
            "missing column",
            vec![("pool.jsonl", b"{\"text\": \"a\", \"lable\": \"good\"}")],
            &["pool.jsonl, line 1: `label`: there is no such column", "the columns are text and lable"],
        ),
        (
            "unknown label",
            vec![("pool.jsonl", b"{\"text\": \"a\", \"label\": \"good\"}\n{\"text\": \"a\", \"label\": \"fair\"}")],
            &["pool.jsonl, line 2: `label`: `fair` is not a label", "label_values"],
        ),
        (
            "empty field",
            vec![("pool.jsonl", b"{\"text\": \" \", \"label\": \"good\"}")],
            &["pool.jsonl, line 1: `text`: the text is empty", "empty = "],
        ),
        (
            "ragged CSV",
            vec![("task.toml", in_csv.as_bytes()), ("pool.csv", b"text,label\na,good\nb,bad,x\n")],
            &["pool.csv, line 3: the row has 3 columns, but there are 2 column names", "quotes"],
        ),
        (
            "NUL bytes",
            vec![("pool.jsonl", b"{\"text\": \"a\0\", \"label\": \"good\"}")],
            &["pool.jsonl, line 1: there is a NUL byte"],
        ),
        ("UTF-16 without a mark", vec![("pool.jsonl", &utf16)], &["pool.jsonl, line 1: there is a NUL byte", "UTF-8"]),
        (
            "Latin-1",
            vec![("pool.jsonl", b"\n{\"text\": \"caf\xe9\", \"label\": \"good\"}")],
            &["pool.jsonl, line 2: the text is not UTF-8", "save it as UTF-8"],
        ),
        ("100 MB line", vec![("pool.jsonl", &long)], &["pool.jsonl, line 1: the line has 104.9 MB", "line break"]),
        (
            "duplicate ids",
            vec![(
                "test.jsonl",
                b"{\"id\": \"x\", \"text\": \"c\", \"label\": 0}\n{\"id\": \"x\", \"text\": \"d\", \"label\": 1}",
            )],
            &["test.jsonl, line 2: `id`: the id `x` is already used in line 1"],
        ),
        (
            "one class only",
            vec![("test.jsonl", b"{\"text\": \"c\", \"label\": 1}\n{\"text\": \"d\", \"label\": 1}")],
            &["test.jsonl, line 1: all 2 examples of the test split have the label `good`"],
        ),
        (
            "no file",
            vec![("task.toml", csv("nowhere.csv").as_bytes().to_vec().leak())],
            &["nowhere.csv: cannot be read", "[data]"],
        ),
        (
            "missing field in a template",
            vec![("task.toml", unknown_field.as_bytes())],
            &[
                "task.toml, line 10, column 11: `template.plain.example`: the example `pool-1` has no field `txet`",
                "its fields are text",
            ],
        ),
        (
            "field missing in one row",
            vec![("pool.jsonl", b"{\"text\": \"a\", \"label\": 1}\n{\"txet\": \"b\", \"label\": 0}")],
            &[
                "pool.jsonl, line 2: `template.plain.example`: the example `pool-2` has no field `text`; its fields are txet",
            ],
        ),
        (
            "endless template",
            vec![("task.toml", endless.as_bytes())],
            &["task.toml, line 10, column 11: `template.plain.example`: rendering", "check that its loops end"],
        ),
        ("empty file", vec![("pool.jsonl", b"\n")], &["pool.jsonl: the pool has no examples", "is the file empty"]),
        (
            "no JSON",
            vec![("pool.jsonl", b"{\"text\": \"a\", label}")],
            &["pool.jsonl, line 1, column 15: not a JSON object"],
        ),
        (
            "no table",
            vec![("task.toml", csv("task.toml").as_bytes().to_vec().leak())],
            &["`.toml` is not the extension of a table"],
        ),
    ];
    for (name, files, expected) in cases {
        let text = errors(&files);
        for part in expected {
            assert!(text.contains(part), "{name}: {part}\nis not in\n{text}");
        }
    }
}

#[test]
fn a_run_on_bad_data_stops_at_the_first_error_and_keeps_the_old_run() {
    let home = task_folder(&[]);
    let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
    let args = [
        "run",
        "--task",
        task.to_str().unwrap(),
        "--num-fewshot",
        "2",
        "--train-examples",
        "0",
        "-o",
        out.to_str().unwrap(),
    ];
    stdout(&partscope(&args));
    let before = fs::read(out.join("run.json")).unwrap();
    fs::write(home.path().join("test.jsonl"), "{\"text\": \"c\", \"label\": 5}\n{\"text\": \"d\", \"label\": 6}\n")
        .unwrap();
    let (code, message) = binary::failure(&args);
    assert!(code == 3 && message.contains("test.jsonl, line 1") && message.contains("(1 more; "), "{message}");
    assert_eq!(fs::read(out.join("run.json")).unwrap(), before);
}

#[test]
fn tables_in_every_format_give_the_same_run() {
    let home = task_folder(&[]);
    let run = |task: &str| {
        fs::write(home.path().join("task.toml"), task).unwrap();
        let (path, out) = (home.path().join("task.toml"), home.path().join("run"));
        let args = ["run", "--task", path.to_str().unwrap(), "--num-fewshot", "2", "--train-examples", "0"];
        stdout(&partscope(&[&args[..], &["-o", out.to_str().unwrap()]].concat()));
        fs::read(out.join("attribution.safetensors")).unwrap()
    };
    let expected = run(TASK);
    let write = |name: &str, bytes: &[u8]| fs::write(home.path().join(name), bytes).unwrap();
    let utf16 = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
    };
    write("pool.csv", "\u{feff}note,mood,sentence\nx,yes,a\ny,no,b\n".as_bytes());
    write("test.csv", &utf16("note,mood,sentence\r\nx,no,\"c\"\r\ny,yes,d\r\n"));
    write("all.tsv", b"1\ta\n0\tb\n0\tc\n1\td\n");
    let mapped = TASK.replace(".jsonl", ".csv").replace(
        "[data]",
        "[data]\nlabel = \"mood\"\nlabel_values = [\"no\", [\"yes\", \"oui\"]]\nfields = { text = \"sentence\" }",
    );
    assert!(run(&mapped) == expected, "CSV");
    let bare = TASK.replace("pool.jsonl", "all.tsv[:2]").replace("test.jsonl", "all.tsv[2:]");
    assert!(run(&bare.replace("[data]", "[data]\ncolumns = [\"label\", \"text\"]")) == expected, "TSV");
    write("pool.parquet", include_bytes!("golden/tables/pool.parquet"));
    write("test.parquet", include_bytes!("golden/tables/test.parquet"));
    assert!(run(&TASK.replace(".jsonl", ".parquet")) == expected, "Parquet");
}

#[test]
fn zero_shot_tasks_need_no_pool() {
    let home = task_folder(&[("task.toml", TASK.replace("pool = \"pool.jsonl\"\n", "").as_bytes())]);
    let (task, out) = (home.path().join("task.toml"), home.path().join("run"));
    let args = ["run", "--task", task.to_str().unwrap(), "-o", out.to_str().unwrap(), "--json"];
    let meta = json(&partscope(&[&args[..], &["--num-fewshot", "0", "--train-examples", "0"]].concat()));
    assert_eq!((&meta["prompt"]["shots"], &meta["examples"]["test"]), (&0.into(), &2.into()));
}

#[test]
fn the_papers_released_files_can_be_used() {
    let home = TempDir::new().unwrap();
    let words = ["bad", "good"];
    let lines = |names: &str, form: &str, label: fn(usize) -> usize| -> String {
        let line = |(at, name): (usize, char)| {
            let text = form.replace("{}", &format!("{name} soup")) + words[label(at)];
            serde_json::json!({"text": text, "options": words}).to_string() + "\n"
        };
        names.chars().enumerate().map(line).collect()
    };
    for (form, text) in [("0", "Review: {}\nSentiment: "), ("1", "{} It was ")] {
        let write = |name: String, text: String| fs::write(home.path().join(name), text).unwrap();
        let definition = "{\"definition\": \"Judge the soup.\"}\n";
        write(format!("food_test-f{form}.jsonl"), definition.to_owned() + &lines("abcdef", text, |at| at % 2));
        write(format!("food_dev-f{form}-s0.jsonl"), lines("ghijklmn", text, |at| usize::from(at > 1)));
        write(format!("food_dev-f{form}-s7.jsonl"), lines("opqrstuv", text, |at| at % 2));
    }
    let name = home.path().join("food");
    let run = |out: &str, more: &[&str]| {
        let out = home.path().join(out);
        let args = ["run", "--task", name.to_str().unwrap(), "--train-examples", "4", "-o", out.to_str().unwrap()];
        json(&partscope(&[&args[..], &["--json"], more].concat()))
    };
    let meta = run("a", &[]);
    assert_eq!((&meta["task"]["name"], &meta["task"]["template"]), (&"food".into(), &"f0".into()));
    assert_eq!(meta["task"]["label_words"], serde_json::json!([" bad", " good"]));
    let ids = |meta: &Value| -> BTreeSet<String> {
        meta["prompt"]["demo_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let first = ["s0-1", "s0-2", "s0-3", "s0-4"].map(str::to_owned);
    assert_eq!(ids(&meta), first.into(), "the first lines are the demonstrations, whichever labels they have");
    let output = partscope(&["tasks", "check", name.to_str().unwrap(), "--num-fewshot", "4"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("  | Judge the soup.\n  | \n  | Review: "), "{text}");
    assert!(text.contains("Sentiment: good\n  | Review: "), "one line break between demonstrations: {text}");
    let other = run("b", &["--template", "f1", "--demo-seed", "1"]);
    assert!(ids(&other).iter().all(|id| id.starts_with("s7-")));
    fs::write(home.path().join("food_test-f1.jsonl"), "{\"text\": \"x fine\", \"options\": [\"bad\", \"good\"]}\n")
        .unwrap();
    let output = partscope(&["tasks", "check", name.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.code() == Some(3) && text.contains("line 1: the text does not end in one of its options"),
        "{text}"
    );
}
