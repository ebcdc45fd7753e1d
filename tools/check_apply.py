"""Checks `partscope.apply` on models of Hugging Face transformers: `sum` against `partscope classify`, or its sum, and
`rerun` against `partscope ablate`.

    PYTHONPATH=python PARTSCOPE_BINARY=target/release/partscope python tools/check_apply.py            # golden models
    … python tools/check_apply.py --gguf model.gguf --task sst2.toml --limit 60                        # a real model

Golden models get random prompts and labels; a GGUF file is dequantised by transformers and runs a task. Prints the largest
deviation of the logits of `sum` from the program's, and of the mean margin of `rerun` from that of `ablate`; both must be
below 1e-4 of the largest logit. Requires torch and transformers (for GGUF files also gguf); not part of CI.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import partscope
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python/tests"))
from golden_prompts import TOKENS, random_prompts  # noqa: E402

MODELS = ROOT / "tests/golden/models"
TOLERANCE = 1e-4


def load(folder, **options):
    config = transformers.AutoConfig.from_pretrained(folder, **options)
    attention = "sdpa" if getattr(config, "alibi", False) else "eager"
    kind = transformers.AutoModelForImageTextToText if hasattr(config, "vision_config") else transformers.AutoModelForCausalLM
    eager = dict(attn_implementation=attention, experts_implementation="eager", dtype=torch.float32)
    return kind.from_pretrained(folder, **eager, **options).eval()


def golden_run(folder, home):
    """A run on random prompts of the golden tokenizer, with random labels."""
    prompts = random_prompts(home / "prompts.jsonl")
    return partscope.run(folder, prompts=prompts, label_tokens=TOKENS, output=home / "run", no_cache=True)


def margins(logits, gold):
    rows = np.arange(len(gold))
    others = logits.copy()
    others[rows, gold] = -np.inf
    return float((logits[rows, gold] - others.max(-1)).mean())


def check(name, run, model, source, rho):
    """Returns whether both ways agree with the program, for the fitted mix and for one with another ρ."""
    fitted = run.fit("comprw" if rho == 0 else "partscope").mix
    mix = partscope.Mix(fitted.weights, rho, fitted.offsets, fitted.meta)
    table, prompts = run.attribution("test"), run.token_ids("test")
    mixed = partscope.apply(mix, model)
    expected = mix.logits(table)
    if source is not None:
        answers = mix.classify([row["text"] for row in run.examples("test")], source, with_tokens=True)
        assert answers["tokens"] == prompts
        expected = np.array(answers["logits"])
    scale = np.abs(expected).max()
    by_sum = float(np.abs(mixed.logits(prompts) - expected).max() / scale)
    by_rerun = []
    for positions in ("last", "all"):
        mixed.how, mixed.positions = "rerun", positions
        logits = mixed.logits(prompts)
        stated = run.ablate(mix, positions=positions)
        by_rerun.append(abs(margins(logits, table.labels) - stated["margin"]["total"]) / np.abs(logits).max())
        hits = float((logits.argmax(-1) == table.labels).mean())
        if abs(hits - stated["accuracy"]["total"]) > 1.5 / len(prompts):
            by_rerun.append(float("inf"))
    fine = max(by_sum, *by_rerun) <= TOLERANCE
    print(f"{name:24} rho {rho:g}  sum {by_sum:.1e}  rerun {max(by_rerun):.1e}  {'ok' if fine else 'DEVIATES'}", flush=True)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--gguf")
    parser.add_argument("--task")
    parser.add_argument("--template")
    parser.add_argument("--limit", type=int, default=60)
    args = parser.parse_args()
    torch.manual_seed(0)
    fine = True
    with tempfile.TemporaryDirectory() as temporary:
        home = pathlib.Path(temporary)
        if args.gguf:
            run = partscope.run(args.gguf, args.task, template=args.template, limit=args.limit, output=home / "run")
            path = pathlib.Path(args.gguf).absolute()
            model = load(path.parent, gguf_file=path.name)
            fine = all([check(path.name, run, model, path, rho) for rho in (1.0, 0.0)])
            partscope.apply(run.fit().mix, model).evaluate(run)
        else:
            names = args.models or sorted(path.parent.name for path in MODELS.glob("*/golden.json"))
            for name in names:
                (home / name).mkdir()
                run = golden_run(MODELS / name, home / name)
                fine &= all([check(name, run, load(MODELS / name), None, rho) for rho in (1.0, 0.0)])
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
