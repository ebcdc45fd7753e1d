//! Prompts are what templates say, byte for byte, and their tokens are those of Hugging Face transformers.

mod common;

use std::{fs, path::Path};

use partscope::{
    model::{LoadOptions, Model, Prompt, Source, Tokenizer},
    random::SeededRng,
    runner::{Bos, Demos, PromptBuilder, RunRequest, Selection},
    task::Library,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Pieces of texts and templates, with everything that a template engine or a table reader could alter.
const PIECES: [&str; 16] = [
    "a",
    " ",
    "\n",
    "\t",
    "  ",
    "Ünïcode",
    "日本",
    "🙂",
    "<b>&amp;",
    "\"quoted\"",
    "'",
    "\\n",
    "{x}",
    "% #",
    "line\r\nbreak",
    "\u{a0}",
];

const LABELS: [&str; 2] = ["x", "y"];

fn text(draws: &mut SeededRng, most: usize) -> String {
    (0..draws.below(most + 1)).map(|_| PIECES[draws.below(PIECES.len())]).collect()
}

/// A template with two fields as literal pieces and field names, ending in fixed text.
struct Random {
    pieces: Vec<Result<String, &'static str>>,
    separator: String,
    instruction: String,
}

impl Random {
    fn new(draws: &mut SeededRng) -> Self {
        let mut pieces: Vec<Result<String, &'static str>> = Vec::new();
        for field in ["first", "second"] {
            pieces.push(Ok(text(draws, 2)));
            pieces.push(Err(field));
        }
        pieces.push(Ok(text(draws, 2) + "\nIt is:"));
        Self { pieces, separator: text(draws, 2) + "\n", instruction: text(draws, 2) }
    }

    fn source(&self) -> String {
        let piece = |piece: &Result<String, &str>| piece.clone().unwrap_or_else(|field| format!("{{{{ {field} }}}}"));
        self.pieces.iter().map(piece).collect()
    }

    fn render(&self, example: &Value) -> String {
        let piece = |piece: &Result<String, &str>| match piece {
            Ok(text) => text.clone(),
            Err(field) => example[*field].as_str().unwrap().to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }
}

#[test]
fn prompts_are_what_the_template_says() {
    let model = Model::load(&Source::Demo, &LoadOptions::default()).unwrap();
    let words = [" sports", " food"];
    for seed in 0..40 {
        let mut draws = SeededRng::new(seed);
        let (home, template) = (TempDir::new().unwrap(), Random::new(&mut draws));
        let mut row = |id: String, label: usize| {
            let mut field = || text(&mut draws, 2) + &id + &text(&mut draws, 2);
            json!({"id": id, "first": field(), "second": field(), "label": LABELS[label]})
        };
        let pool: Vec<Value> = (0..6).map(|at| row(format!("d{at}"), at % 2)).collect();
        let test: Vec<Value> = (0..6).map(|at| row(format!("q{at}"), at % 2)).collect();
        for (name, rows) in [("pool.jsonl", &pool), ("test.jsonl", &test)] {
            fs::write(home.path().join(name), rows.iter().map(|row| row.to_string() + "\n").collect::<String>())
                .unwrap();
        }
        let text = |text: &str| serde_json::to_string(text).unwrap();
        let file = home.path().join("task.toml");
        let task = format!(
            "name = \"t\"\nlabels = [\"x\", \"y\"]\n[data]\npool = \"pool.jsonl\"\ntest = \"test.jsonl\"\n[[template]]\n\
             name = \"a\"\nexample = {}\nlabel_words = [\" sports\", \" food\"]\nseparator = {}\ninstruction = {}\n",
            text(&template.source()),
            text(&template.separator),
            text(&template.instruction)
        );
        fs::write(&file, task).unwrap();
        let task = Library.task(file.to_str().unwrap()).unwrap();
        let demos = Demos::Balanced;
        let request = RunRequest { template: None, shots: 2, train_examples: 2, demos, ..RunRequest::default() };
        let draft = PromptBuilder::new(&task, &request).unwrap();
        let (plan, prompts) = draft.plan(&model).unwrap();
        let find = |rows: &[Value], id: &str| rows.iter().find(|row| row["id"] == id).unwrap().clone();
        let context = plan.prompt.demo_ids.iter().fold(template.instruction.clone(), |context, id| {
            let demo = find(&pool, id);
            let word = words[usize::from(demo["label"] == "y")];
            context + &template.render(&demo) + word + &template.separator
        });
        for (planned, tokens) in plan.test.iter().zip(&prompts.test) {
            let expected = context.clone() + &template.render(&find(&test, &planned.id));
            assert_eq!(planned.prompt.as_ref().unwrap().to_string(), expected, "seed {seed}");
            assert_eq!(tokens.tokens().collect::<Vec<_>>(), model.tokenizer.encode(&expected).unwrap());
        }
    }
}

/// Ids of the texts in `tests/golden/tokens.json`, made by transformers (`tools/golden_tokens.py`).
#[test]
fn token_ids_are_those_of_transformers() {
    let golden: Value = serde_json::from_slice(&fs::read(common::golden("tokens.json")).unwrap()).unwrap();
    let ids = |value: &Value| -> Vec<u32> { serde_json::from_value(value.clone()).unwrap() };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = golden.as_object().unwrap();
    assert!(files.len() >= 2);
    for (file, texts) in files {
        let path = root.join(file);
        let tokenizer = Tokenizer::parse(&path, &fs::read(&path).unwrap()).unwrap();
        for case in texts.as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let (with, without) = (ids(&case["with"]), ids(&case["without"]));
            let encode = |bos| tokenizer.with_bos(bos).encode(text).unwrap();
            assert_eq!((encode(Bos::Always), encode(Bos::Never)), (with.clone(), without.clone()), "{file}: {text:?}");
            // Special tokens that the text holds are not added again.
            let holds = !tokenizer.start().is_empty() && without.starts_with(tokenizer.start());
            assert_eq!(encode(Bos::Auto), if holds { without } else { with }, "{file}: {text:?}");
            for bos in [Bos::Auto, Bos::Always, Bos::Never] {
                let ranges = tokenizer.with_bos(bos).encode_with_ranges(text).unwrap();
                assert_eq!(ranges.iter().map(|(id, _)| *id).collect::<Vec<_>>(), encode(bos), "{file}: {text:?}");
            }
        }
    }
}

#[test]
fn every_committed_tokenizer_has_golden_ids() {
    let golden: Value = serde_json::from_slice(&fs::read(common::golden("tokens.json")).unwrap()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known: Vec<Vec<u8>> =
        golden.as_object().unwrap().keys().map(|file| fs::read(root.join(file)).unwrap()).collect();
    for name in common::names() {
        let bytes = fs::read(common::folder(&name).join("tokenizer.json")).unwrap();
        assert!(known.contains(&bytes), "{name}: add its tokenizer.json to tools/golden_tokens.py");
    }
    assert!(known.contains(&fs::read(root.join("assets/demo/model/tokenizer.json")).unwrap()));
}

#[test]
fn a_request_without_a_selection_takes_the_first_examples_unchecked() {
    let task = Library.task("topic").unwrap();
    let ids = |selection| -> Vec<String> {
        let request = RunRequest { limit: Some(5), selection, ..RunRequest::default() };
        PromptBuilder::new(&task, &request).unwrap().test.iter().map(|example| example.id.clone()).collect()
    };
    let first: Vec<String> = task.test[..5].iter().map(|example| example.id.clone()).collect();
    assert_eq!(ids(None), first);
    assert_ne!(ids(Some(Selection::default())), first);
}
