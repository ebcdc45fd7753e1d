"""Runs: opening a folder, or having the program make one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ._attribution import Attribution, component_names, from_tensors
from ._binary import Option, arguments, call, call_json
from ._comparison import Comparison
from ._errors import PartscopeError
from ._figure import Figure
from ._files import TABLE, RunFiles, parse_examples, read_run, tensors
from ._mix import Fit, Mix, fit
from ._progress import Progress
from ._table import Table

#: Exit code of a run whose contributions do not add up: it is saved and marked.
_INEXACT = 1


class Run:
    """A saved run. :func:`partscope.open` returns it; a notebook shows its heat map."""

    def __init__(self, files: RunFiles, keep: object = None) -> None:
        self._files = files
        self._keep = keep

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._files.folder

    @property
    def meta(self) -> Mapping[str, Any]:
        """``run.json``; docs/run-files.md lists the keys."""
        return self._files.meta

    @property
    def name(self) -> str:
        """``task/template/demo seed``."""
        task, prompt = self.meta["task"], self.meta["prompt"]
        return f"{task['name']}/{task['template']}/{prompt['demo_seed']}"

    @property
    def layers(self) -> int:
        return int(self.meta["model"]["layers"])

    @property
    def heads(self) -> int:
        """Heads per layer."""
        return int(self.meta["model"]["heads"])

    @property
    def label_words(self) -> list[str]:
        return list(self.meta["task"]["label_words"])

    @property
    def class_names(self) -> list[str]:
        """The classes; the label words, if every class has one."""
        classes = self.meta["task"].get("word_classes")
        return list(classes["classes"]) if classes else self.label_words

    @property
    def component_names(self) -> list[str]:
        """All components in the order of tables: the heads of a layer, then its MLP."""
        return component_names(self.layers, self.heads)

    @property
    def accuracy(self) -> Mapping[str, Any]:
        """Test accuracies: ``full``, ``components``, ``chance``, ``majority``."""
        accuracy: Mapping[str, Any] = self.meta["accuracy"]
        return accuracy

    @property
    def is_exact(self) -> bool:
        """Whether the contributions add up to the model's logits, as the program judges it."""
        exactness = self.meta["exactness"]
        return bool(exactness["max_rel"] <= 1e-4 or exactness["max_abs"] <= 1e-6 * exactness.get("terms", 0.0))

    def attribution(self, split: str = "test") -> Attribution:
        """Returns the contributions of a split, ``test`` or ``train``, as NumPy arrays mapped from the file.

        Raises:
            PartscopeError: If the tables are damaged or do not belong to the run.
        """
        if split not in self._attributions:
            found = self._tensors
            ids = [row["id"] for row in self._rows if row["split"] == split]
            where = str(self._files.table)
            self._attributions[split] = from_tensors(found, _split(split), self.meta, ids, where)
            self._attributions[split].check(self.meta["exactness"], where)
            self._check_rows(split)
        return self._attributions[split]

    def examples(self, split: str | None = None) -> Table:
        """Returns the examples: id, split, text, gold and predicted class (indices), logits, tokens."""
        wanted = None if split is None else _split(split)
        return Table([row for row in self._rows if wanted in (None, row["split"])])

    def token_ids(self, split: str = "test") -> list[list[int]]:
        """Returns the token ids of every prompt of a split, whole.

        Raises:
            PartscopeError: In runs of older versions, which have no tokens.
        """
        prefix = self.meta["prompt"].get("prefix", [])
        rows = [row for row in self._rows if row["split"] == _split(split)]
        if any(not row.get("tokens") for row in rows) or len(prefix) != self.meta["prompt"]["prefix_tokens"]:
            raise PartscopeError(f"{self.path}: the run does not store the tokens of its prompts; run again")
        return [[*prefix[: row.get("shared", len(prefix))], *row["tokens"]] for row in rows]

    def components(self) -> Table:
        """Returns every component: accuracy, interval, kind, κ, q, shares of predicted labels."""
        rows = []
        for own in call_json(["components", str(self.path)])["components"]:
            low, high = own.pop("ci")
            rows.append({"name": own.pop("name"), "accuracy": own.pop("accuracy"), "lo": low, "hi": high, **own})
        return Table(rows)

    def fit(self, method: str = "partscope", **options: Option) -> Fit:
        """Fits a mix; see :func:`partscope.fit`."""
        return fit(self, method, **options)

    def compare(self, other: Run | str | os.PathLike[str], *, top: int = 5) -> Comparison:
        """Compares this run with another one of the same model."""
        path = other.path if isinstance(other, Run) else Path(other)
        return Comparison(call_json(["compare", str(self.path), str(path), f"--top={top}"]), self.path, path)

    def ablate(
        self,
        mix: Mix | Mapping[str, float] | str = "each",
        *,
        positions: str = "last",
        fill: str = "zero",
        **options: Option,
    ) -> Mapping[str, Any]:
        """Runs the model again with a mix inside the forward pass, or without each component in turn (``"each"``).

        Returns what `partscope ablate --json` prints: accuracies and margins by direct, indirect and total effect.
        """
        rest = arguments({"positions": positions, "fill": fill, **options})
        command, stdin = ["ablate", str(self.path), *rest], None
        if isinstance(mix, Mix):
            command, stdin = [*command, "--mix=-"], mix.to_json()
        elif isinstance(mix, str):
            if mix != "each":
                raise ValueError(f"ablate takes a mix, weights by component, or 'each', not {mix!r}")
            command = [*command, "--each"]
        else:
            command = [*command, "--set=" + ",".join(f"{name}={weight}" for name, weight in mix.items())]
        with Progress() as progress:
            answer: Mapping[str, Any] = call_json(command, stdin=stdin, progress=progress)
        return answer

    def heat_map(self) -> Figure:
        """Returns the heat map of the report: the accuracy of every component alone."""
        return Figure(call(["components", str(self.path), "--svg"]))

    def report(self, output: str | os.PathLike[str], *others: Run) -> Path:
        """Writes figures, tables and an HTML page of this run and others to a folder."""
        runs = [str(run.path) for run in (self, *others)]
        call(["report", *runs, f"--output={os.fspath(output)}"])
        return Path(output)

    def save_harness(self, folder: str | os.PathLike[str], mix: Mix | None = None) -> tuple[Path, Path]:
        """Writes the results of a mix on the test examples, or of the model, as lm-evaluation-harness does.

        Returns the paths of `results_DATE.json` and `samples_TASK_DATE.jsonl`. Log-likelihoods are normalised over the
        labels, because a mix has no other logits.
        """
        from ._harness import save_harness

        return save_harness(self, mix, Path(folder))

    def __repr__(self) -> str:
        counts = self.meta["examples"]
        return (
            f"<partscope.Run {self.name} on {self.meta['model']['id']}: {counts['train']} train, {counts['test']} test "
            f"examples, accuracy {self.accuracy['full']:.3f}>"
        )

    def _repr_html_(self) -> str:
        from ._html import run_html

        return run_html(self)

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return parse_examples(self._files)

    @cached_property
    def _tensors(self) -> Mapping[str, Any]:
        found = tensors(self._files.table)
        if not self._files.still_current():
            raise PartscopeError(f"{self.path}: the run has been replaced since it was opened; open it again")
        return found

    @cached_property
    def _attributions(self) -> dict[str, Attribution]:
        return {}

    def _check_rows(self, split: str) -> None:
        """Compares the examples and the stated accuracy with the table."""
        table = self._attributions[split]
        predicted = table.predictions()
        rows = [row for row in self._rows if row["split"] == split]
        for row, gold, full in zip(rows, table.labels, predicted):
            if row["gold"] != gold or row["full"] != full:
                raise PartscopeError(f"{self.path}: the example {row['id']} has other labels in {TABLE}; run again")
        stated = self.accuracy["full"]
        if split == "test" and len(rows) and abs(float(table.accuracy()) - stated) > 1e-6:
            raise PartscopeError(f"{self.path}: run.json says accuracy {stated}, but the tables give {table.accuracy()}")


