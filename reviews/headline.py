"""The headline: the one result that a paper stands on, as it prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from reviews import quantities
from reviews.document import Document, quote
from reviews.quantities import Interval, Quantity

CLAIM = re.compile(
    r"\b(?:improv(?:es?|ed|ing)|outperform(?:s|ed|ing)?|reduc(?:es?|ed|ing)|lower(?:s|ed|ing)|decreas(?:es?|ed|ing)"
    r"|increas(?:es?|ed|ing)|rais(?:es?|ed)|gain(?:s|ed)|beats?|exceed(?:s|ed)|surpass(?:es|ed)"
    r"|(?:is|are|was|were|performs?|performed|works?|achieves?|achieved|significantly) better)\b",
    re.IGNORECASE,
)
ASSERTED = re.compile(r"\b(?:prediction held|a confirmed (?:\w+ )?(?:reduction|increase|decrease|improvement|gain))\b")
HEDGE = re.compile(
    r"\b(?:whether|predict\w*|hypothes\w*|expect\w*|ask(?:s|ed)?|would|could|may|might|if|not|no|nor|never|without|neither"
    r"|inconclusive|aims?|questions?|cannot|fail(?:s|ed)?|should|little|too|unclear|suggest(?:s|ed)?)\b",
    re.IGNORECASE,
)
OWN = re.compile(
    r"\b(?:we|our|ours|us|this paper|the proposed)\b|\b(?:this change|the change|the variant) \w+(?:s|ed)\b",
    re.IGNORECASE,
)


EFFECT = re.compile(
    r"\b(?:differences?|effects?|gains?|gap|margin|improv\w+|reduc\w+|lower\w*|higher|increas\w+|decreas\w+|chang\w+|Δ)\b",
    re.IGNORECASE,
)
"""An interval is about an effect only where one of these stands; `92.9 ± 0.3` alone is about one arm."""


LEVEL = 0.05
"""A p at or above this carries no claim."""


class Headline(NamedTuple):
    place: str
    estimate: Quantity | None
    interval: Interval
    n: int | None
    """Seeds or runs behind it."""
    p: Quantity | None

    @property
    def spans_zero(self) -> bool:
        return self.interval.holds(0.0)

    @property
    def middle(self) -> float:
        middle = (self.interval.low.value + self.interval.high.value) / 2
        return self.estimate.value if self.estimate else middle

    @property
    def text(self) -> str:
        bounds = f"the interval {self.interval.text}"
        return f"{self.estimate.text} with {bounds}" if self.estimate else bounds


@lru_cache(maxsize=8)
def headline(document: Document) -> Headline | None:
    """Find the effect with an interval that comes first: in the abstract, on confirmation, elsewhere, in a table."""
    return next(_candidates(document), None)


def claim(document: Document) -> str | None:
    """Find what the paper says for itself without a hedge: its title, or a sentence of abstract or conclusion."""
    closing = document.section("conclusion")
    sentences = (*document.abstract, *(closing.sentences if closing else ()))
    own = (sentence for sentence in sentences if _speaks_for_itself(document, sentence))
    return next((text for text in (document.title, *own) if _claims(text)), None)


@lru_cache(maxsize=8)
def seeds(document: Document) -> int | None:
    """Count the seeds behind the headline: in its sentence, else in the abstract, else the most that is counted."""
    found = headline(document)
    if found and found.n:
        return found.n
    counts = [n for sentence in document.abstract for n in quantities.seeds(sentence)]
    return max(counts or (n for text in document.texts for n in quantities.seeds(text)), default=None)


def smallest_effect(document: Document) -> Quantity | None:
    return next(filter(None, map(quantities.smallest_effect, document.sentences)), None)


def _candidates(document: Document) -> Iterator[Headline]:
    confirming = document.matching(r"confirm|fresh seeds")
    for sentence in (*document.abstract, *confirming, *document.sentences):
        found = _stated(quote(sentence), sentence)
        if found:
            yield found
    for grid in document.tables:
        rows = (" ".join(row) for row in grid.rows)
        yield from filter(None, (_stated(grid.label, f"{' '.join(grid.header)}: {row}") for row in rows))


def _stated(place: str, text: str) -> Headline | None:
    bounds = quantities.interval(text)
    counts = quantities.seeds(text)
    n = max(counts, default=None)
    if bounds is None or not EFFECT.search(text):
        return None
    return Headline(place, quantities.estimate(text), bounds, n, quantities.p_value(text))


def _speaks_for_itself(document: Document, sentence: str) -> bool:
    borrowed = any(reference.key in sentence for reference in document.references)
    own = OWN.search(sentence) or ASSERTED.search(sentence) or quantities.interval(sentence)
    return not borrowed and own is not None


def _claims(text: str) -> bool:
    return bool(ASSERTED.search(text) or (CLAIM.search(text) and not HEDGE.search(text)))
