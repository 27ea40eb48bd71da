"""Injection: text in a paper that speaks to its reviewer; it is told, and nothing else is read from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from reviews.document import ABSTRACT, TITLE, Document
from reviews.finding import Finding, weakness

ADDRESS = re.compile(
    r"(?:\b(?:ignore|disregard|forget) (?:all |any |the |your )*(?:previous|prior|above|earlier) (?:\w+ )?"
    r"(?:instructions?|prompts?|guidelines?|directions?)"
    r"|\b(?:give|write|provide|produce|return) (?:only )?(?:a |an )?(?:\w+ )?(?:positive|favou?rable|glowing)"
    r" (?:review|rating|score|assessment)(?: only)?"
    r"|\bdo not (?:mention|highlight|list|report|discuss) (?:any )?(?:negatives?|weakness(?:es)?|flaws?)"
    r"|\b(?:recommend|vote for) (?:strong )?accept(?:ance|ing)?\b"
    r"|\b(?:you must |please |always )?accept this (?:paper|submission|manuscript)"
    r"|\b(?:as|if you are) (?:a |an )?(?:LLM|language model|AI|automatic) (?:reviewer|assistant)"
    r"|\b(?:rate|score) (?:this|the) (?:paper|submission) (?:\w+ )?(?:high\w*|\d+)(?: out of \d+|/\d+)?)[.!,;:]*",
    re.IGNORECASE,
)


def cleaned(document: Document) -> Document:
    """Take out what speaks to the reviewer, and characters that do not print."""
    return Document(
        title=_spoken(document.title),
        abstract=_kept(document.abstract),
        sections=tuple(
            section.model_copy(update={"title": _spoken(section.title), "sentences": _kept(section.sentences)})
            for section in document.sections
        ),
        tables=tuple(
            grid.model_copy(
                update={
                    "caption": _spoken(grid.caption),
                    "header": tuple(map(_spoken, grid.header)),
                    "rows": tuple(tuple(map(_spoken, row)) for row in grid.rows),
                    "note": _spoken(grid.note),
                }
            )
            for grid in document.tables
        ),
        figures=tuple(p.model_copy(update={"caption": _spoken(p.caption)}) for p in document.figures),
        references=tuple(r.model_copy(update={"title": _spoken(r.title)}) for r in document.references),
        equations=document.equations,
        listings=document.listings,
    )


def instructions_to_the_reviewer(document: Document) -> Iterator[Finding]:
    """Tell where a paper speaks to its reviewer; it must be given the document before it is cleaned."""
    for place, text in _read(document):
        found = ADDRESS.search(_printing(text))
        if found:
            told = f"The text speaks to its reviewer (“{found.group().strip()}”); this was left out of the judgement."
            yield weakness("soundness", 0, place, told)


def _read(document: Document) -> Iterator[tuple[str, str]]:
    """List places that outlive the cleaning, with their text."""
    yield TITLE, document.title
    yield (ABSTRACT if cleaned(document).abstract else TITLE), " ".join(document.abstract)
    for section in document.sections:
        yield _spoken(section.title), " ".join((section.title, *section.sentences))
    for grid in document.tables:
        yield grid.label, grid.text
    for picture in document.figures:
        yield picture.label, picture.caption


def _kept(sentences: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(_spoken, sentences)))


def _spoken(text: str) -> str:
    return " ".join(ADDRESS.sub(" ", _printing(text)).split())


def _printing(text: str) -> str:
    if text.isascii():
        return text
    return "".join(character for character in text if unicodedata.category(character) != "Cf")
