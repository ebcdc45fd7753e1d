"""Errors of the reader: one sentence that says what was wrong, where, and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

#: How to install the packages that parts of the reader need.
EXTRAS = {
    "numpy": "numpy",
    "pandas": "frames",
    "xarray": "frames",
    "polars": "polars",
    "torch": "huggingface",
    "transformers": "huggingface",
}


class PartscopeError(Exception):
    """Something was wrong with the input, or the program failed.

    ``exit_code`` is that of the program: 1 failure, 2 usage, 3 bad input, 4 some of several runs failed, 130
    interrupted; 3 for what the reader itself refuses.
    """

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class MissingBinary(PartscopeError):
    """The program ``partscope`` is nowhere to be found."""


class MissingPackage(PartscopeError, ImportError):
    """A package that this part of the reader needs is not installed."""


def package(name: str, purpose: str) -> Any:
    """Imports the package ``name``, or raises :class:`MissingPackage` with the command that installs it."""
    try:
        module: ModuleType = importlib.import_module(name)
    except ImportError as error:
        extra = EXTRAS.get(name)
        command = f"pip install 'partscope[{extra}]'" if extra else f"pip install {name}"
        raise MissingPackage(f"{purpose} needs the package {name}, which is not installed: {command}") from error
    return module
