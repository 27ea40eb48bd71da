"""A paper as data: sections of typed blocks, whose text names its numbers instead of typing them.

Text is plain prose with five marks, everything else is literal and will be escaped: `[[key]]`, `[[key:.2f]]` or
`[[key:abs.2f]]` (without its sign) a fact by its key, `[@key]` or `[@key; @key]` a citation, `[#label]` a reference to
a figure, table, equation or listing, `$…$` TeX mathematics without numbers that claim a result, and `*…*` / `` `…` ``
emphasis and code.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from papers.byline import Byline
from sandboxes.record import Record

Text = str


class Paragraph(Record):
    kind: Literal["paragraph"] = "paragraph"
    text: Text
    heading: str = ""
    """A run-in heading, for a paragraph that opens a topic."""


class Items(Record):
    kind: Literal["items"] = "items"
    items: tuple[Text, ...]


class Equation(Record):
    kind: Literal["equation"] = "equation"
    label: str
    tex: str


class Table(Record):
    """Rendered from facts: a cell that shows a result is a `[[key]]`, never a typed number."""

    kind: Literal["table"] = "table"
    label: str
    caption: Text
    header: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    note: Text = ""


class Figure(Record):
    kind: Literal["figure"] = "figure"
    label: str
    caption: Text
    file: str
    """Name of a `FigureFile` of the study."""
    width: float = Field(default=1.0, gt=0, le=1)
    """Of the line."""


class Listing(Record):
    kind: Literal["listing"] = "listing"
    label: str
    caption: Text
    code: str
    language: Literal["python", "diff", "text"]


Block = Annotated[Paragraph | Items | Equation | Table | Figure | Listing, Field(discriminator="kind")]


class Section(Record):
    title: str
    blocks: tuple[Block, ...]
    appendix: bool = False


class Paper(Record):
    title: Text
    author: str
    """Who wrote it, e.g. `Ratchet 0.1.0 (embedded researcher)`."""
    abstract: Text
    sections: tuple[Section, ...]
    byline: Byline | None = None
    """Whose prose it is; None where rules composed all of it."""
    notes: tuple[str, ...] = ()
    """What whoever looks on should know of its making; not printed."""

    @property
    def written(self) -> tuple[str, ...]:
        """Name the parts that rules did not compose."""
        return self.byline.written if self.byline else ()
