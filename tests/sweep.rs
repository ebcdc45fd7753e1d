//! Sweeps on the real binary: any division of the cells gives the same files, and bad input is named.

mod binary;
mod sweep_folder;

use std::fs;

use binary::{command, json, keys};
use serde_json::{Value, json};
use sweep_folder::{SWEEP, Sweep, files};

#[test]
fn every_division_gives_the_same_files_and_the_rows_of_reproduce() {
    let whole = Sweep::planned(SWEEP);
    whole.ok(&["run", &whole.text("s")]);
    let expected = whole.merged("out");
    for divisions in
        [vec!["slice:2/3", "slice:0/3", "slice:1/3"], vec!["hash:1/2", "hash:0/2"], vec!["cost:1/2", "cost:0/2"]]
    {
        let parts = Sweep::planned(SWEEP);
        for part in &divisions {
            parts.run(part);
        }
        assert!(parts.merged("out") == expected, "{divisions:?}");
    }
    let tables: Value = serde_json::from_slice(&expected[2]).unwrap();
    assert_eq!(keys(&tables), ["cells", "done", "groups", "missing"]);
    assert_eq!((&tables["cells"], &tables["done"]), (&json!(8), &json!(8)));
    let args = [
        "reproduce",
        "--tasks",
        "sentiment,topic",
        "--templates",
        "1",
        "--seeds",
        "2",
        "--budget",
        "8",
        "--limit",
        "12",
        "--json",
    ];
    let reproduced = json(&command(&args).output().unwrap());
    let group = &tables["groups"][0];
    assert_eq!((&group["budget"], &group["accuracy"]), (&json!(8), &reproduced["accuracy"]));
    assert_eq!(group["agreement"], reproduced["agreement"]);
    let again = json(&whole.call(&["run", &whole.text("s"), "--json"], &[]));
    assert_eq!(again, json!({"computed": 0, "already_done": 8, "failed": 0, "unusable": 0}));
}

#[test]
fn status_has_the_keys_of_the_contract_and_a_partial_merge_exits_with_4() {
    let sweep = Sweep::planned(SWEEP);
    sweep.run("slice:0/4");
    let status = sweep.status();
    assert_eq!(keys(&status), ["cells", "done", "failed", "killed", "leases", "running", "seconds_left"]);
    assert_eq!((&status["cells"], &status["done"], &status["running"]), (&json!(8), &json!(2), &json!(0)));
    assert!(status["seconds_left"].as_f64().unwrap() > 0.0);
    let (code, message) = sweep.fails(&["merge", &sweep.text("s"), "-o", &sweep.text("out")]);
    assert!(code == 4 && message.contains("6 runs are missing"), "{message}");
    assert!(sweep.path("out/rows.csv").exists());
}

#[test]
fn a_failing_cell_fails_alone_and_is_retried_on_request() {
    // Prompts with this many demonstrations are longer than the demo's context.
    let sweep = Sweep::planned(&SWEEP.replace("[8]", "[8, 120]").replace("seeds = 2", "seeds = 1"));
    let (code, message) = sweep.fails(&["run", &sweep.text("s")]);
    assert!(code == 4 && message.contains("budget 120") && message.contains("--retry"), "{message}");
    let status = sweep.status();
    assert_eq!((&status["done"], status["failed"].as_array().unwrap().len()), (&json!(4), 4));
    assert_eq!(keys(&status["failed"][0]), ["cell", "reason"]);
    let again = |more: &[&str]| sweep.call(&[&["run", &sweep.text("s"), "--json"], more].concat(), &[]);
    let quick: Value = serde_json::from_slice(&again(&[]).stdout).unwrap();
    assert_eq!((&quick["computed"], &quick["failed"]), (&json!(0), &json!(4)));
    let retried = again(&["--retry"]);
    assert!(String::from_utf8_lossy(&retried.stderr).contains("exceed"), "{retried:?}");
    let (code, _) = sweep.fails(&["merge", &sweep.text("s"), "-o", &sweep.text("out")]);
    let tables: Value = serde_json::from_slice(&fs::read(sweep.path("out/tables.json")).unwrap()).unwrap();
    assert!(code == 4 && tables["missing"][0]["reason"].as_str().unwrap().contains("exceed"), "{tables}");
}

#[test]
fn an_edited_manifest_and_a_second_one_are_refused_and_nothing_is_lost() {
    let sweep = Sweep::planned(SWEEP);
    sweep.run("slice:0/8");
    let manifest = sweep.path("s/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("\"budget\":8", "\"budget\":9", 1)).unwrap();
    for args in [vec!["run"], vec!["status"], vec!["merge", "-o", "x"]] {
        let folder = sweep.text("s");
        let (code, message) = sweep.fails(&[&args[..1], &[&folder], &args[1..]].concat());
        assert!(code == 3 && message.contains("checksum differs"), "{message}");
    }
    fs::write(&manifest, &text).unwrap();
    assert_eq!(sweep.status()["done"], 1);
    fs::write(sweep.path("s/manifest (1).json"), &text).unwrap();
    let (code, message) = sweep.fails(&["run", &sweep.text("s")]);
    assert!(code == 3 && message.contains("several manifests") && message.contains("manifest (1).json"), "{message}");
    fs::remove_file(sweep.path("s/manifest (1).json")).unwrap();
    fs::write(sweep.path("sweep.toml"), SWEEP.replace("seeds = 2", "seeds = 3")).unwrap();
    let again = ["plan", &sweep.text("sweep.toml"), "-o", &sweep.text("s"), "--no-measure"];
    let (code, message) = sweep.fails(&again);
    assert!(code == 3 && message.contains("another sweep"), "{message}");
    fs::write(sweep.path("sweep.toml"), SWEEP).unwrap();
    sweep.ok(&again);
    assert_eq!((fs::read_to_string(&manifest).unwrap(), &sweep.status()["done"]), (text, &json!(1)));
}

