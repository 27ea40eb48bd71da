"""A ledger: a file of lines that only grows; a durable line is on disk when its writer goes on.

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


PATIENCE_SECONDS = 1.0
"""After so long a line's writer sees to its batch himself."""


class Batch:
    """Lines that reach the file together, or not at all."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.durable = False
        """One of its lines must be on disk before its writer goes on."""
        self.over = threading.Event()
        self.failure: OSError | None = None


class Line:
    """A line on its way to the file; whoever `leads` its batch writes it."""

    def __init__(self, batch: Batch, *, leads: bool, durable: bool) -> None:
        self.batch = batch
        self.leads = leads
        self.durable = durable


class Ledger:
    """Appends lines; safe to use from several threads, by one process."""

    def __init__(self, path: Path) -> None:
        """Open what is there; a torn last line, as a kill leaves it, is set aside."""
        self.path = path
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        self._next = Batch()
        set_torn_tail_aside(path)

    def add(self, text: str, *, durable: bool = True) -> Line:
        """Queue a line, in the order of the calls; it counts once it is committed, and each must be."""
        with self._adding:
            leads = durable and not self._next.durable
            self._next.lines.append(text)
            self._next.durable |= durable
            return Line(self._next, leads=leads, durable=durable)

    def commit(self, line: Line) -> None:
        """Come back when a durable line is on disk; any other is written at once, or by who is writing now.

        Raises `OSError`, to everyone with a durable line in the batch, when it cannot be written; nothing of it is left
        then.
        """
        if not line.durable:
            self._write_if_idle()
            return
        batch = line.batch
        # Whoever leads may have been interrupted before he came to write.
        if line.leads or not batch.over.wait(PATIENCE_SECONDS):
            self._write(batch)
            self._write_if_idle()
        if batch.failure:
            raise OSError(batch.failure.errno, batch.failure.strerror, str(self.path)) from batch.failure

    def _write(self, batch: Batch) -> None:
        """Write a batch once the one before is through; until then it grows."""
        with self._writing:
            self._write_now(batch)

    def _write_if_idle(self) -> None:
        """Write lines that nobody waits for, unless somebody is writing: he looks for them once he is through."""
        while self._next.lines and not self._next.durable and self._writing.acquire(blocking=False):
            try:
                self._write_now(self._next)
            finally:
                self._writing.release()

    def _write_now(self, batch: Batch) -> None:
        if batch.over.is_set():
            return
        with self._adding:
            self._next = Batch()
        try:
            append(self.path, "".join(batch.lines).encode(), durable=batch.durable)
        except OSError as error:
            batch.failure = error
        finally:
            batch.over.set()


def append(path: Path, data: bytes, *, durable: bool) -> None:
    """Append `data`; raises `OSError`, and leaves nothing of it, when that fails."""
    created = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        whole = os.fstat(descriptor).st_size
        try:
            with open(descriptor, "ab", closefd=False) as file:
                file.write(data)
            if durable:
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
