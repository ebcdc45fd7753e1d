"""Reads the files of a run: ``run.json``, ``attribution.safetensors``, ``examples.jsonl``.

The program replaces a run while others read: it removes ``run.json`` first and writes it last (docs/run-files.md). So
``run.json`` is read before and after the others, and a run that changed in between is read again.
"""

from __future__ import annotations

import json
import struct
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._binary import call
from ._errors import MissingBinary, PartscopeError, package

if TYPE_CHECKING:
    import numpy

RUN = "run.json"
TABLE = "attribution.safetensors"
EXAMPLES = "examples.jsonl"

#: The version of the files that this reader knows.
SCHEMA = 1

_READY = ".partscope-ready"
_ATTEMPTS = 20
_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
_AGAIN = "write the run again with `partscope run -o`"


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, all of the same moment."""

    folder: Path
    meta: Mapping[str, Any]
    examples: bytes
    table: Path
    text: bytes

    def still_current(self) -> bool:
        """Whether the run has not been replaced since it was read."""
        return _read(self.folder, RUN) == self.text


def read_run(folder: Path) -> RunFiles:
    """Reads the run in ``folder``.

    Raises:
        PartscopeError: If it is no run, is damaged, or was written by a newer version.
    """
    for _ in range(_ATTEMPTS):
        text = _read(folder, RUN)
        meta = _meta(folder, text)
        found = RunFiles(folder, meta, _read(folder, EXAMPLES), _current(folder, TABLE), text)
        if found.still_current():
            _check_sums(found, text)
            return found
        time.sleep(0.05)
    raise PartscopeError(f"{folder}: the run is replaced again and again; read it once `partscope run` is done")


def tensors(path: Path) -> dict[str, numpy.ndarray[Any, Any]]:
    """Maps the tensors of a safetensors file into memory, read-only.

    Raises:
        PartscopeError: If it is no such file.
    """
    np = package("numpy", "reading an attribution")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > size - 8:
                raise ValueError("the header is longer than the file")
            header = json.loads(file.read(length))
        data = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
        found = {}
        for name, info in header.items():
            if name == "__metadata__":
                continue
            start, end = (8 + length + offset for offset in info["data_offsets"])
            if not 8 + length <= start <= end <= size:
                raise ValueError(f"the tensor {name} is not within the file")
            found[name] = data[start:end].view(_DTYPES[info["dtype"]]).reshape(info["shape"])
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise PartscopeError(f"{path}: not a table of a run ({error}); {_AGAIN}") from error


def parse_examples(files: RunFiles) -> list[dict[str, Any]]:
    """Returns the lines of ``examples.jsonl``."""
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(files.examples.split(b"\n"), 1):
        if line:
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                where = f"{files.folder / EXAMPLES}, line {number}"
                raise PartscopeError(f"{where}: not an example of a run ({error}); {_AGAIN}") from error
    return rows


def _current(folder: Path, name: str) -> Path:
    """The file of a run that is being moved into place, or that in its place."""
    ready = folder / _READY / name
    return ready if ready.exists() else folder / name


def _read(folder: Path, name: str) -> bytes:
    path = _current(folder, name)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise PartscopeError(
            f"{folder}: not a run: it has no {name}; create one with `partscope run -m demo --task sentiment -o DIR`"
        ) from None
    except OSError as error:
        raise PartscopeError(f"{path}: cannot be read: {error.strerror}", 1) from error


def _meta(folder: Path, text: bytes) -> Mapping[str, Any]:
    path = folder / RUN
    try:
        meta = json.loads(text)
        schema = meta["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise PartscopeError(f"{path}: this is not the run.json of a run ({error}); {_AGAIN}") from error
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        cure = "install a newer partscope: `pip install -U partscope`" if newer else "run again"
        raise PartscopeError(
            f"{path}: the run has schema {schema}, but this version of partscope reads schema {SCHEMA}; {cure}"
        )
    missing = [key for key in ("model", "task", "prompt", "examples", "accuracy", "exactness") if key not in meta]
    if missing:
        raise PartscopeError(f"{path}: the key {missing[0]} is missing; {_AGAIN}")
    return dict(meta)


def _check_sums(files: RunFiles, text: bytes) -> None:
    """Compares the files with their checksums, if the run has any: with the package blake3, or else by the program."""
    sums = files.meta.get("file_checksums")
    if not files.table.is_file():
        _read(files.folder, TABLE)
    if not sums:
        return
    try:
        from blake3 import blake3
    except ImportError:
        _ask_program(files)
        return
    own = b"".join(line for line in text.splitlines(True) if not line.startswith(b'  "checksum": '))
    table = blake3(max_threads=blake3.AUTO)
    table.update_mmap(files.table)
    for name, found, expected in [
        (RUN, blake3(own).hexdigest(), files.meta.get("checksum")),
        (TABLE, table.hexdigest(), sums.get(TABLE)),
        (EXAMPLES, blake3(files.examples).hexdigest(), sums.get(EXAMPLES)),
    ]:
        if found != expected:
            raise PartscopeError(
                f"{files.folder / name}: the file has changed since it was written (its checksum differs); {_AGAIN}"
            )


def _ask_program(files: RunFiles) -> None:
    """Every command that reads a run checks it."""
    try:
        call(["components", str(files.folder)])
    except MissingBinary:
        message = f"{files.folder}: checksums are not checked without the package blake3: pip install 'partscope[numpy]'"
        warnings.warn(message, stacklevel=4)
