"""Writes tests/golden/tokens.json: token ids of texts by Hugging Face transformers, for every committed tokenizer.json.

    python tools/golden_tokens.py

Requires transformers (made with the version printed at the end). Every text is encoded with and without the special
tokens that the tokenizer adds; some texts hold these already, as `apply_chat_template` writes them.
"""

import json
import pathlib

import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The golden models share one tokenizer.
FILES = ["assets/demo/model/tokenizer.json", "tests/golden/models/llama/tokenizer.json"]
TEXTS = [
    "",
    " ",
    "The soup was superb.\nIt is positive",
    "Article: A goal.\nTopic:",
    "  two  spaces\tand a tab\n\n\nlines",
    "w3 w4 w5 w96",
    "don't we'll I'M 1234567890 3.14",
    "日本語 Ünïcode 🙂👍🏽 e\u0301",
    "<b>&amp;</b> {{ x }} \"quoted\" \\n",
    "a\r\nb\u00a0c\u200bd",
    "x" * 200,
]


def main():
    golden = {}
    for file in FILES:
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(ROOT / file))
        ids = lambda text, special: tokenizer(text, add_special_tokens=special)["input_ids"]
        added = [token.content for token in tokenizer.added_tokens_decoder.values()]
        start = tokenizer.convert_ids_to_tokens(ids("", True))
        held = [first + text for first in added[:4] + start[:1] for text in TEXTS[2:5]]
        held += ["".join(start[:1]) * 2 + "twice", " " + "".join(start[:1]) + "after a space"]
        texts = list(dict.fromkeys(TEXTS + held))
        golden[file] = [{"text": text, "with": ids(text, True), "without": ids(text, False)} for text in texts]
    path = ROOT / "tests" / "golden" / "tokens.json"
    lines = ",\n".join(
        f" {json.dumps(file)}: [\n  " + ",\n  ".join(json.dumps(case) for case in cases) + "\n ]"
        for file, cases in golden.items()
    )
    path.write_text("{\n" + lines + "\n}\n")
    print(f"{path}: transformers {transformers.__version__}")


if __name__ == "__main__":
    main()
