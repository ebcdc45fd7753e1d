//! Downloads from the hub, simulated by a small local server.

mod common;
mod server;

use std::{
    fs,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use partscope::model::{
    LoadOptions, Model, Source,
    hub::{Settings, Watcher},
};
use server::{COMMIT, Hub, Seen, response};
use tempfile::TempDir;

fn file(name: &str) -> Vec<u8> {
    fs::read(common::folder("qwen2").join(name)).unwrap()
}

fn hub(seen: &Seen, port: u16) -> Vec<u8> {
    if seen.path == "/stored/weights" {
        return response("200 OK", "", &file("model.safetensors"));
    }
    let requested = seen.path.strip_prefix("/tests/qwen2/resolve/").and_then(|rest| rest.split_once('/'));
    let commit = format!("x-repo-commit: {COMMIT}\r\n");
    match requested {
        Some(("v1" | COMMIT, name @ ("config.json" | "tokenizer.json"))) => response("200 OK", &commit, &file(name)),
        Some((COMMIT, "model.safetensors")) => {
            let size = file("model.safetensors").len();
            let headers =
                format!("{commit}x-linked-size: {size}\r\nlocation: http://localhost:{port}/stored/weights\r\n");
            response("302 Found", &headers, b"")
        }
        Some(("v1" | COMMIT, _)) => response("404 Not Found", "x-error-code: EntryNotFound\r\n", b"no"),
        Some(_) => response("404 Not Found", "x-error-code: RevisionNotFound\r\n", b"no"),
        None => response("401 Unauthorized", "x-error-code: RepoNotFound\r\n", b"no"),
    }
}

fn load(name: &str, settings: &Settings) -> Result<Model, String> {
    let options = LoadOptions { hub: Some(settings.clone()), ..LoadOptions::default() };
    let source: Source = name.parse().unwrap();
    assert_eq!(source.to_string(), name);
    Model::load(&source, &options).map_err(|error| error.to_string())
}

#[test]
fn a_model_is_fetched_once_and_then_found_in_the_cache() {
    let (hub, cache) = (Hub::start(hub), TempDir::new().unwrap());
    let reports = Arc::new(Mutex::new(Vec::new()));
    let log = reports.clone();
    let watcher = Watcher::new(move |download| {
        log.lock().unwrap().push((download.file.to_owned(), download.done, download.total));
    });
    let settings = hub.settings(cache.path());
    let options = LoadOptions { hub: Some(settings.clone()), watcher, ..LoadOptions::default() };
    let model = Model::load(&"tests/qwen2@v1".parse().unwrap(), &options).unwrap();
    assert_eq!((model.meta.id.as_str(), model.meta.family.as_str()), ("tests/qwen2@v1", "qwen2"));

    let size = file("model.safetensors").len() as u64;
    assert_eq!(reports.lock().unwrap().last(), Some(&("model.safetensors".to_owned(), size, Some(size))));
    let folder = cache.path().join("models--tests--qwen2");
    assert_eq!(fs::read_to_string(folder.join("refs/v1")).unwrap(), COMMIT);
    let mut names: Vec<_> =
        fs::read_dir(folder.join("snapshots").join(COMMIT)).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.json"]);

    let requests = hub.requests();
    assert!(requests.iter().all(|seen| seen.authorized == seen.host.starts_with("127.")), "{requests:?}");
    assert!(requests.iter().any(|seen| seen.host.starts_with("localhost")), "{requests:?}");
    load("tests/qwen2@v1", &settings).unwrap();
    load(&format!("tests/qwen2@{COMMIT}"), &settings).unwrap();
    assert_eq!(hub.requests().len(), requests.len(), "a complete snapshot needs no requests");
}

#[test]
fn offline_mode_makes_no_connections() {
    let (hub, cache) = (Hub::start(hub), TempDir::new().unwrap());
    let settings = Settings { offline: Some("HF_HUB_OFFLINE"), ..hub.settings(cache.path()) };
    let message = load("tests/qwen2@v1", &settings).unwrap_err();
    assert!(message.contains("`tests/qwen2@v1` is not in the cache; HF_HUB_OFFLINE forbids"), "{message}");
    let options = LoadOptions { hub: Some(hub.settings(cache.path())), offline: true, ..LoadOptions::default() };
    let message = Model::load(&"tests/qwen2".parse().unwrap(), &options).unwrap_err().to_string();
    assert!(message.contains("--offline forbids"), "{message}");

    let snapshot = cache.path().join("models--tests--qwen2/snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(cache.path().join("models--tests--qwen2/refs")).unwrap();
    fs::write(cache.path().join("models--tests--qwen2/refs/main"), COMMIT).unwrap();
    for name in ["config.json", "tokenizer.json"] {
        fs::write(snapshot.join(name), file(name)).unwrap();
    }
    let message = load("tests/qwen2", &settings).unwrap_err();
    assert!(message.contains("the cached copy of `tests/qwen2` lacks model.safetensors"), "{message}");
    fs::write(snapshot.join("model.safetensors"), file("model.safetensors")).unwrap();
    load("tests/qwen2", &settings).unwrap();
    assert!(hub.requests().is_empty(), "{:?}", hub.requests());
}

#[test]
fn refusals_by_the_hub_are_explained() {
    let (hub, cache) = (Hub::start(hub), TempDir::new().unwrap());
    let settings = hub.settings(cache.path());
    let message = load("tests/gated", &settings).unwrap_err();
    assert!(message.contains("tests/gated") && message.contains("HF_TOKEN"), "{message}");
    let message = load("tests/qwen2@v9", &settings).unwrap_err();
    assert!(message.contains("no revision `v9`"), "{message}");
}

#[test]
fn a_repository_that_holds_only_gguf_files_lists_them() {
    let answer = |seen: &Seen, _: u16| {
        let commit = format!("x-repo-commit: {COMMIT}\r\n");
        match seen.path.as_str() {
            "/api/models/tests/only-gguf/revision/main" => {
                let list = r#"{"id": "x", "siblings": [{"rfilename": "README.md"}, {"rfilename": "m-Q4_0.gguf"},
                    {"rfilename": "m-Q8_0.gguf"}]}"#;
                response("200 OK", "", list.as_bytes())
            }
            "/tests/only-gguf/resolve/main/m-Q4_0.gguf" => response("200 OK", &commit, b"GGUF"),
            _ => response("404 Not Found", "x-error-code: EntryNotFound\r\n", b"no"),
        }
    };
    let (hub, cache) = (Hub::start(answer), TempDir::new().unwrap());
    let message = load("tests/only-gguf", &hub.settings(cache.path())).unwrap_err();
    assert!(message.contains("no config.json, but GGUF models: m-Q4_0.gguf and m-Q8_0.gguf"), "{message}");
    // The advised address is that of the file.
    let address = message.split("such as ").nth(1).unwrap().split(',').next().unwrap();
    let body = ureq::get(address).call().unwrap().into_body().read_to_vec().unwrap();
    assert_eq!(body, b"GGUF");
    // A repository without either keeps its error, and one in the cache of another program is listed from there.
    let message = load("tests/nothing", &hub.settings(cache.path())).unwrap_err();
    assert!(message.contains("the repository has no config.json") && !message.contains("GGUF"), "{message}");
    let snapshot = cache.path().join("models--tests--cached/snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(cache.path().join("models--tests--cached/refs")).unwrap();
    fs::write(cache.path().join("models--tests--cached/refs/main"), COMMIT).unwrap();
    fs::write(snapshot.join("own.gguf"), b"GGUF").unwrap();
    let offline = Settings { offline: Some("HF_HUB_OFFLINE"), ..hub.settings(cache.path()) };
    let message = load("tests/cached", &offline).unwrap_err();
    assert!(message.contains("own.gguf") && message.contains("-m "), "{message}");
}

#[test]
fn a_broken_download_leaves_no_file_that_looks_complete() {
    let cut = |seen: &Seen, port: u16| {
        let mut bytes = hub(seen, port);
        if seen.path == "/stored/weights" {
            bytes.truncate(bytes.len() / 2);
        }
        bytes
    };
    let (hub, cache) = (Hub::start(cut), TempDir::new().unwrap());
    let message = load("tests/qwen2@v1", &hub.settings(cache.path())).unwrap_err();
    assert!(message.contains("cannot fetch model.safetensors"), "{message}");
    let folder = cache.path().join("models--tests--qwen2");
    assert!(!folder.join("refs/v1").exists());
    let left = fs::read_dir(folder.join("snapshots").join(COMMIT)).unwrap().count();
    assert_eq!(left, 2, "config.json and tokenizer.json");
}

#[test]
fn an_unreachable_server_is_an_error() {
    let cache = TempDir::new().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = Settings {
        cache: cache.path().to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
        token: None,
        offline: None,
        patience: Duration::from_secs(10),
    };
    let message = load("tests/qwen2", &settings).unwrap_err();
    assert!(message.contains("cannot fetch config.json") && message.contains("check the connection"), "{message}");
}

/// Serves `llama-pickle` as `tests/pickled`, the adapter of `llama-lora` as `tests/adapter`, and its model as `tests/base`.
fn other_files(seen: &Seen, _: u16) -> Vec<u8> {
    let commit = format!("x-repo-commit: {COMMIT}\r\n");
    let missing = || response("404 Not Found", "x-error-code: EntryNotFound\r\n", b"no");
    let requested = seen.path.strip_prefix("/tests/").and_then(|rest| rest.split_once("/resolve/"));
    let Some((repo, name)) = requested.and_then(|(repo, rest)| Some((repo, rest.split_once('/')?.1))) else {
        return missing();
    };
    let is_adapter = name.starts_with("adapter_");
    let model = match repo {
        "pickled" => "llama-pickle",
        "adapter" if is_adapter => "llama-lora",
        "base" if !is_adapter => "llama-lora",
        _ => return missing(),
    };
    let Ok(mut bytes) = fs::read(common::folder(model).join(name)) else { return missing() };
    if name == "adapter_config.json" {
        let mut settings: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        settings["base_model_name_or_path"] = "tests/base".into();
        bytes = settings.to_string().into_bytes();
    }
    response("200 OK", &commit, &bytes)
}

#[test]
fn pickles_and_adapters_are_fetched_and_found_again() {
    let (hub, cache) = (Hub::start(other_files), TempDir::new().unwrap());
    let settings = hub.settings(cache.path());
    let offline = Settings { offline: Some("--offline"), ..settings.clone() };
    for (name, golden) in [("tests/pickled", "llama-pickle"), ("tests/adapter", "llama-lora")] {
        assert!(load(name, &offline).unwrap_err().contains("is not in the cache"));
        let expected = common::Golden::load(golden).model.meta.weights_hash;
        assert_eq!(load(name, &settings).unwrap().meta.weights_hash, expected, "{name}");
        assert_eq!(load(name, &offline).unwrap().meta.weights_hash, expected, "{name}");
    }
}
