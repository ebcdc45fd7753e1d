"""Comparison of two runs of one model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._binary import call
from ._figure import Figure
from ._table import Table


class Comparison:
    """What differs between run A and run B; ``meta`` is what `partscope compare --json` prints."""

    def __init__(self, meta: Mapping[str, Any], a: Path, b: Path) -> None:
        self.meta = meta
        self._paths = (str(a), str(b))

    @property
    def accuracy(self) -> tuple[float, float]:
        """Test accuracy of the model in A and in B, each on all its test examples."""
        first, second = self.meta["accuracy"]
        return first, second

    @property
    def shared_accuracy(self) -> tuple[float, float] | None:
        """Accuracy of the model in A and in B on the shared test examples; ``None`` if there are none."""
        found = self.meta["shared_accuracy"]
        return None if found is None else (found[0], found[1])

    @property
    def pearson(self) -> float | None:
        """Pearson's r of the components' accuracies; shared test examples inflate it."""
        found: float | None = self.meta["pearson"]
        return found

    @property
    def pearson_disjoint(self) -> float | None:
        """The same with the two runs scored on disjoint halves of the examples."""
        found: float | None = self.meta["pearson_disjoint"]
        return found

    @property
    def shared(self) -> int:
        """Number of shared test examples."""
        return int(self.meta["shared"])

    def components(self) -> Table:
        """Returns every component in A and B: accuracy, margin (nats), label bias, and the change of accuracy."""
        rows = []
        for own in self.meta["components"]:
            row: dict[str, Any] = {"name": own["name"]}
            for quantity in ("accuracy", "margin", "bias"):
                row[f"{quantity}_a"], row[f"{quantity}_b"] = own[quantity]
            rows.append({**row, "change": row["accuracy_b"] - row["accuracy_a"]})
        return Table(rows)

    def flips(self) -> Table:
        """Returns the examples with another prediction, each with the components that moved it."""
        return Table(self.meta["flips"])

    def heat_map(self) -> Figure:
        """Returns the heat map of the report: accuracies in B minus those in A."""
        return Figure(call(["compare", *self._paths, "--svg"]))

    def __repr__(self) -> str:
        a, b = self.shared_accuracy or self.accuracy
        flips = len(self.meta["flips"])
        return f"<partscope.Comparison: accuracy {a:.3f} and {b:.3f}, {flips} of {self.shared} examples flipped>"

    def _repr_html_(self) -> str:
        from ._html import comparison_html

        return comparison_html(self)
