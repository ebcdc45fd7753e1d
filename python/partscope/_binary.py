"""Finds the program and calls it. Every number that is not a sum of the table comes from it, so that notebooks, the
command line and the explorer agree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from ._errors import MissingBinary, PartscopeError

#: Names another program than the installed one, for example a build of the source.
VARIABLE = "PARTSCOPE_BINARY"

#: The value of an option: ``None`` leaves it out, ``True`` gives a flag, a list is joined by commas.
Option = Union[None, bool, int, float, str, "os.PathLike[str]", Sequence[Union[int, str]]]

_PROGRESS = "progress: "
_PREFIX = "partscope: "


def find_binary() -> Path:
    """Returns the path of the program.

    In this order: the variable ``PARTSCOPE_BINARY``, the scripts of this Python (where the wheel puts it), ``PATH``.

    Raises:
        MissingBinary: If it is nowhere.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            raise MissingBinary(f"{VARIABLE} names {path}, which is no file; unset it, or name the program")
        return path
    name = "partscope" + (sysconfig.get_config_var("EXE") or "")
    schemes = [sysconfig.get_path("scripts")]
    if hasattr(sysconfig, "get_preferred_scheme"):
        schemes.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    for folder in schemes:
        path = Path(folder) / name
        if path.is_file():
            return path
    found = shutil.which("partscope")
    if found:
        return Path(found)
    raise MissingBinary(
        f"the program partscope is neither in {schemes[0]} nor on PATH: install it with `pip install partscope`, or set "
        f"{VARIABLE}"
    )


def arguments(options: Mapping[str, Option]) -> list[str]:
    """Returns command-line arguments: ``num_fewshot=4`` becomes ``--num-fewshot=4``."""
    given: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            given.append(flag)
        elif isinstance(value, (list, tuple)):
            given.append(f"{flag}={','.join(str(item) for item in value)}")
        elif isinstance(value, os.PathLike):
            given.append(f"{flag}={os.fspath(value)}")
        else:
            given.append(f"{flag}={value}")
    return given


def call(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    progress: Callable[[str], None] | None = None,
    accept: Sequence[int] = (0,),
) -> str:
    """Runs the program and returns its standard output.

    Args:
        command: Arguments.
        stdin: Text for standard input.
        progress: Called with every line of progress.
        accept: Exit codes that are no error.

    Raises:
        PartscopeError: With the program's message, if it fails.
    """
    binary = find_binary()
    environment = dict(os.environ)
    if progress is not None:
        environment["PARTSCOPE_PROGRESS"] = "lines"
    try:
        process = subprocess.Popen(
            [str(binary), *command],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            encoding="utf-8",
        )
    except OSError as error:
        raise MissingBinary(f"{binary} cannot be run: {error.strerror or error}") from error
    said: list[str] = []

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if progress is not None and line.startswith(_PROGRESS):
                progress(line[len(_PROGRESS) :].rstrip("\n"))
            else:
                said.append(line.rstrip("\n"))

    def tell() -> None:
        assert process.stdin is not None and stdin is not None
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass

    threads = [threading.Thread(target=listen, daemon=True)]
    if stdin is not None:
        threads.append(threading.Thread(target=tell, daemon=True))
    try:
        for thread in threads:
            thread.start()
        assert process.stdout is not None
        output = process.stdout.read()
        for thread in threads:
            thread.join()
        code = process.wait()
    except BaseException:
        # A notebook's "interrupt": the program finishes a save in progress, then ends.
        process.terminate()
        process.wait()
        raise
    if code not in accept:
        raise PartscopeError(_message(said, command, code), code if code > 0 else 1)
    for line in said:
        print(line, file=sys.stderr)
    return output


def call_json(command: Sequence[str], **keywords: Any) -> Any:
    """As :func:`call`, with ``--json``; returns the parsed answer."""
    return json.loads(call([*command, "--json"], **keywords))


def _message(said: Sequence[str], command: Sequence[str], code: int) -> str:
    text = "\n".join(said).strip()
    if not text:
        how = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
        return f"`partscope {' '.join(command[:1])}` {how} and gave no reason"
    return text[len(_PREFIX) :] if text.startswith(_PREFIX) else text
