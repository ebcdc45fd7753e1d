"""Progress of the program: a line that is replaced, in a notebook or a terminal; nothing elsewhere."""

from __future__ import annotations

import html
import sys
from types import TracebackType
from typing import Any


class Progress:
    """A context manager whose value is called with lines of progress."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = False
        self._notebook = _in_notebook()
        self._terminal = not self._notebook and sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __call__(self, line: str) -> None:
        if self._notebook:
            content = {"text/html": f"<pre>{html.escape(line)}</pre>", "text/plain": line}
            if self._handle is None:
                from IPython.display import DisplayHandle

                self._handle = DisplayHandle()
                self._handle.display(content, raw=True)
            else:
                self._handle.update(content, raw=True)
        elif self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._shown = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.update({"text/html": "", "text/plain": ""}, raw=True)
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _in_notebook() -> bool:
    """Whether outputs are shown by a front end of Jupyter."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None
