"""Who is right where partscope and candle-transformers deviate: both against transformers, on the golden models.

    python tools/cross_check.py --program target/debug/partscope

For every golden model whose family candle-transformers has, this exports logits from transformers
(tools/export_reference.py), compares partscope with them (`doctor --reference`) and with candle-transformers
(`doctor --cross-check`), and prints the table of docs/models.md: largest differences of a logit, relative to the largest
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "tests" / "golden" / "models"


def doctor(program, model, *more):
    run = subprocess.run([program, "doctor", "-m", str(model), "--json", *more], capture_output=True, text=True)
    if not run.stdout:
        sys.exit(f"{model}: {run.stderr}")
    return json.loads(run.stdout)


def reference(folder, texts):
    path = folder / "reference.safetensors"
    tool = ROOT / "tools" / "export_reference.py"

    def export(model):
        command = [sys.executable, tool, model, "-o", path, "--texts", texts, "--logits-only"]
        subprocess.run(command, check=True, capture_output=True)
        return path

    return export


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    args = parser.parse_args()
    print("| model | partscope and transformers | partscope and candle-transformers | what candle-transformers does | partscope doing the same |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        draw = random.Random(1)
        texts = scratch / "texts"
        words = lambda length: " ".join(f"w{draw.randrange(97)}" for _ in range(length))
        texts.write_text("\n".join(words(length) for length in (1, 4, 15, 40)))
        export = reference(scratch, texts)
        for model in sorted(path for path in MODELS.iterdir() if path.is_dir()):
            check = doctor(args.program, model, "--cross-check")["cross_check"]
            if check["verdict"] == "unknown family":
                if "no implementation" not in check["reason"]:
                    print(f"{model.name}: {check['reason']}", file=sys.stderr)
                continue
            original = doctor(args.program, model, "--reference", str(export(model)))["reference"]
            known = check["explained"]
            what, same = ("; ".join(known["differences"]), f"{known['max_rel']:.0e}") if known else ("", "")
            print(f"| {model.name} | {original['max_rel']:.0e} | {check['max_rel']:.0e} | {what} | {same} |", flush=True)


main()
