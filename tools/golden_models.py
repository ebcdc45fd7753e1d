"""Golden values for tiny random-weight models, made with Hugging Face transformers.

For each family this writes a folder under tests/golden/models/ that partscope can load (config.json, tokenizer.json,
model.safetensors) and golden.json + golden.safetensors: the contribution of every head and MLP to the label logits,
`rest`, and the logits, computed in f64 from hooks on the unmodified transformers model.

    python tools/golden_models.py [family ...]

Requires torch, transformers, safetensors and tokenizers (made with the versions named in golden.json).
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "models"
VOCAB = 97
LABELS = [11, 42, 77]
# Prompts of mixed lengths that share four tokens.
PROMPTS = [
    [1, 5, 9, 13, 17],
    [1, 5, 9, 13, 20, 33, 48, 60, 71, 2, 90],
    [1, 5, 9, 13, 8, 8, 8, 30],
    [1, 5, 9, 13, 96, 3, 55, 21, 34, 6, 7, 80, 81, 82, 83, 84, 10],
]
# A shape whose sizes do not fall together: three layers, six heads in two groups, head width apart from width / heads.
SHAPE = dict(
    vocab_size=VOCAB,
    hidden_size=42,
    intermediate_size=56,
    num_hidden_layers=3,
    num_attention_heads=6,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=128,
)
FAMILIES = {
    "llama": lambda: transformers.LlamaConfig(**SHAPE, rms_norm_eps=1e-5, tie_word_embeddings=False),
    "llama-biased": lambda: transformers.LlamaConfig(
        **SHAPE, rms_norm_eps=1e-3, attention_bias=True, mlp_bias=True, tie_word_embeddings=True
    ),
}


def randomise(model):
    """Weights large enough that attention is far from uniform; norms and biases far from trivial."""
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if "norm" in name and name.endswith("weight"):
            parameter.data = 1 + 0.3 * noise
        elif parameter.dim() == 1:
            parameter.data = 0.2 * noise
        else:
            parameter.data = noise * (1.2 / parameter.shape[-1] ** 0.5)


class Parts:
    """Where a transformers model keeps what the attribution needs."""

    def __init__(self, model):
        self.model = model
        self.layers = model.model.layers
        self.final_norm = model.model.norm
        self.unembed = model.get_output_embeddings()

    def output_projection(self, layer):
        return layer.self_attn.o_proj

    def mlp(self, layer):
        return layer.mlp


def attribute(model, prompt):
    """Contributions of one prompt, from hooks: heads [L, H, Y], mlps [L, Y], rest [Y], full [Y]."""
    parts = Parts(model)
    seen = {}
    handles = []

    def keep_input(key):
        return lambda module, args: seen.__setitem__(key, args[0].detach())

    def keep_output(key):
        return lambda module, args, output: seen.__setitem__(key, output.detach())

    for index, layer in enumerate(parts.layers):
        handles.append(parts.output_projection(layer).register_forward_pre_hook(keep_input(("z", index))))
        handles.append(parts.mlp(layer).register_forward_hook(keep_output(("mlp", index))))
    handles.append(parts.layers[0].register_forward_pre_hook(keep_input("embed")))
    handles.append(parts.final_norm.register_forward_pre_hook(keep_input("final")))
    with torch.no_grad():
        full = model(torch.tensor([prompt])).logits[0, -1, LABELS]
    for handle in handles:
        handle.remove()

    x = seen["final"][0, -1]
    norm = parts.final_norm
    rows = parts.unembed.weight.detach()[LABELS] * norm.weight.detach()
    scale = (x.pow(2).mean() + model.config.rms_norm_eps).rsqrt()
    worth = lambda vector: rows @ vector * scale
    heads, mlps, rest = [], [], worth(seen["embed"][0, -1])
    for index, layer in enumerate(parts.layers):
        projection = parts.output_projection(layer)
        count = model.config.num_attention_heads
        z = seen[("z", index)][0, -1].reshape(count, -1)
        weight = projection.weight.detach().reshape(projection.weight.shape[0], count, -1)
        heads.append(torch.stack([worth(weight[:, head] @ z[head]) for head in range(count)]))
        if projection.bias is not None:
            rest = rest + worth(projection.bias.detach())
        mlps.append(worth(seen[("mlp", index)][0, -1]))
    return torch.stack(heads), torch.stack(mlps), rest, full


def tokenizer():
    """One word a token: w0 … w96, with w1 in front of every text."""
    vocab = {f"w{i}": i for i in range(VOCAB)}
    made = Tokenizer(models.WordLevel(vocab, unk_token="w0"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(single="w1 $A", special_tokens=[("w1", 1)])
    return made


def make(name):
    torch.manual_seed(sum(map(ord, name)))
    config = FAMILIES[name]()
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    randomise(model)
    model.tie_weights()
    folder = ROOT / name
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer().save(str(folder / "tokenizer.json"))

    model = model.double()
    results = [attribute(model, prompt) for prompt in PROMPTS]
    heads, mlps, rest, full = (torch.stack(tensors) for tensors in zip(*results))
    total = heads.sum((1, 2)) + mlps.sum(1) + rest
    assert torch.allclose(total, full, atol=1e-9), (total - full).abs().max()
    golden = {
        "heads": heads.permute(1, 2, 0, 3),
        "mlps": mlps.permute(1, 0, 2),
        "rest": rest,
        "full": full,
    }
    save_file({k: v.float().contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
    facts = {"prompts": PROMPTS, "labels": LABELS, "torch": torch.__version__, "transformers": transformers.__version__}
    (folder / "golden.json").write_text(json.dumps(facts) + "\n")
    print(f"{name}: largest |full| {full.abs().max():.3f}, largest |head| {heads.abs().max():.3f}")


if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        make(family)
