"""Golden values of the atlas, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/atlas/NAME.json: for every component (heads
of a layer, then its MLP) and prompt, computed in f64 from hooks on the unmodified transformers model,

`norms`        squared norm of what the component adds to the residual stream, times the squares of the final norm's
               realised scale and of the logit scale
`inside`       share of that vector's squared norm inside the span of the label rows (with the final norm's weight folded
               in), by projecting the vector on an orthonormal basis of the span
`separation`   inner product of the vector with the gold label's row minus the mean of the others', over the length of the
               projection

and `gram`, the inner products of the label rows. The gold label of prompt i is i modulo the number of labels.

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
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    folder = ROOT.parent / "atlas"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    print(f"{name}: {len(results['norms'])} components")


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
