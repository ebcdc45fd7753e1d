"""Token ids for tests/sentence_piece.rs: two small SentencePiece models and what transformers makes of them.

    python tools/golden_sentence_piece.py

Trains the models on README.md and writes them with their settings and ids to tests/golden/sentence_piece. Requires
sentencepiece, protobuf and transformers (made with the versions named in ids.json).
"""

import json
import pathlib
import shutil
import tempfile

import sentencepiece
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "golden" / "sentence_piece"
TEXTS = [
    "",
    " ",
    "Hello world",
    "  two leading spaces",
    "trailing  ",
    "tab\tand\nnewline\n\n",
    "héllo ünïcode 日本 🎉",
    "Review: it was fine.\nSentiment:",
    "a</s>b <s> c<unk>",
    "</s> x",
    "<turn>one <turn> two<note>three",
]
ADDED = {"420": ("<turn>", True), "421": ("<note>", False)}
BOS = dict(add_bos_token=True)
CASES = {
    "llama-legacy": ("prefix", dict(BOS, tokenizer_class="LlamaTokenizer", legacy=True)),
    "llama-first": ("prefix", dict(BOS, tokenizer_class="LlamaTokenizer", legacy=False)),
    "llama-default": ("prefix", dict(BOS, tokenizer_class="LlamaTokenizerFast")),
    "llama-eos": ("prefix", dict(tokenizer_class="LlamaTokenizer", add_bos_token=False, add_eos_token=True)),
    "gemma": ("bare", dict(BOS, tokenizer_class="GemmaTokenizer")),
}


def train(name, prefix):
    sentencepiece.SentencePieceTrainer.train(
        input=str(ROOT / "README.md"),
        model_prefix=str(OUT / name),
        vocab_size=420,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=prefix,
        character_coverage=0.98,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    (OUT / f"{name}.vocab").unlink()


def ids(model, settings):
    special = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    added = {
        id: dict(content=text, special=own, lstrip=False, rstrip=False, single_word=False, normalized=False)
        for id, (text, own) in ADDED.items()
    }
    config = special | settings | dict(added_tokens_decoder=added)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(OUT / f"{model}.model", f"{folder}/tokenizer.model")
        pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(config))
        pathlib.Path(folder, "config.json").write_text(json.dumps({"model_type": "llama"}))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return dict(model=model, config=config, ids=[tokenizer(text)["input_ids"] for text in TEXTS])


OUT.mkdir(parents=True, exist_ok=True)
for name, prefix in (("prefix", True), ("bare", False)):
    train(name, prefix)
facts = {name: ids(*case) for name, case in CASES.items()}
versions = dict(sentencepiece=sentencepiece.__version__, transformers=transformers.__version__)
(OUT / "ids.json").write_text(json.dumps(dict(texts=TEXTS, cases=facts, versions=versions), ensure_ascii=False) + "\n")
