"""Label contributions of a GGUF file's dequantised weights, computed in float64 and independently of partscope.

The gguf package dequantises one matrix at a time. Supports the architectures `llama` (without experts) and `gemma3`.
Requires gguf and numpy.
"""

import math

import gguf
import numpy as np


class Weights:
    """The dequantised weights of a file, by name, in float64."""

    def __init__(self, reader):
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}

    def __contains__(self, name):
        return f"{name}.weight" in self.tensors

    def __call__(self, name, rows=slice(None)):
        """Returns a matrix `[outputs, inputs]`, some of its rows, or a vector."""
        tensor = self.tensors[f"{name}.weight"]
        return gguf.quants.dequantize(np.ascontiguousarray(tensor.data[rows]), tensor.tensor_type).astype(np.float64)


class Shape:
    """The sizes and constants of a file's architecture."""

    def __init__(self, reader):
        self.architecture = reader.fields["general.architecture"].contents()
        if self.architecture not in ("llama", "gemma3"):
            raise SystemExit(f"error: {self.architecture}: this script knows llama and gemma3")

        def value(key, default=None):
            field = reader.fields.get(f"{self.architecture}.{key}")
            return default if field is None else field.contents()

        self.gemma = self.architecture == "gemma3"
        self.width, self.layers = value("embedding_length"), value("block_count")
        self.heads = value("attention.head_count")
        self.kv_heads = value("attention.head_count_kv", self.heads)
        self.head = value("attention.key_length", self.width // self.heads)
        self.epsilon = value("attention.layer_norm_rms_epsilon")
        self.rope_base = value("rope.freq_base", 1e4)
        self.window = value("attention.sliding_window")

    def is_local(self, layer):
        """Whether a layer attends to a window only; in Gemma 3, five of six do and rotate with the base 10000."""
        return self.gemma and (layer + 1) % 6 != 0


def inverse_norm(x, epsilon):
    return 1 / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)


def rotated(x, places, base, shape, factors):
    """Rotates `x[tokens, heads, size]` by its tokens' places: neighbouring entries for llama, halves for gemma3."""
    half = shape.head // 2
    frequencies = base ** (-np.arange(half) / half) / factors
    angles = places[:, None, None] * frequencies
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = (x[..., :half], x[..., half:]) if shape.gemma else (x[..., 0::2], x[..., 1::2])
    turned = [first * cos - second * sin, second * cos + first * sin]
    return np.concatenate(turned, -1) if shape.gemma else np.stack(turned, -1).reshape(x.shape)


def attended(q, k, v, window):
    """Causal attention of one prompt: `[tokens, heads, size]` queries on fewer heads of keys and values."""
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(q.shape[-1])
    distance = np.arange(len(q))[:, None] - np.arange(len(q))
    scores = np.where((distance >= 0) & (distance < window), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hqk,khd->qhd", shares / shares.sum(-1, keepdims=True), v)


def activation(x, gemma):
    if gemma:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / (1 + np.exp(-x))


def contributions(reader, prompts, labels):
    """Returns heads `[L, H, N, Y]`, MLPs `[L, N, Y]` and the model's own label logits `[N, Y]` of prompts of token ids."""
    weights, shape = Weights(reader), Shape(reader)
    ends = np.cumsum([len(prompt) for prompt in prompts])
    last, cuts = ends - 1, ends[:-1]
    places = np.concatenate([np.arange(len(prompt)) for prompt in prompts]).astype(np.float64)
    factors = weights("rope_freqs") if "rope_freqs" in weights else 1.0
    x = weights("token_embd", np.concatenate(prompts)) * (math.sqrt(shape.width) if shape.gemma else 1)
    readout = weights("output" if "output" in weights else "token_embd", labels) * weights("output_norm")
    heads, mlps = [], []
    for layer in range(shape.layers):
        def of_layer(name):
            return weights(f"blk.{layer}.{name}")

        def normed(values, name):
            return values * inverse_norm(values, shape.epsilon) * of_layer(name)

        def split(name, count):
            return (inputs @ of_layer(name).T).reshape(len(x), count, shape.head)

        def after(values, name):
            """Returns the factors by which the norm after a block multiplies its result."""
            return inverse_norm(values, shape.epsilon) * of_layer(name) if f"blk.{layer}.{name}" in weights else np.ones_like(values)

        inputs = normed(x, "attn_norm")
        q, k, v = split("attn_q", shape.heads), split("attn_k", shape.kv_heads), split("attn_v", shape.kv_heads)
        if shape.gemma:
            q, k = normed(q, "attn_q_norm"), normed(k, "attn_k_norm")
        local = shape.is_local(layer)
        base = 1e4 if local else shape.rope_base
        q, k = (rotated(values, places, base, shape, factors) for values in (q, k))
        window = shape.window if local else np.inf
        z = np.concatenate([attended(*parts, window) for parts in zip(*(np.split(values, cuts) for values in (q, k, v)))])
        output = of_layer("attn_output")
        added = z.reshape(len(x), -1) @ output.T
        scale = after(added, "post_attention_norm")
        results = np.einsum("nhd,whd->hnw", z[last], output.reshape(shape.width, shape.heads, shape.head)) * scale[last]
        heads.append(results @ readout.T)
        x = x + added * scale
        inputs = normed(x, "ffn_norm")
        inner = activation(inputs @ of_layer("ffn_gate").T, shape.gemma) * (inputs @ of_layer("ffn_up").T)
        added = inner @ of_layer("ffn_down").T
        added = added * after(added, "post_ffw_norm")
        mlps.append(added[last] @ readout.T)
        x = x + added
    final = inverse_norm(x[last], shape.epsilon)
    return np.stack(heads) * final, np.stack(mlps) * final, x[last] @ readout.T * final
