"""Compares the speed of weights as the file stores them with the same weights in f32 (`--dtype f32`).

    python tools/compare_types.py --binary target/release/partscope --shots 4 24 --files gemma.gguf smollm2.gguf
    python tools/compare_types.py --binary target/release/partscope --types --preset 135m-512

`--types`, the last option, makes one random-weight file of each weight type with the arguments after it for random_gguf.py, and deletes
it afterwards. Rounds of `partscope bench` alternate between the two; ratios are medians over rounds. Requires gguf and numpy.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from ggml_blocks import TYPES

HERE = pathlib.Path(__file__).resolve().parent


def bench(options, file, dtype, shots):
    command = [options.binary, "bench", "-m", file, "--dtype", dtype, "--device", "cpu", "--shots", shots, "--examples", options.examples,
               "--rounds", 1, "--threads", options.threads, "--json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(map(str, command))}: {done.stderr}")
    return json.loads(done.stdout)


def compare(options, file, name):
    for shots in options.shots:
        rounds = [(bench(options, file, "auto", shots), bench(options, file, "f32", shots)) for _ in range(options.rounds)]
        stored, wide = (statistics.median(pair[side]["examples_per_s"] for pair in rounds) for side in (0, 1))
        ratio = statistics.median(a["examples_per_s"] / b["examples_per_s"] for a, b in rounds)
        share = rounds[0][0].get("unpack_share")
        cells = [name, shots, f"{stored:.2f}", f"{wide:.2f}", f"{ratio:.2f}", f"{100 * rounds[0][0]['utilisation']:.0f} %",
                 "–" if share is None else f"{100 * share:.1f} %"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", type=pathlib.Path, default=[])
    parser.add_argument("--types", nargs=argparse.REMAINDER, help="make and measure a file of each weight type")
    parser.add_argument("--folder", help="folder for the files that --types makes [default: the system's]")
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("--shots", type=int, nargs="+", default=[4])
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print("| file | shots | as stored, prompts/s | f32, prompts/s | ratio | share of peak | unpacking |\n|---|---|---|---|---|---|---|", flush=True)
    for file in options.files:
        compare(options, file, file.name)
    for kind in [] if options.types is None else TYPES:
        with tempfile.TemporaryDirectory(dir=options.folder) as home:
            file = pathlib.Path(home) / f"{kind}.gguf"
            subprocess.run([sys.executable, HERE / "random_gguf.py", "--type", kind, "-o", file, *options.types], check=True)
            compare(options, file, kind)


if __name__ == "__main__":
    main()
