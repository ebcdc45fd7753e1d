"""Golden values for UniBias on attention heads, made with Hugging Face transformers.

For each model under tests/golden/models/ named below this writes tests/golden/unibias/NAME.json, computed in f64 from hooks
on the unmodified transformers model:

    python tools/golden_unibias.py [model ...]

- `heads` [L, H, N, Y] and `streams` [L, N, Y]: label rows of the unembedding times what every head adds to the residual
  stream and times the stream that every layer reads, at the last token, without the final norm.
- `probabilities` [Y] and `logits` [N, Y] (before the model's soft-cap): with `weight` for the heads `silenced` at every
  token, the mean over prompts of each label's probability over the whole vocabulary, and the label logits.
"""

import json
import sys

import torch
import transformers
from golden_ablation import Bench, rounded
from golden_models import LABELS, PROMPTS, ROOT
from golden_patching import Patching

# Plain, LayerNorm with shifts, norms after blocks and a final soft-cap, a residual multiplier.
MODELS = ["llama", "gpt2", "gemma2", "granite"]
WEIGHT = -0.25


class Unibias(Patching):
    def read(self, prompt):
        """Label logits of heads [L, H, Y] and of streams [L, Y] on one prompt."""
        parts, seen, blocks = self.parts, {}, {}
        rows = parts.unembed.weight.detach()[LABELS]
        handles = []
        for index, layer in enumerate(parts.layers):
            module, _ = parts.output_projection(layer)
            keep = lambda module, args, output, index=index: blocks.__setitem__(index, output[0, -1].clone())
            handles.append(module.register_forward_hook(keep))
        self.run(prompt, keep=lambda key, x: seen.setdefault(key, x[-1].clone()))
        for handle in handles:
            handle.remove()
        heads, streams = [], []
        for index, layer in enumerate(parts.layers):
            _, weight = parts.output_projection(layer)
            z = seen["z", index].reshape(self.heads, -1)
            own = torch.einsum("hk,dhk->hd", z, weight.reshape(weight.shape[0], self.heads, -1))
            if parts.post_norms:
                norm = getattr(layer, parts.post_norms[0])
                own = own * parts.gamma(norm) * parts.realised(norm, blocks[index])
            heads.append(own * parts.residual_scale @ rows.T)
            streams.append(self.inputs(prompt, index)[0][-1] @ rows.T)
        return torch.stack(heads), torch.stack(streams)

    def weighted(self, silenced, weight):
        """All logits [N, V] with a weight for heads at every token."""
        table = torch.ones(self.layers, self.heads, dtype=torch.float64)
        table.view(-1)[silenced] = weight

        def change(key, x):
            kind, layer = key
            return x * table[layer].repeat_interleave(x.shape[1] // self.heads) if kind == "z" else x

        return torch.stack([self.logits(prompt, change) for prompt in PROMPTS])


def make(name):
    cap = getattr(transformers.AutoConfig.from_pretrained(ROOT / name).get_text_config(), "final_logit_softcapping", None)
    bench = Unibias(name)
    read = [bench.read(prompt) for prompt in PROMPTS]
    heads, streams = torch.stack([own for own, _ in read], 2), torch.stack([own for _, own in read], 1)
    silenced = [1, bench.layers * bench.heads - 1]
    logits = bench.weighted(silenced, WEIGHT)
    capped = logits if cap is None else cap * torch.tanh(logits / cap)
    results = {"labels": LABELS, "prompts": PROMPTS, "heads": rounded(heads), "streams": rounded(streams)}
    results |= {"silenced": silenced, "weight": WEIGHT, "logits": rounded(logits[:, LABELS])}
    results["probabilities"] = rounded(capped.softmax(-1)[:, LABELS].mean(0))
    results["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    folder = ROOT.parent / "unibias"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results) + "\n")
    print(name, "probabilities", results["probabilities"])


if __name__ == "__main__":
    for model_name in sys.argv[1:] or MODELS:
        make(model_name)
