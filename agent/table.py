"""A table: records as lines of JSON for a program, or laid out for a person; no key is in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Protocol

from agent.endings import printable, shown
from agent.keys import redactor
from sandboxes.record import Record


class Sheet(Protocol):
    """A record that lays itself out."""

    def text(self) -> str: ...

    def model_dump_json(self) -> str: ...


def lay_out(record: Sheet, *, as_json: bool) -> None:
    """Print one record: a line of JSON, or as it lays itself out for a person."""
    print(redactor(os.environ)(record.model_dump_json()) if as_json else shown(record.text()))


def show(rows: Sequence[Record], *, as_json: bool, empty: str) -> None:
    """Print records: a line of JSON each, or columns for a person."""
    redact = redactor(os.environ)
    rows = [type(row).model_validate_json(redact(row.model_dump_json())) for row in rows]
    if as_json:
        for row in rows:
            print(row.model_dump_json())
    elif not rows:
        print(empty)
    else:
        show_columns(rows)


def show_columns(rows: Sequence[Record]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = [name for name in type(rows[0]).model_fields if any(cell(getattr(row, name)) for row in rows)]
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        grid.add_row(*(cell(getattr(row, name)) for name in columns))
    width = None if sys.stdout.isatty() else 200
    Console(highlight=False, markup=False, width=width).print(grid)


def cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "ok" if value else "NO"
        case float():
            return f"{value:.4g}"
        case tuple():
            return printable(", ".join(map(str, value)), "\n")
        case _:
            return printable(str(value), "\n")
