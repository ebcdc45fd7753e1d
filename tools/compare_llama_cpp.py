"""Compares the speed of attribution with llama.cpp's prompt processing, on the same GGUF file, prompts and threads.

    npm install --ignore-scripts --omit=optional --prefix DIR node-llama-cpp @node-llama-cpp/linux-x64
    python tools/compare_llama_cpp.py -m gemma.gguf --node-modules DIR/node_modules --binary target/release/partscope

Prompts are consecutive pieces of `--text`, so they share no prefix but the start token. Rounds alternate between the two; loading is
not timed, and ratios are medians over rounds. partscope attributes every prompt, in the types that the file has unless `--dtype` says
otherwise. llama.cpp evaluates the prompts in batches of 512 tokens with its default flash attention, and computes neither logits nor
samples. The package chooses llama.cpp's build for the machine's instruction sets.
Tokens are counted by each program's own tokenizer. Other load slows llama.cpp more, since its threads wait for each other actively.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
INSTRUCTIONS = ["avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_bf16", "avx512_vnni", "avx512_fp16", "amx_bf16", "amx_int8", "amx_tile",
                "asimd", "asimddp", "i8mm", "sve"]


class LlamaCpp:
    """A process that evaluates prompts of the text file on request."""

    def __init__(self, options, text):
        arguments = [options.node_modules, options.model, options.threads, text, options.tokens, options.prompts]
        command = ["node", HERE / "llama_cpp_speed.mjs", *arguments]
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.properties = self.read()
        self.prompts = self.properties.pop("prompts")

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("error: llama.cpp's process ended; its message is above")
        return json.loads(line)

    def evaluate(self):
        """Returns the prompts' tokens and the seconds that their evaluation took."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.read()
        return answer["tokens"], answer["seconds"]


def attribute(options, prompts):
    """Returns the prompts' own tokens, the seconds that their attribution took, and the weights' type."""
    shutil.rmtree(prompts.with_name("run"), ignore_errors=True)
    command = [options.binary, "run", "-m", options.model, "--prompts", prompts, "--dtype", options.dtype, "--threads", options.threads,
               "--label-tokens", "100,200", "--device", "cpu", "--no-cache", "-o", prompts.with_name("run"), "--json"]
    environment = os.environ | {"CANDLE_NUM_THREADS": str(options.threads)}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"error: partscope: {done.stderr}")
    run = json.loads(done.stdout)
    if run["prompt"]["prefix_tokens"] > 1:
        raise SystemExit("error: the prompts share a prefix; choose another --text")
    seconds = run["timing"]["attribute_s"]
    return round(run["timing"]["tokens_per_s"] * seconds), seconds, run["model"]["dtype"]


def busy_share():
    """Returns the share of processor time that other programs use, measured over a second."""
    def read():
        fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    try:
        (total, idle), _, (total_after, idle_after) = read(), time.sleep(1), read()
    except OSError:
        return None
    return 1 - (idle_after - idle) / (total_after - total)


def machine():
    """Returns the processor's name, the number of cores and the instruction sets that matter here."""
    fields = {}
    if os.path.exists("/proc/cpuinfo"):
        for line in open("/proc/cpuinfo"):
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return {"processor": fields.get("model name"), "cores": os.cpu_count(), "instructions": [name for name in INSTRUCTIONS if name in flags]}


def version(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", required=True, help="GGUF file")
    parser.add_argument("--node-modules", required=True, help="folder with node-llama-cpp")
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--dtype", default="auto", help="partscope's --dtype")
    pages = [HERE.parent / "README.md", *sorted((HERE.parent / "docs").glob("*.md"))]
    parser.add_argument("--text", nargs="+", type=pathlib.Path, default=pages, help="texts that prompts are cut from [default: the docs]")
    parser.add_argument("--tokens", type=int, default=512, help="most tokens in a prompt")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    busy = busy_share()
    if busy is not None and busy > 0.05:
        print(f"warning: other programs use {100 * busy:.0f}% of the processor; these figures are not comparable", file=sys.stderr)
    rates = {"partscope": [], "llama_cpp": []}
    with tempfile.TemporaryDirectory() as home:
        text, prompts = pathlib.Path(home) / "text", pathlib.Path(home) / "prompts.jsonl"
        text.write_text("\n".join(path.read_text() for path in options.text))
        llama_cpp = LlamaCpp(options, text)
        prompts.write_text("".join(json.dumps({"prompt": text, "label": 0}) + "\n" for text in llama_cpp.prompts))
        for number in range(options.rounds):
            ours, seconds, dtype = attribute(options, prompts)
            theirs, their_seconds = llama_cpp.evaluate()
            rates["partscope"].append(ours / seconds)
            rates["llama_cpp"].append(theirs / their_seconds)
            print(f"round {number + 1}: partscope {rates['partscope'][-1]:.1f}, llama.cpp {rates['llama_cpp'][-1]:.1f} tokens/s", file=sys.stderr)
    ratios = [a / b for a, b in zip(rates["partscope"], rates["llama_cpp"])]
    print(json.dumps({
        "model": pathlib.Path(options.model).name,
        "dtype": dtype,
        "tokens_per_s": {name: round(statistics.median(values), 2) for name, values in rates.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "tokens": {"partscope": ours, "llama_cpp": theirs},
        "prompts": options.prompts,
        "threads": options.threads,
        "other_load": None if busy is None else round(busy, 2),
        "machine": machine(),
        "partscope": version([options.binary, "--version"]),
        "llama_cpp": llama_cpp.properties,
    }, indent=2))


if __name__ == "__main__":
    main()
