"""Mixes: one weight per component, fitted by the program, read from a weights file, or made by hand."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._attribution import Attribution, WordClasses, component_names
from ._binary import Option, arguments, call, call_json
from ._errors import PartscopeError, package
from ._figure import Figure
from ._progress import Progress
from ._table import Table

if TYPE_CHECKING:
    from ._attribution import Floats
    from ._run import Run

_SCHEMA = 1


@dataclass(frozen=True)
class Mix:
    """A weight per component, one for ``rest`` (ρ), and an offset per class, added to its logit.

    ``meta`` has the other keys of the weights file: the model, task, template and demonstrations it belongs to.
    """

    weights: Mapping[str, float]
    rest: float
    offsets: tuple[float, ...]
    meta: Mapping[str, Any]

    @staticmethod
    def parse(text: str, where: str = "the weights") -> Mix:
        """Parses the text of a weights file.

        Raises:
            PartscopeError: If it is none, or was written by a newer version.
        """
        try:
            meta = json.loads(text)
            schema, weights, rest = meta.pop("schema"), meta.pop("weights"), meta.pop("rest")
            offsets = tuple(float(offset) for offset in meta.pop("offsets", ()))
            mix = Mix({name: float(weight) for name, weight in weights.items()}, float(rest), offsets, meta)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PartscopeError(f"{where}: not a weights file ({error}); write one with `partscope fit -o`") from error
        if schema != _SCHEMA:
            raise PartscopeError(f"{where}: weights of schema {schema}, but this version reads schema {_SCHEMA}")
        numbers = [*mix.weights.values(), mix.rest, *mix.offsets]
        if not numbers or not all(abs(number) < float("inf") for number in numbers):
            raise PartscopeError(f"{where}: a weight is not finite; write the file again with `partscope fit -o`")
        return mix

    @staticmethod
    def open(path: str | os.PathLike[str]) -> Mix:
        """Reads a weights file, as `partscope fit -o` and the explorer write it."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise PartscopeError(f"{path}: cannot be read: {error.strerror}") from error
        return Mix.parse(text, str(path))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes a weights file."""
        to = Path(path)
        to.write_text(self.to_json(), encoding="utf-8")
        return to

    def to_json(self) -> str:
        """Returns the text of the weights file."""
        offsets = {"offsets": list(self.offsets)} if self.offsets else {}
        whole = {"schema": _SCHEMA, **self.meta, "rest": self.rest, **offsets, "weights": dict(self.weights)}
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"

    def with_weights(self, weights: Mapping[str, float]) -> Mix:
        """Returns the mix with some weights replaced: ``mix.with_weights({"L5.H3": 0})`` mutes a head."""
        unknown = [name for name in weights if name not in self.weights]
        if unknown:
            raise KeyError(f"there is no component {unknown[0]!r}")
        return replace(self, weights={**self.weights, **weights})

    def array(self, layers: int, heads: int) -> Floats:
        """Returns the weights in the order of :attr:`Attribution.names`.

        Raises:
            PartscopeError: If they are not those of a model of this shape.
        """
        np = package("numpy", "a mix")
        names = component_names(layers, heads)
        if set(names) != set(self.weights):
            odd = sorted(set(names) ^ set(self.weights))
            raise PartscopeError(f"the mix has other components than the model: {', '.join(odd[:5])}; fit it on this model")
        found: Floats = np.array([self.weights[name] for name in names], dtype=np.float64)
        return found

    def word_logits(self, attribution: Attribution) -> Floats:
        """Returns the mixed logits of the label words, ``[examples, words]``, in nats."""
        np = package("numpy", "a mix")
        layers, heads, n, words = attribution.shape
        weights = self.array(layers, heads).reshape(layers, heads + 1)
        logits: Floats = np.einsum("lh,lhnw->nw", weights[:, :heads], attribution.heads, dtype=np.float64)
        logits = logits + np.einsum("l,lnw->nw", weights[:, heads], attribution.mlps, dtype=np.float64)
        logits = logits + self.rest * attribution.rest
        if self.offsets:
            classes = attribution.word_classes
            added = np.array(self.offsets)
            logits = logits + (classes.word_offsets(added) if classes else added)
        return logits

    def logits(self, attribution: Attribution) -> Floats:
        """Returns the mixed logits of the classes, ``[examples, classes]``, in nats."""
        return attribution.class_logits(self.word_logits(attribution))

    def accuracy(self, attribution: Attribution) -> float:
        """Returns the accuracy of the mix on a split."""
        return float(attribution.accuracy(self.word_logits(attribution)))

    def classify(
        self, texts: Iterable[str | Mapping[str, Any]], model: str | os.PathLike[str] = "demo", **options: Option
    ) -> Table:
        """Labels new texts with the full and the mixed model: columns id, label, full, logits.

        Args:
            texts: Texts, or rows with the fields of the task's template.
            model: The model that the mix was fitted on.
            options: Other options of `partscope classify`: ``device``, ``dtype``, ``threads``.
        """
        lines = [json.dumps({"text": text} if isinstance(text, str) else dict(text)) for text in texts]
        with tempfile.TemporaryDirectory(prefix="partscope-") as folder:
            weights = self.save(Path(folder) / "weights.json")
            named = arguments({"model": os.fspath(model), "weights": weights, **options})
            with Progress() as progress:
                output = call(["classify", *named, "-"], stdin="\n".join(lines) + "\n", progress=progress)
        return Table([json.loads(line) for line in output.splitlines()])

    def prompts(
        self, texts: Iterable[str | Mapping[str, Any]], model: str | os.PathLike[str] = "demo", **options: Option
    ) -> list[list[int]]:
        """Returns the token ids of the prompts in which :meth:`classify` shows the texts to the model."""
        return list(self.classify(texts, model, with_tokens=True, **options)["tokens"])

    @property
    def word_classes(self) -> WordClasses | None:
        return WordClasses.parse(self.meta.get("word_classes"))

    def __repr__(self) -> str:
        return (
            f"<partscope.Mix by {self.meta.get('method')} for {self.meta.get('task')}/{self.meta.get('template')}: "
            f"{len(self.weights)} weights, rest {self.rest:g}>"
        )


@dataclass(frozen=True)
class Fit:
    """A fitted mix beside its baselines, all on the same labels and test examples."""

    mix: Mix
    meta: Mapping[str, Any]
    run: Run

    @property
    def accuracy(self) -> Mapping[str, float]:
        """Test accuracy by method; those that begin with ``oracle_`` have seen the test labels."""
        accuracy: Mapping[str, float] = self.meta["accuracy"]
        return accuracy

    def methods(self) -> Table:
        """Returns a row per method: accuracy with its 95 % interval, macro-F1, ECE, NLL, and whether it saw test labels."""
        meta = self.meta
        intervals = meta.get("intervals", {}).get("accuracy", {})
        rows = []
        for method, accuracy in meta["accuracy"].items():
            low, high = intervals.get(method) or (None, None)
            measures = {name: meta.get(name, {}).get(method) for name in ("macro_f1", "ece", "nll")}
            saw = method.startswith("oracle_")
            rows.append({"method": method, "accuracy": accuracy, "lo": low, "hi": high, **measures, "test_labels": saw})
        return Table(rows)

    def heat_map(self) -> Figure:
        """Returns the heat map of the report: the weight of every component."""
        options = arguments({"method": self.meta["method"], "lambda": _lambda(self.meta)})
        return Figure(call(["fit", str(self.run.path), "--svg", *options]))

    def __repr__(self) -> str:
        meta = self.meta
        own = self.accuracy[meta["method"]]
        return (
            f"<partscope.Fit {meta['method']} on {meta['train_n']} labels: {own:.3f} on {meta['test_n']} test examples, model "
            f"{self.accuracy['standard']:.3f}>"
        )

    def _repr_html_(self) -> str:
        from ._html import fit_html

        return fit_html(self)


def _lambda(meta: Mapping[str, Any]) -> float | None:
    return float(meta["lambda"]) if meta["method"] == "convex" else None


def fit(run: Run | str | os.PathLike[str], method: str = "partscope", **options: Option) -> Fit:
    """Fits a mix on a run's training split, with the program, beside the baselines on the same labels.

    Args:
        run: A run, or its folder.
        method: ``partscope``, ``ridge_cv``, ``comprw``, ``comprw_released`` or ``convex``.
        options: Other options of `partscope fit`, with ``_`` for ``-``: ``with_model=True``.

    Raises:
        PartscopeError: With the message of the program.
    """
    from ._run import Run, open_run

    opened = run if isinstance(run, Run) else open_run(run)
    with tempfile.TemporaryDirectory(prefix="partscope-") as folder:
        weights = Path(folder) / "weights.json"
        named = arguments({"method": method, "output": weights, **options})
        with Progress() as progress:
            meta = call_json(["fit", str(opened.path), *named], progress=progress)
        return Fit(Mix.open(weights), meta, opened)
