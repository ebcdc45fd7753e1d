//! What reads input from outside, as functions of bytes. None may panic, hang, or fill the memory.
//!
//! The tests beside this file and `fuzz/` at the top of the repository run the same list.

#![allow(unreachable_pub)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    sync::{Mutex, OnceLock},
    thread,
    time::Duration,
};

use partscope::{
    analysis::WeightsFile,
    app::Keymap,
    hub::{Client, Repo, Settings, Watcher},
    model::{ChatTemplate, LoadOptions, Source, Tokenizer, Turn, family::Config, inspect, weights::Weights},
    store,
    task::{Library, read_explicit, read_label_words},
    tui::{color::Depth, theme::Theme},
};

/// A reader of input.
pub struct Target {
    pub name: &'static str,
    /// Reads the bytes; may write files to the folder, which is its own.
    pub read: fn(&Path, &[u8]),
    /// Words of the format, to be put anywhere.
    pub tokens: &'static [&'static str],
    /// Executions in `cargo test`.
    pub executions: usize,
    /// Longest input in bytes.
    pub longest: usize,
}

macro_rules! targets {
    ($($name:ident $executions:literal $longest:literal $tokens:expr;)*) => {
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            read: $name,
            tokens: $tokens,
            executions: $executions,
            longest: $longest,
        }),*];

        #[cfg(test)]
        mod tests {
            $(#[test] fn $name() { crate::fuzz(stringify!($name)); })*
        }
    };
}

targets! {
    gguf 500 200_000 &["general.architecture", "llama.block_count", "tokenizer.ggml.tokens", "token_embd.weight"];
    safetensors 1000 100_000 &["\"dtype\":\"F32\"", "\"shape\":[", "\"data_offsets\":[0,8]", "__metadata__", "BF16"];
    tokenizer 1000 20_000 &["\"added_tokens\"", "\"merges\"", "\"vocab\"", "\"BPE\"", "\"Unigram\"", "\"ByteLevel\"", "\"Regex\""];
    config 2000 10_000 &["\"model_type\"", "\"rope_scaling\"", "\"num_hidden_layers\"", "\"head_dim\"", "\"sliding_window\""];
    task 1000 10_000 &["[data]", "[[template]]", "label_words", "{{ text }}", "test = \"task.toml\"", "[:5]", "fields = {"];
    csv 1000 20_000 &["\"\"", ",", "\r\n", "text,label"];
    jsonl 1000 20_000 &["{\"text\": \"", "\"label\": ", "[[[[[[[[", "{\"a\":{\"a\":"];
    parquet 500 50_000 &["PAR1", "\u{15}\u{4}\u{15}"];
    compressed 500 20_000 &["\u{1f}", "(", "PK"];
    card 1000 5_000 &["---\n", "dataset_info:\n", "class_label:\n", "&a ", "*a", "!function x", "'0': ", "- name: label\n"];
    harness 1000 5_000 &["doc_to_text: ", "{{ text }}", "!function x", "include: harness.yaml\n", "[a, b]", "&a ", "*a", "null"];
    sample_log 1000 20_000 &["\"arguments\"", "\"gen_args_0\"", "\"arg_0\"", "\"target\"", "\"doc_id\"", "[["];
    prompts 2000 20_000 &["{\"prompt\": \"", "\"label\": 0", "\"split\": \"train\""];
    template 1000 2_000 &["{{", "}}", "{%", "%}", "{% for i in range(9) %}", "{% endfor %}", "{% if text %}", "|upper", "~", " not "];
    chat_template 500 2_000 &["{{", "}}", "messages", "{% for m in messages %}", "{% endfor %}", "{% set x = x + x %}", "raise_exception('", "|tojson"];
    run_json 500 20_000 &["\"layers\"", "\"heads\"", "\"label_words\"", "\"examples\"", "\"schema\""];
    run_table 500 200_000 &["\"test.heads\"", "\"shape\":[", "\"data_offsets\":[0,8]", "\"I64\""];
    run_examples 500 50_000 &["\"split\"", "\"gold\"", "\"logits\"", "\"full\""];
    weights 2000 20_000 &["\"weights\"", "\"L0.H0\"", "\"L0.MLP\"", "\"rest\"", "\"lambda\"", "\"L999999.H999999\""];
    keymap 2000 20_000 &["[map]", "ctrl-", "\"quit\"", "= [\"", "f12", "space"];
    theme 2000 5_000 &["[roles]", "#ffffff", "name = ", "ramp", "\"reset\""];
    hub 500 20_000 &["\r\n", "content-length: ", "transfer-encoding: chunked\r\n", "x-linked-size: ", "x-linked-etag: ", "HTTP/1.1 206 \r\n", "content-range: bytes 0-1/2\r\n", "location: /x\r\n"];
}

