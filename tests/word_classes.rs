//! Several label words per class through the real binary: numbers are computed again from the stored columns of words.

mod binary;

use std::{fs, path::Path};

use binary::{json, partscope, stdout, unchecked};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use tempfile::TempDir;

const WORDS: [&str; 6] = [" negative", " yes", " no", " false", " positive", " true"];
const OF_WORD: [usize; 6] = [0, 1, 0, 0, 1, 1];

/// A folder with the demo's sentiment task, whose template has these lines.
fn sentiment(lines: &str) -> TempDir {
    let home = TempDir::new().unwrap();
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/tasks");
    for name in ["sentiment.pool.jsonl", "sentiment.test.jsonl"] {
        fs::copy(Path::new(assets).join(name), home.path().join(name)).unwrap();
    }
    let task = format!(
        "name = \"sentiment\"\nlabels = [\"negative\", \"positive\"]\n[data]\npool = \"sentiment.pool.jsonl\"\n\
         test = \"sentiment.test.jsonl\"\n[[template]]\nname = \"review\"\n\
         example = \"Review: {{{{ text }}}}\\nSentiment:\"\n{lines}\n"
    );
    fs::write(home.path().join("task.toml"), task).unwrap();
    home
}

fn several(rule: &str) -> TempDir {
    let names = OF_WORD.map(|class| ["negative", "positive"][class]);
    sentiment(&format!("label_words = {WORDS:?}\nword_classes = {names:?}\nclass_logit = \"{rule}\""))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Makes a run of the task in `home`; returns its folder and run.json.
fn run(home: &TempDir) -> (String, Value) {
    let (task, out) = (home.path().join("task.toml"), home.path().join("out"));
    let args = ["run", "--task", text(&task), "--limit", "40", "-o", text(&out), "--with-hidden", "--json"];
    let meta = json(&partscope(&args));
    (text(&out).to_owned(), meta)
}

/// The tables of the test split, by word.
struct Words {
    heads: Vec<f32>,
    mlps: Vec<f32>,
    rest: Vec<f32>,
    full: Vec<f32>,
    gold: Vec<usize>,
}

impl Words {
    fn read(run: &str) -> Self {
        let bytes = fs::read(Path::new(run).join("attribution.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let floats = |name: &str| -> Vec<f32> {
            let tensor = tensors.tensor(name).unwrap();
            tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        assert_eq!(tensors.tensor("test.heads").unwrap().shape(), [8, 8, 40, 6]);
        let gold = tensors.tensor("test.labels").unwrap().data().as_chunks::<8>().0.to_vec();
        Self {
            heads: floats("test.heads"),
            mlps: floats("test.mlps"),
            rest: floats("test.rest"),
            full: floats("test.full"),
            gold: gold.into_iter().map(|bytes| i64::from_le_bytes(bytes) as usize).collect(),
        }
    }

    /// Contributions of a component, `[N, 6]`.
    fn component(&self, name: &str) -> Vec<f64> {
        let (layer, part) = name[1..].split_once('.').unwrap();
        let (layer, size): (usize, _) = (layer.parse().unwrap(), 40 * 6);
        let (values, at) = match part.strip_prefix('H') {
            Some(head) => (&self.heads, layer * 8 + head.parse::<usize>().unwrap()),
            None => (&self.mlps, layer),
        };
        values[at * size..(at + 1) * size].iter().copied().map(f64::from).collect()
    }

    /// Share of right predictions of word logits, after `offsets` of the classes.
    fn accuracy(&self, words: &[f64], rule: &str, offsets: [f64; 2]) -> f64 {
        let hit = |(row, gold): (&[f64], &usize)| {
            let classes = [0, 1].map(|class| {
                let own = row.iter().zip(OF_WORD).filter(|(_, of)| *of == class).map(|(value, _)| *value);
                offsets[class]
                    + match rule {
                        "max" => own.fold(f64::NEG_INFINITY, f64::max),
                        "sum" => own.sum(),
                        _ => own.sum::<f64>() / 3.0,
                    }
            });
            usize::from(usize::from(classes[1] > classes[0]) == *gold)
        };
        words.chunks_exact(6).zip(&self.gold).map(hit).sum::<usize>() as f64 / 40.0
    }

    fn mixed(&self, weights: &Value) -> Vec<f64> {
        let rest = weights["rest"].as_f64().unwrap();
        let mut sum: Vec<f64> = self.rest.iter().map(|&value| rest * f64::from(value)).collect();
        for (name, weight) in weights["weights"].as_object().unwrap() {
            let values = self.component(name);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight.as_f64().unwrap() * value);
        }
        sum
    }
}

fn close(a: &Value, b: f64) {
    assert!((a.as_f64().unwrap() - b).abs() < 1e-9, "{a} {b}");
}

#[test]
fn every_command_reads_classes_of_added_words() {
    for rule in ["max", "sum", "mean"] {
        let home = several(rule);
        let (out, meta) = run(&home);
        let expected = json!({"classes": ["negative", "positive"], "of_word": OF_WORD, "class_logit": rule});
        assert_eq!((&meta["task"]["word_classes"], &meta["task"]["label_words"]), (&expected, &json!(WORDS)));
        assert!(meta["exactness"]["max_rel"].as_f64().unwrap() <= 1e-4);
        let words = Words::read(&out);
        let as_f64 = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
        let full = words.accuracy(&as_f64(&words.full), rule, [0.0; 2]);
        close(&meta["accuracy"]["full"], full);
        close(&meta["accuracy"]["chance"], 0.5);
        let examples = fs::read_to_string(Path::new(&out).join("examples.jsonl")).unwrap();
        let first: Value = serde_json::from_str(examples.lines().next().unwrap()).unwrap();
        assert_eq!(first["logits"].as_array().unwrap().len(), 6);
        assert!(meta["prompt"]["demos"].as_array().unwrap().len() == 4);

        let stats = json(&partscope(&["components", &out, "--json"]));
        let components = stats["components"].as_array().unwrap();
        assert_eq!(components.len(), 72);
        for stats in components {
            let values = words.component(stats["name"].as_str().unwrap());
            close(&stats["accuracy"], words.accuracy(&values, rule, [0.0; 2]));
            assert_eq!(stats["predicted"].as_array().unwrap().len(), 2);
        }

        let weights = home.path().join("weights.json");
        let fit = json(&partscope(&["fit", &out, "--with-model", "--json", "-o", text(&weights)]));
        let offsets: Vec<f64> = serde_json::from_value(fit["offsets"].clone()).unwrap();
        let mixed = words.accuracy(&words.mixed(&fit), rule, [offsets[0], offsets[1]]);
        close(&fit["accuracy"]["partscope"], mixed);
        close(&fit["accuracy"]["standard"], full);
        for method in ["contextual", "domain", "linc", "looc", "loo_partscope", "hidden_logistic", "sav", "vote"] {
            assert!(fit["accuracy"][method].is_f64(), "{method}");
        }
        let file: Value = serde_json::from_slice(&fs::read(&weights).unwrap()).unwrap();
        assert_eq!(file["word_classes"], expected);

        let ablated = json(&partscope(&["ablate", &out, "--mix", text(&weights), "--json"]));
        close(&ablated["accuracy"]["model"], full);
        close(&ablated["accuracy"]["direct"], mixed);
        let unchanged = json(&partscope(&["ablate", &out, "--set", "L0.H0=1", "--json"]));
        close(&unchanged["accuracy"]["total"], full);
        assert_eq!((&unchanged["reacted"], &unchanged["flipped"]), (&json!([]), &json!([])));

        let texts: String =
            examples.lines().filter(|line| line.contains("\"split\":\"test\"")).fold(String::new(), |texts, line| {
                let example: Value = serde_json::from_str(line).unwrap();
                texts + &json!({"id": example["id"], "text": example["text"]}).to_string() + "\n"
            });
        let file = home.path().join("texts.jsonl");
        fs::write(&file, texts).unwrap();
        let labelled = stdout(&partscope(&["classify", "-w", text(&weights), text(&file)]));
        let right = labelled.lines().zip(&words.gold).filter(|(line, gold)| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["logits"].as_array().unwrap().len(), 2);
            line["label"] == ["negative", "positive"][**gold]
        });
        assert!((right.count() as f64 / 40.0 - mixed).abs() < 1e-9);

        let compared = json(&partscope(&["compare", &out, &out, "--json"]));
        close(&compared["accuracy"][0], full);
        let report = home.path().join("report");
        stdout(&partscope(&["report", &out, "-o", text(&report)]));
        let table = fs::read_to_string(report.join("tables/examples.csv")).unwrap();
        assert!(table.contains(",negative,") && !table.contains(",yes,"), "{}", table.lines().nth(1).unwrap());
    }
}

