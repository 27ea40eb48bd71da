"""Files, poured into a sandbox by the host before anything runs there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_CHUNK = 1 << 20
_READ_AND_PASS = stat.S_IROTH | stat.S_IXOTH


def pour(source: Path, target: int, owner: int | None) -> None:
    """Copy the regular files below `source` into the folder open as `target`; links are left out.

    The copies belong to `owner`, or to whoever writes them when that is None. Raises `OSError` when the target is full.
    """
    for path in source.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            make_folder(path.name, target, owner)
            inner = os.open(path.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=target)
            try:
                pour(path, inner, owner)
            finally:
                os.close(inner)
        elif path.is_file():
            _pour_file(path, target, owner)


def make_folder(name: str, target: int, owner: int | None) -> None:
    """Make the folder `name` in the folder open as `target`."""
    os.mkdir(name, 0o755, dir_fd=target)
    _own(name, target, 0o755, owner)


def is_readable_by_all(source: Path) -> bool:
    """Tell whether a user who owns nothing may read `source` and all below it."""
    mode = source.lstat().st_mode
    if stat.S_ISDIR(mode):
        return (mode & _READ_AND_PASS) == _READ_AND_PASS and all(map(is_readable_by_all, source.iterdir()))
    return stat.S_ISLNK(mode) or bool(mode & stat.S_IROTH)


def _pour_file(path: Path, target: int, owner: int | None) -> None:
    mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
    copy = os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=target)
    with path.open("rb") as source, os.fdopen(copy, "wb") as file:
        while data := source.read(_CHUNK):
            file.write(data)
    _own(path.name, target, mode, owner)


def _own(name: str, folder: int, mode: int, owner: int | None) -> None:
    os.chmod(name, mode, dir_fd=folder)
    if owner is not None:
        os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)
