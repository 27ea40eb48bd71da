"""Concerns: which part of a paper a problem of the press, or a reviewer's remark, is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from agent.researchers.manuscripts import ABSTRACT
from papers.facts import Fact
from papers.latex import latex
from papers.manuscript import labelled
from papers.paper import Paper
from papers.places import places
from papers.problem import Problem
from papers.study import Study
from reviews.document import ABSTRACT as ABSTRACT_PLACE
from reviews.document import REFERENCES, TITLE, Document, from_paper
from reviews.rendering import cited, numbered
from reviews.review import Remark, Review

C = TypeVar("C")

WEAKNESSES = "answers to the weaknesses"
"""A request that no added table fulfils: the prose is to answer what reviewers said in words."""
RELATED = "Background and related work"
LIMITATIONS = "Limitations"
MOST_SHORTENED = 3
"""Parts that are asked to mend what has no place, such as a paper that is too long."""


def by_part(things: Iterable[C], parts_of: Callable[[C], frozenset[str]]) -> dict[str, list[C]]:
    """Gather what is said about each part."""
    gathered: dict[str, list[C]] = {}
    for thing in things:
        for part in sorted(parts_of(thing)):
            gathered.setdefault(part, []).append(thing)
    return gathered


class Locator:
    """Finds parts of one version of a paper."""

    def __init__(self, paper: Paper, study: Study, facts: Mapping[str, Fact]) -> None:
        self._paper = paper
        self._tex = latex(paper, facts, study.figures, study.bibliography).splitlines()
        self._document = from_paper(paper, dict(facts), study.bibliography)

    def of_problem(self, problem: Problem) -> frozenset[str]:
        """Find the parts that a problem is about; the longest ones for what has no place."""
        where = problem.where
        if line := re.match(r"paper\.tex line (\d+)", where):
            return frozenset({self._at(int(line[1]))})
        if record := re.fullmatch(r"record (\S+)", where):
            return self._citing(record[1])
        if where.startswith(("title", "abstract")):
            return frozenset({ABSTRACT})
        found = {each.title for each in self._paper.sections if f"section “{each.title}”" in where}
        return frozenset(found) or self._labelled(where) or self._saying(where) or self._longest()

    def of_remark(self, remark: Remark) -> frozenset[str]:
        """Find the part that a remark is about; what was not written is answered among the limitations."""
        found = self._of_place(remark.place)
        return frozenset({found if found in self._paper.written else LIMITATIONS}) & set(self._paper.written)

    def _at(self, line: int) -> str:
        """Name the section that a line of the TeX file belongs to."""
        titles = iter(self._paper.sections)
        found = ABSTRACT
        for text in self._tex[:line]:
            if text.startswith(r"\section{"):
                found = next((each.title for each in titles), found)
        return found

    def _citing(self, key: str) -> frozenset[str]:
        front = {ABSTRACT} if key in cited(self._paper.abstract) | cited(self._paper.title) else set()
        return frozenset(front | {title for title, text in self._texts() if key in cited(text)})

    def _labelled(self, where: str) -> frozenset[str]:
        label = where.rpartition(" ")[2]
        return frozenset(each.title for each in self._paper.sections if label in labelled(each))

    def _saying(self, where: str) -> frozenset[str]:
        """Find the sections that hold a quoted paragraph."""
        quoted = " ".join(where.strip("“”…").split()).casefold() if where.startswith("“") else ""
        return frozenset(title for title, text in self._texts() if quoted and quoted in text.casefold())

    def _longest(self) -> frozenset[str]:
        lengths = {title: len(text) for title, text in self._texts() if title in self._paper.written}
        return frozenset(sorted(lengths, key=lambda title: -lengths[title])[:MOST_SHORTENED])

    def _texts(self) -> Iterable[tuple[str, str]]:
        for each in self._paper.sections:
            alone = Paper(title="", author="", abstract="", sections=(each,))
            yield each.title, " ".join(place.text for place in places(alone))

    def _of_place(self, place: str) -> str:
        if place in {TITLE, ABSTRACT_PLACE}:
            return ABSTRACT
        if place == REFERENCES:
            return RELATED
        printed = numbered(block for each in self._paper.sections for block in each.blocks)
        exhibits = [
            each.title for each in self._paper.sections if any(printed[label] == place for label in labelled(each))
        ]
        return next(iter(exhibits), "") or _quoting(self._document, place)


def unanswered(reviews: Iterable[Review]) -> tuple[Remark, ...]:
    """Give what reviewers criticise and ask in words: no table that can be added answers it."""
    remarks = (remark for each in reviews for remark in (*each.weaknesses, *each.questions) if not remark.remedy)
    return tuple(dict.fromkeys(remarks))


def _quoting(document: Document, place: str) -> str:
    """Find the section of that title, or else what holds the quotation."""
    if any(section.title == place for section in document.sections):
        return place
    words = " ".join(place.strip('“”"').split())
    if any(words in sentence for sentence in document.abstract):
        return ABSTRACT
    holding = (each.title for each in document.sections if any(words in sentence for sentence in each.sentences))
    return next(holding, "")
