"""Overstatement: words that claim more than the facts bear, for prose that no rule has composed.

A sentence that calls something significant must name a result whose p passes, or, naming none, speak of a headline
whose corrected p passes. A sentence that says a hypothesis or a prediction was confirmed needs a study that concluded
so. Sentences about others' work, which cite it, and words under a negation or a condition claim nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from papers.facts import Fact
from papers.marks import Citation, Number, Plain, flat
from papers.places import Place
from papers.problem import Problem
from papers.sentences import quoted, split

SIGNIFICANT = re.compile(
    r"\b(?:statistically )?significan(?:t|tly|ce)\b(?!\s+(?:digit|figure|level|test)s?)", re.IGNORECASE
)
SUBJECT = r"(?:hypothes[ie]s|predictions?)"
CONFIRMED = re.compile(
    rf"\b(?:confirm|support|prove|establish|demonstrat|validat|verif)\w*\s+(?:[^\s.;:,]+\s+){{0,4}}?{SUBJECT}\b"
    rf"|\b{SUBJECT}\s+(?:[^\s.;:,]+\s+){{0,4}}?(?:held|holds|confirmed|supported|proven|validated|verified)\b",
    re.IGNORECASE,
)
UNCLAIMED = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|none|without|cannot|whether|if|unless|until|when|only|would|could|should|might|may"
    r"|must|fail(?:s|ed)?|counts? as|insufficient|lack\w*)\b|n[’']t\b)[^.;:]*$",
    re.IGNORECASE,
)


def overstated(place: Place, facts: Mapping[str, Fact], *, supported: bool) -> Iterator[Problem]:
    """Name every sentence that claims more than the facts bear; `supported` is the study's own conclusion."""
    for sentence in split(place.text):
        spans = list(flat(sentence))
        if any(isinstance(span, Citation) for span in spans):
            continue
        words = " ".join(span.text if isinstance(span, Plain) else "x" for span in spans)
        stems = {span.key.rpartition(".")[0] for span in spans if isinstance(span, Number)}
        where = quoted(place.where, sentence)
        if _claims(SIGNIFICANT, words) and not _significant(stems, facts):
            yield Problem(
                where=where,
                what="it claims significance, and no p that it rests on passes",
                remedy="say what the interval and the p show, and call nothing significant",
            )
        if not supported and _claims(CONFIRMED, words):
            yield Problem(
                where=where,
                what="it says that the prediction was borne out, and the study does not conclude so",
                remedy="say what the study concluded",
            )


def _claims(pattern: re.Pattern[str], words: str) -> bool:
    """Tell whether the words say it of what is so: under no negation, and not of what is `not confirmed`."""
    return any(
        not UNCLAIMED.search(words[: found.start()]) and not UNCLAIMED.search(found.group())
        for found in pattern.finditer(words)
    )


def _significant(stems: set[str], facts: Mapping[str, Fact]) -> bool:
    """Tell whether a result that is named passes; without one, whether the headline does."""
    named = [p for stem in stems if (p := _p(stem, facts)) is not None]
    headline = facts.get("headline.p_holm")
    values = named or ([headline.value] if headline else [])
    return any(value < facts["alpha"].value for value in values)


def _p(stem: str, facts: Mapping[str, Fact]) -> float | None:
    """Give the p that an arm is judged by: the corrected one where there is one."""
    arm = next((arm for arm in ("confirm", "full", "pilot") if f"{arm}.p" in facts), "")
    keys = ("headline.p_holm",) if stem in {arm, "headline"} else (f"{stem}.p_holm", f"{stem}.p")
    return next((facts[key].value for key in keys if key in facts), None)
