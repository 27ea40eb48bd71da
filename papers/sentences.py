"""Sentences: where a reader stops, marks left whole."""

from __future__ import annotations

import re

END = re.compile(r"(?<=[.!?])[)”\"']?\s+(?=[A-Z\[$*`“\"(\d])")
SHORTENED = re.compile(r"\b(?:et al|e\.g|i\.e|cf|vs|Fig|Figs|Tab|Eq|Eqs|Sec|approx|resp|no|[A-Z])\.$")
LONGEST = 160


def split(text: str) -> list[str]:
    """Split a text into sentences; joined by a space they are the text again."""
    found: list[str] = []
    for part in END.split(" ".join(text.split())):
        if found and (SHORTENED.search(found[-1]) or found[-1].count("$") % 2):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return [sentence for sentence in found if sentence]


def quoted(where: str, sentence: str) -> str:
    """Say where a sentence stands, with as much of it as tells it apart."""
    return f"{where}, “{sentence[:LONGEST]}{'…' if len(sentence) > LONGEST else ''}”"
