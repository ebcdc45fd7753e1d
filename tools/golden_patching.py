"""Golden values of activation patching, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/patching/NAME.json, computed in f64 from hooks
on the unmodified transformers model:

    python tools/golden_patching.py [model ...]

- `settings`: label logits with heads and MLPs changed inside the forward pass as in golden_ablation.py, where the fill is
  from other prompts: their mean, or the result on the paired prompt at the same position. `rows` pairs prompt i with the
  source prompt rows[i]. Prompts of `aligned` are as long as those that they are paired with.
- `probability`: the probability of label 0 over the whole vocabulary (after the model's own soft-cap), unchanged and with one
  component's result at the last position replaced by its mean over the source prompts.
- `residual`: label logits of prompt `example` where the input of one layer at one position is that of the paired prompt,
  `[layer, position, label]`.
"""

import json
import random
import sys

import torch
import transformers
from golden_ablation import Bench, rounded
from golden_models import LABELS, PROMPTS, ROOT, VOCAB

# Plain, LayerNorm with shifts, norms after blocks and a final soft-cap, parallel blocks, frequencies by prompt length.
MODELS = ["llama", "gpt2", "gemma2", "gpt-neox", "phi3-longrope"]
ROWS = [2, 0, 3, 1]
EXAMPLE = 1
SETTINGS = [("last", "mean"), ("last", "paired"), ("all", "mean"), ("all", "paired")]


def others(shared, lengths):
    """Prompts of these lengths that share the first `shared` tokens of PROMPTS and no more; some go on as those do."""
    draw = random.Random(shared)
    prompts = [PROMPTS[0][:shared] + [(7 * row + 50) % VOCAB] for row in range(len(lengths))]
    return [prompt + [draw.randrange(VOCAB) for _ in range(n - shared - 1)] for prompt, n in zip(prompts, lengths)]


SOURCE = others(2, [7, 15, 4, 12])
ALIGNED = others(3, [len(PROMPTS[ROWS.index(row)]) for row in range(len(PROMPTS))])
ALIGNED[ROWS[EXAMPLE]] = PROMPTS[EXAMPLE][:6] + ALIGNED[ROWS[EXAMPLE]][6:]


class Patching(Bench):
    """Runs of PROMPTS with results of other prompts."""

    def outputs(self, prompts):
        found = []
        for prompt in prompts:
            found.append({})
            self.run(prompt, keep=lambda key, x: found[-1].setdefault(key, x.clone()))
        return found

    def patched(self, weights, positions, fill, sources):
        """Logits [N, V] with weights [L * (H + 1)]."""
        table = torch.tensor(weights, dtype=torch.float64).reshape(self.layers, self.heads + 1)
        rows = slice(-1, None) if positions == "last" else slice(1, None)
        means = {key: torch.cat([own[key][rows] for own in sources]).mean(0) for key in sources[0]}

        def logits(prompt, source):
            def change(key, x):
                kind, layer = key
                w = table[layer, :-1].repeat_interleave(x.shape[1] // self.heads) if kind == "z" else table[layer, -1]
                other = means[key].expand_as(x) if fill == "mean" else source[key]
                if positions == "last":
                    return torch.cat([x[:-1], w * x[-1:] + (1 - w) * other[-1:]])
                new = w * x + (1 - w) * other
                return torch.cat([x[:1], new[1:]]) if fill == "mean" else new

            return self.logits(prompt, change)

        return torch.stack([logits(prompt, sources[ROWS[row]]) for row, prompt in enumerate(PROMPTS)])

    def logits(self, prompt, change=None):
        """All logits [V] of the last token."""
        kept = []
        handle = self.model.register_forward_hook(lambda module, args, output: kept.append(output.logits[0, -1].clone()))
        self.run(prompt, change=change)
        handle.remove()
        return kept[0]

    def inputs(self, prompt, layer, replace=None):
        """The input of `layer` [T, d], and the logits [V] after `replace` has changed it."""
        kept = []

        def hook(module, args, kwargs):
            x = args[0] if args else kwargs["hidden_states"]
            kept.append(x[0].clone())
            if replace is None:
                return None
            x = replace(x[0]).unsqueeze(0)
            return ((x, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": x})

        handle = self.parts.layers[layer].register_forward_pre_hook(hook, with_kwargs=True)
        logits = self.logits(prompt)
        handle.remove()
        return kept[0], logits

    def residual(self, prompt, source):
        found = []
        for layer in range(self.layers):
            there, _ = self.inputs(source, layer)
            at = lambda p: lambda x: torch.cat([x[:p], there[p : p + 1], x[p + 1 :]])
            found.append([self.inputs(prompt, layer, at(p))[1][LABELS].tolist() for p in range(len(prompt))])
        return torch.tensor(found, dtype=torch.float64)


def probability(logits, cap):
    """Probabilities of label 0, from logits [.., V] before the model's soft-cap."""
    logits = logits if cap is None else cap * torch.tanh(logits / cap)
    return logits.softmax(-1)[..., LABELS[0]]


def make(name):
    cap = getattr(transformers.AutoConfig.from_pretrained(ROOT / name).get_text_config(), "final_logit_softcapping", None)
    bench = Patching(name)
    torch.manual_seed(sum(map(ord, name)))
    count = bench.layers * (bench.heads + 1)
    mix = rounded(torch.rand(count, dtype=torch.float64) * 2.5 - 0.5)
    results = {"labels": LABELS, "prompts": PROMPTS, "source": SOURCE, "aligned": ALIGNED, "rows": ROWS, "mix": mix}
    results["settings"] = []
    for positions, fill in SETTINGS:
        prompts = "aligned" if (positions, fill) == ("all", "paired") else "source"
        sources = bench.outputs(results[prompts])
        one = lambda c: bench.patched([float(i != c) for i in range(count)], positions, fill, sources)
        each = torch.stack([one(c) for c in range(count)])
        mixed = bench.patched(mix, positions, fill, sources)
        setting = {"positions": positions, "fill": fill, "from": prompts, "mix": rounded(mixed[:, LABELS])}
        results["settings"].append(setting | {"each": rounded(each[..., LABELS])})
        if (positions, fill) == ("last", "mean"):
            model = torch.stack([bench.logits(prompt) for prompt in PROMPTS])
            chances = {"model": rounded(probability(model, cap)), "each": rounded(probability(each, cap))}
            results["probability"] = chances
    pair = PROMPTS[EXAMPLE], ALIGNED[ROWS[EXAMPLE]]
    results["residual"] = {"example": EXAMPLE, "logits": rounded(bench.residual(*pair))}
    results["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    folder = ROOT.parent / "patching"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    print(name, "probability", results["probability"]["model"])


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
