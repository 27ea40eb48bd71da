"""A score: the measurements a scorer wrote, read as what they are, text from a sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, FiniteFloat, ValidationError

from sandboxes.record import Record
from templates.template import Template

_LARGEST: Final = 1_000_000
_MOST: Final = 1000
_SHOWN: Final = 10


class Measurement(Record):
    """A line of `measurements.jsonl`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)
    value: FiniteFloat = Field(strict=True)


class ScoreError(ValueError):
    """Measurements that cannot be used; the message says which line, and why."""


def read(path: Path, template: Template) -> dict[str, float]:
    """Read the measurements by name, the template's metric among them.

    Raises `ScoreError` when any of them is not a finite number under a name of its own; there is no partial score.
    """
    if not path.is_file():
        raise ScoreError(f"The scorer left no {path.name}: let it write one line for each measurement.")
    measured: dict[str, float] = {}
    for number, line in enumerate(_lines(path), start=1):
        measurement = _measurement(line, f"{path.name}, line {number}")
        if measurement.name in measured:
            raise ScoreError(f"{path.name}, line {number}: {measurement.name!r} is measured twice: write it once.")
        measured[measurement.name] = measurement.value
    if template.metric.name not in measured:
        found = ", ".join([*measured][:_SHOWN]) or "nothing"
        raise ScoreError(f"{path.name} has no {template.metric.name!r}, the template's metric; it has {found}.")
    return measured


def _lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    lines = content.splitlines()
    if len(content) > _LARGEST or len(lines) > _MOST:
        raise ScoreError(f"{path.name} has more than {_LARGEST:,} bytes or {_MOST:,} lines: measure less.")
    return lines


def _measurement(line: bytes, place: str) -> Measurement:
    try:
        return Measurement.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise ScoreError(f"{place}: {where}: {first['msg']} (given {str(first['input'])[:80]!r}).") from error
