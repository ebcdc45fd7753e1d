"""A mix on a model of Hugging Face transformers, in either of two ways that give different answers.

``sum`` scales what every component adds to the label logits, as `partscope classify` does; the rest of the network does not
react. ``rerun`` scales components inside the forward pass, so that later layers read the change, as `partscope ablate` does.
A mix is fitted for the sum.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._decoder import Contributions, Decoder
from ._errors import PartscopeError, package
from ._mix import Mix

if TYPE_CHECKING:
    from ._attribution import Floats
    from ._run import Run

HOWS = ("sum", "rerun")

#: Largest deviation of the sum of the parts from the model's logits, relative to the largest logit.
TOLERANCE = 1e-3

#: Prompts in one forward pass.
BATCH = 16


class MixedModel:
    """A model with a mix; :func:`apply` makes it. The model itself is not changed: hooks live for one pass.

    ``how`` and ``positions`` may be set: ``sum`` or ``rerun``, and the tokens at which ``rerun`` scales, ``last`` or ``all``.
    """

    def __init__(self, mix: Mix, model: Any, how: str = "sum", positions: str = "last") -> None:
        if how not in HOWS:
            raise ValueError(f"how is 'sum' or 'rerun', not {how!r}")
        if positions not in ("last", "all"):
            raise ValueError(f"positions are 'last' or 'all', not {positions!r}")
        self.mix, self.how, self.positions = mix, how, positions
        self._decoder = Decoder(model)
        layers, heads = len(self._decoder.layers), self._decoder.heads
        self._weights = mix.array(layers, heads).reshape(layers, heads + 1)
        try:
            self._tokens = [int(token) for token in mix.meta["label_tokens"]]
        except KeyError:
            raise PartscopeError("the mix has no label_tokens; take one from `partscope fit -o`") from None
        if max(self._tokens) >= self._decoder.unembed.weight.shape[0]:
            raise PartscopeError("the mix has label tokens that the model's vocabulary lacks; fit it on this model")

    @property
    def class_names(self) -> list[str]:
        """The classes, in the order of :meth:`logits`."""
        classes = self.mix.word_classes
        return list(classes.classes) if classes else list(self.mix.meta["label_words"])

    def logits(self, prompts: Iterable[Sequence[int]]) -> Floats:
        """Returns the logits of the classes, ``[prompts, classes]``, for prompts of token ids.

        Raises:
            PartscopeError: If the model's parts do not add up to its logits: its architecture is not known here.
        """
        return self._by_how([list(prompt) for prompt in prompts], self.how)

    def predict(self, prompts: Iterable[Sequence[int]]) -> list[str]:
        """Returns the predicted class of every prompt."""
        return [self.class_names[index] for index in self.logits(prompts).argmax(axis=-1)]

    def classify(self, texts: Iterable[str | Mapping[str, Any]], source: str | os.PathLike[str]) -> list[str]:
        """Labels new texts, in the prompt that the mix was fitted for.

        Args:
            texts: Texts, or rows with the fields of the task's template.
            source: The same model for the program, which builds the prompts: a folder, a file, or ``org/name``.
        """
        return self.predict(self.mix.prompts(texts, source))

    def evaluate(self, run: Run, limit: int | None = None) -> Mapping[str, float]:
        """Scores the model, the sum and the re-run on the test examples of a run; prints and returns the accuracies.

        Raises:
            PartscopeError: If the run is of another model than the mix.
        """
        expected, found = self.mix.meta.get("model_hash"), run.meta["model"]["weights_hash"]
        if expected != found:
            raise PartscopeError(f"the run {run.path} is of another model than the mix; run and fit with one model")
        prompts, gold = run.token_ids("test")[:limit], run.attribution("test").labels[:limit]
        accuracies = {
            how: float((self._by_how(prompts, how).argmax(axis=-1) == gold).mean()) for how in ("model", *HOWS)
        }
        shown = {how: f"{100 * accuracy:.1f} %" for how, accuracy in accuracies.items()}
        print(
            f"accuracy on {len(gold)} test examples: model {shown['model']}, sum {shown['sum']}, rerun {shown['rerun']}. "
            "Sum and rerun differ: sum scales contributions to the logits, rerun scales inside the forward pass "
            f"({self.positions} positions), where later layers react."
        )
        return accuracies

    def __repr__(self) -> str:
        return f"<partscope.MixedModel: {self.mix!r} on {type(self._decoder.model).__name__}, how={self.how!r}>"

    def _by_how(self, prompts: Sequence[Sequence[int]], how: str) -> Floats:
        np = package("numpy", "a mixed model")
        words = np.empty((len(prompts), len(self._tokens)))
        for rows in _batches(prompts):
            parts = self._run([prompts[row] for row in rows], how == "rerun")
            gap = parts.gap()
            if not gap <= TOLERANCE:
                kind = type(self._decoder.model).__name__
                raise PartscopeError(f"the parts of {kind} do not add up to its logits (by {gap:.1e}): it cannot be mixed here")
            words[rows] = self._words(parts, how)
        classes = self.mix.word_classes
        found: Floats = classes.reduce(words) if classes else words
        return found

    def _run(self, prompts: Sequence[Sequence[int]], inside: bool) -> Contributions:
        torch = package("torch", "a mixed model")
        ids = torch.tensor(prompts, device=self._decoder.model.device)
        return self._decoder.contributions(ids, self._tokens, self._scale if inside else None, self.positions == "all")

    def _scale(self, layer: int, kind: str, rows: Any) -> Any:
        torch = package("torch", "a mixed model")
        *heads, mlp = self._weights[layer]
        if kind == "mlp":
            return rows * mlp
        weights = torch.tensor(heads, dtype=rows.dtype, device=rows.device)
        return rows * weights.repeat_interleave(rows.shape[-1] // len(heads))

    def _words(self, parts: Contributions, how: str) -> Floats:
        """Mixed logits of the label words, ``[batch, words]``."""
        np = package("numpy", "a mixed model")
        full, rest = (tensor.double().numpy() for tensor in (parts.full, parts.rest))
        if how == "model":
            plain: Floats = full
            return plain
        if how == "rerun":
            words = full + (self.mix.rest - 1.0) * rest
        else:
            words = np.einsum("lh,lhnw->nw", self._weights[:, :-1], parts.heads.double().numpy())
            words = words + np.einsum("l,lnw->nw", self._weights[:, -1], parts.mlps.double().numpy())
            words = words + self.mix.rest * rest
        if self.mix.offsets:
            offsets, classes = np.array(self.mix.offsets), self.mix.word_classes
            words = words + (classes.word_offsets(offsets) if classes else offsets)
        mixed: Floats = words
        return mixed


def apply(mix: Mix | str | os.PathLike[str], model: Any, how: str = "sum", *, positions: str = "last") -> MixedModel:
    """Uses a mix with a decoder of Hugging Face transformers.

    Args:
        mix: A mix, or a weights file.
        model: The model that the mix was fitted on, e.g. of ``AutoModelForCausalLM``, in f32.
        how: ``sum`` scales contributions to the logits (as `partscope classify`); ``rerun`` scales components inside the
            forward pass (as `partscope ablate --mix`). They differ, and mixes are fitted for the sum.
        positions: For ``rerun``: scale at the ``last`` token of a prompt, or at ``all``.
    """
    return MixedModel(mix if isinstance(mix, Mix) else Mix.open(mix), model, how, positions)


def _batches(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Rows of prompts of one length, so that nothing is padded."""
    by_length: dict[int, list[int]] = {}
    for row, prompt in enumerate(prompts):
        if not prompt:
            raise PartscopeError(f"the prompt {row} has no tokens")
        by_length.setdefault(len(prompt), []).append(row)
    return [rows[start : start + BATCH] for rows in by_length.values() for start in range(0, len(rows), BATCH)]
