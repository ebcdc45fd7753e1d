"""Measures how far contributions of quantised files are from those of their dequantised weights, computed without partscope.

    python tools/quantised_exactness.py --binary target/release/partscope gemma.gguf smollm2.gguf
    python tools/quantised_exactness.py --binary target/release/partscope --types --preset 135m-512 --layers 6

`--types`, the last option, makes one random-weight file of each weight type with the arguments after it for random_gguf.py, and deletes
it afterwards.
Each file's prompts are run by partscope, and by gguf_forward.py in float64 with weights that the gguf package dequantises. The
deviation is the largest difference of any contribution or logit, relative to the largest logit with the mean over labels subtracted.
Exits with 1 if one exceeds `--bar`. Requires gguf, numpy, safetensors and tokenizers.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from safetensors.numpy import load_file

from ggml_blocks import TYPES
from gguf_forward import contributions
from gguf_tokenizer import FileTokenizer

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "assets" / "demo" / "tasks" / "sentiment.test.jsonl"
WORDS = {"negative": " negative", "positive": " positive"}


def prompts_of(shots, count):
    """Returns prompts about reviews with the first `shots` examples as demonstrations."""
    examples = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    head = "".join(f"Review: {one['text']}\nSentiment:{WORDS[one['label']]}\n\n" for one in examples[:shots])
    return [f"{head}Review: {one['text']}\nSentiment:" for one in examples[shots:shots + count]]


def attributed(options, file, prompts, labels):
    """Returns partscope's tensors and what its run.json says about the prompts."""
    with tempfile.TemporaryDirectory() as home:
        lines = "".join(json.dumps({"prompt": text, "label": 0}) + "\n" for text in prompts)
        (pathlib.Path(home) / "prompts.jsonl").write_text(lines)
        command = [options.binary, "run", "-m", file, "--prompts", f"{home}/prompts.jsonl", "--label-tokens", ",".join(map(str, labels)),
                   "--dtype", options.dtype, "--device", options.device, "--no-cache", "-o", f"{home}/run", "--json"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if not done.stdout:
            raise ValueError(f"partscope: {done.stderr.strip()}")
        return load_file(f"{home}/run/attribution.safetensors"), json.loads(done.stdout)["prompt"]


def deviations(options, file):
    """Returns the deviation of heads, MLPs and the model's own logits."""
    reader = gguf.GGUFReader(file)
    tokenizer = FileTokenizer(reader)
    labels = [tokenizer.tokenizer.encode(word, add_special_tokens=False).ids[0] for word in WORDS.values()]
    prompts = prompts_of(options.shots, options.prompts)
    ours, prompt = attributed(options, file, prompts, labels)
    ids = [tokenizer.ids(text) for text in prompts]
    if sum(map(len, ids)) != prompt["tokens"]:
        raise ValueError(f"the tokenizers differ: {sum(map(len, ids))} tokens here, {prompt['tokens']} in partscope")
    theirs = contributions(reader, ids, labels)
    size = np.abs(theirs[2] - theirs[2].mean(-1, keepdims=True)).max()
    return [float(np.abs(ours[f"test.{name}"] - values).max() / size) for name, values in zip(["heads", "mlps", "full"], theirs)]


def report(options, file, name):
    kinds = collections.Counter(tensor.tensor_type.name for tensor in gguf.GGUFReader(file).tensors if len(tensor.shape) > 1)
    print(f"| {name} | {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())} | ", end="", flush=True)
    try:
        found = deviations(options, file)
    except ValueError as error:
        print(f"– | – | – | {error} |", flush=True)
        return False
    holds = max(found) <= options.bar
    print(" | ".join(f"{value:.1e}" for value in found), f"| {'yes' if holds else 'no'} |", flush=True)
    return holds


def of_types(options):
    for kind in TYPES:
        with tempfile.TemporaryDirectory(dir=options.folder) as home:
            file = pathlib.Path(home) / f"{kind}.gguf"
            subprocess.run([sys.executable, HERE / "random_gguf.py", "--type", kind, "-o", file, *options.types], check=True)
            yield report(options, file, kind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--types", nargs=argparse.REMAINDER, help="make and measure a file of each weight type")
    parser.add_argument("--folder", help="folder for the files that --types makes [default: the system's]")
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--bar", type=float, default=1e-4)
    options = parser.parse_args()
    print("| file | weight types | heads | MLPs | own logits | within the bar |\n|---|---|---|---|---|---|", flush=True)
    results = [report(options, file, file.name) for file in options.files] + ([] if options.types is None else list(of_types(options)))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
