//! Everything that leaves for a terminal passes through one gate, and a stream that cannot be written is no crash.

mod binary;

use std::{fs, path::Path};

use binary::{BINARY, TASK, failure, partscope, task_folder};
use serde_json::json;
use syn::{Attribute, ExprCall, ExprMethodCall, ItemFn, ItemMod, Macro, visit::Visit};

/// Files that write to standard output or standard error: the gate, and the explorer's screen with a gate of its own.
const GATES: [&str; 2] = ["src/cli/streams.rs", "src/tui/terminal.rs"];
/// Macros that write.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Collects what writes to the standard streams, outside of tests.
#[derive(Default)]
struct Writes(Vec<String>);

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Writes {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        let name = found.path.segments.last().unwrap().ident.to_string();
        let text = found.tokens.to_string();
        let streams = ["stdout ()", "stderr ()"].into_iter().filter(|stream| text.contains(stream));
        self.0.extend(streams.map(str::to_owned));
        if PRINTING.contains(&name.as_str()) {
            self.0.push(name + "!");
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // Asking whether a stream is a terminal does not write to it.
        if call.method != "is_terminal" {
            syn::visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let syn::Expr::Path(function) = &*call.func {
            let name = function.path.segments.last().unwrap().ident.to_string();
            if ["stdout", "stderr"].contains(&name.as_str()) {
                self.0.push(name + " ()");
            }
        }
        syn::visit::visit_expr_call(self, call);
    }
}

fn writes(text: &str) -> Vec<String> {
    let mut writes = Writes::default();
    writes.visit_file(&syn::parse_file(text).unwrap());
    writes.0
}

fn rust_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().replace('\\', "/"));
        }
    }
    files
}

#[test]
fn only_the_gates_write_to_the_standard_streams() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for file in rust_files(&root.join("src")) {
        if GATES.contains(&file.as_str()) || file.ends_with("/tests.rs") || file.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(root.join(&file)).unwrap();
        found.extend(writes(&text).into_iter().map(|what| format!("{file}: {what}")));
    }
    assert!(found.is_empty(), "use src/cli/streams.rs instead:\n{}", found.join("\n"));
}

#[test]
fn writes_of_every_form_are_found() {
    for (text, expected) in [
        ("fn f() { println!(\"a\") }", "println!"),
        ("fn f() { if true { eprintln!(\"a\") } }", "eprintln!"),
        ("fn f() { std::io::stdout().lock().write_all(b\"a\") }", "stdout ()"),
        ("fn f() { writeln!(std::io::stderr(), \"a\") }", "stderr ()"),
        ("mod m { fn f() { dbg!(1) } }", "dbg!"),
    ] {
        assert_eq!(writes(text), [expected], "{text}");
    }
    assert!(writes("#[cfg(test)] mod tests { fn f() { println!() } }").is_empty());
    assert!(writes("fn f() { std::io::stdout().is_terminal() }").is_empty());
}

/// Asserts that a text can be shown: no control characters besides line breaks, no marks, and not endless.
fn assert_safe(text: &str) {
    let is_safe = |c: char| c == '\n' || c == '\t' || !partscope::text::is_unsafe(c);
    assert!(text.chars().all(is_safe), "{text:?}");
    assert!(text.len() < 30_000, "{} bytes", text.len());
}

/// Sets the clipboard, moves the cursor, reverses the text after it, and hides a character.
const HOSTILE: &str = "\x1b]52;c;QQ==\x07\x1b[2J\u{9b}31m\u{202e}\u{200b}";

/// A folder with a valid task and the demo model with this chat template.
fn model_folder(file: &str, content: &str) -> tempfile::TempDir {
    let home = task_folder(&[("task.toml", TASK.replace("\" bad\", \" good\"", "\" A\", \" B\"").as_bytes())]);
    let model = home.path().join("model");
    fs::create_dir(&model).unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(format!("{}/assets/demo/model/{name}", env!("CARGO_MANIFEST_DIR")), model.join(name)).unwrap();
    }
    fs::write(model.join(file), content).unwrap();
    home
}

