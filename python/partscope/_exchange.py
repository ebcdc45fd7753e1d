"""Attributions in the shapes and files of other tools: TransformerLens, ``.npz``, Parquet, and folders that partscope
reads.

TransformerLens stacks the results of all heads along one axis and calls the rows ``L5H3``
(``ActivationCache.stack_head_results(return_labels=True)``); MLPs are ``5_mlp_out`` as in ``decompose_resid``, and what is
left is ``remainder``. There a row is a residual vector; ``logit_attrs`` makes a logit of it for one token at a time. Here the
last axis has the logits of the label words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._attribution import Attribution, WordClasses
from ._errors import PartscopeError, package

if TYPE_CHECKING:
    from ._attribution import Floats, Integers

_HEAD = re.compile(r"L(\d+)H(\d+)")
_MLP = re.compile(r"(\d+)_mlp_out")
REMAINDER = "remainder"


def stack_head_results(own: Attribution) -> tuple[Floats, list[str]]:
    """Returns ``[layers * heads, examples, words]`` and the names of its rows."""
    layers, heads, n, words = own.shape
    names = [f"L{layer}H{head}" for layer in range(layers) for head in range(heads)]
    return own.heads.reshape(layers * heads, n, words), names


def stack_components(own: Attribution) -> tuple[Floats, list[str]]:
    """As :func:`stack_head_results`, with the MLPs and the remainder behind the heads."""
    np = package("numpy", "stacking components")
    stacked, names = stack_head_results(own)
    mlps = [f"{layer}_mlp_out" for layer in range(own.shape[0])]
    return np.concatenate([stacked, own.mlps, own.rest[None]]), [*names, *mlps, REMAINDER]


def from_stack(
    stack: Floats,
    names: Sequence[str],
    *,
    full: Floats,
    labels: Sequence[int] | Integers,
    label_words: Sequence[str],
    ids: Sequence[str] = (),
) -> Attribution:
    """Makes an attribution of rows as :func:`stack_components` names them, in any order.

    Args:
        stack: ``[rows, examples, words]``: the logit of every label word that each row adds.
        names: ``L0H0`` …, ``0_mlp_out`` …, ``remainder``.
        full: The model's own logits of the label words, ``[examples, words]``.
        labels: Gold classes, ``[examples]``.
        label_words: The label words.
        ids: Ids of the examples.

    Raises:
        PartscopeError: If a row is missing, unknown or there twice.
    """
    np = package("numpy", "an attribution")
    stack = np.asarray(stack, dtype=np.float32)
    if stack.ndim != 3 or len(names) != len(stack):
        raise PartscopeError(f"{len(names)} names for a stack of shape {list(stack.shape)}; it is [rows, examples, words]")
    rows: dict[tuple[str, int, int], Any] = {}
    for name, row in zip(names, stack):
        head, mlp = _HEAD.fullmatch(name), _MLP.fullmatch(name)
        if head:
            key = ("head", int(head[1]), int(head[2]))
        elif mlp:
            key = ("mlp", int(mlp[1]), 0)
        elif name == REMAINDER:
            key = ("rest", 0, 0)
        else:
            raise PartscopeError(f"the row {name!r} is no head (L0H0), MLP (0_mlp_out) or {REMAINDER}")
        if key in rows:
            raise PartscopeError(f"the row {name!r} is there twice")
        rows[key] = row
    layers = 1 + max((layer for _, layer, _ in rows), default=0)
    heads = 1 + max((head for _, _, head in rows), default=0)

    def take(kind: str, layer: int, head: int = 0) -> Any:
        if (kind, layer, head) not in rows:
            shown = {"head": f"L{layer}H{head}", "mlp": f"{layer}_mlp_out", "rest": REMAINDER}[kind]
            raise PartscopeError(f"the row {shown!r} is missing: without it the parts do not add up to the logits")
        return rows[kind, layer, head]

    return Attribution(
        heads=np.stack([np.stack([take("head", layer, head) for head in range(heads)]) for layer in range(layers)]),
        mlps=np.stack([take("mlp", layer) for layer in range(layers)]),
        rest=take("rest", 0),
        full=np.asarray(full, dtype=np.float32),
        labels=np.asarray(labels, dtype=np.int64),
        label_words=tuple(label_words),
        ids=tuple(ids),
    )


def save_npz(own: Attribution, path: Path) -> Path:
    """Writes the arrays, and everything else as JSON in the array ``meta``, to a compressed ``.npz`` file."""
    np = package("numpy", "an .npz file")
    classes = own.word_classes
    meta = {
        "label_words": own.label_words,
        "ids": own.ids,
        "split": own.split,
        "attributes": dict(own.attributes),
        "word_classes": None if classes is None else vars(classes),
    }
    arrays = {name: getattr(own, name) for name in ("heads", "mlps", "rest", "full", "labels")}
    np.savez_compressed(path, meta=np.array(json.dumps(meta, ensure_ascii=False)), **arrays)
    return path


def open_npz(path: Path) -> Attribution:
    """Reads what :func:`save_npz` wrote.

    Raises:
        PartscopeError: If the file is another.
    """
    np = package("numpy", "an .npz file")
    try:
        with np.load(path, allow_pickle=False) as found:
            meta = json.loads(str(found["meta"]))
            arrays = {name: found[name] for name in ("heads", "mlps", "rest", "full", "labels")}
    except (OSError, ValueError, KeyError) as error:
        raise PartscopeError(f"{path}: not an attribution ({error}); write one with `save_npz`") from error
    return Attribution(
        **arrays,
        label_words=tuple(meta["label_words"]),
        ids=tuple(meta["ids"]),
        word_classes=WordClasses.parse(meta["word_classes"]),
        split=meta["split"],
        attributes=meta["attributes"],
    )


def save_parquet(own: Attribution, path: Path) -> Path:
    """Writes a row per example and component, and per example one for ``rest`` and ``full``: columns ``example``,
    ``component``, ``gold`` and one per label word."""
    np = package("numpy", "a Parquet file")
    frames = package("polars", "a Parquet file")
    words = np.concatenate([own.components(), own.rest[None], own.full[None]])
    names, n = [*own.names, "rest", "full"], own.shape[2]
    ids = list(own.ids) if own.ids else [str(row) for row in range(n)]
    if len(set(own.label_words) | {"example", "component", "gold"}) != len(own.label_words) + 3:
        raise PartscopeError("the label words cannot name columns, because they repeat or are example, component or gold")
    columns: dict[str, Any] = {
        "example": ids * len(names),
        "component": [name for name in names for _ in range(n)],
        "gold": [own.class_names[label] for label in own.labels.tolist()] * len(names),
    }
    columns.update({word: words[:, :, index].reshape(-1) for index, word in enumerate(own.label_words)})
    frames.DataFrame(columns).write_parquet(path)
    return path


def save_run(own: Attribution, folder: Path, *, model: str, task: str, template: str = "given") -> Path:
    """Writes a run folder that the commands of partscope read, for attributions that were computed elsewhere.

    The commands that run the model again (`ablate`, `attention`, `fit --with-model`) refuse it.
    """
    np = package("numpy", "a run")
    layers, heads, n, words = own.shape
    np_heads, np_mlps = own.heads.astype("<f4"), own.mlps.astype("<f4")
    parts = np_heads.sum(axis=(0, 1), dtype=np.float64) + np_mlps.sum(axis=0, dtype=np.float64)
    ids = list(own.ids) if own.ids else [f"example-{row}" for row in range(n)]
    counts = np.bincount(own.labels, minlength=len(own.class_names))
    meta = {
        "schema": 1,
        "model": {
            "id": model,
            "family": "other",
            "layers": layers,
            "heads": heads,
            "hidden": 0,
            "dtype": "f32",
            "device": "other",
            "weights_hash": "",
        },
        "task": {
            "name": task,
            "template": template,
            "label_words": list(own.label_words),
            "label_tokens": list(range(words)),
            **({} if own.word_classes is None else {"word_classes": _jsonable(vars(own.word_classes))}),
        },
        "prompt": {"shots": 0, "demo_seed": 0, "demo_ids": [], "prefix_tokens": 0},
        "examples": {"train": 0, "test": n},
        "accuracy": {
            "full": float(own.accuracy()),
            "components": float(own.accuracy(parts)),
            "chance": 1 / len(own.class_names),
            "majority": float(counts.max() / n),
        },
        "exactness": _exactness(own, parts + own.rest),
        "timing": {"load_s": 0.0, "attribute_s": 0.0, "examples_per_s": 0.0, "tokens_per_s": 0.0},
    }
    empty = {"heads": (layers, heads, 0, words), "mlps": (layers, 0, words), "rest": (0, words), "full": (0, words)}
    tensors = {"test.labels": own.labels.astype("<i8"), "train.labels": np.zeros(0, "<i8")}
    tensors.update({f"test.{name}": getattr(own, name).astype("<f4") for name in empty})
    tensors.update({f"train.{name}": np.zeros(shape, "<f4") for name, shape in empty.items()})
    predicted = own.predictions()
    lines = [
        {"id": id, "split": "test", "text": "", "gold": int(gold), "full": int(full), "logits": logits.tolist()}
        for id, gold, full, logits in zip(ids, own.labels, predicted, own.full.astype("<f4"))
    ]
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "run.json").exists():
        raise PartscopeError(f"{folder}: there is a run already; name another folder")
    _save_tensors(folder / "attribution.safetensors", tensors)
    (folder / "examples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(meta, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return folder


def _exactness(own: Attribution, sums: Floats) -> Mapping[str, Any]:
    np = package("numpy", "a run")

    def centred(logits: Any) -> Any:
        wide = logits.astype(np.float64)
        return wide - wide.mean(axis=-1, keepdims=True)

    full = centred(own.full)
    max_abs, scale = float(np.abs(centred(sums) - full).max()), float(np.abs(full).max())
    mismatches = int((own.predictions(sums) != own.predictions()).sum())
    max_rel = 0.0 if max_abs == 0 else (max_abs / scale if scale else float("inf"))
    return {"max_abs": max_abs, "max_rel": max_rel, "argmax_mismatches": mismatches}


def _jsonable(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def _save_tensors(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a safetensors file: the length of the header, the header, the data."""
    header, end, kinds = {}, 0, {"<f4": "F32", "<i8": "I64"}
    # Wider types first, so that every tensor is aligned.
    ordered = sorted(arrays.items(), key=lambda item: -item[1].itemsize)
    for name, array in ordered:
        start, end = end, end + array.nbytes
        header[name] = {"dtype": kinds[array.dtype.str], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in ordered:
            file.write(array.tobytes())
