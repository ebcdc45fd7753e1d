"""What a notebook shows of runs, fits and comparisons: a sentence, and the heat map of the report."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from ._errors import PartscopeError
from ._table import Table

if TYPE_CHECKING:
    from ._comparison import Comparison
    from ._figure import Figure
    from ._mix import Fit
    from ._run import Run

#: Rows of a list of methods or components.
_ROWS = 8


def run_html(run: Run) -> str:
    """A run: accuracies, exactness and the heat map."""
    counts, accuracy, exactness = run.meta["examples"], run.accuracy, run.meta["exactness"]
    text = (
        f"<b>{escape(run.name)}</b> on {escape(run.meta['model']['id'])}: {run.layers} layers × {run.heads} heads, "
        f"{counts['train']} training and {counts['test']} test examples. The model gets {_percent(accuracy['full'])} of "
        f"them right; chance is {_percent(accuracy['chance'])}."
    )
    if not run.is_exact:
        text += f" <b>NOT EXACT: the contributions do not add up (max_rel {exactness['max_rel']:.1e}).</b>"
    return _block(text, run.heat_map)


def fit_html(fit: Fit) -> str:
    """A fit: accuracies by method, and the heat map of weights."""
    meta = fit.meta
    text = (
        f"<b>{escape(meta['method'])}</b> fitted on {meta['train_n']} labels, scored on {meta['test_n']} test examples "
        "(95 % intervals). Methods that begin with oracle_ have seen the test labels."
    )
    rows = fit.methods().sort("accuracy", descending=True)
    shown = Table(list(rows), ["method", "accuracy", "lo", "hi", "test_labels"])
    return _block(text, fit.heat_map) + shown._repr_html_()


def comparison_html(comparison: Comparison) -> str:
    """A comparison: agreement, flips, and the heat map of differences."""
    (a, b), meta = comparison.shared_accuracy or comparison.accuracy, comparison.meta
    r = "–" if comparison.pearson is None else f"{comparison.pearson:.2f}"
    halves = "–" if comparison.pearson_disjoint is None else f"{comparison.pearson_disjoint:.2f}"
    text = (
        f"Accuracy {_percent(a)} and {_percent(b)}; {len(meta['flips'])} of {comparison.shared} shared test examples "
        f"flipped. Accuracies of components correlate at {r} ({halves} on disjoint halves)."
    )
    rows = sorted(comparison.components(), key=lambda row: -abs(row["change"]))[:_ROWS]
    shown = Table(rows, ["name", "accuracy_a", "accuracy_b", "change"])
    return _block(text, comparison.heat_map) + shown._repr_html_()


def _block(text: str, heat_map: Callable[[], Figure]) -> str:
    try:
        figure = heat_map()
    except PartscopeError as error:
        return f"<p>{text}</p><p>no heat map: {escape(str(error))}</p>"
    return f"<p>{text}</p><div>{figure.svg}</div>"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
