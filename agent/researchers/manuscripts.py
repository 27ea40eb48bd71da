"""Manuscripts: which parts of a paper a writer has written, and the paper that they make with the composed rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.researchers.briefing import WRITABLE
from papers import manuscript
from papers.manuscript import ManuscriptError, labelled
from papers.marks import Reference, flat
from papers.paper import Block, Paper, Paragraph, Section
from sandboxes.record import Record

ABSTRACT = "Abstract"
"""The part that is title and abstract."""


class Front(Record):
    title: str
    abstract: str


@dataclass(frozen=True)
class Manuscripts:
    sections: Mapping[str, str] = field(default_factory=dict)
    """Text by title."""
    front: Front | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Name what is written, in the order of a paper."""
        front = (ABSTRACT,) if self.front else ()
        return (*front, *(title for title in WRITABLE if title in self.sections))

    def having(self, title: str, text: str) -> Manuscripts:
        return replace(self, sections={**self.sections, title: text})

    def without(self, part: str) -> Manuscripts:
        kept = {title: text for title, text in self.sections.items() if title != part}
        return Manuscripts(kept, None if part == ABSTRACT else self.front)

    def paper(self, composed: Paper, seen: Paper | None = None) -> Paper:
        """Put what is written in the place of what was composed.

        `seen` is the composed paper that the writer saw: what only `composed` has is kept, with its paragraphs. Raises
        `papers.manuscript.ManuscriptError`.
        """
        sections = tuple(
            _read(self.sections[each.title], each, _section(seen or composed, each.title))
            if each.title in self.sections
            else each
            for each in composed.sections
        )
        front = self.front.model_dump() if self.front else {}
        return composed.model_copy(update={"sections": sections, **front})


def of(draft: Paper, composed: Paper, seen: Paper) -> Manuscripts:
    """Take from an earlier version what its writer wrote; a section that no longer reads as a manuscript is left.

    `composed` and `seen` are as in `Manuscripts.paper`.
    """
    sections: dict[str, str] = {}
    for each in draft.sections:
        whole, found = _section(composed, each.title), _section(seen, each.title)
        if each.title in draft.written and whole is not None and found is not None:
            text = manuscript.write(_without(each, _unseen(whole, found)), found)
            sections |= {each.title: text} if _reads(text, found) else {}
    front = Front(title=draft.title, abstract=draft.abstract) if ABSTRACT in draft.written else None
    return Manuscripts(sections, front)


def _reads(text: str, computed: Section) -> bool:
    """Tell whether a text is a manuscript: a person may have put a table of their own into a draft."""
    try:
        manuscript.read(text, computed)
    except ManuscriptError:
        return False
    return True


def _read(text: str, computed: Section, seen: Section | None) -> Section:
    unseen = _unseen(computed, seen or computed)
    read = manuscript.read(text, _without(computed, unseen))
    rest = tuple(block for block in computed.blocks if _is_of(block, unseen))
    return read.model_copy(update={"blocks": (*read.blocks, *rest)})


def _section(paper: Paper, title: str) -> Section | None:
    return next((each for each in paper.sections if each.title == title), None)


def _unseen(section: Section, seen: Section) -> frozenset[str]:
    """Name the exhibits that only `section` has."""
    exhibits = {label for label, block in labelled(section).items() if block.kind != "equation"}
    return frozenset(exhibits - labelled(seen).keys())


def _without(section: Section, labels: frozenset[str]) -> Section:
    kept = tuple(block for block in section.blocks if not _is_of(block, labels))
    return section.model_copy(update={"blocks": kept})


def _is_of(block: Block, labels: frozenset[str]) -> bool:
    """Tell whether a block is one of these exhibits, or speaks of one."""
    if not isinstance(block, Paragraph):
        return block.kind != "items" and block.label in labels
    return any(isinstance(span, Reference) and span.label in labels for span in flat(block.text))