#[test]
fn the_first_word_of_a_class_stands_in_demonstrations() {
    let home = several("max");
    let task = home.path().join("task.toml");
    let report = json(&partscope(&["tasks", "check", text(&task), "--num-fewshot", "4", "-m", "demo", "--json"]));
    let template = &report["templates"][0];
    let prompt = template["prompt"].as_str().unwrap();
    assert_eq!((prompt.matches("Sentiment: negative").count(), prompt.matches("Sentiment: yes").count()), (2, 2));
    assert_eq!(template["label_tokens"].as_array().unwrap().len(), 6);
    let page = stdout(&partscope(&["tasks", "check", text(&task)]));
    assert!(page.contains("negative: ` negative` ` no` ` false`, positive: ` yes` ` positive` ` true`"), "{page}");
    assert!(page.contains("the logit of a class is the max of its words"), "{page}");
}

#[test]
fn one_word_a_class_gives_the_same_bytes_with_and_without_classes() {
    let words = "label_words = [\" negative\", \" positive\"]\n";
    let plain = run(&sentiment(words));
    let (home, other) = (sentiment(words), sentiment(&format!("{words}word_classes = [0, 1]\nclass_logit = \"max\"")));
    let (a, b) = (run(&home), run(&other));
    for name in ["attribution.safetensors", "examples.jsonl"] {
        let read = |folder: &str| fs::read(Path::new(folder).join(name)).unwrap();
        assert_eq!(read(&a.0), read(&b.0), "{name}");
    }
    let without_time = |(_, mut meta): (String, Value)| {
        for key in ["timing", "checksum", "request"] {
            meta.as_object_mut().unwrap().remove(key);
        }
        meta
    };
    let (plain, a, b) = (without_time(plain), without_time(a), without_time(b));
    assert_eq!((&plain, &plain), (&a, &b));
    assert!(plain["task"].get("word_classes").is_none());
}

