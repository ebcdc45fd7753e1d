//! Token ids are made once and kept with the run: prompts of chat templates, prompts that hold their special tokens,
//! and runs of older versions, which keep no ids.

mod binary;

use std::{fs, path::Path};

use binary::{failure, json, partscope, stdout, task_folder, unchecked};
use serde_json::{Value, json};
use tempfile::TempDir;

const LABELS: [&str; 2] = ["sports", "food"];

const BOS: &str = "<|begin|>";

/// A chat template that writes its own beginning-of-text token and trims the texts.
const CHAT: &str = "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] | trim }}\n{% endfor \
                    %}{% if add_generation_prompt %}<assistant>{% endif %}";

/// A folder with the demo model and a chat template.
fn chat_model() -> TempDir {
    let home = TempDir::new().unwrap();
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/model");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(Path::new(assets).join(file), home.path().join(file)).unwrap();
    }
    let config = json!({"bos_token": BOS, "chat_template": CHAT});
    fs::write(home.path().join("tokenizer_config.json"), config.to_string()).unwrap();
    home
}

/// A task whose label words are single tokens of the demo model without a space, and whose texts contain one another.
fn chat_task() -> TempDir {
    let task = "name = \"t\"\nlabels = [\"sports\", \"food\"]\n[data]\npool = \"pool.jsonl\"\ntest = \"test.jsonl\"\n\
                [[template]]\nname = \"a\"\nexample = \"Article: {{ text }}\\nTopic:\"\n\
                label_words = [\"A\", \"B\"]\ninstruction = \"Decide: A or B.\\n\"\n";
    let rows = |texts: [&str; 4]| -> String {
        let line = |(at, text): (usize, &&str)| json!({"text": text, "label": LABELS[at % 2]}).to_string() + "\n";
        texts.iter().enumerate().map(line).collect()
    };
    let pool = rows(["A goal.", "A soup.", "The goal was late.", "The soup was cold."]);
    let test = rows(["goal", "A soup. A soup.", "The keeper.", "The cook."]);
    task_folder(&[("task.toml", task.as_bytes()), ("pool.jsonl", pool.as_bytes()), ("test.jsonl", test.as_bytes())])
}

