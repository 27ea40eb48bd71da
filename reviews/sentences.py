"""Sentences: prose cut where a reader would."""

from __future__ import annotations

import re

ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|vs|cf|resp|approx|[Ff]igs?|[Ee]qs?|[Ss]ec|[Tt]ab|[Rr]efs?|[A-Z])\.)$"
)
"""What ends in a full stop without ending a sentence."""

BOUNDARY = re.compile(r"(?<=[.!?])(?:[”\")\]])*\s+(?=[“\"(\[$`A-Z0-9])")


def sentences(text: str) -> tuple[str, ...]:
    """Cut prose into sentences; white space is made single, nothing else changes."""
    plain = " ".join(text.split())
    found: list[str] = []
    start = 0
    for boundary in BOUNDARY.finditer(plain):
        if not ABBREVIATION.search(plain[start : boundary.start()]):
            found.append(plain[start : boundary.end()].strip())
            start = boundary.end()
    return tuple(sentence for sentence in (*found, plain[start:]) if sentence)


def words(sentence: str) -> int:
    """Count words; a formula counts as one."""
    return len(re.sub(r"\$[^$]*\$", "x", sentence).split())
