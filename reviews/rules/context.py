"""Context: how the paper stands among earlier work, as far as its own pages tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from reviews.document import REFERENCES, Document, Reference, quote
from reviews.finding import Finding, Rule, question, strength, weakness

THIN, AMPLE = 5, 10
"""Works cited: under the first a reader cannot place the paper, from the second on well."""

DATED_YEARS = 5
"""The newest cited work may be this much older than the newest one on the list."""

APART = re.compile(
    r"\b(?:unlike|in contrast|differs?|whereas|instead of|rather than|extends?|builds? (?:on|upon)|departs?)\b",
    re.IGNORECASE,
)
NEW = re.compile(r"\b(?:novel|first to|new (?:method|approach|algorithm|idea)|for the first time)\b", re.IGNORECASE)
TURNED = re.compile(
    r"changes (?:one setting|several settings) of the method|\boption\b.* switched (?:on|off)|\bchoice\b.* was set to"
    r"|\b(?:knob|setting|parameter|constant)\b.* was (?:raised|reduced|changed|increased|decreased) from \S+ to \S+",
    re.IGNORECASE,
)
PROPOSED = re.compile(
    r"\b(?:we|our)\b.*\b(?:new|replac\w+|introduc\w+|propos\w+) (?:\w+ ){0,4}?(?:rule|score|function|loss|step)\b"
    r"|\bfunction\b.* was rewritten",
    re.IGNORECASE,
)


def related_work_is_cited(document: Document) -> Iterator[Finding]:
    cited, place = document.cited, document.place("related", "background")
    if len(cited) < THIN:
        named = f", among them “{cited[0].title}”" if cited else ""
        text = f"{len(cited)} works are cited{named}; fewer than {THIN} do not place the paper in its field."
        yield weakness("originality", 1.5, place, text)
    elif len(cited) >= AMPLE:
        yield strength("originality", 1, place, f"{len(cited)} works are cited, from {_span(cited)}.")


def related_work_is_recent(document: Document) -> Iterator[Finding]:
    cited, listed = _newest(document.cited), _newest(document.references)
    if cited and listed and (listed.year or 0) - (cited.year or 0) > DATED_YEARS:
        text = (
            f"The newest work cited is of {cited.year}; “{listed.title}” ({listed.year}) is listed and not discussed."
        )
        yield weakness("originality", 1, REFERENCES, text)


def set_apart_from_earlier_work(document: Document) -> Iterator[Finding]:
    apart = next((s for s in document.sentences if APART.search(s) and _cites(document, s)), None)
    if apart:
        yield strength("originality", 1.5, quote(apart), "The change is set apart from a named earlier work.")
    elif document.cited:
        title = document.cited[0].title
        text = f"In what does the change differ from “{title}” and the other works that are cited?"
        yield question("originality", 1, document.place("related", "background"), text)


def novelty_is_argued(document: Document) -> Iterator[Finding]:
    bare = (s for s in document.sentences if NEW.search(s) and not APART.search(s) and not _cites(document, s))
    for sentence in islice(bare, 1):
        text = "Newness is claimed here with no earlier work named against which it could be judged."
        yield weakness("originality", 1.5, quote(sentence), text)


def more_than_a_setting(document: Document) -> Iterator[Finding]:
    turned = next(filter(None, map(TURNED.search, document.sentences)), None)
    proposed = next((s for s in document.sentences if PROPOSED.search(s) and not _cites(document, s)), None)
    if turned and not proposed:
        text = f"The change turns a setting of a known method (“{turned.group().rstrip('.,;')}”); little in it is new."
        yield weakness("originality", 2, quote(turned.string), text)
    elif proposed:
        yield strength("originality", 1, quote(proposed), "The change gives the method a part that it did not have.")


def _cites(document: Document, sentence: str) -> bool:
    return any(re.search(rf"[(; ]{re.escape(reference.key)}[);]", sentence) for reference in document.cited)


def _newest(references: tuple[Reference, ...]) -> Reference | None:
    dated = [reference for reference in references if reference.year]
    return max(dated, key=lambda reference: reference.year or 0, default=None)


def _span(references: tuple[Reference, ...]) -> str:
    years = sorted(reference.year for reference in references if reference.year)
    return f"{years[0]} to {years[-1]}" if years else "years that the list does not give"


RULES: tuple[Rule, ...] = (
    related_work_is_cited,
    related_work_is_recent,
    set_apart_from_earlier_work,
    novelty_is_argued,
    more_than_a_setting,
)
