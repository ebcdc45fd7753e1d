"""Implementation of tools/gpu_check.sh: runs the program on the card and collects its results."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
SHAPES = {
    "135M": dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                 num_key_value_heads=3, head_dim=64, vocab_size=49152, tie_word_embeddings=True),
    "8B": dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
               num_key_value_heads=8, head_dim=128, vocab_size=128256, tie_word_embeddings=False),
}
START = time.perf_counter()
# DEVICE=as-card tries this script without a card.
DEVICE = os.environ.get("DEVICE", "cuda")
TORCH = "cuda" if torch.cuda.is_available() else "cpu"


def log(text):
    """Prints `text` with the seconds since the start to standard error."""
    print(f"[{time.perf_counter() - START:5.0f} s] {text}", file=sys.stderr, flush=True)


def make(name, folder, dtype):
    """Writes a model of the shape `name` with random weights and the demo's tokenizer to `folder`."""
    shape = SHAPES[name]
    folder.mkdir(parents=True)
    dtype_of_weights = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", rms_norm_eps=1e-5, rope_theta=500000.0,
                  max_position_embeddings=4096, hidden_act="silu", attention_bias=False, mlp_bias=False,
                  torch_dtype={"f32": "float32", "bf16": "bfloat16"}[dtype], bos_token_id=0, eos_token_id=0, **shape)
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(ROOT / "assets/demo/model/tokenizer.json", folder)
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    heads, keys = (shape[f"num_{kind}_heads"] * shape["head_dim"] for kind in ("attention", "key_value"))
    generator = torch.Generator(TORCH).manual_seed(0)
    scale = 0.02 if name == "8B" else 0.05

    def weights(*size):
        values = torch.randn(*size, generator=generator, device=TORCH, dtype=torch.float32) * scale
        return values.to(dtype_of_weights).cpu()

    def ones():
        return torch.ones(width, dtype=dtype_of_weights)

    parts = [{"model.embed_tokens.weight": weights(shape["vocab_size"], width), "model.norm.weight": ones()}]
    if not shape["tie_word_embeddings"]:
        parts[0]["lm_head.weight"] = weights(shape["vocab_size"], width)
    index = {}
    for layer in range(shape["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        parts.append({
            f"{at}.input_layernorm.weight": ones(), f"{at}.post_attention_layernorm.weight": ones(),
            f"{at}.self_attn.q_proj.weight": weights(heads, width), f"{at}.self_attn.k_proj.weight": weights(keys, width),
            f"{at}.self_attn.v_proj.weight": weights(keys, width), f"{at}.self_attn.o_proj.weight": weights(width, heads),
            f"{at}.mlp.gate_proj.weight": weights(inner, width), f"{at}.mlp.up_proj.weight": weights(inner, width),
            f"{at}.mlp.down_proj.weight": weights(width, inner)})
    for number, part in enumerate(parts):
        file = f"model-{number:05}-of-{len(parts):05}.safetensors"
        save_file(part, folder / file, metadata={"format": "pt"})
        index.update(dict.fromkeys(part, file))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def texts(path):
    """Writes 3000 reviews of 8 to 26 words to `path`, joined from the demo's sentences."""
    lines = [json.loads(line) for line in open(ROOT / "assets/demo/tasks/sentiment.test.jsonl", encoding="utf-8")]
    rng = random.Random(0)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(3000):
            length, words = rng.randint(8, 26), []
            while len(words) < length:
                line = rng.choice(lines)
                words += line["text"].split()
            file.write(" ".join(words[:length]) + f"\t{int(line['label'] == 'positive')}\n")


class Memory:
    """Peak memory on the card, in bytes above that at the start, sampled ten times a second."""

    def __enter__(self):
        self.most, self.stop = 0, threading.Event()
        self.before = self.taken()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.stop.wait(0.1):
            self.most = max(self.most, self.taken() - self.before)

    @staticmethod
    def taken():
        free, total = torch.cuda.mem_get_info() if TORCH == "cuda" else (0, 0)
        return total - free

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def run(command, **options):
    """Runs `command`; returns the finished process and its wall time in seconds."""
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    return done, time.perf_counter() - start


