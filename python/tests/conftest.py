"""Runs of the demo that the tests share. The program is that of ``PARTSCOPE_BINARY``, or the installed one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import partscope


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTSCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PARTSCOPE_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with training examples, in which the model is wrong half of the time."""
    to = tmp_path_factory.mktemp("runs") / "hash"
    partscope.run("demo", "topic", template="article-hash", demo_seed=2, limit=100, train_examples=20, output=to)
    return to


@pytest.fixture(scope="session")
def run(folder: Path) -> partscope.Run:
    return partscope.open(folder)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> partscope.Run:
    """The same demonstrations and examples in another template."""
    to = tmp_path_factory.mktemp("runs") / "plain"
    return partscope.run("demo", "topic", template="article", demo_seed=2, limit=100, train_examples=20, output=to)


@pytest.fixture(scope="session")
def fit(run: partscope.Run) -> partscope.Fit:
    return partscope.fit(run)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    to = tmp_path / "copy"
    to.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (to / file.name).write_bytes(file.read_bytes())
    return to