/// Runs the target `name` in the folder of this process.
#[allow(dead_code)] // used by `fuzz/`
pub fn run(name: &str, bytes: &[u8]) {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::TempDir::new().unwrap());
    let target = TARGETS.iter().find(|target| target.name == name).expect("the name of a target");
    (target.read)(folder.path(), bytes);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn gguf(folder: &Path, bytes: &[u8]) {
    let path = folder.join("model.gguf");
    fs::write(&path, bytes).unwrap();
    let _ = inspect::inspect(&Source::Gguf(path), &LoadOptions::default());
}

fn safetensors(folder: &Path, bytes: &[u8]) {
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
    if let Ok(weights) = Weights::open(folder, &candle_core::Device::Cpu) {
        for (name, stored) in weights.tensors() {
            let _ = (stored.elements(), weights.get(name, &[2, 2]));
        }
    }
}

fn tokenizer(_: &Path, bytes: &[u8]) {
    if let Ok(tokenizer) = Tokenizer::parse(Path::new("tokenizer.json"), bytes) {
        let _ = tokenizer.encode("A fine film, naïve\u{301} and 世界.");
        let _ = tokenizer.label_tokens("Review: fine\nSentiment:", &[" positive".to_owned(), " negative".to_owned()]);
    }
}

fn config(_: &Path, bytes: &[u8]) {
    if let Ok(config) = Config::parse(Path::new("config.json"), bytes) {
        let _ = partscope::model::family::choose(&config);
    }
}

fn task(folder: &Path, bytes: &[u8]) {
    let path = folder.join("task.toml");
    fs::write(folder.join("data.csv"), "text,label\na fine film,good\na dull one,bad\n").unwrap();
    partscope::hub::go_offline();
    fs::write(&path, bytes).unwrap();
    let _ = Library.checked(path.to_str().unwrap());
}

fn data(folder: &Path, ending: &str, bytes: &[u8]) {
    let path = folder.join("task.toml");
    fs::write(folder.join(format!("data.{ending}")), bytes).unwrap();
    let task = format!(
        "name = \"t\"\nlabels = [\"A\", \"B\"]\n[data]\ntest = \"data.{ending}\"\n[[template]]\nname = \"a\"\n\
         example = \"{{{{ text }}}}:\"\nlabel_words = [\" A\", \" B\"]\n"
    );
    fs::write(&path, task).unwrap();
    let _ = Library.checked(path.to_str().unwrap());
}

fn csv(folder: &Path, bytes: &[u8]) {
    data(folder, "csv", bytes);
}

fn jsonl(folder: &Path, bytes: &[u8]) {
    data(folder, "jsonl", bytes);
    data(folder, "json", bytes);
}

fn parquet(folder: &Path, bytes: &[u8]) {
    data(folder, "parquet", bytes);
}

fn compressed(folder: &Path, bytes: &[u8]) {
    data(folder, "csv.gz", bytes);
    data(folder, "jsonl.zst", bytes);
}

fn card(folder: &Path, bytes: &[u8]) {
    fs::write(folder.join("README.md"), bytes).unwrap();
    data(folder, "csv", b"text,label\na fine film,0\na dull one,1\n");
}

fn harness(folder: &Path, bytes: &[u8]) {
    let path = folder.join("harness.yaml");
    fs::write(folder.join("data.csv"), "text,label\na fine film,1\na dull one,0\n").unwrap();
    // A data set of the hub would be asked for over the network.
    let local = text(bytes).replace("dataset_path", "dataset_bath") + "\ndataset_path: csv\n";
    fs::write(&path, local).unwrap();
    let _ = Library.checked(path.to_str().unwrap());
}

fn sample_log(folder: &Path, bytes: &[u8]) {
    let path = folder.join("samples_t_2024-11-05T12-33-12.jsonl");
    fs::write(&path, bytes).unwrap();
    let _ = Library.checked(path.to_str().unwrap());
}

fn prompts(_: &Path, bytes: &[u8]) {
    let text = text(bytes);
    let _ = (
        read_explicit(Path::new("prompts.jsonl"), &text, &[" no".to_owned(), " yes".to_owned()], None),
        read_label_words(&text),
    );
}

