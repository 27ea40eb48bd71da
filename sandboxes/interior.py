"""The inside of a namespace sandbox: which files are there, as arguments of `bwrap`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from sandboxes.job import WORK, Job, Mount, Runtime, SandboxUnavailableError
from sandboxes.pour import is_readable_by_all

SCRATCH = ("/tmp", "/dev/shm")  # noqa: S108
Copies = dict[Mount, int]
"""Mounts that are copied rather than bound, each with its source, opened."""

SCRATCH_BYTES = 64 << 20
"""Size of each scratch folder."""

_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_CONFIGURATION = {
    Runtime.python: ("/etc/ld.so.cache", "/etc/alternatives"),
    Runtime.tex: (
        *("/etc/ld.so.cache", "/etc/alternatives", "/etc/texmf", "/etc/fonts"),
        *("/var/lib/texmf", "/var/cache/fonts", "/var/cache/fontconfig"),
    ),
}


def arguments(job: Job, copies: Copies) -> list[str]:
    """Lay out the inside: `/usr` and the interpreter read-only, sized scratch folders, `/job`, the job's mounts."""
    places = _Places()
    layout = ["--ro-bind", "/usr", "/usr", *_system(), "--proc", "/proc", "--dev", "/dev"]
    for place, size in ((WORK, job.limits.work_bytes), *((scratch, SCRATCH_BYTES) for scratch in SCRATCH)):
        layout += ["--perms", "0777", "--size", str(size), "--tmpfs", place]
    for path in _CONFIGURATION[job.runtime]:
        layout += [*places.above(path), "--ro-bind-try", path, path]
    if job.runtime is Runtime.python:
        for folder in interpreter_folders():
            layout += [*places.above(str(folder)), "--ro-bind", str(folder), str(folder)]
    for mount in job.mounts:
        layout += places.above(mount.target)
        layout += (
            _copy(mount, copies[mount]) if mount in copies else ["--ro-bind", str(mount.source.resolve()), mount.target]
        )
    return [*layout, "--remount-ro", "/dev", "--remount-ro", "/"]


def copies(mounts: Iterable[Mount], stack: ExitStack) -> Copies:
    """Find and open the mounts that a user who owns nothing could not read in place."""
    found: Copies = {}
    for mount in mounts:
        source = mount.source.resolve()
        if not is_readable_by_all(source):
            found[mount] = os.open(source, os.O_RDONLY)
            stack.callback(os.close, found[mount])
    return found


@cache
def interpreter_folders() -> tuple[Path, ...]:
    """Give the folders outside `/usr` that the running interpreter needs: each prefix, and where its links lead.

    Raises `SandboxUnavailableError` when one of them would hand out the user's home.
    """
    links = [Path(sys.executable)]
    while links[-1].is_symlink():
        links.append(Path(os.path.normpath(links[-1].parent / links[-1].readlink())))
    folders = {Path(sys.prefix), Path(sys.base_prefix), *(link.parent.parent for link in links)}
    folders |= {folder.resolve() for folder in folders}
    outside = sorted(folder for folder in folders if not folder.is_relative_to("/usr") and folder != Path("/"))
    for folder in outside:
        if Path.home().resolve().is_relative_to(folder):
            raise SandboxUnavailableError(
                f"The interpreter is installed in {folder}, which also holds your home: install Ratchet in a "
                "virtual environment of its own."
            )
    return tuple(folder for folder in outside if not any(folder.is_relative_to(o) for o in outside if o != folder))


class _Places:
    """Folders that lead to a mount, made so that every user may pass."""

    def __init__(self) -> None:
        self._made = {Path("/"), Path("/dev"), Path(WORK), *map(Path, SCRATCH)}

    def above(self, target: str) -> Iterator[str]:
        for folder in reversed(Path(target).parents):
            if folder not in self._made:
                self._made.add(folder)
                yield from ("--perms", "0755", "--dir", str(folder))


def _system() -> Iterator[str]:
    for name in _SYSTEM:
        if Path(name).is_symlink():
            yield from ("--symlink", str(Path(name).readlink()), name)
        elif Path(name).is_dir():
            yield from ("--ro-bind", name, name)


def _copy(mount: Mount, descriptor: int) -> list[str]:
    """Put a file's content at the mount's place, or an empty folder that the host fills before the start."""
    if mount.source.is_dir():
        return ["--perms", "0755", "--tmpfs", mount.target]
    return ["--perms", "0444", "--ro-bind-data", str(descriptor), mount.target]
