//! What each tool does: commands of this program, and the parts of their output that an agent needs.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    answer::{Basis, FDR, NO_TESTS, WILSON, accuracy, fields},
    arguments::Arguments,
    child,
    folders::Folders,
    limits::Limits,
};
use crate::{
    data_memory::check_json,
    disk,
    error::{Error, InputError},
};

type Outcome = Result<Value, String>;

/// Components that are returned in layer order.
const ALL: usize = 400;
/// Most rows of any list in an answer.
const ROWS: usize = 1000;

const NOT_CHOSEN: &str = "used to score, not to choose anything";

/// Calls tools within folders and limits.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) folders: Folders,
    pub(super) limits: Limits,
}

impl Calls {
    /// Calls the tool `name`.
    ///
    /// # Errors
    /// A sentence for the agent.
    pub(super) async fn call(&self, name: &str, arguments: &Arguments) -> Outcome {
        match name {
            "run" => self.run(arguments).await,
            "components" => self.components(arguments).await,
            "fit" => self.fit(arguments).await,
            "compare" => self.compare(arguments).await,
            "ablate" => self.ablate(arguments).await,
            _ => self.report(arguments).await,
        }
    }

    async fn run(&self, given: &Arguments) -> Outcome {
        let most = self.limits.examples;
        let limit = given.count("limit", most)?.unwrap_or_else(|| most.min(200));
        let output = self.folders.new_path(given.required("output")?)?;
        let mut command = vec!["run".to_owned(), option("model", &self.model(given.text("model")?)?)];
        if !self.limits.hub {
            command.push("--offline".to_owned());
        }
        command.push(option("task", &self.task(given.required("task")?)?));
        if let Some(template) = given.text("template")? {
            if template == "all" || template.contains(',') {
                return Err("name one template: every call makes one run".to_owned());
            }
            command.push(option("template", template));
        }
        command.push(option("limit", &limit.to_string()));
        for (name, most) in [("num_fewshot", 1000), ("demo_seed", u32::MAX as usize), ("train_examples", most)] {
            if let Some(count) = given.count(name, most)? {
                command.push(option(&name.replace('_', "-"), &count.to_string()));
            }
        }
        command.push(option("output", &shown(&output)));
        let meta = self.json(&command).await?;
        let n = number(&meta["examples"]["test"]);
        let result = json!({
            "folder": output,
            "model": fields(&meta["model"], &["id", "family", "layers", "heads", "weights_hash"]),
            "task": fields(&meta["task"], &["name", "template", "label_words", "word_classes"]),
            "demonstrations": fields(&meta["prompt"], &["shots", "demo_seed", "demo_ids"]),
            "full_model": accuracy(&meta["accuracy"]["full"], n),
            "heads_and_mlps_alone": accuracy(&meta["accuracy"]["components"], n),
            "chance": meta["accuracy"]["chance"],
            "majority": meta["accuracy"]["majority"],
            "exactness": fields(&meta["exactness"], &["max_abs", "max_rel", "argmax_mismatches"]),
        });
        Ok(basis(&meta["examples"], WILSON, NO_TESTS, NOT_CHOSEN).answer(result))
    }