fn run_chat(home: &Path, more: &[&str]) -> (i32, String) {
    let (model, task, out) = (home.join("model"), home.join("task.toml"), home.join("out"));
    let paths = [&model, &task, &out].map(|path| path.to_str().unwrap());
    let args = ["run", "-m", paths[0], "--task", paths[1], "--num-fewshot", "1", "--train-examples", "0"];
    failure(&[&args[..], &["-o", paths[2]], more].concat())
}

#[test]
fn messages_of_chat_templates_are_safe_and_name_their_file() {
    let raises = format!("line one\n{{{{ raise_exception('no {HOSTILE}') }}}}");
    let home = model_folder("chat_template.jinja", &raises);
    let (code, message) = run_chat(home.path(), &["--chat"]);
    assert_safe(&message);
    let expected = "model/chat_template.jinja, line 2: the chat template rejects the conversation: no ]52;c;QQ==";
    assert!(code == 3 && message.contains(expected) && message.contains("\\u{202e}\\u{200b}"), "{message}");

    let home = model_folder("tokenizer_config.json", &json!({ "chat_template": raises }).to_string());
    let (code, message) = run_chat(home.path(), &["--chat"]);
    assert_safe(&message);
    let expected = "model/tokenizer_config.json: `chat_template`: the chat template rejects the conversation: no";
    assert!(code == 3 && message.contains(expected) && message.contains("(line 2 of the template)"), "{message}");
}

#[test]
fn hostile_chat_templates_are_refused_with_one_message() {
    let chain = |link: &str| format!("{{{{ messages{} }}}}", link.repeat(5_000));
    let mut templates: Vec<String> =
        [" + 1", " ~ 1", " ** 1", " and 1", "|f", ".a", " if 1 else 1"].into_iter().map(chain).collect();
    templates.push(format!("{{{{ {}1 }}}}", "not ".repeat(5_000)));
    templates.push(format!("{{{{ {}1 }}}}", "-".repeat(5_000)));
    templates.push(format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(5_000)));
    for (index, template) in templates.iter().enumerate() {
        let (file, content) = match index % 2 {
            0 => ("chat_template.jinja", template.clone()),
            _ => ("tokenizer_config.json", json!({ "chat_template": template }).to_string()),
        };
        let home = model_folder(file, &content);
        let (code, message) = run_chat(home.path(), &[]);
        assert!(code == 3 && message.contains(file) && message.contains("more than 1000"), "{message}");
    }
    let doubling = format!("{{% set x = [1] %}}{}{{{{ x }}}}", "{% set x = x + x %}".repeat(60));
    let home = model_folder("chat_template.jinja", &doubling);
    let (code, message) = run_chat(home.path(), &["--chat"]);
    assert!(code == 3 && message.contains("chat_template.jinja") && message.contains("out of fuel"), "{message}");
}

#[test]
fn hostile_task_templates_are_refused_with_one_message() {
    for (template, expected) in [
        (format!("{{{{ text{} }}}}", " + text".repeat(5_000)), "more than 1000 operators"),
        (format!("{{% set x = [1] %}}{}{{{{ x }}}}", "{% set x = x + x %}".repeat(60)), "out of fuel"),
    ] {
        let home = task_folder(&[("task.toml", TASK.replace("{{ text }}", &template).as_bytes())]);
        let task = home.path().join("task.toml");
        let out = home.path().join("out");
        let args = ["run", "--task", task.to_str().unwrap(), "--num-fewshot", "1", "-o", out.to_str().unwrap()];
        let (code, message) = failure(&args);
        let place = message.contains("task.toml, line 10, column 11: `template.plain.example`");
        assert!(code == 3 && place && message.contains(expected), "{message}");
    }
}

