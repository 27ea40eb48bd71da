"""Rendering: the marks of a paper's text as its reader sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from papers import marks, numerals
from papers.facts import Fact
from papers.paper import Block, Equation, Figure, Listing, Table

NOTHING = "?"
"""Printed for a mark that resolves to nothing, as TeX would."""


class Rendering(NamedTuple):
    """What the marks of one paper stand for."""

    facts: Mapping[str, Fact]
    sources: frozenset[str]
    """Keys of the bibliography."""
    labels: Mapping[str, str]
    """Label to what is printed, e.g. `tab:headline` to `Table 1`."""

    def text(self, marked: str) -> str:
        """Replace each mark by what is printed for it."""
        return " ".join("".join(map(self._printed, marks.flat(marked))).split())

    def _printed(self, span: marks.Span) -> str:
        match span:
            case marks.Number(key, form):
                return numerals.spell(key, form, self.facts) if key in self.facts else NOTHING
            case marks.Citation(keys):
                return f"({'; '.join(key if key in self.sources else NOTHING for key in keys)})"
            case marks.Reference(label):
                return self.labels.get(label, NOTHING)
            case marks.Mathematics(tex):
                return f"${tex}$"
            case marks.Plain(text) | marks.Code(text):
                return text
            case marks.Emphasis(spans):
                return "".join(map(self._printed, spans))


def cited(marked: str) -> frozenset[str]:
    """Collect the keys of all citations."""
    return frozenset(key for span in marks.flat(marked) if isinstance(span, marks.Citation) for key in span.keys)


def numbered(blocks: Iterable[Block]) -> dict[str, str]:
    """Give figures, tables, equations and listings their numbers, each kind by itself."""
    counts: Counter[str] = Counter()
    labels: dict[str, str] = {}
    for block in blocks:
        if isinstance(block, Figure | Table | Equation | Listing):
            counts[block.kind] += 1
            labels[block.label] = f"{block.kind.capitalize()} {counts[block.kind]}"
    return labels
