"""Marks: what the five marks of a paper's text mean, read in one place for whoever prints or checks them.

`[[key]]`, `[[key:.2f]]` and `[[key:abs.2f]]` (without its sign, where a word such as *lower* says it) name a fact;
`[@key; @key]` cites; `[#label]` refers; `$…$` is mathematics; `*…*` and `` `…` `` are emphasis and code. Whatever does
not read as a mark is literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FORM = r"(?:abs)?\+?,?(?:\.\d{1,2})?[defg%]?"
"""How a fact may be spelled: Python's format, optionally of the absolute value."""

MARK = re.compile(
    rf"\[\[(?P<fact>[A-Za-z0-9][A-Za-z0-9_.+-]*)(?::(?P<form>{FORM}))?\]\]"
    r"|\[(?P<cite>@[^\s@;\[\]]+(?:\s*;\s*@[^\s@;\[\]]+)*)\]"
    r"|\[#(?P<label>[A-Za-z0-9][A-Za-z0-9:_.-]*)\]"
    r"|\$(?P<math>[^$]+)\$"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<!\w)\*(?P<emphasis>(?=\S)[^*]+(?<=\S))\*(?!\w)"
)


@dataclass(frozen=True)
class Plain:
    text: str


@dataclass(frozen=True)
class Number:
    """The place of a fact."""

    key: str
    form: str


@dataclass(frozen=True)
class Citation:
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    label: str


@dataclass(frozen=True)
class Mathematics:
    tex: str


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Emphasis:
    spans: tuple[Span, ...]


Span = Plain | Number | Citation | Reference | Mathematics | Code | Emphasis


def parse(text: str) -> tuple[Span, ...]:
    """Read a text into spans, in order; joined again they say all that the text says."""
    spans: list[Span] = []
    place = 0
    for match in MARK.finditer(text):
        if match.start() > place:
            spans.append(Plain(text[place : match.start()]))
        spans.append(_span(match))
        place = match.end()
    if place < len(text):
        spans.append(Plain(text[place:]))
    return tuple(spans)


def flat(text: str) -> Iterator[Span]:
    """Read a text into spans, those inside emphasis included and the emphasis itself left out."""
    for span in parse(text):
        if isinstance(span, Emphasis):
            yield from span.spans
        else:
            yield span


def _span(match: re.Match[str]) -> Span:
    found = match.group(match.lastgroup or 0)
    match match.lastgroup:
        case "fact" | "form":
            return Number(match["fact"], match["form"] or "")
        case "cite":
            return Citation(tuple(key.strip().removeprefix("@") for key in found.split(";")))
        case "label":
            return Reference(found)
        case "math":
            return Mathematics(found)
        case "code":
            return Code(found)
        case _:
            return Emphasis(parse(found))