#[test]
fn long_instructions_are_refused_before_they_are_tokenised() {
    let long = format!("{TASK}instruction = \"{}\"\n", "word ".repeat(400_000));
    let home = task_folder(&[("task.toml", long.as_bytes())]);
    let output = partscope(&["tasks", "check", home.path().join("task.toml").to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("`template.plain.instruction`: the text has 2000000 bytes; at most 1048576"), "{text}");
}

#[test]
fn paths_and_file_contents_are_safe_in_messages_and_results() {
    let named = format!("{HOSTILE}.toml");
    let key = r#""\u001b]52;c;QQ==\u0007\u009b31m\u202e\u200b" = 1"#;
    let unknown_key = TASK.replace("name = \"mood\"", &format!("name = \"mood\"\n{key}"));
    let home = task_folder(&[(named.as_str(), TASK.as_bytes()), ("key.toml", unknown_key.as_bytes())]);
    for file in ["\x1b[2Jmissing\u{202e}.toml", named.as_str(), "key.toml"] {
        let path = home.path().join(file);
        for args in [&["tasks", "check"][..], &["run", "-o", "/dev/null/x", "--task"], &["fit"], &["frobnicate"]] {
            let output = partscope(&[args, &[path.to_str().unwrap()]].concat());
            assert_safe(&String::from_utf8(output.stderr).unwrap());
            assert_safe(&String::from_utf8(output.stdout).unwrap());
        }
    }
}

#[test]
fn json_escapes_unsafe_characters_and_keeps_their_values() {
    let pool =
        json!({"text": format!("a{HOSTILE}"), "label": "good"}).to_string() + "\n{\"text\": \"b\", \"label\": 0}\n";
    let home = task_folder(&[("pool.jsonl", pool.as_bytes())]);
    let output = partscope(&["tasks", "check", "--json", home.path().join("task.toml").to_str().unwrap()]);
    assert_safe(std::str::from_utf8(&output.stdout).unwrap());
    let prompt = binary::json(&output)["templates"][0]["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.contains(HOSTILE), "{prompt:?}");
}

#[test]
fn endless_messages_are_cut() {
    let long = TASK.replace("name = \"mood\"", &format!("name = \"mood\"\n{} = 1", "x".repeat(3 << 20)));
    let home = task_folder(&[("task.toml", long.as_bytes())]);
    let task = home.path().join("task.toml");
    let (code, message) = failure(&["run", "--task", task.to_str().unwrap(), "-o", "/dev/null/x"]);
    assert_safe(&message);
    assert!(code == 3 && message.contains("(3145728 characters)"), "{}", message.len());
}

/// The engine panics on this slice where arithmetic is checked.
#[test]
fn a_panic_of_the_template_engine_is_one_message() {
    let template = TASK.replace("{{ text }}", "{{ text[::-9223372036854775808] }}");
    let home = task_folder(&[("task.toml", template.as_bytes())]);
    let task = home.path().join("task.toml");
    let output = partscope(&["tasks", "check", task.to_str().unwrap()]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!message.contains("panicked") && !message.contains("internal error"), "{message}");
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{message}");
}

#[cfg(unix)]
mod lost {
    use std::process::{Command, Stdio};

    use super::BINARY;

    /// Exit code of a command in a shell; `$P` is the binary.
    fn code(script: &str) -> i32 {
        let mut shell = Command::new("bash");
        shell.args(["-c", script]).env("P", BINARY).env("PARTSCOPE_CACHE", "off").stdin(Stdio::null());
        shell.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code().unwrap()
    }

    #[test]
    fn errors_keep_their_code_when_standard_error_is_lost() {
        for (args, expected) in [("tasks check nothing", 3), ("explore", 2), ("frobnicate", 2), ("fit nothing", 3)] {
            for lost in ["2>&-", "2>/dev/full", "2> >(exec 0<&-)"] {
                assert_eq!(code(&format!("\"$P\" {args} {lost}")), expected, "{args} {lost}");
            }
        }
    }

    #[test]
    fn a_reader_that_has_had_enough_is_no_failure_but_a_full_disk_is() {
        for args in ["tasks", "tasks --json", "--help", "run --help", "--version", "completions bash", "man"] {
            let piped = format!("\"$P\" {args} | exec 0<&-; exit ${{PIPESTATUS[0]}}");
            assert_eq!(code(&piped), 0, "{args}");
            let said = r#"2>&1 >/dev/full | grep -q "cannot write standard output"; echo ${PIPESTATUS[@]}"#;
            assert_eq!(code(&format!("[ \"$(\"$P\" {args} {said})\" = '1 0' ]")), 0, "{args}");
        }
    }
}
