"""A finding: what one rule saw in one document, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import Field

from reviews.document import Document
from reviews.form import Aspect
from sandboxes.record import Record


class Finding(Record):
    name: str = ""
    """The rule's."""
    kind: Literal["strength", "weakness", "question"]
    aspect: Aspect
    weight: float = Field(ge=0, le=3)
    """3 decides a paper, 2 is a major point, 1 a minor one, 0.5 a wish; 0 is told and does not count."""
    place: str
    """It exists in the document."""
    text: str
    remedy: str = ""
    """Name of the mend that a writer can make, when there is one."""
    decisive: bool = False
    """A weakness that no strength makes up for: its aspect stays in the lower half of the scale."""


Rule = Callable[[Document], Iterator[Finding]]
"""Looks at a document; yields what it saw, each at a place that exists."""


def strength(aspect: Aspect, weight: float, place: str, text: str) -> Finding:
    return Finding(kind="strength", aspect=aspect, weight=weight, place=place, text=text)


def question(aspect: Aspect, weight: float, place: str, text: str) -> Finding:
    return Finding(kind="question", aspect=aspect, weight=weight, place=place, text=text)


def weakness(aspect: Aspect, weight: float, place: str, text: str, remedy: str = "") -> Finding:
    return Finding(kind="weakness", aspect=aspect, weight=weight, place=place, text=text, remedy=remedy)


def decisive(aspect: Aspect, place: str, text: str) -> Finding:
    return Finding(kind="weakness", aspect=aspect, weight=3, place=place, text=text, decisive=True)