fn examples(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("examples.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Makes a run of the chat task; returns its folder inside of `home`, and run.json.
fn chat_run(home: &Path, model: &Path, task: &Path) -> (String, Value) {
    let out = home.join("out");
    let args =
        ["run", "-m", path(model), "--chat", "--task", path(task), "--num-fewshot", "2", "--train-examples", "2"];
    let meta = json(&partscope(&[&args[..], &["-o", path(&out), "--json"]].concat()));
    (path(&out).to_owned(), meta)
}

#[test]
fn the_weights_of_a_chat_prompt_belong_to_its_tokens() {
    let (home, model, task) = (TempDir::new().unwrap(), chat_model(), chat_task());
    let (out, meta) = chat_run(home.path(), model.path(), &task.path().join("task.toml"));
    let attention = json(&partscope(&["attention", &out, "-m", path(model.path()), "--head", "L6.H2", "--json"]));
    let tokens = attention["example"]["tokens"].as_array().unwrap();
    let prompt: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert!(
        prompt.starts_with("<|begin|><user> Decide: A or B.\nArticle: ") && prompt.ends_with("<assistant>"),
        "{prompt}"
    );
    assert_eq!(prompt.matches(BOS).count(), 1);
    // The parts are those of the template, although the query `goal` also occurs in a demonstration.
    let part = |name: Value| -> String {
        tokens.iter().filter(|token| token["part"] == name).map(|token| token["text"].as_str().unwrap()).collect()
    };
    assert_eq!(part(json!("start")), BOS);
    assert!(part(json!("query")).ends_with("Article: goal\nTopic:\n<assistant>"), "{}", part(json!("query")));
    let demos = meta["prompt"]["demos"].as_array().unwrap();
    for (index, demo) in demos.iter().enumerate() {
        let shown = format!("Article: {}\nTopic:", demo["fields"]["text"].as_str().unwrap());
        let word = if demo["label"] == "sports" { "A" } else { "B" };
        assert!(part(json!({"text": index})).trim() == shown, "{:?}", part(json!({"text": index})));
        assert_eq!(part(json!({"label": index})).trim(), word);
    }
    // The same prompt as explicit text has the same tokens and so the same weights.
    let file = home.path().join("p.jsonl");
    fs::write(&file, json!({"prompt": prompt, "label": 0}).to_string()).unwrap();
    let explicit = home.path().join("explicit");
    let args = ["run", "-m", path(model.path()), "--prompts", path(&file), "--labels", "A|B", "-o", path(&explicit)];
    stdout(&partscope(&args));
    let own = ["attention", path(&explicit), "-m", path(model.path()), "--head", "L6.H2", "--json"];
    let again = json(&partscope(&own));
    for (a, b) in tokens.iter().zip(again["example"]["tokens"].as_array().unwrap()) {
        assert_eq!(a["text"], b["text"]);
        assert!((a["weight"].as_f64().unwrap() - b["weight"].as_f64().unwrap()).abs() < 1e-5);
    }
    assert_eq!(again["example"]["tokens"].as_array().unwrap().len(), tokens.len());
}

#[test]
fn ids_are_kept_with_the_run_and_the_prefix_once() {
    let (home, model, task) = (TempDir::new().unwrap(), chat_model(), chat_task());
    let file = task.path().join("task.toml");
    let (out, meta) = chat_run(home.path(), model.path(), &file);
    let prefix = meta["prompt"]["prefix"].as_array().unwrap().len();
    assert_eq!(meta["prompt"]["prefix_tokens"], prefix);
    let records = examples(Path::new(&out));
    let own = |record: &Value| record["tokens"].as_array().unwrap().len();
    let all: usize = records.iter().map(|record| prefix + own(record)).sum();
    assert!(records.iter().all(|record| own(record) > 0));
    assert_eq!(meta["prompt"]["tokens"], all);
    // Experiments that need no texts run on the kept ids when the task is gone; those that need them say so.
    let lens = ["logit-lens", &out, "-m", path(model.path()), "--component", "L6.H2", "--json"];
    let before = stdout(&partscope(&lens));
    fs::remove_file(&file).unwrap();
    assert_eq!(stdout(&partscope(&lens)), before);
    let (code, message) = failure(&["attention", &out, "-m", path(model.path()), "--head", "L6.H2"]);
    assert!(code == 3 && message.contains("task.toml"), "{message}");
}

/// Removes what older versions did not write from a saved run.
fn as_before(out: &Path) {
    let file = out.join("run.json");
    let mut meta: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for key in ["prefix", "bos", "begin_with_bos"] {
        meta["prompt"].as_object_mut().unwrap().remove(key);
    }
    meta.as_object_mut().unwrap().remove("selection");
    if let Some(request) = meta["request"].as_object_mut() {
        request.remove("selection");
        request["prompting"].as_object_mut().unwrap().remove("bos");
    }
    fs::write(&file, unchecked(meta).to_string()).unwrap();
    let lines = examples(out).into_iter().map(|mut record| {
        record.as_object_mut().unwrap().remove("tokens");
        record.to_string() + "\n"
    });
    fs::write(out.join("examples.jsonl"), lines.collect::<String>()).unwrap();
}

#[test]
fn runs_without_ids_rebuild_them_as_they_were_made() {
    let (home, model, task) = (TempDir::new().unwrap(), chat_model(), chat_task());
    let (out, _) = chat_run(home.path(), model.path(), &task.path().join("task.toml"));
    let attention = ["attention", &out, "-m", path(model.path()), "--head", "L6.H2", "--json"];
    let now = stdout(&partscope(&attention));
    as_before(Path::new(&out));
    assert_eq!(stdout(&partscope(&attention)), now);
    // Older versions added a beginning-of-text token to every explicit prompt.
    let file = home.path().join("p.jsonl");
    fs::write(&file, json!({"prompt": format!("{BOS}A goal.\nTopic:"), "label": 0}).to_string()).unwrap();
    let explicit = home.path().join("explicit");
    let labels = ["--labels", " sports| food", "--bos", "always", "-o", path(&explicit)];
    stdout(&partscope(&[&["run", "--prompts", path(&file)][..], &labels].concat()));
    let attention = ["attention", path(&explicit), "--head", "L0.H0", "--json"];
    let now = stdout(&partscope(&attention));
    assert!(now.matches(BOS).count() == 2, "{now}");
    as_before(&explicit);
    assert_eq!(stdout(&partscope(&attention)), now);
}

#[test]
fn prompts_that_begin_with_their_special_token_get_no_second_one() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("p.jsonl");
    let lines: Vec<String> = ["A goal", "A soup"]
        .iter()
        .enumerate()
        .map(|(label, text)| json!({"prompt": format!("{BOS}Article: {text}.\nTopic:"), "label": label}).to_string())
        .collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let run = |bos: &str| {
        let out = home.path().join(bos);
        let args = ["run", "--prompts", path(&file), "--labels", " sports| food", "--bos", bos, "-o", path(&out)];
        let text = stdout(&partscope(&args));
        let shown = json(&partscope(&["attention", path(&out), "--head", "L0.H0", "--json"]));
        let tokens = shown["example"]["tokens"].as_array().unwrap().clone();
        (text, tokens.iter().filter(|token| token["text"] == BOS).count(), tokens.len())
    };
    let (auto, always, never) = (run("auto"), run("always"), run("never"));
    assert_eq!((auto.1, always.1, never.1), (1, 2, 1));
    assert_eq!((always.2, never.2), (auto.2 + 1, auto.2));
    let said =
        "2 prompts begin with the tokenizer's special tokens, so none were added to them; --bos always adds them";
    assert!(auto.0.matches(said).count() == 1 && !never.0.contains("special tokens"), "{}", auto.0);
    assert!(always.0.contains("got them a second time, as --bos always asks"), "{}", always.0);
    // A text without the token still gets one.
    fs::write(&file, json!({"prompt": "Article: A goal.\nTopic:", "label": 0}).to_string()).unwrap();
    assert_eq!((run("auto").1, run("never").1), (1, 0));
}

#[test]
fn other_ids_than_the_texts_have_are_refused() {
    let (home, model, task) = (TempDir::new().unwrap(), chat_model(), chat_task());
    let (out, _) = chat_run(home.path(), model.path(), &task.path().join("task.toml"));
    let meta = Path::new(&out).join("run.json");
    let unsealed = unchecked(serde_json::from_slice(&fs::read(&meta).unwrap()).unwrap());
    fs::write(meta, unsealed.to_string()).unwrap();
    let file = Path::new(&out).join("examples.jsonl");
    let change = |id: u64| {
        let lines = examples(Path::new(&out)).into_iter().map(|mut record| {
            record["tokens"][0] = id.into();
            record.to_string() + "\n"
        });
        let text: String = lines.collect();
        fs::write(&file, text).unwrap();
        let output = partscope(&["attention", &out, "-m", path(model.path()), "--head", "L6.H2"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, message) = change(7);
    assert!(code == Some(3) && message.contains("do not give the logits in its table"), "{message}");
    let (code, message) = change(1 << 30);
    assert!(code == Some(3) && message.contains("`tokens`") && message.contains("vocabulary"), "{message}");
}
