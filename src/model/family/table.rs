//! The table of architectures in docs/models.md.

use std::fmt::Write;

use super::ARCHITECTURES;

const HEAD: &str = "\
# Models

`cargo run --example models` writes this table. The names are those of `architectures` in config.json and of
`general.architecture` in GGUF files. A base model, such as `LlamaModel`, loads if its embeddings are also its
unembedding, or if its file has one. Of a model that also reads images, the text half loads, and `doctor` says so.

Weights may be safetensors, pickles of PyTorch (`pytorch_model.bin`, of which nothing is run) or GGUF; LoRA adapters are
merged while they are loaded. Tokenizers are tokenizer.json, or tokenizer.model of SentencePiece (BPE) with
tokenizer_config.json.

Position scaling: linear, dynamic (up to `max_position_embeddings`), llama3, YaRN, LongRoPE, proportional, and mrope for
text.

| family | config.json | GGUF | positions | special | models |
|---|---|---|---|---|---|
";

/// Returns the text of docs/models.md.
pub fn table() -> String {
    let mut text = HEAD.to_owned();
    for known in ARCHITECTURES {
        let names: Vec<String> = known.architectures.iter().map(|name| format!("`{name}`")).collect();
        let gguf = known.gguf.map_or_else(String::new, |name| format!("`{name}`"));
        let _ = writeln!(
            text,
            "| {} | {} | {gguf} | {} | {} | {} |",
            known.name,
            names.join(", "),
            known.positions,
            known.special,
            known.users
        );
    }
    text
}
