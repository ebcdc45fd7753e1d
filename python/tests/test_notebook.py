"""The committed notebook has the outputs that it produces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "run_notebook.py"


def test_the_notebook_has_its_own_outputs() -> None:
    for package in ("nbclient", "ipykernel", "pandas", "xarray"):
        pytest.importorskip(package)
    # The kernel must be that of this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False
    )
    assert done.returncode == 0, done.stderr
