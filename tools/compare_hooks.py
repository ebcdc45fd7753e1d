"""Compares the speed of partscope with a notebook: the same attribution, weights and prompts with Hugging Face hooks.

    python tools/compare_hooks.py -m MODEL_DIR --texts sst2/dev.tsv --binary target/release/partscope --shots 4 24
    python tools/compare_hooks.py -m gemma.gguf --texts sst2/dev.tsv --dtype auto

The notebook is written carefully: prompts are sorted by length and run in left-padded batches, with logits of the last
position only. Hooks read the input of each `o_proj` and the output of each `mlp`, and each head's result is projected on the
label rows with the realised norm. With `--cache` it also shares the demonstrations' keys and values across a batch. The script
supports Llama-like models and Gemma 3. The notebook dequantises a GGUF file to f32 with the gguf package. Rounds alternate between the two, and ratios are medians. The largest difference of any
contribution is relative to the run's largest centred logit, like partscope's exactness.

On a card (`--device cuda --dtype bf16 --batch 32`) both store weights in that type. The notebook then computes all products in
that type, projects on the label rows in f32, copies its results once per batch, and warms up before it is timed.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, DynamicCache

from gguf_tokenizer import FileTokenizer


def prompts_of(texts, shots, count):
    """Returns prompts with the first `shots` lines as demonstrations and the next `count` as queries.

    A line is text, tab, 0 or 1.
    """
    lines = [line.rstrip("\n").split("\t") for line in open(texts, encoding="utf-8")]
    lines = [(text, int(label)) for text, label in lines if 8 <= len(text.split()) <= 26]
    words = [" negative", " positive"]
    head = "".join(f"Review: {text}\nSentiment:{words[label]}\n\n" for text, label in lines[:shots])
    return [(f"{head}Review: {text}\nSentiment:", label) for text, label in lines[shots:shots + count]]


def tokenizer_of(model):
    """Returns functions from a text to its ids: as a prompt, and without special tokens."""
    if model.is_file():
        tokenizer = FileTokenizer(gguf.GGUFReader(model))
        return tokenizer.ids, lambda text: tokenizer.tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    return lambda text: tokenizer.encode(text).ids, lambda text: tokenizer.encode(text, add_special_tokens=False).ids


class Notebook:
    """Direct logit attribution with hooks on a Hugging Face model."""

    def __init__(self, model, labels, device, dtype):
        weight_dtype = {"f32": torch.float32, "auto": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[dtype]
        place = {"pretrained_model_name_or_path": model.parent, "gguf_file": model.name} if model.is_file() else {"pretrained_model_name_or_path": model}
        self.model = AutoModelForCausalLM.from_pretrained(**place, dtype=weight_dtype).eval().to(device)
        self.device = device
        config = self.model.config
        self.heads, self.layers = config.num_attention_heads, config.num_hidden_layers
        self.gemma = config.model_type.startswith("gemma3")
        self.rows = (self.model.lm_head.weight[labels].float() * self.gain(self.model.model.norm)).detach()
        self.activations = {}
        for index, layer in enumerate(self.model.model.layers):
            layer.self_attn.o_proj.register_forward_pre_hook(lambda _, x, i=index: self.activations.__setitem__(("z", i), x[0][:, -1]))
            last = layer.post_feedforward_layernorm if self.gemma else layer.mlp
            last.register_forward_hook(lambda _, __, y, i=index: self.activations.__setitem__(("mlp", i), y[:, -1]))
        self.model.model.norm.register_forward_pre_hook(lambda _, x: self.activations.__setitem__("x", x[0][:, -1]))

    def gain(self, norm):
        return norm.weight.float() + self.gemma

    def scale(self, x):
        """Returns the factor of an RMS norm without its weights."""
        return torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.model.config.rms_norm_eps)

    @torch.inference_mode()
    def run(self, prompts, batch, cache):
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        heads = np.zeros((self.layers, self.heads, len(prompts), len(self.rows)), np.float32)
        mlps = np.zeros((self.layers, len(prompts), len(self.rows)), np.float32)
        shared = 0
        if cache:
            while all(len(p) > shared + 1 and p[shared] == prompts[0][shared] for p in prompts):
                shared += 1
            prefix = self.model(self.tensor([prompts[0][:shared]]), logits_to_keep=1, use_cache=True).past_key_values
        for start in range(0, len(order), batch):
            rows = order[start:start + batch]
            longest = max(len(prompts[i]) for i in rows)
            pad = [longest - len(prompts[i]) for i in rows]
            if not cache:
                ids = self.tensor([[0] * p + prompts[i] for p, i in zip(pad, rows)])
                mask = self.tensor([[0] * p + [1] * len(prompts[i]) for p, i in zip(pad, rows)])
                self.model(ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0), logits_to_keep=1, use_cache=False)
            else:
                ids = self.tensor([[0] * p + prompts[i][shared:] for p, i in zip(pad, rows)])
                mask = self.tensor([[1] * shared + [0] * p + [1] * (len(prompts[i]) - shared) for p, i in zip(pad, rows)])
                past = DynamicCache()
                for layer, item in enumerate(prefix.layers):
                    past.update(item.keys.expand(len(rows), -1, -1, -1), item.values.expand(len(rows), -1, -1, -1), layer)
                places = (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]
                self.model(ids, attention_mask=mask, position_ids=places, past_key_values=past, logits_to_keep=1, use_cache=True)
            scale = self.scale(self.activations["x"].float())
            shares = []
            for layer, block in enumerate(self.model.model.layers):
                weight = block.self_attn.o_proj.weight
                z = self.activations[("z", layer)].view(len(rows), self.heads, -1)
                result = torch.einsum("bhd,whd->bhw", z, weight.view(weight.shape[0], self.heads, -1)).float()
                if self.gemma:
                    result = result * (self.scale(result.sum(1)) * self.gain(block.post_attention_layernorm))[:, None]
                mlp = self.activations[("mlp", layer)].float() @ self.rows.T * scale
                shares.append(torch.cat([result @ self.rows.T * scale[:, None], mlp[:, None]], 1))
            shares = torch.stack(shares).transpose(1, 2).cpu().numpy()
            heads[:, :, rows], mlps[:, rows] = shares[:, :-1], shares[:, -1]
        return heads, mlps

    def tensor(self, values):
        return torch.tensor(values, device=self.device)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", required=True, type=Path)
    parser.add_argument("--texts", required=True)
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--shots", type=int, nargs="+", default=[4, 24])
    parser.add_argument("--examples", type=int, default=48)
    parser.add_argument("--notebook-examples", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", action="store_true", help="also run the notebook with a prefix cache")
    parser.add_argument("--device", default="cpu", help="device of both: cpu or cuda")
    parser.add_argument("--dtype", default="f32", choices=["f32", "bf16", "f16", "auto"], help="type of the weights of both; auto: partscope's as they are stored, the notebook's f32")
    options = parser.parse_args()
    prompt_ids, plain_ids = tokenizer_of(options.model)
    labels = [plain_ids(word)[0] for word in [" negative", " positive"]]
    notebook = Notebook(options.model, labels, options.device, options.dtype)
    if options.cache and getattr(notebook.model.config, "sliding_window", None):
        parser.error("--cache: the notebook's cache does not support sliding windows")
    report = {}
    for shots in options.shots:
        prompts = prompts_of(options.texts, shots, options.examples)
        tokens = [prompt_ids(text) for text, _ in prompts]
        rates = {"partscope": [], "notebook": [], "notebook_cache": []}
        with tempfile.TemporaryDirectory() as home:
            lines = "".join(json.dumps({"prompt": text, "label": label}) + "\n" for text, label in prompts)
            (Path(home) / "prompts.jsonl").write_text(lines)
            for number in range(options.rounds):
                out = Path(home) / f"run{number}"
                command = [options.binary, "run", "-m", str(options.model), "--prompts", f"{home}/prompts.jsonl", "--dtype", options.dtype,
                           "--device", options.device, "--label-tokens", ",".join(map(str, labels)), "--no-cache", "-o", str(out), "--json"]
                run = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                rates["partscope"].append(run["timing"]["examples_per_s"])
                notebook_prompts = tokens[:options.notebook_examples]
                if number == 0 and options.device != "cpu":
                    notebook.run(notebook_prompts, options.batch, options.cache)
                for name, cache in [("notebook", False)] + ([("notebook_cache", True)] if options.cache else []):
                    start = time.perf_counter()
                    heads, mlps = notebook.run(notebook_prompts, options.batch, cache)
                    rates[name].append(len(notebook_prompts) / (time.perf_counter() - start))
                    ours = load_file(out / "attribution.safetensors")
                    full = ours["test.full"]
                    size = np.abs(full - full.mean(-1, keepdims=True)).max()
                    count = len(notebook_prompts)
                    difference = max(np.abs(ours["test.heads"][:, :, :count] - heads).max(),
                                     np.abs(ours["test.mlps"][:, :count] - mlps).max())
        memory = {"notebook_gpu_bytes": torch.cuda.max_memory_allocated()} if options.device != "cpu" else {}
        medians = {name: statistics.median(values) for name, values in rates.items() if values}
        ratio = statistics.median(a / b for a, b in zip(rates["partscope"], rates["notebook"]))
        report[f"{shots} shots"] = {"tokens": sum(map(len, tokens)) / len(tokens), "examples_per_s": medians, "speedup": ratio,
                                    "largest_relative_difference": float(difference / size), "load_s": run["timing"]["load_s"], **memory}
        print(json.dumps({f"{shots} shots": report[f"{shots} shots"]}, indent=2), flush=True)


if __name__ == "__main__":
    main()
