//! `partscope mcp` with the client of the official SDK, as an agent uses it.

mod binary;

use std::path::Path;

use binary::BINARY;
use rmcp::{
    RoleClient, ServiceExt,
    model::{CallToolRequestParams, CallToolResult},
    service::RunningService,
    transport::TokioChildProcess,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

type Client = RunningService<RoleClient, ()>;

async fn client(folder: &Path, more: &[&str]) -> Client {
    let mut command = Command::new(BINARY);
    command.arg("mcp").arg(folder).args(more).env("PARTSCOPE_CACHE", "off");
    ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap()
}

async fn call(client: &Client, tool: &str, arguments: Value) -> CallToolResult {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    client.call_tool(CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)).await.unwrap()
}

/// The answer of a call that succeeds; every answer says what it rests on.
async fn answer(client: &Client, tool: &str, arguments: Value) -> Value {
    let found = call(client, tool, arguments).await;
    assert_ne!(found.is_error, Some(true), "{found:?}");
    let answer = found.structured_content.unwrap();
    for key in ["n", "interval", "fdr", "test_labels", "result"] {
        assert!(answer.get(key).is_some(), "{tool}: {key}");
    }
    answer
}

/// The sentence of a call that is refused.
async fn refusal(client: &Client, tool: &str, arguments: Value) -> String {
    let found = call(client, tool, arguments).await;
    assert_eq!(found.is_error, Some(true), "{found:?}");
    found.content[0].as_text().unwrap().text.clone()
}

async fn run(client: &Client, output: &str, template: &str) -> Value {
    let arguments = json!({ "task": "topic", "template": template, "demo_seed": 2, "limit": 60, "output": output });
    answer(client, "run", arguments).await
}

