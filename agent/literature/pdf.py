"""A PDF of the user's folder: what it says of itself, read where it can do no harm."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from agent.literature import extraction
from agent.literature.naming import ARXIV, doi
from agent.literature.publication import Publication
from agent.literature.record import record
from agent.literature.wording import plain
from sandboxes.record import Record

WALL_SECONDS = 60
LARGEST_BYTES = 100 << 20
MOST_FILES = 5_000
SHORTEST_TITLE = 8
FRONT = 4_000
"""Characters of the first page that say what a paper is."""
LONGEST_ABSTRACT = 1_500
STAMP = re.compile(r"arXiv:\s*(\S+)\s+\[[\w.-]+\]\s+\d{1,2}\s+[A-Z][a-z]{2}\s+((?:19|20)\d{2})")
"""What arXiv prints on the margin of the first page."""
DATED = re.compile(
    r"(?:©|\(c\)|copyright|conference|proceedings|journal|workshop|transactions|published|neurips|icml|iclr|aaai|jmlr)"
    r"[^\n]{0,80}?\b((?:19|20)\d{2})\b",
    re.IGNORECASE,
)
RUNNING = re.compile(
    r"arxiv:|^\W*\d*\W*$|published as|under review|proceedings|preprint|journal|conference|https?:", re.IGNORECASE
)
"""Lines above a title that are none."""
PROGRAMS = re.compile(r"untitled|microsoft word|\.(?:dvi|tex|docx?|pdf|indd|ps)$", re.IGNORECASE)
"""Titles that a program made up."""


class Extract(Record):
    """What was read of a PDF, or why nothing was."""

    title: str = ""
    author: str = ""
    creationdate: str = ""
    """`D:20240131…`, of the file, not of the paper."""
    pages: tuple[str, ...] = ()
    fault: str = ""
    name: str = ""
    """Of the file."""

    @property
    def text(self) -> str:
        return "\n".join(self.pages)


def files(folder: Path) -> Iterator[Path]:
    """List the PDFs in a folder and below, in a fixed order."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf" and path.is_file())
    yield from found[:MOST_FILES]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract(path: Path, wall_seconds: float = WALL_SECONDS) -> Extract:
    """Read a PDF in a process that is limited in time, memory, output and pages, and sees no environment."""
    if (size := path.stat().st_size) > LARGEST_BYTES:
        return Extract(fault=f"it has {size} bytes, more than {LARGEST_BYTES}")
    command = [sys.executable, "-I", extraction.__file__, str(path.absolute())]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=complained, env={}, start_new_session=True
        )
        try:
            code: int | None = process.wait(wall_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        complained.seek(0)
        return read(code, said.read(), complained.read()[-4_000:])


def read(code: int | None, said: bytes, complained: bytes) -> Extract:
    if code is None or code == -signal.SIGXCPU:
        return Extract(fault="reading it took too long")
    if code:
        last = complained.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return Extract(fault=f"it cannot be read ({plain(last, 160) or f'the reader ended with {code}'})")
    try:
        got = Extract.model_validate_json(said)
    except ValidationError:
        return Extract(fault="its text is not well formed")
    return got if got.text.strip() else Extract(fault="it has no text; it may be a scan")


def publication(digest: str, extract: Extract) -> Publication | None:
    """Say what paper a PDF is, by its metadata, else by its first page; nothing is guessed that neither says."""
    front = extract.pages[0][:FRONT]
    stamp = STAMP.search(front)
    number = ARXIV.match(stamp[1]) if stamp else None
    named = re.search(r"doi[^\n]{0,20}?(10\.\d{4,9}/\S+)", front, re.IGNORECASE)
    return record(
        "library",
        digest[:16],
        title=title(extract, front) or extract.name.replace("_", " "),
        authors=authors(extract.author),
        year=int(stamp[2]) if stamp else year(extract, front),
        abstract=abstract(front),
        doi=doi(named[1]) if named else None,
        arxiv=number[1] if number else None,
    )


def title(extract: Extract, front: str) -> str:
    given = plain(extract.title, 300)
    if len(given) >= SHORTEST_TITLE and " " in given and not PROGRAMS.search(given):
        return given
    lines = (plain(line, 300) for line in front.splitlines()[:12])
    return next((line for line in lines if len(line) >= SHORTEST_TITLE and not RUNNING.search(line)), "")


def authors(given: str) -> list[str]:
    """Split the names of a PDF's metadata; `Family, Given` only where semicolons part them."""
    parts = given.split(";") if ";" in given else re.split(r",|\band\b|&", given)
    return [part.strip() for part in parts if part.strip()]


def year(extract: Extract, front: str) -> int | None:
    """Give the year that the first page dates itself to, or the file's own where the first page has it too."""
    if dated := DATED.search(front):
        return int(dated[1])
    made = re.match(r"D:(\d{4})", extract.creationdate)
    return int(made[1]) if made and re.search(rf"\b{made[1]}\b", front) else None


def abstract(front: str) -> str:
    found = re.search(
        r"\bAbstract\b[\s.:—-]*(.+?)(?:\n\s*(?:1\.?\s+)?Introduction\b|\Z)", front, re.DOTALL | re.IGNORECASE
    )
    return found[1][:LONGEST_ABSTRACT] if found else ""
