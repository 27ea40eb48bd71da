"""Results, taken out of a dead sandbox without following anything it planted, and read without trusting them."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,@-]{0,99}")
_MOST_REFUSALS = 100
_DEEPEST = 16
_LONGEST_INT = 19
_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST_RESULT_BYTES = 16 << 20

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class ResultFileError(ValueError):
    """A result file that no honest run writes; the message says which and why."""


class _Refusal(Exception):  # noqa: N818 (not an error: a decision about one entry)
    """Why an entry is left behind."""


class Collection:
    """Copies the regular files below a folder, part by part, and notes what it refuses.

    Refused are links of either kind, pipes, sockets, devices, files larger than `most_bytes` (by their stated size,
    so that a sparse giant costs nothing) or that would take the total beyond it, names outside a plain alphabet, and
    whatever lies deeper or is more than any result needs.
    """

    def __init__(self, most_bytes: int, most_files: int = 10_000) -> None:
        self.refused: list[str] = []
        self._room = most_bytes
        self._entries = most_files

    def take(self, parent: int, name: str, target: Path) -> None:
        """Copy the folder `name` of the folder open as `parent` to `target`, which is made when missing."""
        target.mkdir(parents=True, exist_ok=True)
        with self._noting(name):
            self._take_folder(parent, name, target, name, _DEEPEST)

    def _take_folder(self, parent: int, name: str, target: Path, shown: str, depth: int) -> None:
        if depth == 0:
            raise _Refusal(f"lies deeper than {_DEEPEST} folders")
        with _opened(name, _FOLDER, parent) as folder:
            for entry in self._names(folder):
                inner = f"{shown}/{entry}"
                with self._noting(inner):
                    self._take_entry(folder, entry, target, inner, depth)

    def _names(self, folder: int) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if self._entries == 0:
                    raise _Refusal("holds more files than are taken")
                self._entries -= 1
                yield entry.name

    def _take_entry(self, folder: int, name: str, target: Path, shown: str, depth: int) -> None:
        if not _SAFE_NAME.fullmatch(name):
            raise _Refusal("the name is not made of letters, digits and _.+=,@-")
        kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind):
            (target / name).mkdir(exist_ok=True)
            self._take_folder(folder, name, target / name, shown, depth - 1)
        elif stat.S_ISREG(kind):
            self._take_file(folder, name, target / name)
        else:
            raise _Refusal(f"is a {_KINDS.get(stat.S_IFMT(kind), 'special file')}")

    def _take_file(self, folder: int, name: str, target: Path) -> None:
        with _opened(name, _FILE, folder) as file:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise _Refusal("has another name (a hard link)")
            if status.st_size > self._room:
                raise _Refusal(f"has {status.st_size} bytes, more than the {self._room} still allowed")
            self._room -= _copy(file, target, status.st_size)

    @contextmanager
    def _noting(self, shown: str) -> Iterator[None]:
        try:
            yield
        except _Refusal as refusal:
            self._refuse(f"{shown!a}: {refusal}")

    def _refuse(self, line: str) -> None:
        if len(self.refused) < _MOST_REFUSALS:
            self.refused.append(line)
        elif len(self.refused) == _MOST_REFUSALS:
            self.refused.append("…: more was refused than is listed")


_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


@contextmanager
def _opened(name: str, flags: int, parent: int) -> Iterator[int]:
    try:
        descriptor = os.open(name, flags, dir_fd=parent)
    except OSError as problem:
        raise _Refusal(f"cannot be opened without following it ({problem.strerror})") from problem
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy(source: int, target: Path, size: int) -> int:
    """Copy `size` bytes at most; give how many there were."""
    copied = 0
    with target.open("wb") as file:
        while copied < size and (data := os.read(source, min(_CHUNK, size - copied))):
            copied += file.write(data)
    return copied


def read_json_lines(path: Path, max_bytes: int = MOST_RESULT_BYTES) -> list[Json]:
    """Read a file of one JSON value a line, as a job wrote it; blank lines are left out.

    Raises `ResultFileError` when the file is no plain file of at most `max_bytes`, or a line is not strict, sane JSON:
    NaN and infinities, integers beyond 19 digits and nesting beyond the reader's depth are not.
    """
    lines = _text(path, max_bytes).split("\n")
    return [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def _text(path: Path, max_bytes: int) -> str:
    try:
        descriptor = os.open(path, _FILE)
    except OSError as problem:
        raise ResultFileError(f"{path} cannot be read ({problem.strerror}).") from problem
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ResultFileError(f"{path} is not a plain file.")
        if status.st_size > max_bytes:
            raise ResultFileError(f"{path} has {status.st_size} bytes; at most {max_bytes} are read.")
        data = file.read(max_bytes)
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise ResultFileError(f"{path} is not UTF-8 text ({problem.reason} at byte {problem.start}).") from problem


def _parse(text: str, place: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_sane)
    except RecursionError as problem:
        raise ResultFileError(f"{place} is nested too deeply.") from problem
    except ValueError as problem:
        raise ResultFileError(f"{place} is not sane JSON: {problem}.") from problem
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:30]} is out of range")
    return value


def _sane(text: str) -> int:
    if len(text) > _LONGEST_INT + 1:
        raise ValueError(f"an integer has {len(text)} digits")
    return int(text)