#[tokio::test]
async fn an_agent_runs_ranks_fits_compares_ablates_and_reports() {
    let home = TempDir::new().unwrap();
    let client = client(home.path(), &[]).await;
    let tools: Vec<String> = client.list_all_tools().await.unwrap().into_iter().map(|tool| tool.name.into()).collect();
    assert_eq!(tools, ["run", "components", "fit", "compare", "ablate", "report"]);

    let made = run(&client, "hash", "article-hash").await;
    assert_eq!(made["n"]["test"], 60);
    let full = &made["result"]["full_model"];
    assert!(full["ci"][0].as_f64() < full["accuracy"].as_f64() && full["accuracy"].as_f64() < full["ci"][1].as_f64());
    assert!(home.path().join("hash/run.json").exists());

    let ranked = answer(&client, "components", json!({ "run": "hash", "rank_by": "train", "top": 5 })).await;
    let rows = ranked["result"]["components"].as_array().unwrap();
    assert_eq!((rows.len(), &ranked["result"]["left_out"], &rows[0]["train_n"]), (5, &json!(67), &json!(20)));
    assert!(rows.windows(2).all(|pair| pair[0]["train_accuracy"].as_f64() >= pair[1]["train_accuracy"].as_f64()));
    assert!(
        ranked["test_labels"].as_str().unwrap().starts_with("not seen")
            && ranked["fdr"].as_str().unwrap().contains('q')
    );
    let named = answer(&client, "components", json!({ "run": "hash", "names": ["L2.H7", "L7.MLP"] })).await;
    assert_eq!(named["result"]["components"].as_array().unwrap().len(), 2);

    let fitted = answer(&client, "fit", json!({ "run": "hash", "output": "weights.json", "top": 3 })).await;
    let methods = &fitted["result"]["methods"];
    assert_eq!(
        (&methods["partscope"]["test_labels_seen"], &methods["oracle_vote"]["test_labels_seen"]),
        (&json!(false), &json!(true))
    );
    assert!(methods["partscope"]["accuracy"].as_f64() > full["accuracy"].as_f64());
    assert_eq!(fitted["result"]["weights_farthest_from_1"].as_array().unwrap().len(), 3);

    run(&client, "plain", "article").await;
    let compared = answer(&client, "compare", json!({ "a": "hash", "b": "plain", "flips": 2 })).await;
    assert_eq!(compared["result"]["flipped_examples"].as_array().unwrap().len(), 2);
    assert!(compared["result"]["what_moved_all_flips"]["components"][0]["ci"].is_array());

    let muted = answer(&client, "ablate", json!({ "run": "hash", "set": { "L6.H2": 0 } })).await;
    assert_ne!(muted["result"]["direct"]["accuracy"], muted["result"]["total"]["accuracy"]);
    let mixed = answer(&client, "ablate", json!({ "run": "hash", "mix": "weights.json" })).await;
    assert_eq!(mixed["result"]["direct"]["accuracy"], methods["partscope"]["accuracy"]);

    let report = answer(&client, "report", json!({ "runs": ["hash", "plain"], "output": "report" })).await;
    assert!(
        report["result"]["files"].as_array().unwrap().len() > 10 && home.path().join("report/report.html").exists()
    );
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn ranking_on_test_labels_is_never_silent() {
    let home = TempDir::new().unwrap();
    let client = client(home.path(), &[]).await;
    run(&client, "run", "article-hash").await;
    let said = refusal(&client, "components", json!({ "run": "run", "rank_by": "test" })).await;
    assert!(said.contains("refused") && said.contains("use_test_labels"), "{said}");
    let asked = json!({ "run": "run", "rank_by": "test", "use_test_labels": true, "top": 1 });
    let ranked = answer(&client, "components", asked).await;
    assert!(ranked["test_labels"].as_str().unwrap().starts_with("SEEN"), "{ranked}");
    let best = &ranked["result"]["held_out_best"];
    assert_eq!(best["name"], ranked["result"]["components"][0]["name"]);
    assert!(best["accuracy"].as_f64() <= best["in_sample"].as_f64());
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn what_is_outside_the_folders_or_limits_is_refused() {
    let (home, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let client = client(home.path(), &["--max-examples", "50"]).await;
    let outside = other.path().join("run");
    for (tool, arguments, wanted) in [
        ("run", json!({ "task": "topic", "output": outside }), "outside"),
        ("run", json!({ "task": "topic", "output": "../run" }), "without `..`"),
        ("run", json!({ "task": "/etc/passwd", "output": "run" }), "outside"),
        ("run", json!({ "task": "topic", "model": "/etc", "output": "run" }), "outside"),
        ("run", json!({ "task": "topic", "model": "org/name", "output": "run" }), "--hub"),
        ("run", json!({ "task": "topic", "limit": 51, "output": "run" }), "at most 50"),
        ("run", json!({ "task": "topic", "template": "all", "output": "run" }), "one template"),
        ("run", json!({ "task": "topic", "output": "run", "device": "cuda" }), "no argument `device`"),
        ("run", json!({ "task": "nothing", "output": "run" }), "nothing"),
        ("run", json!({ "output": "run" }), "`task` is missing"),
        ("run", json!({ "task": 3, "output": "run" }), "a text"),
        ("components", json!({ "run": "/etc" }), "outside"),
        ("components", json!({ "run": "missing" }), "missing"),
        ("components", json!({ "run": "." }), "not a run"),
        ("ablate", json!({ "run": "." }), "either"),
        ("report", json!({ "runs": [], "output": "report" }), "missing"),
    ] {
        let said = refusal(&client, tool, arguments.clone()).await;
        assert!(said.contains(wanted) && !said.contains('\n'), "{tool} {arguments}: {said}");
    }
    assert!(!outside.exists() && !home.path().join("run/run.json").exists());

    // The model that a run names is read only where the agent may read.
    answer(&client, "run", json!({ "task": "topic", "limit": 20, "output": "run" })).await;
    let path = home.path().join("run/run.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"id\": \"demo\"", "\"id\": \"/etc\"")).unwrap();
    let said = refusal(&client, "ablate", json!({ "run": "run", "set": { "L6.H2": 0 } })).await;
    assert!(said.contains("/etc: outside the folders"), "{said}");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped() {
    let home = TempDir::new().unwrap();
    let client = client(home.path(), &["--max-seconds", "0"]).await;
    let said = refusal(&client, "run", json!({ "task": "topic", "output": "run" })).await;
    assert!(said.contains("--max-seconds"), "{said}");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol() {
    let home = TempDir::new().unwrap();
    let client = client(home.path(), &[]).await;
    assert!(client.call_tool(CallToolRequestParams::new("rank")).await.is_err());
    client.cancel().await.unwrap();
}
