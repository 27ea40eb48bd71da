"""A folder of plain files: its digest, and how it makes room without a loss."""

from __future__ import annotations

import hashlib
from pathlib import Path


def plain_files(folder: Path) -> tuple[str, ...]:
    """Name the files below `folder`, sorted, without hidden ones and Python's caches."""
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(name.as_posix() for name in names if not _passing(name)))


def _passing(name: Path) -> bool:
    return name.suffix == ".pyc" or any(part.startswith(".") or part == "__pycache__" for part in name.parts)


def digest(folder: Path, without: frozenset[str] = frozenset()) -> str:
    """Hash the names and contents of the plain files, so that a renamed file counts as a change."""
    whole = hashlib.sha256()
    for name in plain_files(folder):
        if name not in without:
            content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            whole.update(f"{content}  {name}\n".encode())
    return whole.hexdigest()


def set_aside(folder: Path, why: str) -> Path:
    """Rename `folder` to the first free `<folder>.<why>-<n>`; nothing is deleted."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{why}-{number}")).exists():
        number += 1
    return folder.rename(aside)
