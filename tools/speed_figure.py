"""Draws docs/pictures/speed.svg: the cost of an attribution over test examples and shots, measured with `partscope bench`.

    python tools/speed_figure.py --binary target/release/partscope -m MODEL_DIR [--out docs/pictures/speed.svg]

Left: seconds over test examples, demo model, 4 shots, both axes logarithmic. Right: time per example over shots, for the given model and
the demo, relative to 0 shots, with the time of computing every prompt whole.
"""

import argparse
import json
import math
import subprocess
from pathlib import Path

EXAMPLES = [100, 300, 1000, 3000, 10000, 30000]
SHOTS = [0, 1, 2, 4, 8, 16, 24]
COLOURS = {"demo": "#2a6f97", "model": "#b5651d", "whole": "#999999"}


def bench(binary, model, shots, examples):
    command = [binary, "bench", "-m", model, "--dtype", "f32", "--shots", str(shots), "--examples", str(examples), "--rounds", "3", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


class Panel:
    """Axes with points; `x` and `y` are the ranges of the values."""

    def __init__(self, left, x, y, title, x_label, y_label, log):
        self.left, self.log, self.parts = left, log, []
        self.x_range, self.y_range = x, y
        self.text(left + 150, 18, title, "middle", 13)
        self.text(left + 150, 292, x_label, "middle")
        self.text(left - 36, 140, y_label, "middle", 11, f' transform="rotate(-90 {left - 36} 140)"')
        self.parts.append(f'<path d="M{left} 30V260H{left + 300}" fill="none" stroke="#444"/>')

    def text(self, x, y, words, anchor="start", size=11, more=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>{words}</text>')

    def place(self, x, y):
        def share(value, limits):
            low, high = limits
            if self.log:
                value, low, high = math.log(value), math.log(low), math.log(high)
            return (value - low) / (high - low)
        return self.left + 300 * share(x, self.x_range), 260 - 230 * share(y, self.y_range)

    def ticks(self, xs, ys):
        for value in xs:
            x, _ = self.place(value, self.y_range[0])
            self.text(x, 275, f"{value:g}", "middle")
        for value in ys:
            _, y = self.place(self.x_range[0], value)
            self.text(self.left - 5, y + 4, f"{value:g}", "end")

    def line(self, points, colour, name, dashed=False):
        placed = [self.place(x, y) for x, y in points]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        if not dashed:
            self.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        x, y = placed[-1]
        self.text(x - 6, y - 8, name, "end", 11, f' fill="{colour}"')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/partscope")
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/speed.svg"))
    options = parser.parse_args()
    many = [(count, count / bench(options.binary, "demo", 4, count)["examples_per_s"]) for count in EXAMPLES]
    shots = {name: [(k, bench(options.binary, model, k, count)) for k in SHOTS]
             for name, model, count in [("demo", "demo", 1000), ("model", options.model, 64)]}
    for count, seconds in many:
        print(f"{count} examples: {seconds:.3f} s, {1e3 * seconds / count:.3f} ms each")
    for name, rows in shots.items():
        for k, row in rows:
            length = row["prefix_tokens"] + row["suffix_tokens"]
            print(f"{name} {k} shots, {length:.0f} tokens: {1e3 / row['examples_per_s']:.2f} ms, whole prompts {1e3 / row['naive_examples_per_s']:.2f} ms")
    left = Panel(60, (80, 40000), (0.02, 40), "Seconds, demo model, 4 shots", "test examples", "seconds", True)
    left.ticks([100, 1000, 10000], [0.1, 1, 10])
    left.line(many, COLOURS["demo"], "measured")
    each = lambda rows, key: [(k, row[key] and rows[0][1]["examples_per_s"] / row[key]) for k, row in rows]
    top = max(y for _, y in each(shots["model"], "naive_examples_per_s"))
    right = Panel(450, (0, 25), (0, math.ceil(top / 5) * 5), "Time of an example, 0 shots = 1", "shots", "times as long", False)
    right.ticks([0, 4, 8, 16, 24], [1] + list(range(5, int(top) + 5, 5)))
    right.line(each(shots["model"], "naive_examples_per_s"), COLOURS["whole"], "135M, every prompt whole", True)
    right.line(each(shots["model"], "examples_per_s"), COLOURS["model"], "")
    right.line(each(shots["demo"], "examples_per_s"), COLOURS["demo"], "")
    right.text(742, 228, "demo and 135M, as partscope does it", "end", 11, f' fill="{COLOURS["demo"]}"')
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="780" height="305" font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>'
    options.out.write_text(svg + "".join(left.parts + right.parts) + "</svg>\n")


if __name__ == "__main__":
    main()
