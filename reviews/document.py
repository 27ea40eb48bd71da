"""A document: what a reader sees of a paper, whether it was composed here or read from a PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from papers.facts import Fact
from papers.paper import Block, Equation, Figure, Items, Listing, Paper, Paragraph, Section, Table
from papers.records import records
from reviews.rendering import Rendering, cited, numbered
from reviews.sentences import sentences
from sandboxes.record import Record

TITLE = "Title"
ABSTRACT = "Abstract"
REFERENCES = "References"
LONGEST_SHOWN = 100
"""Characters of a place that a report shows."""
SHORTEST_QUOTE = 20
"""Characters below which a quotation could stand anywhere and so points nowhere."""


class Passage(Record):
    """A section as read."""

    title: str
    sentences: tuple[str, ...]
    appendix: bool = False


class Grid(Record):
    """A table as printed."""

    label: str
    """E.g. `Table 2`."""
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def text(self) -> str:
        cells = (cell for row in self.rows for cell in row)
        return " ".join((self.caption, *self.header, *cells, self.note))


class Picture(Record):
    """A figure, of which only number and caption can be read."""

    label: str
    """E.g. `Figure 1`."""
    caption: str


class Reference(Record):
    key: str
    """As the text cites it."""
    title: str
    year: int | None
    cited: bool
    """In the text, not only on the list."""


class Document(Record):
    title: str
    abstract: tuple[str, ...]
    """In sentences."""
    sections: tuple[Passage, ...]
    tables: tuple[Grid, ...] = ()
    figures: tuple[Picture, ...] = ()
    references: tuple[Reference, ...] = ()
    equations: int = 0
    listings: int = 0

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """All prose in order, the abstract first."""
        return (*self.abstract, *(sentence for section in self.sections for sentence in section.sentences))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """All that can be read: title, prose, tables, captions."""
        tables = (grid.text for grid in self.tables)
        return (self.title, *self.sentences, *tables, *(picture.caption for picture in self.figures))

    @cached_property
    def cited(self) -> tuple[Reference, ...]:
        return tuple(reference for reference in self.references if reference.cited)

    @cached_property
    def exhibits(self) -> tuple[str, ...]:
        """Name tables and figures."""
        return (*(grid.label for grid in self.tables), *(picture.label for picture in self.figures))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Name every place that a remark may be about, beside a quotation."""
        listed = (REFERENCES,) if self.references else ()
        abstract = (ABSTRACT,) if self.abstract else ()
        sections = (section.title for section in self.sections)
        return (TITLE, *abstract, *sections, *self.exhibits, *listed)

    def has(self, place: str) -> bool:
        """Say whether a place exists: a section title, `Table 2`, or a quotation that is exact."""
        return place in self.places or self._quotes(place)

    def section(self, *words: str) -> Passage | None:
        """Find the first section whose title holds one of `words`."""
        return next((s for s in self.sections if any(word in s.title.lower() for word in words)), None)

    def first(self, pattern: str) -> str | None:
        """Find the first sentence that matches, letter case aside."""
        return next(self.matching(pattern), None)

    def matching(self, pattern: str) -> Iterator[str]:
        """Find all sentences that match, letter case aside."""
        return (sentence for sentence in self.sentences if re.search(pattern, sentence, re.IGNORECASE))

    def mentions(self, pattern: str) -> bool:
        """Say whether anything that can be read matches, letter case aside."""
        return any(re.search(pattern, text, re.IGNORECASE) for text in self.texts)

    def place(self, *words: str) -> str:
        """Name the section that `words` belong to, else the nearest place that exists."""
        section = self.section(*words)
        if section:
            return section.title
        body = [passage.title for passage in self.sections if not passage.appendix]
        return body[-1] if body else self.places[-1]

    def _quotes(self, place: str) -> bool:
        quotation = re.fullmatch(r"[“\"](.+)[”\"]", place, re.DOTALL)
        words = " ".join(quotation[1].split()) if quotation else ""
        return words in self.sentences or (len(words) >= SHORTEST_QUOTE and any(words in text for text in self.texts))


def quote(sentence: str) -> str:
    """Make a place of a sentence."""
    return f"“{sentence}”"


def brief(place: str) -> str:
    """Shorten a long quotation for display; the result is no longer a place."""
    return place if len(place) <= LONGEST_SHOWN else f"{place[:LONGEST_SHOWN].rsplit(' ', 1)[0]} …”"


def from_paper(paper: Paper, facts: dict[str, Fact], bibliography: str) -> Document:
    """Read a composed paper as its reader will: marks as they are printed, exhibits by their numbers."""
    known = records(bibliography)
    blocks = [block for section in paper.sections for block in section.blocks]
    rendering = Rendering(facts, frozenset(source.key for source in known), numbered(blocks))
    seen = cited(" ".join((paper.abstract, *(text for block in blocks for text in _marked(block)))))
    return Document(
        title=rendering.text(paper.title),
        abstract=sentences(rendering.text(paper.abstract)),
        sections=tuple(_passage(section, rendering) for section in paper.sections),
        tables=tuple(_grid(block, rendering) for block in blocks if isinstance(block, Table)),
        figures=tuple(_picture(block, rendering) for block in blocks if isinstance(block, Figure)),
        references=tuple(Reference(**source.model_dump(), cited=source.key in seen) for source in known),
        equations=sum(isinstance(block, Equation) for block in blocks),
        listings=sum(isinstance(block, Listing) for block in blocks),
    )


def _passage(section: Section, rendering: Rendering) -> Passage:
    texts = (rendering.text(text) for block in section.blocks for text in _prose(block))
    return Passage(
        title=rendering.text(section.title),
        sentences=tuple(sentence for text in texts for sentence in sentences(text)),
        appendix=section.appendix,
    )


def _prose(block: Block) -> tuple[str, ...]:
    match block:
        case Paragraph():
            return (f"{block.heading.rstrip('.')}.", block.text) if block.heading else (block.text,)
        case Items():
            return block.items
        case _:
            return ()


def _marked(block: Block) -> tuple[str, ...]:
    match block:
        case Table():
            return (block.caption, *block.header, *(cell for row in block.rows for cell in row), block.note)
        case Figure() | Listing():
            return (block.caption,)
        case _:
            return _prose(block)


def _grid(table: Table, rendering: Rendering) -> Grid:
    return Grid(
        label=rendering.labels[table.label],
        caption=rendering.text(table.caption),
        header=tuple(map(rendering.text, table.header)),
        rows=tuple(tuple(map(rendering.text, row)) for row in table.rows),
        note=rendering.text(table.note),
    )


def _picture(figure: Figure, rendering: Rendering) -> Picture:
    return Picture(label=rendering.labels[figure.label], caption=rendering.text(figure.caption))
