"""Golden values of the atlas, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/atlas/NAME.json: for every component (heads
of a layer, then its MLP) and prompt, computed in f64 from hooks on the unmodified transformers model,

`norms`        squared norm of what the component adds to the residual stream, times the squares of the final norm's
               realised scale and of the logit scale
`inside`       share of that vector's squared norm inside the span of the label rows (with the final norm's weight folded
               in), by projecting the vector on an orthonormal basis of the span
`separation`   inner product of the vector with the gold label's row minus the mean of the others', over the length of the
               projection

`gram`, the inner products of the label rows, and `repetition`: prompts that end within the second copy of a random sequence of
`period` tokens, with the attention of every head (layer by layer) at the last token of each to the token after the same one
in the first copy (`induction`), to the token before (`previous`) and to the same token in the first copy (`duplicate`). The gold label of prompt i is i modulo the number of labels.

    python tools/golden_atlas.py [model ...]
"""

import json
import sys

import torch
import transformers
from golden_models import LABELS, PROMPTS, ROOT, Parts, last_row, without_softcap

# Plain, a shifted LayerNorm, norms after blocks in two ways, multipliers, parallel blocks with biases.
MODELS = ["llama", "gpt2", "gemma2", "olmo2", "granite", "phi"]


def outputs(model, parts, prompt):
    """What every component adds to the residual stream at the last token, [C, d], and the last stream [d]."""
    seen, handles = {}, []
    keep = lambda key: lambda module, args, output: seen.__setitem__(key, last_row(output))
    before = lambda key: lambda module, args: seen.__setitem__(key, last_row(args[0]))
    for index, layer in enumerate(parts.layers):
        projection, _ = parts.output_projection(layer)
        handles.append(projection.register_forward_pre_hook(before(("z", index))))
        handles.append(projection.register_forward_hook(keep(("raw", index))))
        handles.append(parts.mlp(layer).register_forward_hook(keep(("mlp", index))))
    handles.append(parts.final_norm.register_forward_pre_hook(before("final")))
    with torch.no_grad():
        model(torch.tensor([prompt]))
    for handle in handles:
        handle.remove()
    found = []
    for index, layer in enumerate(parts.layers):
        _, weight = parts.output_projection(layer)
        z = seen["z", index].reshape(parts.heads, -1)
        for head in range(parts.heads):
            result = weight.reshape(len(weight), parts.heads, -1)[:, head] @ z[head]
            if parts.post_norms:
                post = getattr(layer, parts.post_norms[0])
                assert not parts.is_centred(post)
                result = result * parts.gamma(post) * parts.realised(post, seen["raw", index])
            found.append(result * parts.residual_scale)
        found.append(seen["mlp", index] * parts.residual_scale)
    return torch.stack(found), seen["final"]


def repetition(model):
    """Attention on repeated random sequences, from the patterns that transformers returns."""
    period, prompts = 7, []
    for sequence in range(3):
        own = torch.randperm(95, generator=torch.Generator().manual_seed(sequence))[:period] + 2
        prompts += [[1, *own.tolist(), *own[:cut].tolist()] for cut in (3, 6)]
    found = {"induction": [], "previous": [], "duplicate": []}
    for prompt in prompts:
        with torch.no_grad():
            patterns = model(torch.tensor([prompt]), output_attentions=True).attentions
        last, rows = len(prompt) - 1, torch.cat([pattern[0, :, -1] for pattern in patterns])
        for key, at in ("induction", last - period + 1), ("previous", last - 1), ("duplicate", last - period):
            found[key].append(rows[:, at])
    values = {key: torch.stack(rows, 1).tolist() for key, rows in found.items()}
    rounded = {key: [[float(f"{x:.9g}") for x in row] for row in rows] for key, rows in values.items()}
    return {"prompts": prompts, "period": period, **rounded}


def make(name):
    model = transformers.AutoModelForCausalLM.from_pretrained(ROOT / name, attn_implementation="eager").eval().double()
    without_softcap(model)
    parts = Parts(model)
    rows = parts.unembed.weight.detach()[LABELS] * parts.gamma(parts.final_norm)
    if parts.is_centred(parts.final_norm):
        rows = rows - rows.mean(1, keepdim=True)
    basis = torch.linalg.qr(rows.T).Q
    norms, inside, separation = [], [], []
    for index, prompt in enumerate(PROMPTS):
        found, final = outputs(model, parts, prompt)
        factor = parts.realised(parts.final_norm, final) * parts.logit_scale
        projected = (found @ basis).pow(2).sum(1)
        gold = index % len(LABELS)
        others = [label for label in range(len(LABELS)) if label != gold]
        norms.append(found.pow(2).sum(1) * factor**2)
        inside.append(projected / found.pow(2).sum(1))
        separation.append(found @ (rows[gold] - rows[others].mean(0)) / projected.sqrt())
    rounded = lambda rows: [[float(f"{x:.9g}") for x in row] for row in rows]
    by_component = lambda values: rounded(torch.stack(values, 1).tolist())
    results = {
        "labels": LABELS,
        "prompts": PROMPTS,
        "gram": rounded((rows @ rows.T).tolist()),
        "norms": by_component(norms),
        "inside": by_component(inside),
        "separation": by_component(separation),
        "repetition": repetition(model),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    folder = ROOT.parent / "atlas"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    print(f"{name}: {len(results['norms'])} components")


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