    async fn components(&self, given: &Arguments) -> Outcome {
        let run = shown(&self.folders.existing(given.required("run")?)?);
        let (rank, names) = (given.text("rank_by")?, given.texts("names")?);
        let top = given.count("top", ROWS)?.unwrap_or(if rank.is_some() { 20 } else { ALL });
        let test_labels = match (rank, given.flag("use_test_labels")?) {
            (None, _) => NOT_CHOSEN.to_owned(),
            (Some("train"), _) => {
                "not seen by the ranking, which used the training labels; accuracies are on the test split".to_owned()
            }
            (Some("test"), true) => {
                "SEEN: components are ranked by their accuracy on the test labels, so the first ones are lucky; \
                                     `held_out_best` is chosen on one half of the examples and scored on the other"
                    .to_owned()
            }
            (Some("test"), false) => {
                return Err("refused: ranking on test labels picks the luckiest of many components, and their accuracies are then too \
                            high; use rank_by `train`, or repeat with use_test_labels true and say so where you report it"
                    .to_owned());
            }
            (Some(other), _) => return Err(format!("rank_by is `train` or `test`, not `{other}`")),
        };
        let listing = self.json(&["components".to_owned(), run.clone()]).await?;
        let mut rows = list(&listing["components"]);
        let n = rows.first().map_or(0, |row| number(&row["n"]));
        if rank == Some("train") {
            let train =
                list(&self.json(&["components".to_owned(), run, option("split", "train")]).await?["components"]);
            for (row, own) in rows.iter_mut().zip(&train) {
                (row["train_accuracy"], row["train_n"]) = (own["accuracy"].clone(), own["n"].clone());
            }
        }
        if let Some(names) = &names {
            let unknown = names.iter().find(|name| rows.iter().all(|row| row["name"] != **name));
            if let Some(unknown) = unknown {
                return Err(format!("the model has no component {unknown}"));
            }
            rows.retain(|row| names.iter().any(|name| row["name"] == *name));
        }
        if let Some(split) = rank {
            let key = if split == "train" { "train_accuracy" } else { "accuracy" };
            rows.sort_by(|a, b| decimal(&b[key]).total_cmp(&decimal(&a[key])));
        }
        let of = rows.len();
        rows.truncate(top);
        let kept = [
            "name",
            "accuracy",
            "ci",
            "kind",
            "kappa",
            "q",
            "beats_full",
            "bias",
            "predicted",
            "train_accuracy",
            "train_n",
        ];
        let rows: Vec<Value> = rows.iter().map(|row| fields(row, &kept)).collect();
        let mut result = json!({ "components": rows, "left_out": of - rows.len() });
        if rank == Some("test") {
            result["held_out_best"] = listing["held_out_best"].clone();
        }
        Ok(Basis { n: json!({ "test": n }), interval: WILSON, fdr: FDR, test_labels }.answer(result))
    }

    async fn fit(&self, given: &Arguments) -> Outcome {
        let run = self.folders.existing(given.required("run")?)?;
        let mut command = vec!["fit".to_owned(), shown(&run)];
        if let Some(method) = given.text("method")? {
            command.push(option("method", method));
        }
        let output = given.text("output")?.map(|path| self.folders.new_path(path)).transpose()?;
        if let Some(path) = &output {
            command.push(option("output", &shown(path)));
        }
        let top = given.count("top", ROWS)?.unwrap_or(20);
        let found = self.json(&command).await?;
        let intervals = &found["intervals"]["accuracy"];
        let method = |(name, share): (&String, &Value)| {
            let own =
                json!({ "accuracy": share, "ci": intervals[name], "test_labels_seen": name.starts_with("oracle_") });
            (name.clone(), own)
        };
        let methods: serde_json::Map<_, _> = found["accuracy"].as_object().into_iter().flatten().map(method).collect();
        let mut weights: Vec<(&String, f64)> =
            found["weights"].as_object().into_iter().flatten().map(|(name, weight)| (name, decimal(weight))).collect();
        weights.sort_by(|a, b| (b.1 - 1.0).abs().total_cmp(&(a.1 - 1.0).abs()));
        let farthest: Vec<Value> =
            weights.iter().take(top).map(|(name, weight)| json!({ "name": name, "weight": weight })).collect();
        let result = json!({
            "method": found["method"],
            "methods": methods,
            "rest": found["rest"],
            "offsets": found["offsets"],
            "weights_farthest_from_1": farthest,
            "weights_file": output,
        });
        let seen = "not seen by the fit, which used the training labels; methods with test_labels_seen chose on the test labels. \
                    Choosing a method by these accuracies would use them, too";
        let n = json!({ "train": found["train_n"], "test": found["test_n"] });
        Ok(basis(&n, WILSON, NO_TESTS, seen).answer(result))
    }

    async fn compare(&self, given: &Arguments) -> Outcome {
        let (a, b) = (self.folders.existing(given.required("a")?)?, self.folders.existing(given.required("b")?)?);
        let (flips, top) = (given.count("flips", ROWS)?.unwrap_or(10), given.count("top", ROWS)?.unwrap_or(10));
        let found = self.json(&["compare".to_owned(), shown(&a), shown(&b)]).await?;
        let n = number(&found["shared"]);
        let all = list(&found["flips"]);
        let mut movers = found["movers"].clone();
        movers["components"] = list(&movers["components"]).into_iter().take(top).collect();
        let (key, counts) = match &found["shared_accuracy"] {
            Value::Null => ("accuracy", [0, 1].map(|run| number(&found["examples"][run]))),
            _ => ("shared_accuracy", [n; 2]),
        };
        let result = json!({
            "accuracy_a": accuracy(&found[key][0], counts[0]),
            "accuracy_b": accuracy(&found[key][1], counts[1]),
            "agreement": fields(&found, &["pearson", "pearson_disjoint", "spearman", "iou_top5", "contribution_pearson"]),
            "flips": all.len(),
            "flipped_examples": all.iter().take(flips).collect::<Vec<_>>(),
            "what_moved_all_flips": movers,
        });
        let interval =
            "95 % Wilson intervals of accuracies; 95 % intervals of mean changes over flipped examples (`ci`)";
        Ok(basis(&json!({ "test": n }), interval, NO_TESTS, NOT_CHOSEN).answer(result))
    }

