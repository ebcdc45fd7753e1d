"""Golden values of ablated re-runs and attention patterns, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/ablation/NAME.json: label logits with
heads and MLPs scaled inside the forward pass, and the attention of every prompt's last token, computed in f64 from hooks
on the unmodified transformers model.

    python tools/golden_ablation.py [model ...]

A component's result becomes w * result + (1 - w) * fill. Heads are changed where they enter the output projection, MLPs
where they enter the residual stream. The fill is zero or the component's mean: at last positions over the prompts; at
all positions over every position of every prompt but the first, which is then left unchanged.
"""

import json
import sys

import torch
import transformers
from golden_models import LABELS, PROMPTS, ROOT, Parts, without_softcap

MODELS = ["llama", "qwen2", "gpt-neox", "gpt-neox-sequential", "gpt2", "gemma2", "olmo2", "granite"]
MODELS += ["gptj", "gpt-neo", "opt", "bloom", "falcon", "phi", "olmoe", "cohere", "glm4", "gpt-oss"]
SETTINGS = [(positions, fill) for positions in ("last", "all") for fill in ("zero", "mean")]


class Bench:
    """A transformers model with hooks that read and change its components."""

    def __init__(self, name):
        eager = dict(attn_implementation="eager", experts_implementation="eager")
        model = transformers.AutoModelForCausalLM.from_pretrained(ROOT / name, **eager)
        self.model = model.eval().double()
        without_softcap(model)
        self.parts = Parts(self.model)
        self.layers = len(self.parts.layers)
        self.heads = self.parts.heads

    def run(self, prompt, change=None, keep=None):
        """Logits and attention of the last token. `change(key, x)` and `keep(key, x)` see x [T, width]."""
        handles = []
        scale = self.parts.residual_scale

        def head_hook(index):
            def hook(module, args):
                z = args[0]
                if change:
                    z = change(("z", index), z[0]).unsqueeze(0)
                if keep:
                    keep(("z", index), z[0])
                return (z, *args[1:])

            return hook

        def mlp_hook(index):
            def hook(module, args, output):
                first = output[0] if isinstance(output, tuple) else output  # gpt-oss returns the router's scores, too
                rows = first.reshape(-1, first.shape[-1])
                if change:
                    rows = change(("mlp", index), rows * scale) / scale
                if keep:
                    keep(("mlp", index), rows * scale)
                rows = rows.reshape(first.shape)
                return (rows, *output[1:]) if isinstance(output, tuple) else rows

            return hook

        for index, layer in enumerate(self.parts.layers):
            projection, _ = self.parts.output_projection(layer)
            handles.append(projection.register_forward_pre_hook(head_hook(index)))
            handles.append(self.parts.mlp(layer).register_forward_hook(mlp_hook(index)))
        with torch.no_grad():
            out = self.model(torch.tensor([prompt]), output_attentions=True)
        for handle in handles:
            handle.remove()
        return out.logits[0, -1, LABELS], [weights[0, :, -1] for weights in out.attentions]

    def means(self, positions):
        seen = {}
        for prompt in PROMPTS:
            rows = slice(-1, None) if positions == "last" else slice(1, None)
            self.run(prompt, keep=lambda key, x: seen.setdefault(key, []).append(x[rows].clone()))
        return {key: torch.cat(rows).mean(0) for key, rows in seen.items()}

    def changed(self, weights, positions, fill, means):
        """Logits [N, Y] with weights [L * (H + 1)]."""
        table = torch.tensor(weights, dtype=torch.float64).reshape(self.layers, self.heads + 1)

        def change(key, x):
            kind, layer = key
            if kind == "z":
                w = table[layer, :-1].repeat_interleave(x.shape[1] // self.heads)
            else:
                w = table[layer, -1]
            filled = (1 - w) * means[key] if fill == "mean" else 0.0
            new = w * x + filled
            if positions == "last":
                return torch.cat([x[:-1], new[-1:]])
            return torch.cat([x[:1], new[1:]]) if fill == "mean" else new

        return torch.stack([self.run(prompt, change=change)[0] for prompt in PROMPTS])


def rounded(tensor):
    return [rounded(row) for row in tensor] if tensor.dim() else float(f"{tensor.item():.9g}")


def make(name):
    bench = Bench(name)
    torch.manual_seed(sum(map(ord, name)))
    count = bench.layers * (bench.heads + 1)
    mix = rounded(torch.rand(count, dtype=torch.float64) * 2.5 - 0.5)
    results = {"labels": LABELS, "prompts": PROMPTS, "mix": mix, "settings": []}
    for positions, fill in SETTINGS:
        means = bench.means(positions)
        each = [bench.changed([float(i != c) for i in range(count)], positions, fill, means) for c in range(count)]
        results["settings"].append(
            {
                "positions": positions,
                "fill": fill,
                "mix": rounded(bench.changed(mix, positions, fill, means)),
                "each": rounded(torch.stack(each)),
            }
        )
    runs = [bench.run(prompt) for prompt in PROMPTS]
    results["full"] = rounded(torch.stack([logits for logits, _ in runs]))
    results["attention"] = [[rounded(layer) for layer in attention] for _, attention in runs]
    results["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    folder = ROOT.parent / "ablation"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    moved = max((torch.tensor(s["mix"]) - torch.tensor(results["full"])).abs().max() for s in results["settings"])
    print(f"{name}: the mix moves a logit by {moved:.2f}")


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
