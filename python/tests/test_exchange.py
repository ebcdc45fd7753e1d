"""Other shapes and files: TransformerLens, .npz, Parquet, lm-evaluation-harness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import partscope
from partscope import Attribution


def test_heads_are_stacked_as_transformer_lens_does(run: partscope.Run) -> None:
    table = run.attribution()
    stack, names = table.stack_head_results()
    assert stack.shape == (64, 100, 4)
    assert names[:2] == ["L0H0", "L0H1"] and names[-1] == "L7H7"
    assert np.array_equal(stack[names.index("L2H7")], table["L2.H7"])


def test_a_stack_comes_back_in_any_order(run: partscope.Run) -> None:
    table = run.attribution()
    stack, names = table.stack_components()
    assert len(names) == 64 + 8 + 1 and names[-1] == "remainder" and "3_mlp_out" in names
    order = np.random.default_rng(0).permutation(len(names))
    again = Attribution.from_stack(
        stack[order],
        [names[index] for index in order],
        full=table.full,
        labels=table.labels,
        label_words=table.label_words,
        ids=table.ids,
    )
    for name in ("heads", "mlps", "rest", "full", "labels"):
        assert np.array_equal(getattr(again, name), getattr(table, name))


@pytest.mark.parametrize("name, wanted", [("L3H3", "missing"), ("4_mlp_out", "missing"), ("remainder", "missing")])
def test_a_row_that_is_missing_is_named(run: partscope.Run, name: str, wanted: str) -> None:
    table = run.attribution()
    stack, names = table.stack_components()
    keep = [index for index, own in enumerate(names) if own != name]
    given: dict[str, Any] = {"full": table.full, "labels": table.labels, "label_words": table.label_words}
    with pytest.raises(partscope.PartscopeError, match=f"{name}.*{wanted}"):
        Attribution.from_stack(stack[keep], [names[index] for index in keep], **given)
    with pytest.raises(partscope.PartscopeError, match="twice"):
        Attribution.from_stack(stack, [*names[:-1], names[0]], **given)
    with pytest.raises(partscope.PartscopeError, match="no head"):
        Attribution.from_stack(stack, [*names[:-1], "L0.H0"], **given)


def test_the_commands_read_an_attribution_from_elsewhere(run: partscope.Run, tmp_path: Path) -> None:
    table = run.attribution()
    table.save_run(tmp_path / "given", model="elsewhere", task="topic")
    again = partscope.open(tmp_path / "given")
    assert [row["accuracy"] for row in again.components()] == [row["accuracy"] for row in run.components()]
    assert np.array_equal(again.attribution().heads, table.heads) and again.is_exact
    with pytest.raises(partscope.PartscopeError, match="a run already"):
        table.save_run(tmp_path / "given", model="elsewhere", task="topic")


def test_npz_keeps_everything(run: partscope.Run, tmp_path: Path) -> None:
    table = run.attribution("train")
    again = Attribution.open_npz(table.save_npz(tmp_path / "table.npz"))
    for name in ("heads", "mlps", "rest", "full", "labels"):
        assert np.array_equal(getattr(again, name), getattr(table, name))
    assert (again.ids, again.split, again.label_words) == (table.ids, "train", table.label_words)
    (tmp_path / "other.npz").write_bytes(b"PK")
    with pytest.raises(partscope.PartscopeError, match="not an attribution"):
        Attribution.open_npz(tmp_path / "other.npz")


def test_parquet_has_a_row_per_component_and_example(run: partscope.Run, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    table = run.attribution()
    frame = polars.read_parquet(table.save_parquet(tmp_path / "table.parquet"))
    assert frame.height == (72 + 2) * 100
    one = frame.filter((polars.col("component") == "L2.H7") & (polars.col("example") == table.ids[7]))
    assert [one[word][0] for word in table.label_words] == table["L2.H7"][7].tolist()
    assert one["gold"][0] == table.class_names[table.labels[7]]


def test_results_have_the_form_of_the_evaluation_harness(run: partscope.Run, fit: partscope.Fit, tmp_path: Path) -> None:
    results, samples = run.save_harness(tmp_path, fit.mix)
    whole = json.loads(results.read_text())
    assert whole["results"]["topic"]["acc,none"] == pytest.approx(fit.accuracy["partscope"])
    assert whole["n-samples"]["topic"]["effective"] == 100 and whole["n-shot"]["topic"] == 4
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert sum(row["acc"] for row in rows) / len(rows) == pytest.approx(fit.accuracy["partscope"])
    mixed = fit.mix.logits(run.attribution())
    for row, logits in zip(rows, mixed):
        likelihoods = [float(value) for value, _ in row["filtered_resps"]]
        assert np.exp(likelihoods).sum() == pytest.approx(1)
        assert np.argmax(likelihoods) == logits.argmax()
    plain, _ = run.save_harness(tmp_path / "model")
    assert json.loads(plain.read_text())["results"]["topic"]["acc,none"] == pytest.approx(run.accuracy["full"])


def test_classes_of_several_words() -> None:
    from partscope import WordClasses

    classes = WordClasses(("a", "b"), (0, 1, 1), "mean")
    words = np.array([[1.0, 2.0, 4.0]])
    assert classes.reduce(words).tolist() == [[1.0, 3.0]]
    assert WordClasses(("a", "b"), (0, 1, 1), "max").reduce(words).tolist() == [[1.0, 4.0]]
    moved = words + classes.word_offsets(np.array([0.5, -1.0]))
    assert classes.reduce(moved).tolist() == [[1.5, 2.0]]
    summed = WordClasses(("a", "b"), (0, 0, 1, 1), "sum")
    four = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert summed.reduce(four + summed.word_offsets(np.array([1.0, -1.0]))).tolist() == [[4.0, 6.0]]
