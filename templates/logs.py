"""Logs: the end of what a job printed, fit to show to a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_LINES: Final = 40
_CHARACTERS: Final = 4000
_BYTES: Final = 65_536
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


def tail(folder: Path) -> str:
    """Give the last lines of `stderr.txt` in `folder`, or of `stdout.txt` when it is empty, without escapes."""
    return _tail(folder / "stderr.txt") or _tail(folder / "stdout.txt")


def _tail(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _BYTES))
        text = _plain(file.read().decode(errors="replace"))
    return "\n".join(text.splitlines()[-_LINES:])[-_CHARACTERS:].strip()


def _plain(text: str) -> str:
    unescaped = _ESCAPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(letter for letter in unescaped if letter in "\n\t" or letter.isprintable())
