"""Reading: a paper as text for a language model, whole where it fits, else in parts of which none is left out."""

from __future__ import annotations

from collections.abc import Iterator

from reviews.document import Document, Grid

WHOLE_CHARACTERS = 80_000
"""A paper up to this long is shown as it is."""
PART_CHARACTERS = 30_000
"""Of a longer one that are summarised in one request."""


def whole(document: Document) -> str:
    """Write out all that a reader sees."""
    return "\n\n".join(_pieces(document))


def parts(document: Document, size: int = PART_CHARACTERS) -> tuple[str, ...]:
    """Cut a paper into parts of about `size` characters, between sections where it can be, else between sentences."""
    gathered: list[str] = [""]
    for piece in (small for large in _pieces(document) for small in _cut(large, size)):
        if gathered[-1] and len(gathered[-1]) + len(piece) > size:
            gathered.append("")
        gathered[-1] += ("\n\n" if gathered[-1] else "") + piece
    return tuple(gathered)


def _pieces(document: Document) -> Iterator[str]:
    yield f"Title: {document.title}"
    if document.abstract:
        yield "# Abstract\n" + " ".join(document.abstract)
    for section in document.sections:
        mark = " (appendix)" if section.appendix else ""
        yield f"# {section.title}{mark}\n" + " ".join(section.sentences)
    if document.equations or document.listings:
        yield f"(Beside this, the paper has {document.equations} displayed equations and {document.listings} listings.)"
    yield from (_table(grid) for grid in document.tables)
    yield from (f"{picture.label}: {picture.caption}" for picture in document.figures)
    if document.references:
        lines = (
            f"({each.key}) {each.title} ({each.year or 'no year'}){'' if each.cited else ', not cited in the text'}"
            for each in document.references
        )
        yield "# References\n" + "\n".join(lines)


def _table(grid: Grid) -> str:
    rows = "\n".join(" | ".join(row) for row in (grid.header, *grid.rows))
    return f"{grid.label}: {grid.caption}\n{rows}\n{grid.note}".rstrip()


def _cut(piece: str, size: int) -> Iterator[str]:
    """Cut what is longer than `size` where a sentence ends, else where a word does, else anywhere."""
    while len(piece) > size:
        ends = (piece.rfind(mark, size // 2, size) for mark in (". ", "\n", " "))
        at = next((end + 1 for end in ends if end > 0), size)
        yield piece[:at].rstrip()
        piece = piece[at:].lstrip()
    if piece:
        yield piece
