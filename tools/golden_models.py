"""Golden values for tiny random-weight models, made with Hugging Face transformers.

For each architecture this writes a folder under tests/golden/models/ that partscope can load (config.json, tokenizer.json,
model.safetensors) and golden.json + golden.safetensors: the contribution of every head and MLP to the label logits,
`rest`, and the logits, computed in f64 from hooks on the unmodified transformers model.

    python tools/golden_models.py [family ...]

Requires torch, transformers, safetensors, tokenizers and, for adapters, peft (made with the versions named in golden.json).
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
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
# A shape with distinct sizes: three layers, six heads in two groups, head width different from width / heads.
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
WINDOW = 6
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
LONGROPE = dict(
    rope_type="longrope",
    rope_theta=10000.0,
    short_factor=[1.0, 1.1, 1.3, 1.7],
    long_factor=[1.2, 2.0, 4.0, 9.0],
    original_max_position_embeddings=12,
)
# For architectures that derive the head width from the model's width.
SQUARE = {key: value for key, value in SHAPE.items() if key != "head_dim"} | dict(hidden_size=48)
ONE_LAYER = SHAPE | dict(num_hidden_layers=1)
NEOX = {key: value for key, value in SQUARE.items() if key != "num_key_value_heads"}
# Two layers, narrow, so that the files of many architectures stay small.
SMALL = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)
# Six heads: the slopes of ALiBi differ in kind if their number is no power of two.
SIX = dict(vocab_size=VOCAB, hidden_size=36, num_hidden_layers=2, num_attention_heads=6)
MIXTURE = {key: value for key, value in SMALL.items() if key != "intermediate_size"} | dict(
    num_experts=5, num_experts_per_tok=2, moe_intermediate_size=12
)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)



def small(*without, **more):
    """SMALL without some of its sizes, and with more settings."""
    return {key: value for key, value in SMALL.items() if key not in without} | more


FAMILIES = {
    "llama": lambda: transformers.LlamaConfig(**SHAPE, rms_norm_eps=1e-5, tie_word_embeddings=False),
    "llama-biased": lambda: transformers.LlamaConfig(
        **SHAPE, rms_norm_eps=1e-3, attention_bias=True, mlp_bias=True, tie_word_embeddings=True
    ),
    "llama-llama3": lambda: transformers.LlamaConfig(**ONE_LAYER, rope_parameters=LLAMA3),
    "llama-linear": lambda: transformers.LlamaConfig(
        **ONE_LAYER, rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=5000.0)
    ),
    # Widths are multiples of 32, as quantisation requires.
    "llama-wide": lambda: transformers.LlamaConfig(
        **(SHAPE | dict(hidden_size=64, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, head_dim=16)),
        attention_bias=True,
        tie_word_embeddings=True,
    ),
    "mistral": lambda: transformers.MistralConfig(**SHAPE, sliding_window=WINDOW),
    "mixtral": lambda: transformers.MixtralConfig(
        **(SHAPE | dict(intermediate_size=16)), num_local_experts=5, num_experts_per_tok=2
    ),
    "qwen2": lambda: transformers.Qwen2Config(**SQUARE),
    "qwen2-windowed": lambda: transformers.Qwen2Config(
        **(SQUARE | dict(num_hidden_layers=3, intermediate_size=24)),
        use_sliding_window=True,
        max_window_layers=1,
        sliding_window=WINDOW,
    ),
    "qwen3": lambda: transformers.Qwen3Config(**SHAPE, tie_word_embeddings=True),
    "gemma": lambda: transformers.GemmaConfig(**SHAPE),
    "gemma2": lambda: transformers.Gemma2Config(
        **SHAPE, sliding_window=WINDOW, query_pre_attn_scalar=8, attn_logit_softcapping=2.0
    ),
    "gemma2-scaled": lambda: transformers.Gemma2Config(
        **ONE_LAYER, sliding_window=WINDOW, query_pre_attn_scalar=21
    ),
    "gemma3": lambda: transformers.Gemma3TextConfig(
        **(SHAPE | dict(num_hidden_layers=7, intermediate_size=20)),
        sliding_window=WINDOW,
        query_pre_attn_scalar=8,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0),
            sliding_attention=dict(rope_type="default", rope_theta=10000.0),
        ),
    ),
    "phi3": lambda: transformers.Phi3Config(**SQUARE, pad_token_id=0, sliding_window=WINDOW),
    "phi3-longrope": lambda: transformers.Phi3Config(
        **SQUARE, pad_token_id=0, original_max_position_embeddings=12, rope_parameters=LONGROPE
    ),
    "phi3-partial": lambda: transformers.Phi3Config(
        **(SQUARE | dict(num_hidden_layers=1)),
        pad_token_id=0,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.75),
    ),
    "olmo2": lambda: transformers.Olmo2Config(**SHAPE),
    "granite": lambda: transformers.GraniteConfig(
        **SHAPE,
        embedding_multiplier=3.0,
        attention_multiplier=0.2,
        residual_multiplier=0.7,
        logits_scaling=2.5,
    ),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=VOCAB, n_positions=64, n_embd=42, n_layer=3, n_head=6, n_inner=56
    ),
    "gpt-neox": lambda: transformers.GPTNeoXConfig(**NEOX),
    "gpt-neox-sequential": lambda: transformers.GPTNeoXConfig(
        **NEOX,
        use_parallel_residual=False,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5),
    ),
    "llama-yarn": lambda: transformers.LlamaConfig(**small(num_hidden_layers=1), rope_parameters=YARN),
    "gptj": lambda: transformers.GPTJConfig(
        vocab_size=VOCAB, n_positions=512, n_embd=32, n_layer=2, n_head=4, n_inner=40, rotary_dim=4
    ),
    "gpt-neo": lambda: transformers.GPTNeoConfig(
        vocab_size=VOCAB,
        max_position_embeddings=64,
        hidden_size=32,
        num_layers=2,
        num_heads=4,
        intermediate_size=40,
        attention_types=[[["global", "local"], 1]],
        window_size=WINDOW,
    ),
    "opt": lambda: transformers.OPTConfig(**small("intermediate_size", "num_key_value_heads", ffn_dim=40)),
    "opt-plain": lambda: transformers.OPTConfig(
        **small("intermediate_size", "num_key_value_heads", ffn_dim=40, num_hidden_layers=1),
        enable_bias=False,
        layer_norm_elementwise_affine=False,
    ),
    "bloom": lambda: transformers.BloomConfig(vocab_size=VOCAB, hidden_size=36, n_layer=2, n_head=6),
    "falcon": lambda: transformers.FalconConfig(**SIX, ffn_hidden_size=40),
    "falcon-40b": lambda: transformers.FalconConfig(
        **SIX, ffn_hidden_size=40, new_decoder_architecture=True, num_kv_heads=3
    ),
    "falcon-11b": lambda: transformers.FalconConfig(
        **(SIX | dict(num_hidden_layers=1)),
        ffn_hidden_size=40,
        new_decoder_architecture=True,
        num_kv_heads=2,
        num_ln_in_parallel_attn=1,
    ),
    "falcon-rw": lambda: transformers.FalconConfig(
        **SIX, ffn_hidden_size=40, alibi=True, multi_query=False, parallel_attn=False, bias=True
    ),
    "phi": lambda: transformers.PhiConfig(**SMALL),
    "phi-normed": lambda: transformers.PhiConfig(**small(num_hidden_layers=1), qk_layernorm=True),
    "stablelm": lambda: transformers.StableLmConfig(**SMALL, use_qkv_bias=True),
    "stablelm-parallel": lambda: transformers.StableLmConfig(
        **SMALL, use_parallel_residual=True, qk_layernorm=True
    ),
    "olmo": lambda: transformers.OlmoConfig(**SMALL, clip_qkv=0.8, pad_token_id=0),
    "olmo3": lambda: transformers.Olmo3Config(
        **small(num_hidden_layers=4, hidden_size=24, intermediate_size=20),
        sliding_window=WINDOW,
        rope_parameters=dict(
            full_attention=YARN, sliding_attention=dict(rope_type="default", rope_theta=10000.0)
        ),
    ),
    "olmoe": lambda: transformers.OlmoeConfig(
        **small(intermediate_size=12), num_experts=5, num_experts_per_tok=2, clip_qkv=0.8
    ),
    "smollm3": lambda: transformers.SmolLM3Config(
        **small(num_hidden_layers=4, hidden_size=24, intermediate_size=20), pad_token_id=0
    ),
    "qwen2-moe": lambda: transformers.Qwen2MoeConfig(
        **MIXTURE, intermediate_size=20, shared_expert_intermediate_size=16
    ),
    "qwen3-moe-sparse": lambda: transformers.Qwen3MoeConfig(
        **(MIXTURE | dict(num_experts=3)), intermediate_size=20, head_dim=8, decoder_sparse_step=2
    ),
    "qwen3-moe": lambda: transformers.Qwen3MoeConfig(**MIXTURE, intermediate_size=20, norm_topk_prob=True, head_dim=8),
    "ministral3": lambda: transformers.Ministral3Config(
        **SMALL,
        head_dim=8,
        rope_parameters=YARN | dict(original_max_position_embeddings=8, llama_4_scaling_beta=0.5, mscale=1.0, mscale_all_dim=1.0),
    ),
    "cohere": lambda: transformers.CohereConfig(**SMALL, logit_scale=0.25),
    "cohere-normed": lambda: transformers.CohereConfig(**small(num_hidden_layers=1), use_qk_norm=True),
    "cohere2": lambda: transformers.Cohere2Config(
        **small(num_hidden_layers=4, hidden_size=24, intermediate_size=20), sliding_window=WINDOW
    ),
    "glm": lambda: transformers.GlmConfig(**small(num_hidden_layers=1), head_dim=8, pad_token_id=0),
    "glm4": lambda: transformers.Glm4Config(**SMALL, head_dim=8, pad_token_id=0),
    "gpt-oss": lambda: transformers.GptOssConfig(
        **small(intermediate_size=32),
        head_dim=8,
        num_local_experts=3,
        num_experts_per_tok=2,
        sliding_window=WINDOW,
        rope_parameters=YARN | dict(truncate=False),
    ),
    # GGUF files have no field for another limit.
    "gpt-oss-clamped": lambda: transformers.GptOssConfig(
        **small(intermediate_size=12, num_hidden_layers=1),
        head_dim=8,
        num_local_experts=3,
        num_experts_per_tok=2,
        rope_parameters=YARN | dict(truncate=False),
        swiglu_limit=0.7,
    ),
    # candle-transformers refuses several key/value heads in this family.
    "gemma3-single": lambda: transformers.Gemma3TextConfig(
        **small("num_key_value_heads"), num_key_value_heads=1, head_dim=8, sliding_window=64, query_pre_attn_scalar=8,
        layer_types=["sliding_attention", "full_attention"], sliding_window_pattern=2,
    ),
    # Heads as wide as width / heads, which candle-transformers requires in these families.
    "mixtral-square": lambda: transformers.MixtralConfig(
        **small(intermediate_size=16, num_hidden_layers=1), num_local_experts=3, num_experts_per_tok=2
    ),
    "granite-square": lambda: transformers.GraniteConfig(
        **small(num_hidden_layers=1), embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.7,
        logits_scaling=2.5, tie_word_embeddings=True
    ),
    "olmo2-square": lambda: transformers.Olmo2Config(**small(num_hidden_layers=1)),
    "falcon-square": lambda: transformers.FalconConfig(**(SIX | dict(num_hidden_layers=1))),
    "gemma3-vision": lambda: transformers.Gemma3Config(
        text_config=dict(
            **small(num_hidden_layers=1),
            head_dim=8,
            sliding_window=WINDOW,
            query_pre_attn_scalar=8,
        ),
        vision_config=dict(
            hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4
        ),
        mm_tokens_per_image=4,
        boi_token_index=90, eoi_token_index=91, image_token_index=92,
    ),
}


# Models whose files are not a plain model.safetensors.
FAMILIES |= {
    "llama-lora": FAMILIES["llama"],
    "gpt2-lora": FAMILIES["gpt2"],
    "gpt-neo-lora": FAMILIES["gpt-neo"],
    "llama-pickle": FAMILIES["llama-biased"],
    "gpt-oss-mxfp4": FAMILIES["gpt-oss"],
}


def with_adapter(**settings):
    """Saves a LoRA adapter beside the model, and returns the model with it, as peft merges it."""

    def save(model, folder):
        import peft

        adapted = peft.get_peft_model(model, peft.LoraConfig(**settings))
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.data = torch.randn_like(parameter) * 0.3
        adapted.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        return adapted.double().merge_and_unload()

    return save


def as_pickles(model, folder):
    """Replaces the weights by two pickles and their index, as PyTorch writes them; the second has parameters."""
    (folder / "model.safetensors").unlink()
    names = sorted(model.state_dict())
    shards = {"pytorch_model-00001-of-00002.bin": names[::2], "pytorch_model-00002-of-00002.bin": names[1::2]}
    tensors = [model.state_dict(), model.state_dict(keep_vars=True)]
    for (file, own), values in zip(shards.items(), tensors):
        torch.save({name: values[name] for name in own}, folder / file)
    index = {"metadata": {}, "weight_map": {name: file for file, own in shards.items() for name in own}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index) + "\n")
    return model


def as_mxfp4(model, folder):
    """Replaces the experts by random blocks of 4-bit floats with scales; transformers says which values they have."""
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    tensors = load_file(folder / "model.safetensors")
    for name, parameter in model.named_parameters():
        if name.endswith(("gate_up_proj", "down_proj")):
            experts, width, out = parameter.shape
            blocks = torch.randint(0, 256, (experts, out, width // 32, 16), dtype=torch.uint8)
            scales = torch.randint(121, 125, (experts, out, width // 32), dtype=torch.uint8)
            parameter.data = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)
            del tensors[name]
            tensors |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return model


EXTRAS = {
    "llama-lora": with_adapter(
        r=3,
        lora_alpha=8,
        use_rslora=True,
        target_modules=["q_proj", "v_proj", "o_proj", "down_proj"],
        rank_pattern={"down_proj": 5},
        alpha_pattern={"layers.1.mlp.down_proj": 20},
    ),
    "gpt2-lora": with_adapter(r=2, lora_alpha=3, fan_in_fan_out=True, target_modules=["c_attn", "mlp.c_proj"]),
    # The names are those of GPT-2's modules, but the matrices are not transposed.
    "gpt-neo-lora": with_adapter(r=2, lora_alpha=3, target_modules=["c_fc", "mlp.c_proj"]),
    "llama-pickle": as_pickles,
    "gpt-oss-mxfp4": as_mxfp4,
}


def randomise(model):
    """Weights large enough that attention is far from uniform; norms and biases far from trivial."""
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if ("norm" in name or "ln_" in name) and name.endswith("weight"):  # also norms of two dimensions, in Cohere
            parameter.data = 1 + 0.3 * noise
        elif parameter.dim() == 1:
            parameter.data = 0.2 * noise
        else:
            parameter.data = noise * (1.2 / parameter.shape[-1] ** 0.5)


class Parts:
    """The modules and constants of a transformers model that the attribution needs."""

    def __init__(self, model):
        config = model.config.get_text_config()
        base = model.base_model
        base = next((getattr(base, n) for n in ("decoder", "language_model") if hasattr(base, n)), base)
        self.layers = base.h if hasattr(base, "h") else base.layers
        names = ("norm", "ln_f", "final_layer_norm", "final_layernorm")
        self.final_norm = next(getattr(base, n) for n in names if hasattr(base, n))
        self.unembed = model.get_output_embeddings()
        self.heads = config.num_attention_heads
        self.offset = 1.0 if config.model_type.startswith("gemma") else 0.0
        # Names of the norms after attention and after the MLP.
        pairs = [("post_self_attn_layernorm", "post_mlp_layernorm")]
        pairs += [("post_attention_layernorm", "post_feedforward_layernorm")]
        self.post_norms = next((pair for pair in pairs if hasattr(self.layers[0], pair[1])), None)
        self.residual_scale = getattr(config, "residual_multiplier", 1.0)
        self.logit_scale = getattr(config, "logit_scale", 1.0 / getattr(config, "logits_scaling", 1.0))

    def output_projection(self, layer):
        """The module from all heads to the residual stream, and its weight as [d, heads * head_dim]."""
        names = ("self_attn", "attn", "attention", "self_attention")
        attention = next(getattr(layer, n) for n in names if hasattr(layer, n))
        attention = getattr(attention, "attention", attention)
        names = ("o_proj", "c_proj", "dense", "out_proj")
        module = next(getattr(attention, n) for n in names if hasattr(attention, n))
        weight = module.weight.detach()
        return module, weight.T if isinstance(module, transformers.pytorch_utils.Conv1D) else weight

    def mlp(self, layer):
        """The module whose output, times the residual scale, is added to the residual stream."""
        if self.post_norms:
            return getattr(layer, self.post_norms[1])
        if hasattr(layer, "fc2"):
            return layer.fc2
        return getattr(layer.mlp, "dense_4h_to_h", layer.mlp)  # BLOOM's MLP adds the residual stream itself

    def gamma(self, norm):
        weight = getattr(norm, "weight", None)
        return 1.0 if weight is None else weight.detach() + self.offset

    def is_centred(self, norm):
        return "LayerNorm" in type(norm).__name__

    def realised(self, norm, x):
        """The factor that the norm applies to `x`, without its weight."""
        names = ("variance_epsilon", "eps")
        epsilon = next((getattr(norm, n) for n in names if hasattr(norm, n)), 1e-5)  # 1e-5 is OLMo's
        if self.is_centred(norm):
            x = x - x.mean()
        return (x.pow(2).mean() + epsilon).rsqrt()


def last_row(output):
    """A copy of the last token's row of a module's output for one prompt."""
    output = output[0] if isinstance(output, tuple) else output
    return output.detach().reshape(-1, output.shape[-1])[-1].clone()


def attribute(model, prompt, tokens=LABELS):
    """Contributions of one prompt to the logits of `tokens`, from hooks: heads [L, H, Y], mlps [L, Y], rest [Y], and all
    logits [V]."""
    parts = Parts(model)
    seen = {}
    handles = []

    def keep_input(key):
        return lambda module, args: seen.__setitem__(key, last_row(args[0]))

    def keep_output(key):
        return lambda module, args, output: seen.__setitem__(key, last_row(output))

    for index, layer in enumerate(parts.layers):
        projection, _ = parts.output_projection(layer)
        handles.append(projection.register_forward_pre_hook(keep_input(("z", index))))
        handles.append(projection.register_forward_hook(keep_output(("raw", index))))
        handles.append(parts.mlp(layer).register_forward_hook(keep_output(("mlp", index))))
    handles.append(parts.layers[0].register_forward_pre_hook(keep_input("embed")))
    handles.append(parts.final_norm.register_forward_pre_hook(keep_input("final")))
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0, -1]
    for handle in handles:
        handle.remove()

    norm = parts.final_norm
    labels = parts.unembed.weight.detach()[tokens]
    rows = labels * parts.gamma(norm) * parts.realised(norm, seen["final"]) * parts.logit_scale

    def worth(vector):
        return rows @ (vector - vector.mean() if parts.is_centred(norm) else vector)

    heads, mlps, rest = [], [], worth(seen["embed"])
    if getattr(norm, "bias", None) is not None:
        rest = rest + labels @ norm.bias.detach() * parts.logit_scale
    if getattr(parts.unembed, "bias", None) is not None:
        rest = rest + parts.unembed.bias.detach()[tokens] * parts.logit_scale
    for index, layer in enumerate(parts.layers):
        projection, weight = parts.output_projection(layer)
        factor = torch.tensor(parts.residual_scale)
        if parts.post_norms:
            post = getattr(layer, parts.post_norms[0])
            factor = factor * parts.gamma(post) * parts.realised(post, seen[("raw", index)])
        z = seen[("z", index)].reshape(parts.heads, -1)
        weight = weight.reshape(weight.shape[0], parts.heads, -1)
        heads.append(torch.stack([worth(factor * (weight[:, head] @ z[head])) for head in range(parts.heads)]))
        if projection.bias is not None:
            rest = rest + worth(factor * projection.bias.detach())
        mlps.append(worth(seen[("mlp", index)] * parts.residual_scale))
    return torch.stack(heads), torch.stack(mlps), rest, logits


def tokenizer():
    """One token per word: w0 … w96, with w1 before every text."""
    vocab = {f"w{i}": i for i in range(VOCAB)}
    made = Tokenizer(models.WordLevel(vocab, unk_token="w0"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(single="w1 $A", special_tokens=[("w1", 1)])
    return made


def create(config):
    """A model with random weights; of several kinds of input, it reads text only."""
    # Falcon's eager attention adds its biases twice, in the mask and to the scores; "sdpa", its default, adds them once,
    # as the original code does.
    config._attn_implementation = "sdpa" if getattr(config, "alibi", False) else "eager"
    if hasattr(config, "text_config"):
        return transformers.AutoModelForImageTextToText.from_config(config)
    return transformers.AutoModelForCausalLM.from_config(config)


def without_softcap(model):
    """partscope's logits are those before the final soft-cap."""
    for config in (model.config, model.config.get_text_config()):
        if hasattr(config, "final_logit_softcapping"):
            config.final_logit_softcapping = None


def make(name):
    torch.manual_seed(sum(map(ord, name)))
    config = FAMILIES[name]()
    config._experts_implementation = "eager"
    model = create(config).eval()
    randomise(model)
    model.tie_weights()
    folder = ROOT / name
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer().save(str(folder / "tokenizer.json"))

    model = EXTRAS.get(name, lambda model, _: model)(model, folder).double()
    without_softcap(model)
    results = [attribute(model, prompt) for prompt in PROMPTS]
    heads, mlps, rest, logits = (torch.stack(tensors) for tensors in zip(*results))
    full = logits[:, LABELS]
    total = heads.sum((1, 2)) + mlps.sum(1) + rest
    assert torch.allclose(total, full, atol=1e-6), (total - full).abs().max()
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
