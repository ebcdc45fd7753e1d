#!/usr/bin/env python3
"""Reads hostile inputs of about 90 MB with partscope and measures the memory and time that each takes.

    tools/limits.py --binary target/release/partscope              # all inputs
    tools/limits.py --binary target/release/partscope --only JSON  # those whose names begin with `JSON`

Prints a table: exit status (0 or an error, 3), peak memory (resident set), processor time, the end of the message. Exit
status: 0 if every input stays below --memory and --seconds and none ends by a signal or a panic. Processor time is
compared, not wall time, because the machine may have other work. The Parquet inputs need pyarrow; the rest needs
Python's standard library only.
"""

import argparse
import gzip
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

MB = 1_000_000
ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests/golden/models/llama"
GGUF = ROOT / "tests/golden/gguf/llama.gguf"
CORPUS = ROOT / "tests/fuzz/corpus"
RUN = {"run.json": "run_json/run.json", "attribution.safetensors": "run_table/attribution.safetensors",
       "examples.jsonl": "run_examples/examples.jsonl"}
TASK = """name = "t"
labels = ["A", "B"]
[data]
test = "data.{}"
[[template]]
name = "a"
example = "{{{{ text }}}}:"
label_words = [" A", " B"]
"""
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", " ")] = function
    return function


def cases(prefix, table, make):
    for name, content in table.items():
        CASES[f"{prefix}, {name}"] = lambda folder, size, content=content: make(folder, content(size))


def filled(unit, head=b"", tail=b""):
    """Returns a function of a size: `unit` repeated to that size between `head` and `tail`."""
    return lambda size: head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def numbered(make, head=b"", tail=b""):
    """Returns a function of a size: `make(0)`, `make(1)` … joined to that size."""
    def fill(size):
        parts, length, number = [head], len(head) + len(tail), 0
        while length < size:
            parts.append(make(number))
            length += len(parts[-1])
            number += 1
        return b"".join([*parts, tail])
    return fill


def data(ending):
    def make(folder, content):
        (folder / f"data.{ending}").write_bytes(content)
        (folder / "task.toml").write_text(TASK.format(ending))
        return ["tasks", "check", folder / "task.toml"]
    return make


