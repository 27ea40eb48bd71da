"""A table's layout: how its columns stand, so that numbers line up and long words wrap."""

from __future__ import annotations

import re
from collections.abc import Callable

from papers.marks import Number, Plain, parse
from papers.paper import Table

WIDE = 86
"""Characters that fit a line of a small-type table."""
WIDEST = 118
"""Beyond this even wrapped text does not help: smaller type."""
LONG = 24
"""A text column wider than this may wrap."""
TALL = 34
"""More rows than this do not fit a page: the table breaks."""

NUMERAL = re.compile(r"(?:\\ensuremath\{[-<+]\}\s*)?[\d,]+(?P<decimals>\.\d+)?")
BLANK = frozenset(("", "—", "–", "-"))


def layout(table: Table, label: str, render: Callable[[str], str]) -> str:
    """Give the TeX of a whole table; `render` gives that of a cell."""
    columns = max([len(table.header), *map(len, table.rows)])
    header = _padded(table.header, columns)
    rows = [_padded(row, columns) for row in table.rows]
    cells = [[render(cell) for cell in row] for row in rows]
    numeric = [_numeric([row[place] for row in rows]) for place in range(columns)]
    for place in range(columns):
        if numeric[place]:
            _line_up(cells, place)
    widths = [
        max([_width(header[place], render), *(_printed_width(row[place]) for row in cells)]) for place in range(columns)
    ]
    lines = _lines([render(cell) for cell in header], cells, numeric)
    caption = rf"\caption{{{render(table.caption)}}}{label}"
    note = rf"\tablenote{{{render(table.note)}}}" if table.note else ""
    if len(rows) > TALL:
        return _breaking(caption, _columns(widths, numeric, wrap=False), lines, note)
    return _floating(caption, widths, numeric, lines, note)


def _floating(caption: str, widths: list[int], numeric: list[bool], lines: list[str], note: str) -> str:
    total = sum(widths) + 2 * len(widths)
    wrap = total > WIDE and any(width > LONG and not n for width, n in zip(widths, numeric, strict=True))
    size = r"\footnotesize" if total > WIDEST or (total > WIDE and not wrap) else r"\small"
    columns = _columns(widths, numeric, wrap=wrap)
    opening = rf"\begin{{tabularx}}{{\linewidth}}{{{columns}}}" if wrap else rf"\begin{{tabular}}{{{columns}}}"
    body = "\n".join(
        (
            opening,
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            rf"\end{{{'tabularx' if wrap else 'tabular'}}}",
        )
    )
    tight = r"\setlength{\tabcolsep}{4pt}" if total > WIDE else ""
    return "\n".join((r"\begin{table}", rf"\centering{size}{tight}", caption, body, note, r"\end{table}"))


def _breaking(caption: str, columns: str, lines: list[str], note: str) -> str:
    head = "\n".join((r"\toprule", lines[0], r"\midrule"))
    return "\n".join(
        (
            rf"\begingroup\small\begin{{longtable}}{{{columns}}}",
            rf"{caption}\\",
            head + r"\endfirsthead",
            head + r"\endhead",
            r"\bottomrule\endlastfoot",
            *lines[1:],
            rf"\end{{longtable}}{note}\endgroup",
        )
    )


def _lines(header: list[str], cells: list[list[str]], numeric: list[bool]) -> list[str]:
    """Join cells to rows; `{}` keeps a cell's first character from being read as an argument."""
    kinds = ["r" if n else "l" for n in numeric]
    kinds[0], kinds[-1] = "@{}" + kinds[0], kinds[-1] + "@{}"
    heads = [rf"\multicolumn{{1}}{{{kind}}}{{{cell}}}" for cell, kind in zip(header, kinds, strict=True)]
    return [" & ".join(heads) + r"\\", *("{}" + " & ".join(row) + r"\\" for row in cells)]


def _columns(widths: list[int], numeric: list[bool], *, wrap: bool) -> str:
    kinds = ["r" if n else "Y" if wrap and width > LONG else "l" for width, n in zip(widths, numeric, strict=True)]
    return "@{}" + "".join(kinds) + "@{}"


def _padded(row: tuple[str, ...], columns: int) -> list[str]:
    return [*row, *[""] * (columns - len(row))]


def _numeric(column: list[str]) -> bool:
    """Tell whether all cells of a column are numbers, with or without one, and at least one is."""
    alone = [
        [span for span in parse(cell) if not (isinstance(span, Plain) and not span.text.strip())] for cell in column
    ]
    numbers = [len(spans) == 1 and isinstance(spans[0], Number) for spans in alone]
    return any(numbers) and all(n or cell.strip() in BLANK for n, cell in zip(numbers, column, strict=True))


def _line_up(cells: list[list[str]], place: int) -> None:
    """Fill short decimals with blanks of their width, so that the points stand in one line."""
    found = [NUMERAL.fullmatch(row[place]) for row in cells]
    longest = max((m["decimals"] or "" for m in found if m), key=len, default="")
    for row, match in zip(cells, found, strict=True):
        short = longest[len(match["decimals"] or "") :] if match else ""
        row[place] += rf"\phantom{{{short}}}" if short else ""


def _width(text: str, render: Callable[[str], str]) -> int:
    return _printed_width(render(text))


def _printed_width(tex: str) -> int:
    """Estimate how many characters of a line a cell takes."""
    return len(re.sub(r"\\phantom|\\[a-z]+\{?|\\[A-Za-z]+|[{}\\$^_]", "", tex))
