"""Directions: the words that say which way a difference points, held against its sign.

Each fact that is a difference is read with the direction word of its own clause, or else with the last one before it in
the sentence. Words under a negation or a prediction (`did not lower`, `was predicted to lower`) claim nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from papers.facts import Fact
from papers.marks import Code, Mathematics, Number, Plain, flat
from papers.places import Place, Role
from papers.problem import Problem
from papers.sentences import quoted, split

DOWN = r"lower(?:s|ed|ing)?|reduc(?:e|es|ed|ing|tions?)|decreas\w+|drop(?:s|ped)?|f(?:e|a)ll(?:s|en)?|declin\w+"
UP = r"higher|increas\w+|ris(?:e|es|en|ing)|rose|rais(?:e|es|ed|ing)|gr(?:e|o)w[sn]?"
BETTER = r"improv\w+|better|outperform\w*|beat(?:s|en)?"
WORSE = r"wors\w+|degrad\w+|deteriorat\w+|harm(?:s|ed)?|underperform\w*"
WORD = re.compile(rf"\b(?:(?P<down>{DOWN})|(?P<up>{UP})|(?P<better>{BETTER})|(?P<worse>{WORSE}))\b", re.IGNORECASE)
IDIOM = re.compile(
    r"(?:lower|higher)[ -](?:is|are|being|values are)[ -](?:better|worse)|(?:no|not) (?:lower|higher) than"
    r"|probability of improvement|(?:higher|lower)[ -](?:end|bound|limit|half|quartile)"
    r"|f[ea]lls? (?:short|within|outside)"
    r"|(?:smallest|larger|smaller) (?:effect|improvement|reduction)"
    r"|\w+ (?:was|were|is|had been) (?:predicted|expected|hypothesi[sz]ed|anticipated)",
    re.IGNORECASE,
)
UNCLAIMED = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|whether|if|should|would|could|may|might|predict\w*|expect\w*"
    r"|hypothes\w*|anticipat\w*|contrary|opposite|instead|rather|failed|fails)\s+(?:[^\s,;:()]+\s+){0,5}?$"
    r"|\b(?:interval|effect|difference|estimate|gap)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[;,:()]|\b(?:and|but|while|whereas|although|though|yet|which)\b")
ENDS = ("low", "high")


@dataclass(frozen=True)
class _Token:
    """A direction word, a difference, or the end of a clause."""

    kind: Literal["down", "up", "better", "worse", "fact", "clause"]
    text: str


def contradicted(place: Place, facts: Mapping[str, Fact], better: Literal["higher", "lower"]) -> Iterator[Problem]:
    """Name every difference whose direction word says the opposite of its sign; cells hold no sentences."""
    if place.role is Role.cell:
        return
    for sentence in split(place.text):
        for key, word in _pairs(list(_tokens(sentence, facts))):
            wanted = _sign(word, key, better)
            value = facts[key].value
            if wanted is not None and (value == 0 or (value > 0) != (wanted > 0)):
                yield Problem(
                    where=quoted(place.where, sentence),
                    what=f"“{word.text}” says the opposite of [[{key}]], which is {value:.4g}",
                    remedy=f"say that it is {'higher' if value > 0 else 'lower' if value < 0 else 'unchanged'}",
                )


def _tokens(sentence: str, facts: Mapping[str, Fact]) -> Iterator[_Token]:
    before = ""
    for span in flat(sentence):
        match span:
            case Number():
                if span.key in facts and facts[span.key].signed and not span.key.endswith(ENDS):
                    yield _Token("fact", span.key)
                before += " 0 "
            case Plain():
                yield from _of_text(span.text, before)
                before += span.text
            case Mathematics() | Code():
                before += " x "


def _of_text(text: str, before: str) -> Iterator[_Token]:
    blanked = IDIOM.sub(lambda idiom: " " * len(idiom.group()), text)
    events = [*WORD.finditer(blanked), *CLAUSE.finditer(blanked)]
    for match in sorted(events, key=lambda event: event.start()):
        kind = match.lastgroup
        if kind is None:
            yield _Token("clause", match.group())
        elif not UNCLAIMED.search(before + blanked[: match.start()]):
            yield _Token(kind, match.group())  # type: ignore[arg-type]  # the four groups of WORD


def _pairs(tokens: list[_Token]) -> Iterator[tuple[str, _Token]]:
    """Give each difference with the word that it is read with."""
    for place, token in enumerate(tokens):
        if token.kind == "fact":
            word = _own(tokens, place) or _last(tokens, place)
            if word is not None:
                yield token.text, word


def _own(tokens: list[_Token], place: int) -> _Token | None:
    """Find the nearest word of the same clause, the one before first."""
    for step, end in ((-1, -1), (1, len(tokens))):
        for at in range(place + step, end, step):
            if tokens[at].kind in {"clause", "fact"}:
                break
            return tokens[at]
    return None


def _last(tokens: list[_Token], place: int) -> _Token | None:
    return next((t for t in reversed(tokens[:place]) if t.kind not in {"clause", "fact"}), None)


def _sign(word: _Token, key: str, better: Literal["higher", "lower"]) -> int | None:
    """Give the sign that a word claims; None for good and bad where only the primary metric has them."""
    if word.kind in {"up", "down"}:
        return 1 if word.kind == "up" else -1
    if not _primary(key):
        return None
    return 1 if (word.kind == "better") == (better == "higher") else -1


def _primary(key: str) -> bool:
    """Tell whether a difference is of the template's metric, not of a secondary measurement."""
    parts = key.split(".")
    arm = 2 if parts[0] in {"ablation", "past"} else 1
    return len(parts) == arm + 1 or parts[arm] == "seed"
