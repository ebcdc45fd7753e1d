"""Who is right where partscope and candle-transformers deviate: both against transformers, on the golden models.

    python tools/cross_check.py --program target/debug/partscope

For every golden model whose family candle-transformers has, this computes logits with transformers,
compares partscope with them (`doctor --reference`) and with candle-transformers
(`doctor --cross-check`), and prints the table of docs/cross-check.md: largest differences of a logit, relative to the largest
logit. A model on which partscope agrees with transformers but not with candle-transformers is one that
candle-transformers computes differently from the original.

Requires torch, transformers and safetensors.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import torch
from export_reference import load
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "tests" / "golden" / "models"


def doctor(program, model, *more):
    run = subprocess.run([program, "doctor", "-m", str(model), "--json", *more], capture_output=True, text=True)
    if not run.stdout:
        sys.exit(f"{model}: {run.stderr}")
    return json.loads(run.stdout)


def export(model, path):
    """Logits of random prompts, as tools/export_reference.py writes them; tiny tokenizers have no special tokens."""
    draw = random.Random(1)
    prompts = [[draw.randrange(97) for _ in range(length)] for length in (1, 4, 15, 40)]
    original = load(model, double=False)
    with torch.no_grad():
        logits = torch.stack([original(torch.tensor([prompt])).logits[0, -1] for prompt in prompts])
    tensors = dict(tokens=torch.tensor(sum(prompts, [])), lengths=torch.tensor([len(prompt) for prompt in prompts]))
    save_file(tensors | dict(logits=logits.float().contiguous()), path, {"made_with": "transformers"})
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    args = parser.parse_args()
    print("| model | partscope and transformers | partscope and candle-transformers | what candle-transformers does | partscope doing the same |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "reference.safetensors"
        for model in sorted(path for path in MODELS.iterdir() if path.is_dir()):
            check = doctor(args.program, model, "--cross-check")["cross_check"]
            if check["verdict"] == "unknown family":
                if "no implementation" not in check["reason"]:
                    print(f"{model.name}: {check['reason']}", file=sys.stderr)
                continue
            original = doctor(args.program, model, "--reference", str(export(model, path)))["reference"]
            known = check["explained"]
            what, same = ("; ".join(known["differences"]), f"{known['max_rel']:.0e}") if known else ("", "")
            print(f"| {model.name} | {original['max_rel']:.0e} | {check['max_rel']:.0e} | {what} | {same} |", flush=True)


main()
