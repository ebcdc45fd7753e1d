"""Tables of every method on the same labels and test examples, from the output of `partscope reproduce --json`.

    partscope reproduce -m demo --with-hidden --json > demo.json
    partscope reproduce -m gemma.gguf --tasks sst2.toml,reviews.toml,ag_news.toml --limit 300 --with-hidden --json > gemma.json
    python tools/arena.py "the demo=demo.json" "Gemma 3 270M=gemma.json" -o docs/arena.md

Each NAME=FILE is one table. Methods that use test labels (oracle_…) are left out. Needs nothing but Python.
"""

import argparse
import json
import pathlib

MEASURES = [("macro_f1", "macro F1"), ("ece", "ECE"), ("nll", "NLL"), ("share_sd", "shares")]


def mean(value, scale=1.0, digits=3):
    return "–" if value is None else f"{scale * value['mean']:.{digits}f}"


def table(report):
    rows = [row for row in report["accuracy"] if not row["method"].startswith("oracle_")]
    rows.sort(key=lambda row: -row["mean"])
    tasks = sorted(rows[0]["tasks"])
    head = ["method", *tasks, "mean [95%]", "Δ partscope [95%]", "won/lost", *(name for _, name in MEASURES)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        star = "*" if row["method"] in ("batch", "domain") else ""
        interval = lambda ci: f"[{100 * ci[0]:.1f}, {100 * ci[1]:.1f}]"
        gap = row["difference"]
        cells = [f"`{row['method']}`{star}"]
        cells += [f"{100 * row['tasks'][task][0]:.1f} ({100 * row['tasks'][task][1]:.1f})" for task in tasks]
        cells.append(f"{100 * row['mean']:.1f} {interval(row['ci'])}")
        cells.append("–" if gap is None else f"{100 * gap['mean']:+.1f} {interval(gap['ci'])}")
        cells.append(f"{row['wins']}/{row['losses']}")
        cells += [mean(row[key]) for key, _ in MEASURES]
        lines.append("| " + " | ".join(cells) + " |")
    runs = [row for row in report["rows"] if row["counted"]]
    tests = sorted({row["n"] for row in runs})
    lines += ["", f"{len(runs)} runs; test examples a run: {', '.join(map(str, tests))}."]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--note", help="a paragraph below the head, such as the commands")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    lines = ["# The arena", "", "Written by `tools/arena.py`; its head has the commands. Accuracies in %, mean (SD) over runs of a task."]
    lines += ["`*` sees test inputs. Δ is paired, against the default. docs/method.md says what each method is.", ""]
    lines += [args.note, ""] if args.note else []
    for entry in args.tables:
        name, path = entry.split("=", 1)
        lines += [f"## {name[0].upper()}{name[1:]}", "", *table(json.loads(pathlib.Path(path).read_text())), ""]
    args.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