def as_json(command, **options):
    """Returns the JSON that `command` prints, its wall time and its peak memory on the card; or the end of its errors."""
    with Memory() as memory:
        done, seconds = run(command, **options)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        return {"failed": done.stderr[-600:], "exit": done.returncode}
    return {**json.loads(done.stdout), "wall_s": round(seconds, 1), "card_bytes": memory.most}


def compare_demo(binary, home):
    """Compares the demo on the card, in every dtype, with the demo on the CPU."""
    found, tables = {}, {}
    for device, dtype in [("cpu", "f32"), (DEVICE, "f32"), (DEVICE, "f16"), (DEVICE, "bf16")]:
        out = home / f"demo-{device}-{dtype}"
        result = as_json([binary, "run", "-m", "demo", "--task", "sentiment", "--device", device, "--dtype", dtype,
                          "--no-cache", "-o", out, "--json"])
        if "failed" in result:
            found[f"{device} {dtype}"] = result
            continue
        tables[device, dtype] = load_file(out / "attribution.safetensors")
        full, reference = tables[device, dtype]["test.full"], tables["cpu", "f32"]
        size = np.abs(reference["test.full"] - reference["test.full"].mean(-1, keepdims=True)).max()
        difference = max(np.abs(tables[device, dtype][key] - reference[key]).max() for key in ("test.heads", "test.mlps"))
        flips = int((full.argmax(-1) != reference["test.full"].argmax(-1)).sum())
        found[f"{device} {dtype}"] = {"exactness": result["exactness"], "examples_per_s": result["timing"]["examples_per_s"],
                                      "largest_difference_from_cpu": float(difference / size), "predictions_changed": flips,
                                      "examples": len(full)}
    return found


def compare_golden(binary, home):
    """Compares every component of every golden model on the card with transformers in f32 on a CPU."""
    found = {}
    for folder in sorted((ROOT / "tests/golden/models").iterdir()):
        facts, expected = json.loads((folder / "golden.json").read_text()), load_file(folder / "golden.safetensors")
        prompts, out = home / f"{folder.name}.jsonl", home / f"golden-{folder.name}"
        texts = [" ".join(f"w{token}" for token in prompt[1:]) for prompt in facts["prompts"]]
        prompts.write_text("".join(json.dumps({"prompt": text, "label": 0}) + "\n" for text in texts))
        labels = ",".join(map(str, facts["labels"]))
        result = as_json([binary, "run", "-m", folder, "--prompts", prompts, "--label-tokens", labels,
                          "--device", DEVICE, "--dtype", "f32", "--no-cache", "-o", out, "--json"])
        if "failed" in result:
            found[folder.name] = result
            continue
        table = load_file(out / "attribution.safetensors")
        pairs = [(table["test.rest"], expected["rest"]), (table["test.full"], expected["full"])]
        for layer in range(len(expected["heads"])):
            pairs += zip(table["test.heads"][layer], expected["heads"][layer])
            pairs.append((table["test.mlps"][layer], expected["mlps"][layer]))
        worst = max(float(np.abs(a - b.reshape(a.shape)).max() / max(np.abs(b).max(), 1e-30)) for a, b in pairs)
        found[folder.name] = {"worst": worst, "holds": worst <= 1e-4 and result["exactness"]["max_rel"] <= 1e-4}
    return {"all_hold": all(model.get("holds", False) for model in found.values()), "models": found}


def numbers(value):
    """Returns all numbers in a JSON value, in order."""
    if isinstance(value, dict):
        return [number for key in value for number in numbers(value[key])]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [float(value)] if isinstance(value, (int, float)) else []


def compare_experiments(binary, home):
    """Compares ablated re-runs, attention and logit lens of the demo on the card with those on the CPU."""
    found = {}
    commands = {"ablate last": ["ablate", "--set", "L3.H2=0"], "attention": ["attention", "--head", "L3.H2"],
                "writes": ["writes", "--component", "L3.H2"],
                "ablate all": ["ablate", "--set", "L3.H2=0,L5.MLP=0.5", "--positions", "all", "--fill", "mean"]}
    for name, (command, *options) in commands.items():
        cpu, card = (as_json([binary, command, home / f"demo-{device}-f32", *options, "--device", device, "--json"])
                     for device in ("cpu", DEVICE))
        timings = ("wall_s", "card_bytes", "seconds")
        a, b = ([number for key in result if key not in timings for number in numbers(result[key])]
                for result in (cpu, card))
        if "failed" in cpu or "failed" in card or len(a) != len(b):
            found[name] = {"cpu": str(cpu)[:500], "card": str(card)[:500]}
        else:
            found[name] = {"numbers": len(a), "largest_difference": max(abs(x - y) for x, y in zip(a, b))}
    return found