#[test]
fn a_task_that_changed_since_is_refused_and_its_neighbours_are_computed() {
    let home = binary::task_folder(&[]);
    let task = home.path().join("task.toml");
    let text = format!(
        "models = ['demo']\ntasks = ['{}', 'topic']\ntemplates = 1\nseeds = 1\nbudgets = [8]\nshots = [2]\nlimit = 4\n",
        task.display()
    );
    let pool: String = (0..8).map(|at| json!({"text": format!("t{at}"), "label": at % 2}).to_string() + "\n").collect();
    fs::write(home.path().join("pool.jsonl"), pool).unwrap();
    let sweep = Sweep::planned(&text);
    fs::write(home.path().join("test.jsonl"), "{\"text\": \"e\", \"label\": 0}\n{\"text\": \"f\", \"label\": 1}\n")
        .unwrap();
    let (code, message) = sweep.fails(&["run", &sweep.text("s")]);
    assert!(code == 3 && message.contains("has changed since the sweep was planned"), "{message}");
    assert_eq!((&sweep.status()["done"], &sweep.status()["failed"]), (&json!(2), &json!([])));
}

#[test]
fn partitions_out_of_range_and_slurm_without_slurm_are_refused() {
    let sweep = Sweep::planned(SWEEP);
    for (part, expected) in [("slice:2/2", "out of range"), ("parts", "no partition"), ("slurm", "SLURM_ARRAY_TASK_ID")]
    {
        let (code, message) = sweep.fails(&["run", &sweep.text("s"), "--partition", part]);
        assert!(code == 3 && message.contains(expected), "{message}");
    }
    let array = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "8"), ("SLURM_CPUS_PER_TASK", "1")];
    let run = json(&sweep.call(&["run", &sweep.text("s"), "--partition", "slurm", "--json"], &array));
    assert_eq!(run["computed"], 1);
}

#[test]
fn a_damaged_result_is_set_aside_and_computed_again() {
    let sweep = Sweep::planned(SWEEP);
    sweep.ok(&["run", &sweep.text("s")]);
    let expected = sweep.merged("out");
    let result = files(&sweep.state().join("done"))[3].clone();
    let mut bytes = fs::read(&result).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&result, bytes).unwrap();
    let (code, message) = sweep.fails(&["merge", &sweep.text("s"), "-o", &sweep.text("out")]);
    assert!(code == 4 && message.contains("set aside") && !result.exists(), "{message}");
    assert!(sweep.ok(&["run", &sweep.text("s")]).starts_with("1 runs computed"));
    assert!(sweep.merged("out") == expected);
}

#[test]
fn a_model_that_changed_since_the_plan_or_the_first_cell_is_refused() {
    for measured in [true, false] {
        let sweep = Sweep::new(&SWEEP.replace("'demo'", "'model'"));
        fs::create_dir(sweep.path("model")).unwrap();
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            fs::copy(format!("assets/demo/model/{file}"), sweep.path("model").join(file)).unwrap();
        }
        let (file, folder) = (sweep.text("sweep.toml"), sweep.text("s"));
        let args = ["plan", &file, "-o", &folder, "--no-measure"];
        sweep.ok(if measured { &args[..4] } else { &args });
        sweep.run("slice:0/8");
        let weights = sweep.path("model/model.safetensors");
        let original = fs::read(&weights).unwrap();
        let mut changed = original.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&weights, changed).unwrap();
        let (code, message) = sweep.fails(&["run", &folder]);
        assert!(code == 3 && message.contains("has changed since the sweep was planned"), "{message}");
        assert!(message.contains("restore its files"), "{message}");
        assert_eq!((&sweep.status()["done"], &sweep.status()["failed"]), (&json!(1), &json!([])));
        fs::write(&weights, original).unwrap();
        sweep.ok(&["run", &folder]);
        assert_eq!(sweep.status()["done"], 8);
    }
}

#[test]
fn budgets_that_no_run_can_use_are_refused_when_planning() {
    for (budget, shots, expected) in [("3", "4", "is less than 4 demonstrations"), ("6", "4", "too few for 4 labels")] {
        let text = format!("models = ['demo']\ntasks = ['topic']\nbudgets = [{budget}]\nshots = [{shots}]\n");
        let sweep = Sweep::new(&text);
        let (code, message) = sweep.fails(&["plan", &sweep.text("sweep.toml"), "-o", &sweep.text("s"), "--no-measure"]);
        assert!(code == 3 && message.contains(expected) && message.contains("raise the budget"), "{message}");
        assert!(!sweep.path("s").exists());
    }
}