#[test]
fn mistakes_in_classes_are_named() {
    let words = format!("label_words = {WORDS:?}\n");
    for (lines, expected) in [
        (words.clone(), "6 label words, but there are 2 labels; write one per label"),
        (format!("{words}word_classes = [0, 1]\nclass_logit = \"max\""), "word_classes`: 2 labels for 6 label words"),
        (format!("{words}word_classes = {OF_WORD:?}"), "class_logit`: a label has several label words"),
        (format!("{words}word_classes = {OF_WORD:?}\nclass_logit = \"best\""), "`best` is not a rule"),
        (
            format!("{words}word_classes = [0, 0, 0, 0, 0, 0]\nclass_logit = \"max\""),
            "word_classes`: the class `positive` has no label word",
        ),
        (
            format!("{words}word_classes = [0, 0, 0, 0, 1, 1]\nclass_logit = \"sum\""),
            "a sum over 4 and 2 label words would favour a class by their number; use `max` or `mean`",
        ),
        (
            format!("{words}word_classes = [\"negative\", \"happy\", 0, 0, 1, 1]\nclass_logit = \"max\""),
            "`happy` is not a label; the labels are negative and positive",
        ),
        ("label_words = [\" no\", \" yes\"]\nclass_logit = \"max\"".to_owned(), "no label has several label words"),
        (
            "label_words = [[\" no\", \" false\"], [\" yes\", \" true\"]]".to_owned(),
            "this is array, not a text; write all words in one list, and the label of each in `word_classes`",
        ),
    ] {
        let home = sentiment(&lines);
        let output = partscope(&["tasks", "check", text(&home.path().join("task.toml"))]);
        let page = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.code() == Some(3) && page.contains(expected), "{expected}\n{page}");
        let line = |line| page.contains(&format!("task.toml, line {line}"));
        assert!([9, 10, 11].into_iter().any(line), "{page}");
    }
}

