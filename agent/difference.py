"""A difference: where two files, or two JSON values, first part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandboxes.record import Record

LONGEST = 160
"""Characters of a difference that are shown."""


class Difference(Record):
    """Where an original and its replay part, or an original and what it was."""

    file: str
    """Path within the campaign."""
    what: str


def unlike(one: Path, other: Path) -> str:
    """Say how a replayed file differs from the original; empty when it is the same."""
    if not (one.exists() and other.exists()):
        return "only the original has it" if one.exists() else "only the replay has it"
    if one.read_bytes() == other.read_bytes():
        return ""
    return (unlike_json(one, other) if one.suffix == ".json" else unlike_text(one, other))[:LONGEST]


def unlike_json(one: Path, other: Path) -> str:
    try:
        found = next(unequal(json.loads(one.read_bytes()), json.loads(other.read_bytes()), ""), None)
    except ValueError:
        return unlike_text(one, other)
    return found or "the same data in other bytes"


def unequal(one: Any, other: Any, place: str) -> Iterator[str]:  # noqa: ANN401 (whatever JSON holds)
    """Name the places where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from unequal(one[key], other[key], f"{place}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (ours, theirs) in enumerate(zip(one, other, strict=True)):
            yield from unequal(ours, theirs, f"{place}.{index}".lstrip("."))
    elif one != other:
        yield f"{place or 'it'} was {json.dumps(one)[: LONGEST // 3]} and is {json.dumps(other)[: LONGEST // 3]}"


def unlike_text(one: Path, other: Path) -> str:
    try:
        lines = enumerate(zip(one.read_text().splitlines(), other.read_text().splitlines(), strict=False), start=1)
        number, (was, now) = next((number, pair) for number, pair in lines if pair[0] != pair[1])
    except (UnicodeDecodeError, StopIteration):
        return f"it had {one.stat().st_size} bytes and has {other.stat().st_size}; its digest is another one"
    return f"line {number} was {was[: LONGEST // 3]!r} and is {now[: LONGEST // 3]!r}"