    async fn ablate(&self, given: &Arguments) -> Outcome {
        let run = self.folders.existing(given.required("run")?)?;
        let mut command = vec!["ablate".to_owned(), shown(&run)];
        match (given.numbers("set")?, given.text("mix")?) {
            (Some(set), None) if !set.is_empty() => {
                let weights: Vec<String> = set.iter().map(|(name, weight)| format!("{name}={weight}")).collect();
                command.push(option("set", &weights.join(",")));
            }
            (None, Some(mix)) => command.push(option("mix", &shown(&self.folders.existing(mix)?))),
            _ => return Err("give either `set`, weights by component, or `mix`, a weights file".to_owned()),
        }
        command.push(option("model", &self.model(Some(&model_of(&run)?))?));
        for name in ["positions", "fill"] {
            if let Some(value) = given.text(name)? {
                command.push(option(name, value));
            }
        }
        if !self.limits.hub {
            command.push("--offline".to_owned());
        }
        let found = self.json(&command).await?;
        let n = number(&found["examples"]);
        let of = |name: &str| accuracy(&found["accuracy"][name], n);
        let result = json!({
            "model": of("model"), "direct": of("direct"), "total": of("total"),
            "effect_on_accuracy": found["accuracy"]["effect"],
            "margin": found["margin"],
            "flips": found["flips"],
            "reacted_most": list(&found["reacted"]).into_iter().take(10).collect::<Vec<_>>(),
            "positions": found["positions"], "fill": found["fill"],
        });
        Ok(basis(&json!({ "test": n }), WILSON, NO_TESTS, NOT_CHOSEN).answer(result))
    }

    async fn report(&self, given: &Arguments) -> Outcome {
        let runs = given.texts("runs")?.filter(|runs| !runs.is_empty()).ok_or("the argument `runs` is missing")?;
        let mut command = vec!["report".to_owned()];
        for run in runs {
            command.push(shown(&self.folders.existing(run)?));
        }
        command.push(option("output", &shown(&self.folders.new_path(given.required("output")?)?)));
        let found = self.json(&command).await?;
        let seen = "used to score; the figures rank components and methods by test accuracy, and mark oracles";
        Ok(basis(&Value::Null, WILSON, FDR, seen).answer(found))
    }

    async fn json(&self, command: &[String]) -> Outcome {
        child::json(command, Duration::from_secs(self.limits.seconds)).await
    }

    /// Returns the model that a call may use.
    fn model(&self, named: Option<&str>) -> Result<String, String> {
        let named = named.unwrap_or("demo");
        if named == "demo" {
            return Ok(named.to_owned());
        }
        match self.folders.existing(named) {
            Ok(path) => Ok(shown(&path)),
            Err(_) if self.limits.hub && !Path::new(named).is_absolute() => Ok(named.to_owned()),
            Err(error) => Err(format!("{error}; models of the Hugging Face hub need a server started with --hub")),
        }
    }

    /// Returns the task that a call may use: a built-in one, or a file in the folders.
    fn task(&self, named: &str) -> Result<String, String> {
        let is_name = named.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if is_name { Ok(named.to_owned()) } else { self.folders.existing(named).map(|path| shown(&path)) }
    }
}

/// Returns the name of the model of a run, which may lie outside the folders.
fn model_of(run: &Path) -> Result<String, String> {
    let read = || -> Result<Value, Error> {
        let path = run.join("run.json");
        let bytes = disk::read(&path)?;
        check_json(&bytes).map_err(|error| error.path(&path))?;
        serde_json::from_slice(&bytes).map_err(|error| InputError::new(error.to_string()).path(&path).into())
    };
    let meta = read().map_err(|error| error.to_string())?;
    let name = meta["model"]["id"].as_str().ok_or("the run does not name its model")?;
    Ok(name.to_owned())
}

fn basis(n: &Value, interval: &'static str, fdr: &'static str, test_labels: &str) -> Basis {
    Basis { n: n.clone(), interval, fdr, test_labels: test_labels.to_owned() }
}

/// Returns `--NAME=VALUE`; a value is never read as another option.
fn option(name: &str, value: &str) -> String {
    format!("--{name}={value}")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_default() as usize
}

fn decimal(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NEG_INFINITY)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