def _split(name: str) -> str:
    if name not in ("test", "train"):
        raise ValueError(f"there is no split {name!r}: they are 'test' and 'train'")
    return name


def open_run(path: str | os.PathLike[str]) -> Run:
    """Opens the run in a folder.

    Raises:
        PartscopeError: If the folder is no run, or was written by a newer version.
    """
    return Run(read_run(Path(path)))


def run(
    model: str | os.PathLike[str] = "demo",
    task: str | os.PathLike[str] | None = None,
    *,
    template: str | None = None,
    num_fewshot: int | None = None,
    demo_seed: int | None = None,
    limit: int | None = None,
    train_examples: int | None = None,
    output: str | os.PathLike[str] | None = None,
    allow_inexact: bool = False,
    **options: Option,
) -> Run:
    """Attributes the logits of a task's test examples to components, with the program, and opens the run.

    Args:
        model: ``demo``, a folder, a GGUF file, or ``org/name[@revision]``.
        task: A task by name, or the path of a task file; or leave it out and give ``prompts`` and ``labels``.
        template: A template of the task.
        num_fewshot: Demonstrations in every prompt.
        demo_seed: Seed of the demonstration set.
        limit: Number of test examples.
        train_examples: Labelled examples for fitting weights.
        output: Folder of the run. Without one it lives in a temporary folder for as long as the object.
        allow_inexact: Also return a run whose contributions do not add up to the logits; it is marked.
        options: Any other option of `partscope run`, with ``_`` for ``-``: ``with_hidden=True``, ``device="cuda"``.

    Raises:
        PartscopeError: With the message of the program.
    """
    keep = None
    if output is None:
        keep = tempfile.TemporaryDirectory(prefix="partscope-")
        output = Path(keep.name) / "run"
    folder = Path(output)
    named = {
        "model": os.fspath(model),
        "task": None if task is None else os.fspath(task),
        "template": template,
        "num_fewshot": num_fewshot,
        "demo_seed": demo_seed,
        "limit": limit,
        "train_examples": train_examples,
        "output": folder,
    }
    if template is not None and ("," in template or template == "all"):
        raise ValueError("give one template: several make several runs, in folders of their own")
    command: Sequence[str] = ["run", *arguments({**named, **options})]
    with Progress() as progress:
        call(command, progress=progress, accept=(0, _INEXACT) if allow_inexact else (0,))
    return Run(read_run(folder), keep)
