"""Claims: whether what is said goes beyond what is shown, and how much it would matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from reviews import quantities
from reviews.document import TITLE, Document, quote
from reviews.finding import Finding, Rule, decisive, question, strength, weakness
from reviews.headline import LEVEL, claim, headline, smallest_effect

LOADED = re.compile(
    r"\b(significant(?:ly)?(?! digits| figures)|state[- ]of[- ]the[- ]art|dramatic(?:ally)?|remarkabl[ey]|clearly"
    r"|obviously|superior|groundbreaking|unprecedented|vastly|drastic(?:ally)?|substantial(?:ly)?)\b",
    re.IGNORECASE,
)
MOST_LOADED = 3
"""Sentences quoted at most; more would only repeat the point."""

NULL = r"\b(?:no (?:effect|difference|evidence|improvement|change)|null result|negligible|did not|rul(?:es?|ed) out)\b"
RELATIVE = re.compile(r"[−+-]?\d+(?:\.\d+)?\s*\\?%(?!\s*(?:Student-?t |bootstrap |confidence )?(?:interval|CI))")


def claims_are_supported(document: Document) -> Iterator[Finding]:
    made, found = claim(document), headline(document)
    if not made:
        return
    place = TITLE if made == document.title else quote(made)
    if found is None and any(map(quantities.interval, document.texts)):
        text = f"The paper claims an effect (“{made}”), and prints intervals of its arms but none of their difference."
        yield weakness("soundness", 1.5, place, text)
    elif found is None:
        text = f"The paper claims an effect (“{made}”), and no result is printed with an interval."
        yield decisive("soundness", place, text)
    elif found.spans_zero:
        text = f"The paper claims an effect (“{made}”), and the interval {found.interval.text} holds zero."
        yield decisive("soundness", place, text)
    else:
        text = f"The claim is carried by its result: {found.text} lies on one side of zero."
        yield strength("soundness", 1.5, found.place, text)


def effect_against_the_smallest_of_interest(document: Document) -> Iterator[Finding]:
    found, smallest = headline(document), smallest_effect(document)
    if found is None:
        text = f"“{document.title}” measures no effect that could be compared with one that would matter."
        yield weakness("significance", 2, document.place("result", "experiment"), text)
    elif found.interval.low.value == found.interval.high.value == 0:
        text = f"Both arms gave the same on every seed ({found.text}): the change does nothing, and teaches nothing."
        yield decisive("significance", found.place, text)
    elif smallest is None:
        text = f"How large an effect would matter is not said, so {found.text} cannot be placed."
        yield weakness("significance", 1, found.place, text)
    elif found.spans_zero and max(abs(found.interval.low.value), abs(found.interval.high.value)) > abs(smallest.value):
        text = f"The result settles nothing: {found.interval.text} holds zero and more than {smallest.text}."
        yield weakness("significance", 2, found.place, text)
    elif found.p and found.p.value >= LEVEL:
        text = f"The result settles nothing: {found.text} comes with a p of {found.p.text}."
        yield decisive("significance", found.place, text)
    elif abs(found.middle) >= abs(smallest.value):
        text = f"The effect, {found.text}, reaches the smallest that the paper calls of interest, {smallest.text}."
        yield strength("significance", 2, found.place, text)
    elif claim(document):
        text = f"An effect is claimed, and {found.text} is below the smallest effect of interest, {smallest.text}."
        yield decisive("significance", found.place, text)
    else:
        text = f"The measured effect, {found.text}, does not reach the smallest of interest, {smallest.text}."
        yield weakness("significance", 1.5, found.place, text)


def a_null_that_informs(document: Document) -> Iterator[Finding]:
    found, smallest = headline(document), smallest_effect(document)
    if not found or not smallest or claim(document):
        return
    limit = abs(smallest.value)
    if max(abs(found.interval.low.value), abs(found.interval.high.value)) <= limit:
        text = f"A null that informs: all of {found.interval.text} is within ±{limit:g}; more is ruled out."
        yield strength("soundness", 1.5, found.place, text)
    elif found.spans_zero:
        text = f"The interval {found.interval.text} allows zero and more than {limit:g}; how many seeds would tell?"
        yield question("significance", 1, found.place, text)


def a_null_is_called_so(document: Document) -> Iterator[Finding]:
    found = headline(document)
    if found and found.spans_zero and not claim(document) and document.first(NULL):
        text = f"The paper says plainly that {found.interval.text} shows no effect, and does not dress it up."
        yield strength("clarity", 1, found.place, text)


def loaded_words_need_numbers(document: Document) -> Iterator[Finding]:
    bare = (s for s in document.sentences if LOADED.search(s) and not quantities.numbers(s))
    for sentence in islice(bare, MOST_LOADED):
        word = LOADED.search(sentence)
        text = f"“{word.group() if word else ''}” is said with no number beside it."
        yield weakness("soundness", 1, quote(sentence), text)


def size_in_familiar_terms(document: Document) -> Iterator[Finding]:
    found = headline(document)
    relative = next((s for s in document.sentences if RELATIVE.search(s)), None)
    if found and relative:
        percent = RELATIVE.search(relative)
        text = f"The effect is also put in relative terms ({percent.group() if percent else ''})."
        yield strength("significance", 0.5, quote(relative), text)


RULES: tuple[Rule, ...] = (
    claims_are_supported,
    effect_against_the_smallest_of_interest,
    a_null_that_informs,
    a_null_is_called_so,
    loaded_words_need_numbers,
    size_in_familiar_terms,
)
