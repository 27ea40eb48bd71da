"""Clarity: whether a reader can follow, from the abstract to the last caption."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from statistics import median

from reviews.document import ABSTRACT, TITLE, Document, quote
from reviews.finding import Finding, Rule, strength, weakness
from reviews.sentences import words

LONG_SENTENCE = 50
EASY_MEDIAN = range(10, 29)
"""Words of the middle sentence that read easily."""
ABSTRACT_WORDS = range(80, 301)
CAPTION_WORDS = 5
WHOLE_SENTENCE = 6
MOST_NAMED = 3
"""Faults of one kind pointed out one by one; more would only repeat the point."""

ACRONYM = re.compile(r"\b[A-Z]{2,}s?\b")
KNOWN = frozenset(
    (
        "CPU",
        "GPU",
        "TPU",
        "RAM",
        "API",
        "PDF",
        "CI",
        "SD",
        "SE",
        "OK",
        "AI",
        "ML",
        "USD",
        "IEEE",
        "ACM",
        "II",
        "IV",
    )
)
EXPLAINED = r"\b(?:where|denotes?|let|is the|are the|stands? for|writes?|written|defined?)\b"
PARTS = {
    "an introduction": ("introduction", "motivation"),
    "a method": ("method", "approach", "model", "algorithm"),
    "results": ("result", "experiment", "evaluation", "finding"),
}


def long_sentences(document: Document) -> Iterator[Finding]:
    long = sorted((s for s in document.sentences if words(s) > LONG_SENTENCE), key=words, reverse=True)
    for sentence in islice(long, 1):
        more = f", the longest of {len(long)} over {LONG_SENTENCE}" if len(long) > 1 else ""
        yield weakness("clarity", 1, quote(sentence), f"A sentence of {words(sentence)} words{more}; cut it.")


def sentences_read_easily(document: Document) -> Iterator[Finding]:
    body = [section for section in document.sections if section.sentences and not section.appendix]
    lengths = [words(sentence) for section in body for sentence in section.sentences]
    if lengths and int(median(lengths)) in EASY_MEDIAN:
        text = f"The prose reads easily: half of its sentences have at most {int(median(lengths))} words."
        yield strength("clarity", 1, body[0].title, text)


def abstract_length(document: Document) -> Iterator[Finding]:
    length = sum(map(words, document.abstract))
    if not document.abstract:
        yield weakness("clarity", 2, TITLE, f"“{document.title}” has no abstract.")
    elif length < ABSTRACT_WORDS.start:
        text = f"The abstract has {length} words, too few to say what was asked, done and found."
        yield weakness("clarity", 1, ABSTRACT, text)
    elif length >= ABSTRACT_WORDS.stop:
        yield weakness(
            "clarity", 0.5, ABSTRACT, f"The abstract has {length} words; cut it to the question and the answer."
        )


def acronyms_are_defined(document: Document) -> Iterator[Finding]:
    prose = [re.sub(r"\$[^$]*\$|\([a-z]+\d{4}\w*\)", " ", sentence) for sentence in document.sentences]
    counts = Counter(found.rstrip("s") for sentence in prose for found in ACRONYM.findall(sentence))
    text = " ".join(document.texts)
    undefined = [a for a, n in counts.items() if n > 1 and a not in KNOWN and not _defined(a, text)]
    if undefined:
        sentence = next(s for s in document.sentences if undefined[0] in s)
        told = f"Used and never written out: {', '.join(undefined[:MOST_NAMED])}."
        yield weakness("clarity", 0.5, quote(sentence), told)


def symbols_are_explained(document: Document) -> Iterator[Finding]:
    if document.equations and not any("$" in s for s in document.matching(EXPLAINED)):
        count = "an equation" if document.equations == 1 else f"{document.equations} equations"
        text = f"The paper has {count} and no sentence that says what the symbols stand for."
        yield weakness("clarity", 1, document.place("method", "background", "model"), text)


def exhibits_are_discussed(document: Document) -> Iterator[Finding]:
    prose = " ".join(document.sentences)
    silent = [label for label in document.exhibits if not re.search(rf"\b{_spelled(label)}\b", prose)]
    for label in silent[:MOST_NAMED]:
        yield weakness("clarity", 1, label, f"{label} is shown and never mentioned in the text.")
    if document.exhibits and not silent:
        count = len(document.exhibits)
        text = (
            f"All {count} tables and figures are discussed in the text."
            if count > 1
            else "The text discusses its exhibit."
        )
        yield strength("clarity", 1, document.exhibits[0], text)


def captions_stand_alone(document: Document) -> Iterator[Finding]:
    captions = [(grid.label, grid.caption) for grid in document.tables]
    captions += [(picture.label, picture.caption) for picture in document.figures]
    thin = [(label, caption) for label, caption in captions if words(caption) < CAPTION_WORDS]
    for label, caption in thin[:MOST_NAMED]:
        text = f"The caption of {label} (“{caption}”) does not say what to see there."
        yield weakness("clarity", 0.5, label, text)


def results_are_drawn(document: Document) -> Iterator[Finding]:
    if not document.figures:
        text = f"“{document.title}” has no figure; a plot of the paired seeds would show what the summary hides."
        yield weakness("clarity", 1, document.place("result", "experiment"), text)


def parts_are_there(document: Document) -> Iterator[Finding]:
    missing = [name for name, titles in PARTS.items() if document.section(*titles) is None]
    place = document.sections[0].title if document.sections else TITLE
    if missing:
        yield weakness("clarity", 1, place, f"A reader looks in vain for {' and '.join(missing)}.")
    else:
        count = len(document.sections)
        yield strength("clarity", 0.5, place, f"The {count} sections follow the order in which a reader asks.")


def sections_say_something(document: Document) -> Iterator[Finding]:
    filled = " ".join(document.sentences)
    for section in document.sections:
        if len(section.sentences) < 2 and not section.appendix and section.title not in filled:  # noqa: PLR2004
            count = len(section.sentences)
            text = f"“{section.title}” holds {'one sentence' if count else 'no prose'}; fill it or fold it."
            yield weakness("clarity", 0.5, section.title, text)


def nothing_is_said_twice(document: Document) -> Iterator[Finding]:
    said = (sentence for section in document.sections for sentence in section.sentences)
    counts = Counter(sentence for sentence in said if words(sentence) >= WHOLE_SENTENCE)
    for sentence, count in counts.most_common(1):
        if count > 1:
            yield weakness("clarity", 1, quote(sentence), f"This sentence stands {count} times in the paper.")


def _defined(acronym: str, text: str) -> bool:
    return re.search(rf"\({acronym}s?\)|\b{acronym}s? \((?=[a-z])|`{acronym}", text) is not None


def _spelled(label: str) -> str:
    kind, number = label.rsplit(" ", 1)
    return rf"(?:{kind}|{kind[:3]}\.|{kind}s)[ ~]*{number}"


RULES: tuple[Rule, ...] = (
    long_sentences,
    sentences_read_easily,
    abstract_length,
    acronyms_are_defined,
    symbols_are_explained,
    exhibits_are_discussed,
    captions_stand_alone,
    results_are_drawn,
    parts_are_there,
    sections_say_something,
    nothing_is_said_twice,
)
