"""Runs, their tables, and what the program says about them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import partscope


def test_parts_add_up_and_accuracies_are_those_of_the_program(run: partscope.Run) -> None:
    table = run.attribution()
    layers, heads, n, words = table.shape
    assert (layers, heads, n, words) == (run.layers, run.heads, 100, 4)
    parts = table.heads.sum((0, 1)) + table.mlps.sum(0) + table.rest
    assert np.abs(parts - table.full).max() < 1e-4
    alone = table.accuracy(table.components())
    listed = run.components()
    assert list(listed["name"]) == table.names == run.component_names
    assert alone.tolist() == pytest.approx(listed["accuracy"])
    assert table.accuracy() == pytest.approx(run.accuracy["full"])


def test_a_component_is_found_by_its_name(run: partscope.Run) -> None:
    table = run.attribution()
    assert np.array_equal(table["L2.H7"], table.heads[2, 7])
    assert np.array_equal(table["L7.MLP"], table.mlps[7])
    assert np.array_equal(table.components()[table.names.index("L7.MLP")], table.mlps[7])
    for wrong in ("L8.H0", "L0.H8", "L00.H0", "L0H0", "rest"):
        with pytest.raises(KeyError, match="there is no component"):
            table[wrong]


def test_frames_have_the_rows_of_the_table(run: partscope.Run) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = run.components()
    assert isinstance(table.pandas(), pandas.DataFrame) and isinstance(table.polars(), polars.DataFrame)
    assert table.pandas()["accuracy"].tolist() == table.polars()["accuracy"].to_list() == table["accuracy"]
    best = table.sort("accuracy", descending=True)[0]
    assert best["accuracy"] == max(table["accuracy"]) and best["lo"] <= best["accuracy"] <= best["hi"]


def test_labels_are_kept_in_xarray(run: partscope.Run) -> None:
    pytest.importorskip("xarray")
    found = run.attribution().xarray()
    assert dict(found.sizes) == {"layer": 8, "head": 8, "example": 100, "word": 4}
    last = run.examples("test")[-1]
    chosen = found["heads"].sel(layer=2, head=7, example=last["id"], word=" food")
    assert float(chosen) == run.attribution()["L2.H7"][-1, 1]


def test_examples_have_their_prompts(run: partscope.Run) -> None:
    assert len(run.examples()) == 120 and len(run.examples("train")) == 20
    prompts = run.token_ids("test")
    shared = run.meta["prompt"]["prefix"]
    assert all(prompt[: len(shared)] == shared and len(prompt) > len(shared) for prompt in prompts)
    assert prompts[3][len(shared) :] == run.examples("test")[3]["tokens"]


def test_a_mix_is_that_of_the_program(run: partscope.Run, fit: partscope.Fit) -> None:
    assert fit.mix.accuracy(run.attribution()) == pytest.approx(fit.accuracy["partscope"])
    assert fit.accuracy["partscope"] > fit.accuracy["standard"]
    texts = [row["text"] for row in run.examples("test")]
    answers = fit.mix.classify(texts)
    mixed = fit.mix.logits(run.attribution())
    assert np.abs(np.array(answers["logits"]) - mixed).max() < 1e-4
    assert [run.class_names[label].strip() for label in mixed.argmax(-1)] == answers["label"]


def test_offsets_and_rest_count(run: partscope.Run, fit: partscope.Fit) -> None:
    table = run.attribution()
    assert fit.mix.offsets
    plain = partscope.Mix({name: 1.0 for name in table.names}, 1.0, (), {})
    assert np.abs(plain.logits(table) - table.full).max() < 1e-4
    shifted = partscope.Mix({name: 0.0 for name in table.names}, 2.0, (0.0, 1.0, 2.0, 3.0), {})
    assert np.allclose(shifted.logits(table), 2 * table.rest + [0, 1, 2, 3])


def test_weights_survive_their_file(fit: partscope.Fit, tmp_path: Path) -> None:
    again = partscope.Mix.open(fit.mix.save(tmp_path / "weights.json"))
    assert again == fit.mix
    muted = again.with_weights({"L6.H2": 0.0})
    assert muted.weights["L6.H2"] == 0.0 and again.weights["L6.H2"] != 0.0
    with pytest.raises(KeyError):
        again.with_weights({"L9.H0": 0.0})


def test_methods_say_which_saw_test_labels(fit: partscope.Fit) -> None:
    rows = {row["method"]: row for row in fit.methods()}
    assert rows["oracle_vote"]["test_labels"] and not rows["partscope"]["test_labels"]
    assert all(row["lo"] <= row["accuracy"] <= row["hi"] for row in rows.values())


def test_a_comparison_counts_flips(run: partscope.Run, other: partscope.Run) -> None:
    found = run.compare(other)
    differ = (run.attribution().predictions() != other.attribution().predictions()).sum()
    assert len(found.flips()) == differ > 0 and found.shared == 100
    assert found.accuracy == (run.accuracy["full"], other.accuracy["full"])
    by_name = {row["name"]: row for row in found.components()}
    assert by_name["L2.H7"]["accuracy_a"] == pytest.approx(run.attribution().accuracy(run.attribution()["L2.H7"]))


def test_ablation_tells_direct_from_total(run: partscope.Run, fit: partscope.Fit) -> None:
    muted = run.ablate({"L6.H2": 0})
    assert muted["accuracy"]["direct"] != muted["accuracy"]["total"]
    assert run.ablate(fit.mix)["accuracy"]["direct"] == pytest.approx(fit.accuracy["partscope"])
    with pytest.raises(ValueError):
        run.ablate("all")


def test_notebooks_show_the_heat_maps(run: partscope.Run, fit: partscope.Fit, other: partscope.Run) -> None:
    maps = [run.heat_map(), fit.heat_map(), run.compare(other).heat_map()]
    shown = [run._repr_html_(), fit._repr_html_(), run.compare(other)._repr_html_()]
    for figure, page in zip(maps, shown):
        svg = ElementTree.fromstring(figure.svg)
        titles = [element.text or "" for element in svg.iter("{http://www.w3.org/2000/svg}title")]
        assert sum(title.startswith("L2.H7") for title in titles) == 1 and len(titles) >= 72
        assert figure.svg in page
    accuracy = next(row["accuracy"] for row in run.components() if row["name"] == "L2.H7")
    assert f"L2.H7: {100 * accuracy:.1f} %" in maps[0].svg


def test_the_maps_are_those_of_the_report(run: partscope.Run, other: partscope.Run, tmp_path: Path) -> None:
    run.report(tmp_path, other)
    figures = {path.name.split("-")[0]: path.read_text() for path in (tmp_path / "figures").glob("*.svg") if "article-hash" in path.name}
    assert run.heat_map().svg == figures["accuracy"]
    assert run.fit().heat_map().svg == figures["weights"]
    assert run.compare(other).heat_map().svg == figures["difference"]


def test_progress_is_heard(tmp_path: Path) -> None:
    from partscope._binary import call

    lines: list[str] = []
    call(["run", "-m", "demo", "--task", "sentiment", "--limit=20", "--no-cache", f"-o{tmp_path / 'out'}"], progress=lines.append)
    assert any("model" in line for line in lines), lines


def test_a_run_without_output_lives_as_long_as_its_object() -> None:
    found = partscope.run("demo", "sentiment", limit=20)
    assert found.path.exists() and len(found.examples("test")) == 20
