"""Golden values of the logit lens by layer, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/lens/NAME.json: label logits of the residual
stream at the last token, after the attention and after the MLP of every layer, through the final norm; computed in f64 from
hooks on the unmodified transformers model.

    python tools/golden_lens.py [model ...]

`own` applies the model's final norm to each stream. `realised` holds the norm's scale at its value on the last stream, so
the logits are a linear function of the stream, plus the norm's shift and the unembedding's bias. Both are before a final
soft-cap. `top` has the five tokens with the largest logits under `own`, for every point of the last prompt.
"""

import json
import sys

import torch
import transformers
from golden_models import LABELS, PROMPTS, ROOT, Parts, last_row, without_softcap

# Parallel blocks and a shifted norm, norms after blocks, multipliers, plain.
MODELS = ["llama", "gpt2", "gpt-neox", "gemma2", "olmo2", "granite", "phi"]


def streams(model, parts, prompt):
    """The residual stream [2L, d] at the last token, and the logits [V] of the model."""
    seen, handles = {}, []
    keep = lambda key: lambda module, args, output: seen.__setitem__(key, last_row(output))
    for index, layer in enumerate(parts.layers):
        block = getattr(layer, parts.post_norms[0]) if parts.post_norms else parts.output_projection(layer)[0]
        before = lambda module, args, kwargs, index=index: seen.__setitem__(
            ("pre", index), last_row(args[0] if args else kwargs["hidden_states"])
        )
        handles.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(block.register_forward_hook(keep(("attention", index))))
        handles.append(parts.mlp(layer).register_forward_hook(keep(("mlp", index))))
        handles.append(layer.register_forward_hook(keep(("post", index))))
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0, -1]
    for handle in handles:
        handle.remove()
    found = []
    for index in range(len(parts.layers)):
        middle = seen["pre", index] + seen["attention", index] * parts.residual_scale
        after = seen["post", index]
        assert torch.allclose(middle + seen["mlp", index] * parts.residual_scale, after, atol=1e-6)
        found += [middle, after]
    return torch.stack(found), logits


def make(name):
    model = transformers.AutoModelForCausalLM.from_pretrained(ROOT / name, attn_implementation="eager").eval().double()
    without_softcap(model)
    parts = Parts(model)
    norm, weight = parts.final_norm, parts.unembed.weight.detach()
    bias = getattr(parts.unembed, "bias", None)
    bias = torch.zeros(len(weight), dtype=torch.float64) if bias is None else bias.detach()
    shift = getattr(norm, "bias", None)
    shift = 0.0 if shift is None else shift.detach()
    own, realised, top = [], [], []
    for prompt in PROMPTS:
        stream, logits = streams(model, parts, prompt)
        with torch.no_grad():
            every = (norm(stream) @ weight.T + bias) * parts.logit_scale
        centred = stream - stream.mean(1, keepdim=True) if parts.is_centred(norm) else stream
        held = centred * parts.realised(norm, stream[-1]) * parts.gamma(norm) + shift
        fixed = (held @ weight.T + bias) * parts.logit_scale
        assert all(torch.allclose(ends[-1], logits, atol=1e-6) for ends in (every, fixed))  # Gemma norms in f32
        own.append(every[:, LABELS])
        realised.append(fixed[:, LABELS])
        top = every.topk(5).indices.tolist()
    rounded = lambda rows: [[[float(f"{x:.9g}") for x in row] for row in point] for point in rows]
    results = {
        "labels": LABELS,
        "prompts": PROMPTS,
        "own": rounded(torch.stack(own, 1).tolist()),
        "realised": rounded(torch.stack(realised, 1).tolist()),
        "top": top,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    folder = ROOT.parent / "lens"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    print(f"{name}: {len(results['own'])} points")


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
