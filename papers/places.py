"""Places: every text of a paper that is read for marks, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from papers.marks import Citation, flat
from papers.paper import Block, Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table


class Role(StrEnum):
    """What a text is to its reader."""

    prose = "prose"
    item = "item"
    row_head = "row_head"
    """First cell of a table's row."""
    cell = "cell"


@dataclass(frozen=True)
class Place:
    where: str
    text: str
    role: Role = Role.prose


def places(paper: Paper) -> Iterator[Place]:
    """Give the texts in reading order; section titles are among them, code and displayed equations are not."""
    yield Place("title", paper.title)
    yield Place("abstract", paper.abstract)
    for section in paper.sections:
        yield Place("a section's title", section.title)
        for block in section.blocks:
            yield from _of_block(f"section “{section.title}”", block)


def blocks(paper: Paper) -> Iterator[tuple[Section, Block]]:
    """Give the blocks in reading order, each with its section."""
    return ((section, block) for section in paper.sections for block in section.blocks)


def cited(paper: Paper) -> frozenset[str]:
    """Gather the keys that a paper cites."""
    spans = (span for place in places(paper) for span in flat(place.text))
    return frozenset(key for span in spans if isinstance(span, Citation) for key in span.keys)


def _of_block(section: str, block: Block) -> Iterator[Place]:
    match block:
        case Paragraph():
            yield Place(section, block.heading)
            yield Place(section, block.text)
        case Items():
            yield from (Place(section, item, Role.item) for item in block.items)
        case Table():
            yield from _of_table(block)
        case Figure() | Listing():
            yield Place(f"caption of {block.label}", block.caption)
        case Equation():
            return


def _of_table(table: Table) -> Iterator[Place]:
    yield Place(f"caption of {table.label}", table.caption)
    yield from (Place(f"header of {table.label}", cell) for cell in table.header)
    for number, row in enumerate(table.rows, 1):
        for column, cell in enumerate(row):
            role = Role.cell if column else Role.row_head
            yield Place(f"row {number} of {table.label}", cell, role)
    yield Place(f"note of {table.label}", table.note)
