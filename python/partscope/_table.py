"""Rows with named columns, as the program prints them; a frame of pandas or polars on request."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from ._errors import package

if TYPE_CHECKING:
    import pandas
    import polars

Row = Mapping[str, Any]

#: Rows that a notebook shows.
SHOWN = 20


class Table(Sequence[Row]):
    """An immutable list of rows. Cells are numbers, texts, ``None``, or lists of them.

    ``table[3]`` is a row, ``table["accuracy"]`` a column, :meth:`pandas` and :meth:`polars` are frames.
    """

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
        self._rows = list(rows)
        self.columns: tuple[str, ...] = tuple(columns if columns is not None else _columns(rows))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    @overload
    def __getitem__(self, key: slice) -> Table: ...
    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"there is no column {key!r}; there are {', '.join(self.columns)}")
            return [row.get(key) for row in self._rows]
        if isinstance(key, slice):
            return Table(self._rows[key], self.columns)
        return self._rows[key]

    def sort(self, by: str, *, descending: bool = False) -> Table:
        """Returns the rows in the order of a column; rows without a value come last."""
        present = [row for row in self._rows if row.get(by) is not None]
        absent = [row for row in self._rows if row.get(by) is None]
        present.sort(key=lambda row: row[by], reverse=descending)
        return Table(present + absent, self.columns)

    def pandas(self) -> pandas.DataFrame:
        """Returns a frame of pandas; lists stay lists, in columns of objects."""
        frames = package("pandas", "a frame of pandas")
        return frames.DataFrame({name: self[name] for name in self.columns})

    def polars(self) -> polars.DataFrame:
        """Returns a frame of polars."""
        frames = package("polars", "a frame of polars")
        frame: polars.DataFrame = frames.DataFrame({name: self[name] for name in self.columns}, strict=False)
        return frame

    def __repr__(self) -> str:
        return f"<partscope.Table: {len(self)} rows, columns {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_cell(row.get(name)))}</td>" for name in self.columns) + "</tr>"
            for row in self._rows[:SHOWN]
        )
        left = len(self) - SHOWN
        more = f"<p>and {left} more rows</p>" if left > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _columns(rows: Sequence[Row]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return list(names)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        shown = [_cell(item) for item in value[:6]]
        return ", ".join(shown + ["…"] * (len(value) > 6))
    return str(value)