fn template(folder: &Path, bytes: &[u8]) {
    let path = folder.join("task.toml");
    fs::write(folder.join("data.csv"), "text,label\na fine film,A\na dull one,B\n").unwrap();
    let example = toml::Value::String(text(bytes));
    let task = format!(
        "name = \"t\"\nlabels = [\"A\", \"B\"]\n[data]\ntest = \"data.csv\"\n[[template]]\nname = \"a\"\n\
         example = {example}\nlabel_words = [\" A\", \" B\"]\n"
    );
    fs::write(&path, task).unwrap();
    let _ = Library.checked(path.to_str().unwrap());
}

fn chat_template(_: &Path, bytes: &[u8]) {
    let path = Path::new("chat_template.jinja");
    let tokens = [("bos_token", "<s>"), ("eos_token", "</s>")];
    let tokens = tokens.map(|(name, token)| (name.to_owned(), serde_json::Value::from(token)));
    if let Ok(template) = ChatTemplate::new(path, None, &text(bytes), tokens.into_iter().collect()) {
        let _ = template.render(&[Turn::user("a fine film"), Turn::assistant("good"), Turn::user("a dull one")]);
    }
}

/// Reads a saved run of which the file `name` is replaced.
fn run_with(folder: &Path, name: &str, bytes: &[u8]) {
    const FILES: [(&str, &[u8]); 3] = [
        ("run.json", include_bytes!("corpus/run_json/run.json")),
        ("attribution.safetensors", include_bytes!("corpus/run_table/attribution.safetensors")),
        ("examples.jsonl", include_bytes!("corpus/run_examples/examples.jsonl")),
    ];
    for (file, seed) in FILES {
        fs::write(folder.join(file), if file == name { bytes } else { seed }).unwrap();
    }
    if let Ok(run) = store::open(folder) {
        let _ = partscope::analysis::summarize(&run.test, &partscope::analysis::Thresholds::default());
    }
}

fn run_json(folder: &Path, bytes: &[u8]) {
    run_with(folder, "run.json", bytes);
}

fn run_table(folder: &Path, bytes: &[u8]) {
    run_with(folder, "attribution.safetensors", bytes);
}

fn run_examples(folder: &Path, bytes: &[u8]) {
    run_with(folder, "examples.jsonl", bytes);
}

fn weights(_: &Path, bytes: &[u8]) {
    if let Ok(weights) = WeightsFile::parse(&text(bytes)) {
        let _ = (weights.to_text(), weights.prompts());
    }
}

fn keymap(_: &Path, bytes: &[u8]) {
    if let Ok(mut keymap) = Keymap::parse(include_str!("../../assets/keymap.toml")) {
        let _ = keymap.change(&text(bytes));
    }
}

fn theme(_: &Path, bytes: &[u8]) {
    for depth in [Depth::None, Depth::Ansi, Depth::Indexed, Depth::True] {
        let _ = Theme::parse(&text(bytes), depth);
    }
}

fn hub(folder: &Path, bytes: &[u8]) {
    static REPLY: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static PORT: OnceLock<u16> = OnceLock::new();
    // No request to another host.
    let lower = text(bytes).to_ascii_lowercase();
    if lower.split("location").skip(1).any(|rest| rest.contains("//") || rest.contains("tp:") || rest.contains("tps:"))
    {
        return;
    }
    let port = PORT.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let _ = lines.take_while(|line| !line.is_empty()).count();
                let reply = REPLY.lock().unwrap().clone();
                let _ = stream.write_all(&reply);
            }
        });
        port
    });
    *REPLY.lock().unwrap() = bytes.to_vec();
    let settings = Settings {
        cache: folder.to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
        token: Some("hf_secret".to_owned()),
        offline: None,
        patience: Duration::from_secs(5),
    };
    let (repo, watcher): (Repo, _) = ("tests/tiny".parse().unwrap(), Watcher::default());
    let client = Client::new(&repo, &settings, &watcher);
    let snapshot = client.snapshot("config.json").unwrap_or_else(|_| folder.join("a".repeat(40)));
    let _ = client.file(&snapshot, "config.json");
    let left: Vec<_> = fs::read_dir(&snapshot).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty() || left == ["config.json"], "{left:?}");
    let _ = fs::remove_dir_all(snapshot);
}