cases("CSV", {
    "short rows": filled(b"a,A\n", b"text,label\n"),
    "long rows": filled(b"a fine film " * 90 + b",A\n", b"text,label\n"),
    "empty lines": filled(b"\n", b"text,label\n"),
    "one line": filled(b"a", b"text,label\n"),
    "one quoted field": filled(b"\n", b"text,label\n\""),
    "quotes": filled(b'"",A\n', b"text,label\n"),
    "columns": lambda size: b",".join(b"c%d" % i for i in range(500)) + b",text,label\n" + (b"," * 500 + b"a,A\n") * (size // 505),
    "one header": numbered(lambda i: b"c%d," % i, b"text,label,"),
}, data("csv"))
cases("JSON lines", {
    "short rows": filled(b'{"text":"a","label":"A"}\n'),
    "empty objects": filled(b"{}\n"),
    "nested": filled(b'{"text":"a","label":"A","x":' + b"[" * 100 + b"]" * 100 + b"}\n"),
    "many keys": numbered(lambda i: b'"k%d":0%s' % (i, b'}\n{"text":"a","label":"A",' if i % 1000 == 999 else b","),
                          b'{"text":"a","label":"A",', b'"z":0}'),
    "one line": filled(b"1,", b'{"text":"a","label":[', b"1]}\n"),
    "empty lines": filled(b"\n"),
    "numbers": filled(b"1\n"),
}, data("jsonl"))
cases("JSON", {
    "small objects": filled(b'{"text":"a","label":"A"},\n', b"[", b'{"text":"a","label":"A"}]'),
    "empty objects": filled(b"{},\n", b"[", b"{}]"),
    "empty lists": filled(b"[],\n", b"[", b"[]]"),
    "one object": numbered(lambda i: b'"k%d":0,\n' % i, b"{", b'"z":0}'),
    "columns": lambda size: b'{"text":[%s"a"],"label":[%s"A"]}' % (b'"a",\n' * (size // 10), b'"A",\n' * (size // 10)),
    "nested": filled(b"[" * 100 + b"]" * 100 + b",\n", b'[{"text":[', b"[]]}]"),
}, data("json"))
cases("gzip", {"zeros": lambda size: gzip.compress(bytes(8 * size), 9) * 100,
               "rows": lambda size: gzip.compress(b"text,label\n" + b"a fine film,A\n" * (4 * size // 14), 6)}, data("csv.gz"))


def zstd(content):
    return subprocess.run(["zstd", "-q", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout


cases("Zstandard", {"zeros": lambda size: zstd(bytes(8 * size)) * 100,
                    "rows": lambda size: zstd(b'{"text":"a fine film","label":"A"}\n' * (4 * size // 35))}, data("jsonl.zst"))


def parquet(make):
    def case(folder, size):
        import pyarrow
        from pyarrow import parquet as format
        make(pyarrow, format, folder / "data.parquet", size)
        (folder / "task.toml").write_text(TASK.format("parquet"))
        return ["tasks", "check", folder / "task.toml"]
    return case


def texts(count, text):
    return {"text": [text] * count, "label": ["A"] * count}


CASES["Parquet, repeated text"] = parquet(lambda arrow, format, path, size: format.write_table(
    arrow.table(texts(size // 50, "a fine film " * 8)), path, compression="zstd", use_dictionary=True))
CASES["Parquet, plain text"] = parquet(lambda arrow, format, path, size: format.write_table(
    arrow.table(texts(size // 110, "a fine film " * 8)), path, compression="none", use_dictionary=False))
CASES["Parquet, long lists"] = parquet(lambda arrow, format, path, size: format.write_table(
    arrow.table({**texts(1000, "a"), "list": [[0] * (size // 1000)] * 1000}), path, compression="zstd"))
CASES["Parquet, columns"] = parquet(lambda arrow, format, path, size: format.write_table(
    arrow.table({**texts(100, "a"), **{f"c{i}": [i] * 100 for i in range(20_000)}}), path))


def task_toml(folder, content):
    (folder / "task.toml").write_bytes(content)
    (folder / "data.csv").write_text("text,label\na,A\n")
    return ["tasks", "check", folder / "task.toml"]


HEAD = TASK.format("csv").encode()
cases("task", {
    "keys": numbered(lambda i: b"k%d=0\n" % i, b"", b""),
    "tables": numbered(lambda i: b"[t%d]\n" % i, HEAD),
    "dotted keys": numbered(lambda i: b"a.b%d.c=0\n" % i, b""),
    "templates": filled(b'[[template]]\nname="b"\nexample="{{ text }}"\nlabel_words=["A","B"]\n', HEAD),
    "labels": numbered(lambda i: b'"%d",' % i, b'name="t"\nlabels=[', b'"A"]\n'),
    "list": filled(b"[],", b"x=[", b"]\n"),
    "inline tables": filled(b"{a=1},", b"x=[", b"]\n"),
    "one dotted key": filled(b"a.", b"", b"a=0\n"),
    "nested lists": filled(b"[", b"x="),
    "long text": filled(b"a", b'name="', b'"\n'),
    "long example": filled(b"a", b'name="t"\nlabels=["A","B"]\n[data]\ntest="data.csv"\n[[template]]\nname="a"\nlabel_words=["A","B"]\nexample="', b'"\n'),
    "comment": filled(b"# a\n", b"", HEAD),
    "zeros": filled(b"\0"),
    "words": filled(b"a ", b"x = "),
}, task_toml)


def harness(folder, content):
    (folder / "task.yaml").write_bytes(content)
    (folder / "data.csv").write_text("text,label\na,A\n")
    return ["tasks", "check", folder / "task.yaml"]


cases("harness file", {
    "keys": numbered(lambda i: b"k%d: 0\n" % i),
    "list": filled(b"[],", b"x: [", b"]\n"),
    "nested": filled(b"[", b"x: "),
    "choices": numbered(lambda i: b"- c%d\n" % i, b"doc_to_choice:\n"),
    "long text": filled(b"a ", b"x: \"", b"\"\n"),
    "aliases": filled(b"*a,", b"a: &a [1,1,1,1,1,1]\nb: [", b"1]\n"),
}, harness)


def beside(name):
    def make(folder, content):
        (folder / name).write_bytes(content)
        return task_toml(folder, HEAD)
    return make


cases("data set card", {"list": filled(b"- a\n", b"---\ndataset_info:\n"), "text": filled(b"a b\n")}, beside("README.md"))


def sample_log(folder, content):
    path = folder / "samples_t_2024-11-05T12-33-12.jsonl"
    path.write_bytes(content)
    return ["tasks", "check", path]


cases("sample log", {
    "rows": numbered(lambda i: b'{"doc_id":%d,"target":1,"arguments":[["x ","bad"],["x ","good"]]}\n' % i),
    "one choice list": filled(b'["x ","bad"],', b'{"doc_id":0,"target":1,"arguments":[', b'["x ","good"]]}\n'),
}, sample_log)


def model(name):
    def make(folder, content):
        for path in MODEL.iterdir():
            shutil.copy(path, folder)
        (folder / name).write_bytes(content)
        return ["run", "-m", folder, "--task", "sentiment", "--limit", "1", "--no-cache", "--chat", "--dry-run"]
    return make


TOKENIZER = json.loads((MODEL / "tokenizer.json").read_text())


def tokenizer(model, before=b"", **changes):
    """Returns the head and tail of a tokenizer file around the value of its model."""
    text = json.dumps({**TOKENIZER, **changes, "model": "HERE"}).encode()
    head, tail = text.split(b'"HERE"')
    return head + model, tail


def vocabulary(kind, unit, end=b"}}"):
    head, tail = tokenizer(kind)
    return numbered(unit, head, end + tail)


cases("tokenizer.json", {
    "words": vocabulary(b'{"type":"WordLevel","unk_token":"a","vocab":{"a":0', lambda i: b',"w%d":%d' % (i, i + 1)),
    "BPE": vocabulary(b'{"type":"BPE","merges":[],"vocab":{"a":0', lambda i: b',"w%d":%d' % (i, i + 1)),
    "merges": vocabulary(b'{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[["a","a"]', lambda i: b',["a","a"]', b"]}"),
    "Unigram": vocabulary(b'{"type":"Unigram","unk_id":0,"vocab":[["a",0]', lambda i: b',["w%d",0]' % i, b"]}"),
    "added tokens": numbered(lambda i: b'{"id":%d,"content":"t%d","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},' % (i, i),
                             b'{"version":"1.0","added_tokens":[', b'],"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}}'),
    "long regex": filled(b"a|", *[part.replace(b'"X', b'"').replace(b'Y"', b'"') for part in
                                  json.dumps({**TOKENIZER, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "XHEREY"}, "behavior": "Isolated", "invert": False}}).encode().split(b"HERE")]),
    "normalizers": filled(b'{"type":"NFC"},', *[b'{"version":"1.0","normalizer":{"type":"Sequence","normalizers":[',
                          b'{"type":"NFC"}]},"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}}']),
    "lists": filled(b"[],", b'{"x":[', b"[]]}"),
}, model("tokenizer.json"))
cases("config.json", {
    "keys": numbered(lambda i: b'"k%d":0,' % i, b"{", (MODEL / "config.json").read_bytes().strip()[1:]),
    "lists": filled(b"[],", b'{"x":[', b"[]]," + (MODEL / "config.json").read_bytes().strip()[1:]),
    "layer types": filled(b'"full_attention",', b'{"layer_types":[', b'"a"],' + (MODEL / "config.json").read_bytes().strip()[1:]),
}, model("config.json"))
cases("tokenizer_config.json", {
    "lists": filled(b"[],", b'{"x":[', b"[]]}"),
    "chat template": filled(b"a", b'{"chat_template":"', b'"}'),
    "chat templates": numbered(lambda i: b'{"name":"n%d","template":"a"},' % i, b'{"chat_template":[', b'{"name":"a","template":"a"}]}'),
}, model("tokenizer_config.json"))
cases("chat_template.jinja", {"text": filled(b"a"), "tags": filled(b"{{a}}")}, model("chat_template.jinja"))


def index(folder, content):
    command = model("model.safetensors.index.json")(folder, content)
    (folder / "model.safetensors").unlink()
    return command


cases("safetensors index", {
    "names": numbered(lambda i: b'"t%d":"a.safetensors",' % i, b'{"weight_map":{', b'"z":"a"}}'),
    "files": numbered(lambda i: b'"t%d":"%d.safetensors",' % (i, i), b'{"weight_map":{', b'"z":"a"}}'),
}, index)


def with_length(content):
    return struct.pack("<Q", len(content)) + content


EMPTY = b'{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
cases("safetensors header", {
    "tensors": lambda size: with_length(numbered(lambda i: b'"t%d":%s,' % (i, EMPTY), b"{", b'"z":' + EMPTY + b"}")(size)),
    "metadata": lambda size: with_length(numbered(lambda i: b'"t%d":"",' % i, b'{"__metadata__":{', b'"z":""}}')(size)),
    "shape": lambda size: with_length(filled(b"1,", b'{"a":{"dtype":"F32","data_offsets":[0,4],"shape":[', b"1]}}")(size)),
}, model("model.safetensors"))


def text(content):
    return struct.pack("<Q", len(content)) + content


def gguf(folder, content):
    (folder / "model.gguf").write_bytes(content)
    return ["run", "-m", folder / "model.gguf", "--task", "sentiment", "--limit", "1", "--no-cache", "--dry-run"]


def gguf_head(tensors, values):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, values)


ARCHITECTURE = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
cases("GGUF", {
    "values": lambda size: gguf_head(0, size // 17) + b"".join(text(b"%08d" % i) + b"\0\0\0\0\0" for i in range(size // 21)),
    "tokens": lambda size: gguf_head(0, 2) + ARCHITECTURE + text(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, size // 16)
    + b"".join(text(b"%08d" % i) for i in range(size // 16)),
    "empty tokens": lambda size: gguf_head(0, 2) + ARCHITECTURE + text(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, size // 8) + bytes(size),
    "bytes": lambda size: gguf_head(0, 2) + ARCHITECTURE + text(b"a") + struct.pack("<IIQ", 9, 0, size) + bytes(size),
    "tensors": lambda size: gguf_head(size // 45, 1) + ARCHITECTURE + b"".join(
        text(b"t%08d" % i) + struct.pack("<IQIQ", 1, 0, 0, 0) for i in range(size // 41)),
    "nested lists": lambda size: gguf_head(0, 1) + text(b"a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * (size // 12),
}, gguf)


def run(name):
    def make(folder, content):
        for file, seed in RUN.items():
            shutil.copy(CORPUS / seed, folder / file)
        (folder / name).write_bytes(content)
        return ["components", folder]
    return make


META = (CORPUS / RUN["run.json"]).read_bytes()
cases("run.json", {
    "keys": numbered(lambda i: b'"k%d":0,' % i, b"{", META.strip()[1:]),
    "lists": filled(b"[],", b'{"x":[', b"[]]," + META.strip()[1:]),
    "label words": numbered(lambda i: b'" w%d",' % i, META.split(b'"label_words": [')[0] + b'"label_words": [', META.split(b'"label_words": [')[1]),
}, run("run.json"))
cases("examples.jsonl", {
    "rows": filled((CORPUS / RUN["examples.jsonl"]).read_bytes().splitlines(True)[0]),
    "logits": filled(b"1,", b'{"id":"a","split":"train","text":"a","gold":2,"full":2,"logits":[', b"1]}\n"),
    "short rows": filled(b'{"id":"","split":"test","text":"","gold":0,"full":0,"logits":[]}\n'),
    "empty lines": filled(b"\n"),
}, run("examples.jsonl"))
cases("attribution.safetensors", {
    "tensors": lambda size: with_length(numbered(lambda i: b'"t%d":%s,' % (i, EMPTY), b"{", b'"z":' + EMPTY + b"}")(size)),
    "zeros": filled(b"\0"),
}, run("attribution.safetensors"))


def weights(folder, content):
    (folder / "w.json").write_bytes(content)
    (folder / "texts.txt").write_text("a fine film\n")
    return ["classify", "-m", "demo", "-w", folder / "w.json", folder / "texts.txt"]


WEIGHTS = next((CORPUS / "weights").iterdir()).read_bytes()
cases("weights file", {
    "weights": numbered(lambda i: b'"L%d.H0":0,' % i, WEIGHTS.split(b'"weights": {')[0] + b'"weights": {', WEIGHTS.split(b'"weights": {')[1]),
    "lists": filled(b"[],", b'{"x":[', b"[]]," + WEIGHTS.strip()[1:]),
    "keys": numbered(lambda i: b'"k%d":0,' % i, b"{", WEIGHTS.strip()[1:]),
}, weights)


def prompts(folder, content):
    (folder / "p.jsonl").write_bytes(content)
    return ["run", "--prompts", folder / "p.jsonl", "--labels", " good| bad", "--no-cache", "--dry-run"]


cases("prompts", {
    "short": filled(b'{"prompt":"a","label":0}\n'),
    "one": filled(b"a ", b'{"prompt":"', b'","label":0}\n'),
    "lists": filled(b"[],", b'{"x":[', b"[]]}\n"),
    "empty lines": filled(b"\n"),
}, prompts)


def option(name):
    def make(folder, content):
        (folder / "list").write_bytes(content)
        return ["run", "--task", "sentiment", name, folder / "list", "--no-cache", "--dry-run"]
    return make


def demos(folder, content):
    (folder / "list").write_bytes(content)
    return ["run", "--task", "sentiment", "--demos", folder / "list", "--no-cache", "--limit", "1", "--dry-run"]


cases("ids", {"short": numbered(lambda i: b"%d\n" % i), "one": filled(b"a"), "empty lines": filled(b"\n")}, option("--ids"))
cases("demonstrations", {"short": filled(b'{"text":"a","label":"positive"}\n'), "one": filled(b"a ", b'{"text":"', b'","label":"positive"}\n')}, demos)


def texts_to_classify(folder, content):
    (folder / "texts.txt").write_bytes(content)
    (folder / "w.json").write_bytes(WEIGHTS)
    return ["classify", "-m", "demo", "-w", folder / "w.json", folder / "texts.txt"]


cases("texts to classify", {"one": filled(b"a")}, texts_to_classify)


def settings(name):
    def make(folder, content):
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return ["explore"]
    return make


cases("keymap", {
    "keys": numbered(lambda i: b'"k%d"="quit"\n' % i, b"[map]\n"),
    "tables": numbered(lambda i: b"[t%d]\n" % i),
    "list": filled(b"[],", b"x=[", b"]\n"),
}, settings("keymap.toml"))
cases("theme", {"keys": numbered(lambda i: b'k%d="#ffffff"\n' % i, b'name="a"\n[roles]\n'), "list": filled(b"[],", b"x=[", b"]\n")}, settings("themes/a.toml"))


def measure(binary, make, size, options):
    """Runs the command of an input; returns its status, peak memory in bytes, processor and wall time, and message."""
    with tempfile.TemporaryDirectory(prefix="partscope-limits-", dir=options.folder) as place:
        folder = pathlib.Path(place)
        command = [str(part) for part in make(folder, size)]
        environment = dict(os.environ, PARTSCOPE_CACHE=str(folder / "cache"), PARTSCOPE_CONFIG_DIR=str(folder / "config"),
                           TERM="xterm", HF_HUB_OFFLINE="1")
        if command == ["explore"]:  # the explorer needs a terminal
            command = ["timeout", "-s", "KILL", str(options.seconds), "script", "-qec", f"{binary} explore", "/dev/null"]
        else:
            command = [binary, *command]

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (options.most * MB, options.most * MB))
            resource.setrlimit(resource.RLIMIT_CPU, (300, 300))

        begin = time.monotonic()
        with open(folder / "output", "wb+") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                                       preexec_fn=limit)
            _, status, usage = os.wait4(process.pid, 0)
            status = os.waitstatus_to_exitcode(status)
            output.seek(0)
            message = output.read()[-4000:].decode(errors="replace").strip().replace(str(folder), "…")
        wall = time.monotonic() - begin
        return status, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, wall, " ".join(message.split())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--size", type=int, default=90, help="size of an input in MB")
    parser.add_argument("--memory", type=int, default=2000, help="bound of memory in MB")
    parser.add_argument("--seconds", type=float, default=20, help="bound of processor time")
    parser.add_argument("--most", type=int, default=8000, help="address space that a process may take, in MB")
    parser.add_argument("--only", nargs="*", default=[""], help="inputs whose names begin with one of these")
    parser.add_argument("--folder", help="where the inputs are made [default: the system's temporary folder]")
    options = parser.parse_args()
    binary, failed = os.path.abspath(options.binary), 0
    print(f"{'input':38} {'status':>6} {'MB':>6} {'s':>6} {'wall':>6}  message", flush=True)
    for name, make in CASES.items():
        if not name.startswith(tuple(options.only)):
            continue
        try:
            status, memory, processor, wall, message = measure(binary, make, options.size * MB, options)
        except ImportError as error:
            print(f"{name:38} left out: {error}", flush=True)
            continue
        bad = memory > options.memory * MB or processor > options.seconds or status not in (0, 3) or "panicked" in message or "internal error" in message
        failed += bad
        print(f"{name:38} {status:6} {memory / MB:6.0f} {processor:6.1f} {wall:6.1f}  {'FAILED ' if bad else ''}{message[:150]}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
