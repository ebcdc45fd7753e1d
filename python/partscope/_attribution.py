"""The attribution of one split: what every component adds to the logits of the label words of every example."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import PartscopeError, package

if TYPE_CHECKING:
    import numpy
    import xarray
    from numpy.typing import NDArray

    Floats = NDArray[numpy.floating[Any]]
    Integers = NDArray[numpy.integer[Any]]

#: Relative rounding allowed between a stated and a recomputed number.
_CLOSE = 1e-6

_NAME = re.compile(r"L(0|[1-9]\d*)\.(?:H(0|[1-9]\d*)|MLP)")


def component_names(layers: int, heads: int) -> list[str]:
    """Returns the names of all components in the order of tables: the heads of a layer, then its MLP."""
    return [f"L{layer}.{part}" for layer in range(layers) for part in [*(f"H{h}" for h in range(heads)), "MLP"]]


@dataclass(frozen=True)
class WordClasses:
    """The classes that label words stand for, and how the logit of a class follows from those of its words."""

    classes: tuple[str, ...]
    of_word: tuple[int, ...]
    class_logit: str

    @staticmethod
    def parse(found: Mapping[str, Any] | None) -> WordClasses | None:
        if found is None:
            return None
        return WordClasses(tuple(found["classes"]), tuple(found["of_word"]), found["class_logit"])

    def reduce(self, words: Floats) -> Floats:
        """Reduces logits of words, ``[..., words]``, to logits of classes, ``[..., classes]``."""
        np = package("numpy", "reducing words to classes")
        rule = {"max": np.max, "sum": np.sum, "mean": np.mean}[self.class_logit]
        own = [[word for word, of in enumerate(self.of_word) if of == index] for index in range(len(self.classes))]
        reduced: Floats = np.stack([rule(words[..., chosen], axis=-1) for chosen in own], axis=-1)
        return reduced

    def word_offsets(self, offsets: Floats) -> Floats:
        """What to add to the logits of words so that every class logit grows by its offset."""
        np = package("numpy", "offsets of classes")
        shares = [1 / self.of_word.count(of) if self.class_logit == "sum" else 1.0 for of in self.of_word]
        found: Floats = np.asarray(offsets)[list(self.of_word)] * np.array(shares)
        return found


@dataclass(frozen=True)
class Attribution:
    """Contributions to the logits of the label words, in nats.

    ``heads`` ``[layers, heads, examples, words]``, ``mlps`` ``[layers, examples, words]`` and ``rest``
    ``[examples, words]`` (embeddings and biases) add up to ``full`` ``[examples, words]``, the model's own logits.
    ``labels`` ``[examples]`` are the gold classes. Unless there are ``word_classes``, a word is a class.
    ``attribution["L5.H3"]`` is ``[examples, words]``.
    """

    heads: Floats
    mlps: Floats
    rest: Floats
    full: Floats
    labels: Integers
    label_words: tuple[str, ...]
    ids: tuple[str, ...] = ()
    word_classes: WordClasses | None = None
    split: str = "test"
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layers, heads, n, words = self.heads.shape
        for name, expected in [
            ("mlps", (layers, n, words)),
            ("rest", (n, words)),
            ("full", (n, words)),
            ("labels", (n,)),
        ]:
            found = getattr(self, name).shape
            if found != expected:
                raise PartscopeError(f"{name} has shape {list(found)}, but heads require {list(expected)}")
        if len(self.label_words) != words:
            raise PartscopeError(f"there are {len(self.label_words)} label words for {words} columns")
        if self.ids and len(self.ids) != n:
            raise PartscopeError(f"there are {len(self.ids)} ids for {n} examples")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Layers, heads per layer, examples, label words."""
        layers, heads, n, words = self.heads.shape
        return layers, heads, n, words

    @property
    def names(self) -> list[str]:
        """Names of the components, in the order of :meth:`components`."""
        return component_names(*self.shape[:2])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes: the label words, if every class has one."""
        return self.word_classes.classes if self.word_classes else self.label_words

    def __getitem__(self, component: str) -> Floats:
        layer, head = parse_component(component, *self.shape[:2])
        found: Floats = self.mlps[layer] if head is None else self.heads[layer, head]
        return found

    def components(self) -> Floats:
        """Returns all components in one array, ``[components, examples, words]``, in the order of :attr:`names`."""
        np = package("numpy", "an attribution")
        layers, heads, n, words = self.shape
        stacked: Floats = np.concatenate([self.heads, self.mlps[:, None]], axis=1)
        return stacked.reshape(layers * (heads + 1), n, words)

    def class_logits(self, words: Floats | None = None) -> Floats:
        """Returns logits of classes from logits of words, ``[..., words]``; by default from the model's own."""
        logits = self.full if words is None else words
        return self.word_classes.reduce(logits) if self.word_classes else logits

    def predictions(self, words: Floats | None = None) -> Integers:
        """Returns the predicted classes, ties to the first, for logits of words ``[..., words]``."""
        found: Integers = self.class_logits(words).argmax(axis=-1)
        return found

    def accuracy(self, words: Floats | None = None) -> Any:
        """Returns the accuracy of logits of words, ``[..., examples, words]``: a number, or one per leading index.

        ``attribution.accuracy(attribution.components())`` has every component alone.
        """
        return (self.predictions(words) == self.labels).mean(axis=-1)

    def xarray(self) -> xarray.Dataset:
        """Returns a labelled data set with the dimensions layer, head, example and word."""
        frames = package("xarray", "a labelled attribution")
        layers, heads, n, _ = self.shape
        ids = list(self.ids) if self.ids else list(range(n))
        found: xarray.Dataset = frames.Dataset(
            {
                "heads": (("layer", "head", "example", "word"), self.heads),
                "mlps": (("layer", "example", "word"), self.mlps),
                "rest": (("example", "word"), self.rest),
                "full": (("example", "word"), self.full),
                "labels": (("example",), self.labels),
            },
            coords={
                "layer": list(range(layers)),
                "head": list(range(heads)),
                "example": ids,
                "word": list(self.label_words),
            },
            attrs={"split": self.split, "unit": "nats", **self.attributes},
        )
        return found

    def save_npz(self, path: str | os.PathLike[str]) -> Path:
        """Writes everything to a compressed ``.npz`` file, which :meth:`open_npz` reads."""
        from . import _exchange

        return _exchange.save_npz(self, Path(path))

    @staticmethod
    def open_npz(path: str | os.PathLike[str]) -> Attribution:
        """Reads an ``.npz`` file of :meth:`save_npz`."""
        from . import _exchange

        return _exchange.open_npz(Path(path))

    def save_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Writes a row per component and example, with a column per label word; ``rest`` and ``full`` are rows too."""
        from . import _exchange

        return _exchange.save_parquet(self, Path(path))

    def stack_head_results(self) -> tuple[Floats, list[str]]:
        """Returns ``[layers * heads, examples, words]`` and the names that TransformerLens gives the rows: ``L5H3``."""
        from . import _exchange

        return _exchange.stack_head_results(self)

    def stack_components(self) -> tuple[Floats, list[str]]:
        """As :meth:`stack_head_results`, with MLPs (``5_mlp_out``) and ``remainder`` behind the heads."""
        from . import _exchange

        return _exchange.stack_components(self)

    @staticmethod
    def from_stack(
        stack: Floats,
        names: Sequence[str],
        *,
        full: Floats,
        labels: Sequence[int] | Integers,
        label_words: Sequence[str],
        ids: Sequence[str] = (),
    ) -> Attribution:
        """Makes an attribution of a stack as :meth:`stack_components` returns it, its rows in any order.

        With TransformerLens, ``stack[:, :, word]`` is ``cache.logit_attrs(results, token_of_word)`` at the last position.
        ``full`` ``[examples, words]`` are the model's own logits, ``labels`` the gold classes.

        Raises:
            PartscopeError: If a row is missing, unknown or there twice.
        """
        from . import _exchange

        made = _exchange.from_stack
        return made(stack, names, full=full, labels=labels, label_words=label_words, ids=ids)

    def save_run(self, folder: str | os.PathLike[str], *, model: str, task: str, template: str = "given") -> Path:
        """Writes a run folder, so that `partscope components`, `compare`, `report` and `explore` read an attribution that
        was computed elsewhere."""
        from . import _exchange

        return _exchange.save_run(self, Path(folder), model=model, task=task, template=template)

    def check(self, exactness: Mapping[str, Any], where: str) -> None:
        """Checks that numbers are finite and add up as the run says.

        Raises:
            PartscopeError: If not: the file is damaged, or not of this run.
        """
        np = package("numpy", "an attribution")
        for name in ("heads", "mlps", "rest", "full"):
            if not np.isfinite(getattr(self, name)).all():
                raise PartscopeError(f"{where}, {self.split}.{name}: there are values that are not finite")
        classes = len(self.class_names)
        if self.labels.size and not ((self.labels >= 0) & (self.labels < classes)).all():
            raise PartscopeError(f"{where}, {self.split}.labels: a gold label is not below the number of labels, {classes}")
        if self.labels.size:
            sums = self.heads.sum(axis=(0, 1), dtype=np.float64) + self.mlps.sum(axis=0, dtype=np.float64) + self.rest
            gap = sums - self.full
            found = float(np.abs(gap - gap.mean(axis=-1, keepdims=True)).max())
            # The sum of the program has another order.
            allowed = exactness["max_abs"] * (1 + _CLOSE) + 1e-9 * float(np.abs(self.heads).max())
            if not found <= allowed:
                raise PartscopeError(
                    f"{where}: the {self.split} contributions differ from the logits by up to {found:.1e}, but run.json says "
                    f"{exactness['max_abs']:.1e}; write the run again with `partscope run -o`"
                )


def parse_component(name: str, layers: int, heads: int) -> tuple[int, int | None]:
    """Returns layer and head of a component such as ``L5.H3``; the head of an MLP is ``None``."""
    match = _NAME.fullmatch(name)
    if match:
        layer, head = int(match[1]), None if match[2] is None else int(match[2])
        if layer < layers and (head is None or head < heads):
            return layer, head
    raise KeyError(f"there is no component {name!r}: they are L0.H0 to L{layers - 1}.H{heads - 1}, and L0.MLP to L{layers - 1}.MLP")


def from_tensors(
    found: Mapping[str, Any], split: str, meta: Mapping[str, Any], ids: Sequence[str], where: str
) -> Attribution:
    """Returns the attribution of a split, after comparing shapes with ``run.json``."""
    task, model = meta["task"], meta["model"]
    layers, heads, words = model["layers"], model["heads"], len(task["label_words"])
    n = meta["examples"][split]
    shapes = {
        "heads": (layers, heads, n, words),
        "mlps": (layers, n, words),
        "rest": (n, words),
        "full": (n, words),
        "labels": (n,),
    }
    parts: dict[str, Any] = {}
    for name, shape in shapes.items():
        tensor, kind = found.get(f"{split}.{name}"), "<i8" if name == "labels" else "<f4"
        if tensor is None or tensor.shape != shape or tensor.dtype != kind:
            has = "is missing" if tensor is None else f"is {tensor.dtype} {list(tensor.shape)}"
            raise PartscopeError(f"{where}: {split}.{name} {has}, but run.json requires {kind} {list(shape)}")
        parts[name] = tensor
    return Attribution(
        **parts,
        label_words=tuple(task["label_words"]),
        ids=tuple(ids),
        word_classes=WordClasses.parse(task.get("word_classes")),
        split=split,
        attributes={"model": model["id"], "task": task["name"], "template": task["template"]},
    )
