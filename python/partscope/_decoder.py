"""The parts of a decoder of Hugging Face transformers, and hooks that read and scale its components.

This is the decomposition of docs/method.md on an unmodified model: heads at the input of the output projection (`z`), MLPs
where they enter the residual stream, the final norm with its realised scale. `tools/golden_models.py` derives the golden
values of the project in the same way. Whether it holds for a model is measured, not assumed (`Contributions.gap`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ._errors import PartscopeError, package

#: Share of the summed magnitudes of all parts that is rounding in f32.
ROUNDING = 1e-6

#: Changes the rows of a component's output: (layer, "heads" or "mlp", rows) to rows.
Change = Callable[[int, str, Any], Any]


@dataclass(frozen=True)
class Contributions:
    """What a batch of prompts gives for the label words, in f32 on the CPU: ``heads`` ``[layers, heads, batch, words]``,
    ``mlps`` ``[layers, batch, words]``, ``rest`` and ``full`` ``[batch, words]``."""

    heads: Any
    mlps: Any
    rest: Any
    full: Any

    def gap(self) -> float:
        """Largest deviation of the sum of the parts from the logits, relative to the largest logit, both centred; 0 where
        it is rounding of large parts that cancel, at most 1e-6 of the sum of their magnitudes (docs/method.md)."""
        sums = self.heads.sum((0, 1)) + self.mlps.sum(0) + self.rest
        terms = self.heads.abs().sum((0, 1)) + self.mlps.abs().sum(0) + self.rest.abs()
        sums, full = sums - sums.mean(-1, keepdim=True), self.full - self.full.mean(-1, keepdim=True)
        deviation = (sums - full).abs().max()
        if deviation <= ROUNDING * terms.max():
            return 0.0
        return float(deviation / full.abs().max().clamp_min(1e-30))


class Decoder:
    """The modules and constants of a model that the decomposition needs."""

    def __init__(self, model: Any) -> None:
        self.torch = package("torch", "a model of Hugging Face transformers")
        self.model = model
        try:
            config = model.config.get_text_config()
            base = model.base_model
            base = next((getattr(base, name) for name in ("decoder", "language_model") if hasattr(base, name)), base)
            self.layers = base.h if hasattr(base, "h") else base.layers
            norms = ("norm", "ln_f", "final_layer_norm", "final_layernorm")
            self.final_norm = next(getattr(base, name) for name in norms if hasattr(base, name))
            self.unembed = model.get_output_embeddings()
            self.heads = int(config.num_attention_heads)
        except (AttributeError, StopIteration) as error:
            raise PartscopeError(f"{type(model).__name__} is no decoder whose parts are known here") from error
        self.unit_offset = 1.0 if config.model_type.startswith("gemma") else 0.0
        pairs = [("post_self_attn_layernorm", "post_mlp_layernorm"), ("post_attention_layernorm", "post_feedforward_layernorm")]
        self.post_norms = next((pair for pair in pairs if hasattr(self.layers[0], pair[1])), None)
        self.residual_scale = float(getattr(config, "residual_multiplier", 1.0))
        scale = getattr(config, "logit_scale", None)
        self.logit_scale = float(1.0 / getattr(config, "logits_scaling", 1.0) if scale is None else scale)

    def projection(self, layer: Any) -> tuple[Any, Any]:
        """The module from all heads to the residual stream, and its weight ``[width, heads * head_dim]``."""
        attention = _first(layer, "self_attn", "attn", "attention", "self_attention")
        module = _first(getattr(attention, "attention", attention), "o_proj", "c_proj", "dense", "out_proj")
        transposed = type(module).__name__ == "Conv1D"
        return module, module.weight.T if transposed else module.weight

    def mlp(self, layer: Any) -> Any:
        """The module whose output, times the residual scale, is added to the residual stream."""
        if self.post_norms:
            return getattr(layer, self.post_norms[1])
        if hasattr(layer, "fc2"):
            return layer.fc2
        return getattr(layer.mlp, "dense_4h_to_h", layer.mlp)

    def gamma(self, norm: Any) -> Any:
        weight = getattr(norm, "weight", None)
        return 1.0 if weight is None else weight.float() + self.unit_offset

    def contributions(self, prompts: Any, tokens: Sequence[int], change: Change | None, everywhere: bool) -> Contributions:
        """Runs prompts of one length, ``[batch, tokens]``, and decomposes the logits of ``tokens``."""
        seen: dict[Any, Any] = {}
        batch, length = prompts.shape

        def last(rows: Any) -> Any:
            rows = rows[0] if isinstance(rows, tuple) else rows
            # A copy: Falcon adds attention to the output of its MLP in place.
            return rows.detach().reshape(batch, length, -1)[:, -1].float().clone()

        with self.torch.no_grad():
            with self._hooks(seen, last, change, everywhere):
                self.model(input_ids=prompts, use_cache=False)
            return self._decompose(seen, list(tokens))

    @contextmanager
    def _hooks(self, seen: dict[Any, Any], last: Callable[[Any], Any], change: Change | None, everywhere: bool) -> Iterator[None]:
        handles = []

        def changed(layer: int, kind: str, rows: Any, batch_shape: Any) -> Any:
            if change is None:
                return rows
            if everywhere:
                return change(layer, kind, rows)
            shaped = rows.reshape(*batch_shape, rows.shape[-1]).clone()
            shaped[:, -1] = change(layer, kind, shaped[:, -1])
            return shaped.reshape(rows.shape)

        def head_hook(index: int) -> Callable[..., Any]:
            def hook(module: Any, given: Any) -> Any:
                z = changed(index, "heads", given[0], seen["shape"])
                seen["z", index] = last(z)
                return (z, *given[1:])

            return hook

        def mlp_hook(index: int) -> Callable[..., Any]:
            def hook(module: Any, given: Any, output: Any) -> Any:
                whole = isinstance(output, tuple)
                rows = changed(index, "mlp", output[0] if whole else output, seen["shape"])
                seen["mlp", index] = last(rows)
                return (rows, *output[1:]) if whole else rows

            return hook

        def keep(key: Any, of_input: bool) -> Callable[..., Any]:
            def hook(module: Any, given: Any, *output: Any) -> None:
                seen[key] = last(given[0] if of_input else output[0])

            return hook

        def embedded(module: Any, given: Any, keywords: Any) -> None:
            hidden = given[0] if given else keywords["hidden_states"]
            seen["shape"] = hidden.shape[:2]
            seen["embed"] = last(hidden)

        handles.append(self.layers[0].register_forward_pre_hook(embedded, with_kwargs=True))
        for index, layer in enumerate(self.layers):
            module, _ = self.projection(layer)
            handles.append(module.register_forward_pre_hook(head_hook(index)))
            handles.append(module.register_forward_hook(keep(("raw", index), False)))
            handles.append(self.mlp(layer).register_forward_hook(mlp_hook(index)))
        handles.append(self.final_norm.register_forward_hook(keep("final", True)))
        handles.append(self.final_norm.register_forward_hook(keep("normed", False)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _decompose(self, seen: dict[Any, Any], tokens: list[int]) -> Contributions:
        torch, norm = self.torch, self.final_norm
        labels = self.unembed.weight[tokens].detach().float()
        bias = getattr(self.unembed, "bias", None)
        bias = 0.0 if bias is None else bias[tokens].detach().float()
        scale = self._realised(norm, seen["final"])[:, None]
        centred = "LayerNorm" in type(norm).__name__ and "RMS" not in type(norm).__name__
        rows = labels * self.gamma(norm)

        def worth(vectors: Any) -> Any:
            """``[batch, words]`` of vectors ``[batch, width]``."""
            vectors = vectors - vectors.mean(-1, keepdim=True) if centred else vectors
            return vectors @ rows.T * scale * self.logit_scale

        full = (seen["normed"] @ labels.T + bias) * self.logit_scale
        rest = worth(seen["embed"]) + bias * self.logit_scale
        if getattr(norm, "bias", None) is not None:
            rest = rest + labels @ norm.bias.detach().float() * self.logit_scale
        heads, mlps = [], []
        for index, layer in enumerate(self.layers):
            module, weight = self.projection(layer)
            weight, z = weight.detach().float(), seen["z", index]
            factor: Any = self.residual_scale
            if self.post_norms:
                post = getattr(layer, self.post_norms[0])
                factor = factor * self.gamma(post) * self._realised(post, seen["raw", index])[:, None]
            size = weight.shape[1] // self.heads
            each = [slice(head * size, (head + 1) * size) for head in range(self.heads)]
            heads.append(torch.stack([worth(z[:, own] @ weight[:, own].T * factor) for own in each]))
            mlps.append(worth(seen["mlp", index] * self.residual_scale))
            if module.bias is not None:
                rest = rest + worth(module.bias.detach().float().expand(len(z), -1) * factor)
        return Contributions(torch.stack(heads).cpu(), torch.stack(mlps).cpu(), rest.cpu(), full.cpu())

    def _realised(self, norm: Any, rows: Any) -> Any:
        """The factor that a norm applies to each of ``rows``, without its weight."""
        epsilon = next((getattr(norm, name) for name in ("variance_epsilon", "eps") if hasattr(norm, name)), 1e-5)
        if "LayerNorm" in type(norm).__name__ and "RMS" not in type(norm).__name__:
            rows = rows - rows.mean(-1, keepdim=True)
        return (rows.pow(2).mean(-1) + epsilon).rsqrt()


def _first(module: Any, *names: str) -> Any:
    return next(getattr(module, name) for name in names if hasattr(module, name))
