"""Bad input: one sentence each."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import partscope


def refused(path: Path) -> str:
    with pytest.raises(partscope.PartscopeError) as error:
        run = partscope.open(path)
        _ = run.attribution("test"), run.attribution("train")
    message = str(error.value)
    assert "\n" not in message and error.value.exit_code == 3
    return message


def change(folder: Path, name: str, edit: Any) -> None:
    path = folder / name
    path.write_bytes(edit(path.read_bytes()))


def edit_meta(folder: Path, **keys: Any) -> None:
    meta = json.loads((folder / "run.json").read_text())
    meta = {key: value for key, value in meta.items() if key not in ("checksum", "file_checksums")}
    (folder / "run.json").write_text(json.dumps({**meta, **keys}))


def test_a_newer_schema(copy: Path) -> None:
    edit_meta(copy, schema=2)
    message = refused(copy)
    assert "schema 2" in message and "pip install -U partscope" in message


@pytest.mark.parametrize("name", ["run.json", "examples.jsonl", "attribution.safetensors"])
def test_a_folder_that_is_no_run(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert str(copy) in refused(copy)
    assert "not a run" in refused(copy.parent / "nowhere")
    assert "not a run" in refused(copy / "examples.jsonl")


def test_a_run_json_of_something_else(copy: Path) -> None:
    for text in ("", "[]", "{}", '{"schema": 1}', "\x00\x01"):
        (copy / "run.json").write_text(text)
        assert "run.json" in refused(copy), text


def flip(at: int) -> Any:
    def flipped(data: bytes) -> bytes:
        index = at % len(data)
        return data[:index] + bytes([data[index] ^ 0x40]) + data[index + 1 :]

    return flipped


@pytest.mark.parametrize("name", ["run.json", "examples.jsonl", "attribution.safetensors"])
@pytest.mark.parametrize("by_program", [False, True])
def test_any_byte_that_has_changed(copy: Path, name: str, by_program: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_program:
        monkeypatch.setitem(sys.modules, "blake3", None)
    else:
        pytest.importorskip("blake3")
    change(copy, name, flip(-1000))
    assert name in refused(copy)


# Bytes of the header and exponents of numbers; a table without checksums is known by its sums, in which norms have no part.
@pytest.mark.parametrize("at", [0, 8, 200, 5003, -5])
def test_a_damaged_table_without_checksums(copy: Path, at: int) -> None:
    edit_meta(copy)
    change(copy, "attribution.safetensors", flip(at))
    assert "attribution.safetensors" in refused(copy)


def test_a_run_that_is_replaced_while_it_is_open(copy: Path) -> None:
    run = partscope.open(copy)
    partscope.run("demo", "sentiment", limit=20, output=copy)
    with pytest.raises(partscope.PartscopeError, match="open it again"):
        run.attribution()


def test_a_run_that_nobody_can_check(copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "blake3", None)
    monkeypatch.setenv("PARTSCOPE_BINARY", str(tmp_path / "nothing"))
    with pytest.warns(UserWarning, match="checksums are not checked"):
        partscope.open(copy)


def test_a_table_that_is_cut_short(copy: Path) -> None:
    change(copy, "attribution.safetensors", lambda data: data[: len(data) // 2])
    refused(copy)
    change(copy, "attribution.safetensors", lambda data: b"")
    refused(copy)


def test_examples_of_another_run(copy: Path) -> None:
    edit_meta(copy)

    def relabelled(data: bytes) -> bytes:
        rows = [json.loads(line) for line in data.splitlines()]
        rows[-1]["gold"] = (rows[-1]["gold"] + 1) % 4
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    change(copy, "examples.jsonl", relabelled)
    assert "other labels" in refused(copy)


def test_the_accuracy_of_another_run(copy: Path) -> None:
    meta = json.loads((copy / "run.json").read_text())
    edit_meta(copy, accuracy={**meta["accuracy"], "full": 0.9})
    assert "0.9" in refused(copy)


def test_a_missing_binary(monkeypatch: pytest.MonkeyPatch, run: partscope.Run, tmp_path: Path) -> None:
    monkeypatch.setenv("PARTSCOPE_BINARY", str(tmp_path / "nothing"))
    with pytest.raises(partscope.MissingBinary, match="PARTSCOPE_BINARY"):
        run.components()
    assert "no heat map" in run._repr_html_()
    monkeypatch.delenv("PARTSCOPE_BINARY")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))
    with pytest.raises(partscope.MissingBinary, match="pip install partscope"):
        run.components()
    text = tmp_path / "text"
    text.write_text("no program")
    monkeypatch.setenv("PARTSCOPE_BINARY", str(text))
    with pytest.raises(partscope.MissingBinary, match="cannot be run"):
        run.components()


def test_a_python_without_numpy(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import partscope\n"
        f"run = partscope.open({str(folder)!r})\n"
        "print(len(run.components()), run.accuracy['full'])\n"
        "try: run.attribution()\n"
        "except partscope.MissingPackage as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("72 ") and "pip install 'partscope[numpy]'" in second


def test_missing_frames_are_named(monkeypatch: pytest.MonkeyPatch, run: partscope.Run) -> None:
    original = builtins.__import__
    table = run.components()

    def without(name: str) -> None:
        monkeypatch.setitem(sys.modules, name, None)

    for name in ("pandas", "polars"):
        without(name)
        with pytest.raises(partscope.MissingPackage, match=f"needs the package {name}"):
            getattr(table, name)()
    without("xarray")
    with pytest.raises(ImportError, match="xarray"):
        run.attribution().xarray()
    assert builtins.__import__ is original


def test_what_the_program_refuses_is_its_message(tmp_path: Path) -> None:
    with pytest.raises(partscope.PartscopeError) as error:
        partscope.run("demo", "no-such-task", output=tmp_path / "out")
    assert "no-such-task" in str(error.value) and not str(error.value).startswith("partscope:")
    with pytest.raises(ValueError, match="one template"):
        partscope.run("demo", "topic", template="all", output=tmp_path / "out")
    with pytest.raises(ValueError, match="split"):
        partscope.run("demo", "topic", limit=8).attribution("dev")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema":1,"weights":{"L0.H0":null},"rest":1}'])
def test_a_file_that_has_no_weights(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(partscope.PartscopeError, match="weights.json"):
        partscope.Mix.open(path)


def test_weights_of_another_model(run: partscope.Run, fit: partscope.Fit) -> None:
    fewer = partscope.Mix({"L0.H0": 1.0}, 1.0, (), {})
    with pytest.raises(partscope.PartscopeError, match="other components"):
        fewer.logits(run.attribution())
    newer = fit.mix.to_json().replace('"schema": 1', '"schema": 9')
    with pytest.raises(partscope.PartscopeError, match="schema 9"):
        partscope.Mix.parse(newer)
