"""The summary of a paper in a reviewer's words: what was asked, done and found."""

from __future__ import annotations

from reviews.document import Document
from reviews.headline import claim, headline, seeds, smallest_effect
from reviews.sentences import words

ASKED = r"\b(?:asked|asks|whether|questions?|problem|aims?|investigat\w+|stud(?:y|ies|ied)|propos\w+)\b"
DONE = r"\b(?:introduc\w+|propos\w+|replac\w+|was (?:rewritten|raised|reduced|set to|switched)|changes one|rewrites)\b"
OWN = r"\b(?:the change|our \w+|we (?:change|merge|train|present|use))\b"
TRIED = r"\b(?:trials?|runs?|experiments?|datasets?|benchmarks?)\b"


WHOLE = 5
"""Words of a sentence that is no mere heading."""


def summary(document: Document) -> str:
    """Say in four or five sentences what was asked, done and found, and what is there to check it."""
    return " ".join((_asked(document), _done(document), _found(document), _shown(document), _bounded(document)))


def limits(document: Document) -> str:
    """Say what the paper states about its own limits."""
    section = document.section("limitation")
    if section is None or not section.sentences:
        return "The paper states no limitations."
    opening = next((s for s in section.sentences if words(s) >= WHOLE), section.sentences[0])
    count = _number(len(section.sentences), "sentence")
    return f"Under “{section.title}” the paper spends {count}; it opens: “{opening}”"


def _asked(document: Document) -> str:
    plain = next((sentence for sentence in document.abstract if sentence.endswith("?")), None)
    sentence = plain or document.first(ASKED)
    return f"“{document.title}” sets out as follows: “{sentence}”" if sentence else f"The paper is “{document.title}”."


def _done(document: Document) -> str:
    method = document.section("method", "approach", "algorithm", "change")
    inside = document.model_copy(update={"abstract": (), "sections": (method,)}) if method else document
    sentence = inside.first(DONE) or inside.first(OWN) or document.first(TRIED)
    return f"What was done is put so: “{sentence}”" if sentence else "No sentence says in short what was done."


def _found(document: Document) -> str:
    found, n = headline(document), seeds(document)
    over = f" over {_number(n, 'seed')}" if n else ""
    if found is None:
        return f"It prints no effect with an interval{over}."
    p = f" (p {found.p.text.lstrip('< ')})" if found.p else ""
    smallest = smallest_effect(document)
    against = f", against a smallest effect of interest of {smallest.text}" if smallest else ""
    sense = "claims an effect" if claim(document) else "claims none"
    return f"It reports {found.text}{over}{p}{against}, and {sense}."


def _shown(document: Document) -> str:
    counts = (
        _number(len(document.tables), "table"),
        _number(len(document.figures), "figure"),
        _number(len(document.cited), "cited work"),
    )
    return f"For checking there are {', '.join(counts[:-1])} and {counts[-1]}."


def _bounded(document: Document) -> str:
    section = document.section("limitation")
    return f"Its limits are set out under “{section.title}”." if section else "It sets itself no limits."


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
