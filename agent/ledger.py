"""A ledger: a file of lines that only grows; a line is on disk when its writer is told so.

Many threads share one fsync: whoever comes while the disk is busy has his line written with the next batch.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from agent.entry import Entry
from sandboxes.record import sync_folder, write_atomically


class DamagedJournalError(RuntimeError):
    """A line in the middle of the ledger is not an entry; the message names it."""


class Batch:
    """Lines that reach the disk together, or not at all."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.written = False
        self.failure: OSError | None = None


class Ledger:
    """Appends lines durably; safe to use from several threads, by one process."""

    def __init__(self, path: Path) -> None:
        """Open what is there; a torn last line, as a kill leaves it, is set aside."""
        self.path = path
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        self._next = Batch()
        set_torn_tail_aside(path)

    def add(self, line: str) -> Batch:
        """Queue a line, in the order of the calls; it counts once its batch is committed."""
        with self._adding:
            self._next.lines.append(line)
            return self._next

    def commit(self, batch: Batch) -> None:
        """Come back when `batch` is on disk.

        Raises `OSError`, to everyone with a line in the batch, when it cannot be written; nothing of it is left then.
        """
        with self._writing:
            if not batch.written:
                with self._adding:
                    self._next = Batch()
                self._write(batch)
        if batch.failure:
            raise OSError(batch.failure.errno, batch.failure.strerror, str(self.path)) from batch.failure

    def _write(self, batch: Batch) -> None:
        try:
            append(self.path, "".join(batch.lines).encode())
        except OSError as error:
            batch.failure = error
        batch.written = True


def append(path: Path, data: bytes) -> None:
    """Append `data` durably; raises `OSError`, and leaves nothing of it, when that fails."""
    created = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        whole = os.fstat(descriptor).st_size
        try:
            with open(descriptor, "ab", closefd=False) as file:
                file.write(data)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, whole)
            raise
    finally:
        os.close(descriptor)
    if created:
        sync_folder(path.parent)


def read(ledger: Path) -> Iterator[Entry]:
    """Yield the entries of a ledger that a writer may be appending to: an unfinished last line is left out.

    Raises `DamagedJournalError` for a whole line that is not an entry.
    """
    if not ledger.exists():
        return
    for number, line in enumerate(ledger.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            return
        try:
            yield Entry.model_validate_json(line)
        except ValidationError as error:
            raise DamagedJournalError(
                f"{ledger}: line {number} is not a ledger entry. Put back a copy of the file, or remove that line: "
                f"what it recorded is still in the study folders, and at worst is done again."
            ) from error


def set_torn_tail_aside(ledger: Path) -> None:
    """Move an unfinished last line to `<ledger>.torn`, so that the next entry starts a line of its own."""
    if not ledger.exists():
        return
    content = ledger.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with ledger.with_suffix(".jsonl.torn").open("ab") as torn:
            torn.write(content[whole:] + b"\n")
        write_atomically(ledger, content[:whole])