def refusals(binary):
    """Collects exit codes and error messages for bad input on a machine with a card."""
    cases = {"no such card": ["--device", "cuda:99"], "no card by that name": ["--device", "cuda:x"],
             "quantised on a card": ["--device", DEVICE, "--dtype", "q8_0"]}
    found = {}
    for name, options in cases.items():
        done, _ = run([binary, "run", "-m", "demo", "--task", "sentiment", "-o", "/tmp/none", *options])
        found[name] = {"exit": done.returncode, "says": done.stderr.strip()[:300]}
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done, _ = run([binary, "run", "-m", "demo", "--task", "sentiment", "-o", "/tmp/none", "--device", DEVICE], env=hidden)
    found["no card in sight"] = {"exit": done.returncode, "says": done.stderr.strip()[:300]}
    return found


def speed(binary, model, dtype, shots):
    """Runs `partscope bench` once for each number of shots."""
    found = {}
    for count in shots:
        found[f"{count} shots"] = as_json([binary, "bench", "-m", model, "--device", DEVICE, "--dtype", dtype, "--shots", count,
                                           "--rounds", 3, "--json"])
        log(f"bench {model} {dtype} {count} shots: {found[f'{count} shots']}")
    return found


def compare_hooks(binary, model, dtype, home, examples, notebook_examples, rounds):
    """Runs tools/compare_hooks.py."""
    done, seconds = run([sys.executable, ROOT / "tools/compare_hooks.py", "-m", model, "--texts", home / "texts.tsv", "--binary",
                         binary, "--device", TORCH, "--dtype", dtype, "--examples", examples,
                         "--notebook-examples", notebook_examples, "--batch", 32, "--rounds", rounds, "--cache"])
    if done.returncode != 0:
        return {"failed": done.stderr[-1500:]}
    found, text = {}, done.stdout
    while text.strip():
        value, end = json.JSONDecoder().raw_decode(text.lstrip())
        found.update(value)
        text = text.lstrip()[end:]
    log(f"compare_hooks: {found}")
    return {**found, "wall_s": round(seconds, 1)}


def main():
    binary, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    parts = os.environ.get("PARTS", "refusals golden demo 135M 8B hooks").split()
    report = {"card": "none", "torch": torch.__version__}
    if shutil.which("nvidia-smi"):
        driver, _ = run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
        report["card"] = driver.stdout.strip()

    def record(key, value):
        """Adds a result to the report and saves the report."""
        report[key] = value
        out.write_text(json.dumps(report, indent=1))
        log(f"{key}: done")

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMP", "/dev/shm")) as home:
        home = Path(home)
        texts(home / "texts.tsv")
        if "refusals" in parts:
            record("refusals", refusals(binary))
        if "demo" in parts:
            record("demo", compare_demo(binary, home))
            record("bench demo f32", speed(binary, "demo", "f32", [4, 24]))
            record("causes", compare_experiments(binary, home))
        if "golden" in parts:
            record("golden", compare_golden(binary, home))
        if "135M" in parts:
            make("135M", home / "135M", "f32")
            for dtype in ["f32", "bf16"]:
                record(f"bench 135M {dtype}", speed(binary, home / "135M", dtype, [4, 24]))
            if "hooks" in parts:
                record("hooks 135M f32", compare_hooks(binary, home / "135M", "f32", home, 2048, 96, 1))
            shutil.rmtree(home / "135M")
        if "8B" in parts:
            make("8B", home / "8B", "bf16")
            if TORCH == "cuda":
                torch.cuda.empty_cache()
            log("8B made")
            record("bench 8B bf16", speed(binary, home / "8B", "bf16", [4, 24]))
            record("bench 8B f16", speed(binary, home / "8B", "f16", [4]))
            if "hooks" in parts:
                record("hooks 8B bf16", compare_hooks(binary, home / "8B", "bf16", home, 2048, 96, 1))
    record("seconds", round(time.perf_counter() - START, 1))


if __name__ == "__main__":
    main()
