"""Tables: whether they show what a reader needs to check the result, and agree with themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviews import quantities
from reviews.document import Document, Grid
from reviews.finding import Finding, Rule, decisive, strength, weakness
from reviews.headline import headline, seeds
from reviews.quantities import Quantity

SPREAD_WORDS = r"interval|\bCIs?\b|±|\blow\b|\bhigh\b|\bsd\b|\bs\.e\.|standard|quantile"
RESULT_WORDS = r"difference|effect\b|\bmean\b|accuracy|score|error|loss|return\b|reward"
SHRUNK = r"shr[aiu]nk|closer to zero|changed its sign|smaller (?:on|in|than)|regress\w* to|winner|faded|optimis"
SHRINKING = 0.6
"""A confirmation under this part of the effect that chose the variant has shrunk by more than noise alone suggests."""
ARMS = (
    r"variant|ours|proposed|^change$|with the change",
    r"reference|baseline",
    r"^(?:mean )?(?:paired )?(?:difference|effect)\b",
)
WORSENED = r"wors|\bcosts?\b|\bprice\b|trade|expense|deteriorat|pays|paid"


def intervals_in_tables(document: Document) -> Iterator[Finding]:
    results = [grid for grid in document.tables if _shows_results(grid) and not _has_a_row_per_seed(grid)]
    bare = [grid for grid in results if not _shows_spread(grid)]
    for grid in bare:
        text = f"{grid.label} (“{grid.caption}”) prints means without an interval or a standard deviation."
        yield weakness("soundness", 1, grid.label, text)
    if results and not bare:
        labels = _listed([grid.label for grid in results])
        yield strength("soundness", 1, results[0].label, f"{labels} put a measure of spread beside every mean.")


def tables_state_n(document: Document) -> Iterator[Finding]:
    for grid in document.tables:
        counted = re.search(r"\bn\b|seeds?|runs|repetitions", grid.text)
        if _shows_results(grid) and not counted and "idea" not in grid.text.lower():
            text = f"{grid.label} does not say how many seeds its numbers are means of."
            yield weakness("soundness", 0.5, grid.label, text)


def shrinkage_is_named(document: Document) -> Iterator[Finding]:
    found = headline(document)
    if found is None or found.spans_zero or document.first(SHRUNK):
        return
    for grid in document.tables:
        full, confirm = _effect(grid, "full"), _effect(grid, "confirm")
        if full and confirm and abs(confirm.value) < SHRINKING * abs(full.value):
            text = f"On fresh seeds the effect of {full.text} became {confirm.text}, and the text does not say so."
            yield weakness("soundness", 1.5, grid.label, text)


def per_seed_values(document: Document) -> Iterator[Finding]:
    shown = next((grid for grid in document.tables if _has_a_row_per_seed(grid)), None)
    if shown:
        text = f"{shown.label} prints all {len(shown.rows)} seeds, so that the statistics can be recomputed."
        yield strength("soundness", 0.5, shown.label, text)
    elif headline(document):
        n = seeds(document)
        count = f"The values of the {n} seeds" if n else "The values per seed"
        text = f"{count} are not printed; only their summary is, so an outlier could not be seen."
        yield weakness("soundness", 0.5, document.place("result"), text, "per-seed-values")


def table_arithmetic(document: Document) -> Iterator[Finding]:
    for grid in document.tables:
        for row in _rows_with_a_difference(grid):
            variant, reference, difference = row
            slack = variant.rounding + reference.rounding + difference.rounding
            if abs(variant.value - reference.value - difference.value) > slack * 1.001:
                text = (
                    f"{grid.label} prints {difference.text} as the difference of {variant.text} and {reference.text}, "
                    f"which is {variant.value - reference.value:.4g}."
                ).replace(" -", " −")
                yield decisive("soundness", grid.label, text)


def secondary_measurements_by_stage(document: Document) -> Iterator[Finding]:
    tables = [grid for grid in document.tables if "secondary" in grid.text.lower()]
    staged = next((grid for grid in tables if all(stage in grid.text.lower() for stage in ("full", "confirm"))), None)
    if staged:
        text = f"{staged.label} follows the secondary measurements through the stages."
        yield strength("soundness", 0.5, staged.label, text)
    elif headline(document) and document.mentions(r"secondary|side effects?"):
        told = f"{tables[0].label} shows them for one stage only" if tables else "no table has them"
        text = f"The secondary measurements cannot be followed over the stages of the study: {told}."
        place = tables[0].label if tables else document.place("result")
        yield weakness("soundness", 0.5, place, text, "secondary-measurements")
    elif headline(document):
        text = "Nothing but the headline metric is reported, so a price paid elsewhere could not be seen."
        yield weakness("significance", 0.5, document.place("result"), text)


def worsened_measurements_are_discussed(document: Document) -> Iterator[Finding]:
    for grid in document.tables:
        for row in grid.rows:
            if _worsened(grid, row) and not _discussed(document, row[0]):
                text = f"{row[0]} got worse ({_change(grid, row)}), and the text does not discuss this price."
                yield weakness("significance", 1.5, grid.label, text)


def _shows_results(grid: Grid) -> bool:
    names = (*grid.header, *(row[0] for row in grid.rows if row))
    named = any(re.search(RESULT_WORDS, name, re.IGNORECASE) for name in names)
    return named and any("." in n.text for row in grid.rows for cell in row for n in quantities.numbers(cell))


def _shows_spread(grid: Grid) -> bool:
    cells = (cell for row in grid.rows for cell in row)
    return bool(re.search(SPREAD_WORDS, grid.text, re.IGNORECASE)) or any(map(quantities.interval, cells))


def _has_a_row_per_seed(grid: Grid) -> bool:
    return bool(grid.header) and grid.header[0].lower().startswith("seed") and len(grid.rows) >= 2  # noqa: PLR2004


def _effect(grid: Grid, stage: str) -> Quantity | None:
    column = _column(grid.header, r"difference|effect|Δ")
    row = next((row for row in grid.rows if row and row[0].lower().startswith(stage)), None)
    found = quantities.numbers(row[column]) if row and column is not None and column < len(row) else ()
    return found[0] if found else None


def _rows_with_a_difference(grid: Grid) -> Iterator[tuple[Quantity, Quantity, Quantity]]:
    table = (grid.header, *grid.rows)
    turned = tuple(zip(*table, strict=False))
    for header, *rows in (table, turned):
        columns = [_column(header, name) for name in ARMS]
        for row in rows:
            cells = [quantities.numbers(row[c]) for c in columns if c is not None and c < len(row)]
            if len(cells) == len(columns) and all(cells):
                yield cells[0][0], cells[1][0], cells[2][0]


def _column(header: tuple[str, ...], name: str) -> int | None:
    found = (place for place, title in enumerate(header) if re.search(name, title, re.IGNORECASE))
    return next(found, None)


def _listed(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _worsened(grid: Grid, row: tuple[str, ...]) -> bool:
    if not row:
        return False
    if any(re.fullmatch(r"worse\w*", cell.strip(), re.IGNORECASE) for cell in row):
        return True
    direction = re.search(r"\b(?:lower|higher)\b|[↓↑]", " ".join((row[0], *_better(grid, row))))
    column = _column(grid.header, ARMS[2])
    change = quantities.numbers(row[column]) if column is not None and column < len(row) else ()
    bounds = next(filter(None, map(quantities.interval, row)), None)
    if not direction or not change or (bounds and bounds.holds(0)):
        return False
    return change[0].value > 0 if direction[0].startswith(("lower", "↓")) else change[0].value < 0


def _better(grid: Grid, row: tuple[str, ...]) -> tuple[str, ...]:
    column = _column(grid.header, r"better")
    return (row[column],) if column is not None and column < len(row) else ()


def _change(grid: Grid, row: tuple[str, ...]) -> str:
    column = _column(grid.header, ARMS[2])
    return row[column] if column is not None and column < len(row) else "as the table says"


def _discussed(document: Document, name: str) -> bool:
    told = re.sub(r"\s*[(↓↑].*", "", name).lower()
    return any(told in sentence.lower() for sentence in document.matching(WORSENED))


RULES: tuple[Rule, ...] = (
    intervals_in_tables,
    tables_state_n,
    shrinkage_is_named,
    per_seed_values,
    table_arithmetic,
    secondary_measurements_by_stage,
    worsened_measurements_are_discussed,
)
