//! Inputs that are not regular files are refused at once, and outputs that are not are written to.

#![cfg(unix)]

mod binary;

use std::{
    fs,
    io::Write,
    os::unix::fs::FileTypeExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use binary::{command, json, partscope, task_folder};
use tempfile::TempDir;

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs a command that must end by itself.
fn ends(args: &[&str]) -> Output {
    let mut child = command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{args:?} does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn refused(args: &[&str], expected: &str) {
    let output = ends(args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{args:?}: {message}");
    assert!(message.contains(expected), "{args:?}: {message}");
}

fn run(home: &Path) -> String {
    let out = home.join("run").to_str().unwrap().to_owned();
    json(&partscope(&["run", "--task", "sentiment", "--limit", "4", "-o", &out, "--json"]));
    out
}

#[test]
fn named_pipes_and_devices_are_refused_as_any_input() {
    let home = task_folder(&[]);
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (pipe, gguf, out) = (path("pipe.toml"), path("pipe.gguf"), path("out"));
    fifo(Path::new(&pipe));
    fifo(Path::new(&gguf));
    let is_pipe = "this is a named pipe, not a regular file";
    refused(&["run", "--task", &pipe, "-o", &out], is_pipe);
    refused(&["tasks", "check", &pipe], is_pipe);
    refused(&["components", &pipe], "not the folder of a run");
    refused(&["fit", &pipe], "not the folder of a run");
    refused(&["run", "--prompts", &pipe, "--labels", " a| b", "-o", &out], is_pipe);
    refused(&["run", "--prompts", "/dev/zero", "--labels", " a| b", "-o", &out], "this is a device");
    refused(&["run", "-m", &gguf, "--task", "sentiment", "-o", &out], is_pipe);
    refused(&["classify", "-w", &pipe, "-"], is_pipe);
    refused(&["classify", "-w", "/dev/zero", "-"], "this is a device");
    let model = path("model");
    fs::create_dir(&model).unwrap();
    fifo(&Path::new(&model).join("config.json"));
    refused(&["run", "-m", &model, "--task", "sentiment", "-o", &out], is_pipe);
    fs::remove_file(home.path().join("pool.jsonl")).unwrap();
    fifo(&home.path().join("pool.jsonl"));
    refused(&["run", "--task", &path("task.toml"), "-o", &out], is_pipe);
    for name in ["run.json", "attribution.safetensors", "examples.jsonl"] {
        let home = TempDir::new().unwrap();
        let saved = run(home.path());
        fs::remove_file(Path::new(&saved).join(name)).unwrap();
        fifo(&Path::new(&saved).join(name));
        refused(&["components", &saved], is_pipe);
    }
}

#[test]
fn an_output_that_is_a_pipe_or_a_link_is_written_to_not_replaced() {
    let home = TempDir::new().unwrap();
    let saved = run(home.path());
    let pipe = home.path().join("pipe");
    fifo(&pipe);
    let reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(ends(&["fit", &saved, "-o", pipe.to_str().unwrap()]).status.code(), Some(0));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "the pipe was replaced");
    let text = reader.wait_with_output().unwrap().stdout;
    let (target, link) = (home.path().join("target"), home.path().join("link"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert_eq!(ends(&["fit", &saved, "-o", link.to_str().unwrap()]).status.code(), Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link was replaced");
    assert_eq!(fs::read(&target).unwrap(), text);
}

#[test]
fn unreadable_inputs_come_with_advice() {
    let home = TempDir::new().unwrap();
    let none = home.path().join("none.jsonl").to_str().unwrap().to_owned();
    let out = home.path().join("out").to_str().unwrap().to_owned();
    refused(&["run", "--prompts", &none, "--labels", " a| b", "-o", &out], "; check the path");
    refused(&["classify", "-w", home.path().to_str().unwrap(), "-"], "this is a folder, not a regular file");
    let long = home.path().join("x".repeat(300)).to_str().unwrap().to_owned();
    let output = ends(&["run", "--task", "sentiment", "--limit", "2", "-o", &long]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && message.contains("shorter name"), "{message}");
}

#[test]
fn standard_input_is_bounded() {
    let home = task_folder(&[]);
    let out = home.path().join("out");
    for option in ["--ids", "--demos"] {
        let mut command = command(&["run", "--task", "sentiment", option, "-", "-o", out.to_str().unwrap()]);
        command.env("PARTSCOPE_MAX_DATA", "2MB").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let endless = thread::spawn(move || while input.write_all(&[b'\n'; 4096]).is_ok() {});
        let output = child.wait_with_output().unwrap();
        endless.join().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(
            message.contains("standard input takes more than 1 MB") && message.contains("PARTSCOPE_MAX_DATA"),
            "{message}"
        );
    }
}

#[test]
fn many_short_lines_are_refused_before_they_fill_the_memory() {
    let home = task_folder(&[]);
    let file = home.path().join("lines");
    let (path, out) = (file.to_str().unwrap(), home.path().join("out").to_str().unwrap().to_owned());
    for (line, args) in [
        ("{\"prompt\":\"a\",\"label\":0}\n", vec!["run", "--labels", " a| b", "-o", &out, "--prompts", path]),
        ("a\n", vec!["run", "--task", "sentiment", "-o", &out, "--ids", path]),
        ("{\"text\":\"a\",\"label\":\"positive\"}\n", vec!["run", "--task", "sentiment", "-o", &out, "--demos", path]),
    ] {
        fs::write(&file, line.repeat(20_000)).unwrap();
        let output = command(&args).env("PARTSCOPE_MAX_DATA", "1MB").output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {message}");
        assert!(
            message.contains("more than 1 MB") && message.contains("PARTSCOPE_MAX_DATA=4GB"),
            "{args:?}: {message}"
        );
    }
}

#[test]
fn json_that_would_take_gigabytes_is_refused_before_it_is_parsed() {
    let nested = format!("{{\"x\":[{}[]]}}", ("[".repeat(100) + &"]".repeat(100) + ",").repeat(5_500));
    let header = [&(nested.len() as u64).to_le_bytes(), nested.as_bytes()].concat();
    let home = TempDir::new().unwrap();
    let (model, out) = (home.path().join("model"), home.path().join("out").to_str().unwrap().to_owned());
    for (name, bytes) in [
        ("config.json", nested.as_bytes()),
        ("tokenizer.json", nested.as_bytes()),
        ("tokenizer_config.json", nested.as_bytes()),
        ("model.safetensors", header.as_slice()),
    ] {
        let _ = fs::remove_dir_all(&model);
        fs::create_dir(&model).unwrap();
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            fs::copy(Path::new("tests/golden/models/llama").join(file), model.join(file)).unwrap();
        }
        fs::write(model.join(name), bytes).unwrap();
        let args = ["run", "-m", model.to_str().unwrap(), "--task", "sentiment", "--chat", "-o", &out];
        let output = command(&args).env("PARTSCOPE_MAX_DATA", "100MB").output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {message}");
        let expected = "its values may take more than 100 MB of memory; if you trust the file, raise the limit";
        assert!(message.contains(name) && message.contains(expected), "{name}: {message}");
    }
}
