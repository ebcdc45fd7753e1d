"""Four demonstrations and twenty training examples, or every label twice: which to take, and can the labels tell?

    python tools/loo_choice.py SPLIT LOO -o OUT.md

SPLIT/MODEL/TASK/NAME are run folders of `partscope run --num-fewshot 4 --train-examples 20`, and LOO/MODEL/TASK/NAME the
same with --loo: the same labels and test examples. Rows of the table:

* `model`: the model itself with 4 and with 24 demonstrations; `released` and `default`: the fits on either.
* rules that choose between the two defaults by the training rows alone, each row predicted by a fit on the others:
  `hits` takes the larger share of right answers (ties: the split), `margin` the larger mean over deviation of the gold
  label's margin over its strongest rival.
* `average`: no choice; the sum of both predictions' logits, each divided by its deviation over the test examples.
* `better`: the better of the two on the test labels, a bound.

Needs numpy, scipy and safetensors.
"""

import argparse
import glob
import os
import pathlib

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from method_search import Run, row
from method_search_fits import DEFAULT, PUBLISHED, candidates

FIT = candidates()[0][DEFAULT]


def part(split, keep):
    g, rest, full, gold = split
    return g[:, keep], rest[keep], full[keep], gold[keep]


def left_out(run):
    """Logits of every training row by a fit on the others."""
    n = len(run.split["train"][3])
    rows = []
    for at in range(n):
        keep = np.arange(n) != at
        predict = FIT(part(run.split["train"], keep), run.labels, run.heads)
        rows.append(predict(*part(run.split["train"], ~keep)[:3])[0])
    return np.array(rows)


def margins(z, gold):
    own = z[np.arange(len(gold)), gold]
    other = z.copy()
    other[np.arange(len(gold)), gold] = -np.inf
    return own - other.max(1)


def scores(split, loo):
    found, sides = {}, []
    for name, run in (("4 + 20", split), ("loo", loo)):
        train, test = run.split["train"], run.split["test"]
        gold = test[3]
        accuracy = lambda z: 100 * float((z.argmax(1) == gold).mean())
        z = FIT(train, run.labels, run.heads)(*test[:3])
        m = margins(left_out(run), train[3])
        sides.append((accuracy(z), z, (m > 0).mean(), m.mean() / m.std()))
        found[f"model, {name}"] = accuracy(test[2])
        found[f"released, {name}"] = accuracy(PUBLISHED["released"](train, run.labels, run.heads)(*test[:3]))
        found[f"default, {name}"] = sides[-1][0]
    a, b = sides
    found["hits"] = b[0] if b[2] > a[2] else a[0]
    found["margin"] = b[0] if b[3] > a[3] else a[0]
    centred = [z - z.mean(1, keepdims=True) for _, z, _, _ in sides]
    found["average"] = accuracy(sum(z / z.std() for z in centred))
    found["better"] = max(a[0], b[0])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("split")
    parser.add_argument("loo")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    tables = {}
    for folder in sorted(glob.glob(f"{args.split}/*/*/*")):
        other = os.path.join(args.loo, *pathlib.Path(folder).parts[-3:])
        if not os.path.exists(os.path.join(other, "run.json")):
            continue
        split, loo = Run(folder), Run(other)
        assert (split.split["test"][3] == loo.split["test"][3]).all(), folder
        tables.setdefault((split.model, split.task), []).append(scores(split, loo))
    names = list(tables)
    lines = ["# Every label twice", "", "Written by `tools/loo_choice.py`; its head says what the rows are.", ""]
    lines += ["Runs a table: " + ", ".join(str(len(tables[name])) for name in names) + ".", ""]
    lines += ["| | " + " | ".join(f"{model} {task}" for model, task in names) + " | mean |", "|---" * (len(names) + 2) + "|"]
    for key in tables[names[0]][0]:
        values = [np.mean([found[key] for found in tables[name]]) for name in names]
        lines.append(row(key, [*values, np.mean(values)]))
    args.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
