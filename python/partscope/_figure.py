"""Figures: SVG documents that a notebook shows."""

from __future__ import annotations

import os
from pathlib import Path


class Figure:
    """A figure of the report. ``str(figure)`` is the SVG document."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the SVG document to a file."""
        to = Path(path)
        to.write_text(self.svg, encoding="utf-8")
        return to

    def __str__(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<partscope.Figure: {len(self.svg)} characters of SVG>"

    def _repr_svg_(self) -> str:
        return self.svg