#[test]
fn weights_of_other_classes_are_refused() {
    let home = several("max");
    let (out, _) = run(&home);
    let weights = home.path().join("weights.json");
    stdout(&partscope(&["fit", &out, "-o", text(&weights)]));
    let mut file: Value = serde_json::from_slice(&fs::read(&weights).unwrap()).unwrap();
    file.as_object_mut().unwrap().remove("origin_checksum");
    file["word_classes"]["class_logit"] = "mean".into();
    fs::write(&weights, file.to_string()).unwrap();
    let refused = |expected: &str| {
        let output = partscope(&["ablate", &out, "--mix", text(&weights)]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(3) && message.contains(expected), "{message}");
    };
    refused("other classes of the label words, or another `class_logit`");
    file.as_object_mut().unwrap().remove("word_classes");
    fs::write(&weights, file.to_string()).unwrap();
    refused("2 offsets for 6 label words");
}

#[test]
fn a_run_with_other_classes_than_its_tables_is_refused() {
    let home = several("max");
    let (out, _) = run(&home);
    let file = Path::new(&out).join("run.json");
    let meta = unchecked(serde_json::from_slice(&fs::read(&file).unwrap()).unwrap());
    for (change, expected) in [
        (
            json!({"classes": ["a", "b"], "of_word": [0, 1], "class_logit": "max"}),
            "classes of 2 words for 6 label words",
        ),
        (json!({"classes": ["a", "b"], "of_word": [0, 0, 0, 0, 0, 0], "class_logit": "max"}), "`b` has no label word"),
        (json!({"classes": ["a", "b"], "of_word": [1, 0, 1, 1, 0, 0], "class_logit": "max"}), "the prediction is"),
        (json!(null), "accuracy"),
    ] {
        let mut changed = meta.clone();
        changed["task"]["word_classes"] = change;
        fs::write(&file, changed.to_string()).unwrap();
        let output = partscope(&["components", &out]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3), "{message}");
        assert!(message.contains(expected) || expected == "accuracy", "{expected}: {message}");
    }
}

#[test]
fn explicit_prompts_have_classes_too() {
    let home = TempDir::new().unwrap();
    let (file, out) = (home.path().join("p.jsonl"), home.path().join("out"));
    let lines = ["\"positive\"", "1", "\" no\""].into_iter().enumerate();
    let lines =
        lines.map(|(at, label)| format!("{{\"prompt\": \"Review: day {at}\\nSentiment:\", \"label\": {label}}}\n"));
    fs::write(&file, lines.collect::<String>()).unwrap();
    let words = WORDS.join("|");
    let classes = OF_WORD.map(|class| ["negative", "positive"][class]).join(",");
    let run = |more: &[&str]| {
        let args = ["run", "--prompts", text(&file), "--labels", &words, "-o", text(&out), "--json"];
        partscope(&[&args[..], more].concat())
    };
    let meta = json(&run(&["--word-classes", &classes, "--class-logit", "mean"]));
    let expected = json!({"classes": ["negative", "positive"], "of_word": OF_WORD, "class_logit": "mean"});
    assert_eq!(meta["task"]["word_classes"], expected);
    close(&meta["accuracy"]["chance"], 0.5);
    let gold: Vec<Value> = fs::read_to_string(out.join("examples.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["gold"].clone())
        .collect();
    assert_eq!(gold, [1, 1, 0]);
    stdout(&partscope(&["ablate", text(&out), "--set", "L0.H0=0"]));
    let refused = run(&["--word-classes", &classes]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && message.contains("--class-logit"), "{message}");
}
