"""A template's README as the blocks of a paper.

The reader knows the Markdown that such a README needs: headings, paragraphs, lists, `$…$` and `$$…$$` mathematics,
fenced code, emphasis, links and `[@key]` citations. Tables, images and HTML are left out on purpose: a paper's tables
come from facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from papers import mathematics
from papers.paper import Block, Equation, Items, Listing, Paragraph
from papers.quotation import Constant, Quotation, equation, quote
from papers.sentences import split
from sandboxes.record import Record

ORIGIN = "background"
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.*)$")
SKIPPED = re.compile(r"^\s*(?:\||!\[|<|={3,}\s*$|-{3,}\s*$|\[\^?[^\]]+\]:)")


class Part(Record):
    """What stands under one second-level heading."""

    title: str
    blocks: tuple[Block, ...]


class Readme(Record):
    parts: tuple[Part, ...]
    """The text before the first second-level heading is a part without title."""
    constants: tuple[Constant, ...]

    def under(self, *titles: str) -> tuple[Block, ...]:
        """Give the blocks under the first of these headings that the README has; none when it has none."""
        for title in titles:
            for part in self.parts:
                if part.title.casefold().strip(" .:") == title.casefold():
                    return part.blocks
        return ()


def read(markdown: str, citable: frozenset[str] = frozenset()) -> Readme:
    """Read a README; whatever its Markdown does not allow is taken as plain text."""
    reader = _Reader(citable)
    for chunk in _chunks(re.sub(r"<!--.*?(?:-->|\Z)", "", markdown, flags=re.DOTALL)):
        reader.take(chunk)
    return reader.readme()


def _chunks(markdown: str) -> list[list[str]]:
    """Split into groups of lines: fenced code, displayed mathematics, headings, lists, paragraphs."""
    chunks: list[list[str]] = [[]]
    closing = ""
    for line in markdown.splitlines():
        if closing:
            chunks[-1].append(line)
            if line.strip().endswith(closing):
                closing = ""
                chunks.append([])
        elif opening := _opening(line):
            chunks.append([line])
            single = len(line.strip()) > len(opening) and line.strip().endswith(opening) and opening == "$$"
            closing = "" if single else opening
            if single:
                chunks.append([])
        elif HEADING.match(line):
            chunks += [[line], []]
        elif not line.strip() or SKIPPED.match(line):
            chunks.append([])
        elif ITEM.match(line) and (not chunks[-1] or not ITEM.match(chunks[-1][0])):
            chunks.append([line])
        else:
            chunks[-1].append(line)
    return [chunk for chunk in chunks if chunk]


def _opening(line: str) -> str:
    """Tell what a line opens: a fence, displayed mathematics, or nothing."""
    if fence := FENCE.match(line):
        return fence.group(1)
    return "$$" if line.strip().startswith("$$") else ""


class _Reader:
    """Gather blocks under headings, counting constants over the whole README."""

    def __init__(self, citable: frozenset[str]) -> None:
        self._citable = citable
        self._parts: list[tuple[str, list[Block]]] = [("", [])]
        self._constants: list[Constant] = []
        self._equations = 0
        self._listings = 0
        self._run_in = ""
        self._unfinished = False
        """The last paragraph ends inside a sentence."""

    def take(self, chunk: list[str]) -> None:
        """Add one group of lines."""
        first = chunk[0]
        if heading := HEADING.match(first):
            self._heading(len(heading.group(1)), heading.group(2))
        elif FENCE.match(first):
            self._code(chunk)
        elif first.strip().startswith("$$"):
            self._display(" ".join(line.strip() for line in chunk).strip().strip("$").strip())
        elif ITEM.match(first):
            self._items(chunk)
        else:
            self._paragraph(" ".join(re.sub(r"^\s*>\s?", "", line) for line in chunk))

    def readme(self) -> Readme:
        """Close the book."""
        parts = tuple(Part(title=title, blocks=tuple(_ended(blocks))) for title, blocks in self._parts)
        return Readme(parts=parts, constants=tuple(self._constants))

    def _declared(self, quotation: Quotation) -> str:
        self._constants += quotation.constants
        return quotation.text

    def _quoted(self, text: str) -> str:
        return self._declared(quote(ORIGIN, text, self._citable, len(self._constants) + 1))

    def _heading(self, depth: int, title: str) -> None:
        self._unfinished = False
        if depth <= 2:  # noqa: PLR2004 — the second level is where parts begin
            self._parts.append((title, []))
            self._run_in = ""
        else:
            self._run_in = self._quoted(title)

    def _code(self, chunk: list[str]) -> None:
        self._listings += 1
        body = chunk[1:-1] if len(chunk) > 1 and FENCE.match(chunk[-1]) else chunk[1:]
        language = "python" if "py" in chunk[0] else "text"
        self._add(
            Listing(
                label=f"lst:background-{self._listings}",
                caption="As given in the template's README.",
                code="\n".join(body),
                language="python" if language == "python" else "text",
            )
        )

    def _display(self, tex: str) -> None:
        if mathematics.formula(tex).faults:
            self._code_of(tex)
        else:
            self._equations += 1
            text = self._declared(equation(ORIGIN, tex, len(self._constants) + 1))
            self._add(Equation(label=f"eq:background-{self._equations}", tex=text))

    def _items(self, chunk: list[str]) -> None:
        items: list[str] = []
        for line in chunk:
            item = ITEM.match(line)
            items = [*items, item.group(1)] if item else [*items[:-1], f"{items[-1]} {line.strip()}"]
        self._add(Items(items=tuple(text for text in map(self._quoted, items) if text)))

    def _paragraph(self, text: str) -> None:
        quoted = self._quoted(text)
        if self._unfinished and quoted[:1].islower():
            self._continue(quoted)
        elif quoted:
            self._add(Paragraph(text=quoted, heading=self._run_in))
            self._run_in = ""
        self._unfinished = False

    def _code_of(self, tex: str) -> None:
        """Put a formula that cannot be displayed into the sentence that leads to it, if one does."""
        quoted = self._quoted(f"`{tex}`") if tex.strip("`") else ""
        match self._parts[-1][1]:
            case [*_, Paragraph(text=text)] if quoted and not text.endswith((".", "!", "?")):
                self._continue(quoted)
                self._unfinished = True
            case _ if quoted:
                self._add(Paragraph(text=quoted, heading=self._run_in))

    def _continue(self, quoted: str) -> None:
        """Go on with the last paragraph."""
        match self._parts[-1][1]:
            case [*before, Paragraph(text=text, heading=heading)]:
                self._parts[-1][1][:] = [*before, Paragraph(text=f"{text} {quoted}", heading=heading)]

    def _add(self, block: Block) -> None:
        self._unfinished = False
        self._parts[-1][1].append(block)


def _ended(blocks: list[Block]) -> Iterator[Block]:
    """Take the announcement from a paragraph whose table or picture was left out."""
    for block, following in zip_longest(blocks, blocks[1:]):
        match block:
            case Paragraph(text=text, heading=heading) if text.endswith(":") and (
                following is None or isinstance(following, Paragraph)
            ):
                *kept, last = split(text)
                yield Paragraph(text=" ".join(kept) or f"{last[:-1].rstrip()}.", heading=heading)
            case _ if block is not None:
                yield block
