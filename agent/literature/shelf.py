"""The shelf: the publications at hand without a network, which are the templates' references and the user's PDFs."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.literature import pdf
from agent.literature.agreement import disagreement
from agent.literature.merging import same
from agent.literature.naming import EMPTY, free, stem
from agent.literature.pdf import Extract
from agent.literature.publication import Publication
from agent.literature.wording import folded
from sandboxes.record import DamagedRecordError

VERSION = 1
"""Of the index; one of another version is made anew."""
MOST_TERMS = 40
RELEVANT = 1 / 3
"""Of the best hit's score: what has less has a word in common by chance."""
TITLE_WEIGHT = 4.0
READERS = 4
"""Of PDFs at one time; each may take a gigabyte of memory."""


class Item(NamedTuple):
    publication: Publication
    text: str
    """What is searched beside the title."""


class Shelf:
    """A full-text index, kept on disk, made again only when a reference or a PDF changed; safe from several threads."""

    name = "library"

    def __init__(
        self,
        references: Sequence[Publication],
        papers: Path | None,
        folder: Path,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Look after `references` and the PDFs in `papers`; nothing is read before the first search."""
        self._references = tuple(references)
        self._papers = papers
        self._folder = folder
        self._report = report
        self._index: Path | None = None
        self._lock = threading.Lock()

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        """Rank by BM25, a hit in the title counting most; what has only chance words in common is left out."""
        terms = [word for word in dict.fromkeys(folded(words).split()) if word not in EMPTY][:MOST_TERMS]
        if not terms:
            return ()
        asked = " OR ".join(f'"{term}"' for term in terms)
        with closing(self._open()) as index:
            hits = index.execute(
                "SELECT publication, -bm25(words, ?, 1.0) AS score FROM words JOIN item ON item.id = words.rowid "
                "WHERE words MATCH ? ORDER BY score DESC, item.id LIMIT ?",
                (TITLE_WEIGHT, asked, limit),
            ).fetchall()
        return tuple(Publication.model_validate_json(each) for each, score in hits if score >= RELEVANT * hits[0][1])

    def resolve(self, publication: Publication) -> str:
        """Compare with what is on the shelf under the same id: empty, or what is wrong."""
        with closing(self._open()) as index:
            rows = index.execute("SELECT publication FROM item WHERE name = ?", (publication.id,)).fetchall()
        if not rows:
            return f"{publication.id} is not in the library (“{publication.title}”). Cite another record, or none."
        faults = [disagreement(publication, Publication.model_validate_json(row)) for (row,) in rows]
        return min(faults, key=len)

    def _open(self) -> sqlite3.Connection:
        with self._lock:
            self._index = self._index or self._made()
        return sqlite3.connect(f"{self._index.absolute().as_uri()}?mode=ro", uri=True)

    def _made(self) -> Path:
        """Find the index of just these publications, or make it."""
        papers = self._digests()
        held = "\n".join([str(VERSION), *(each.model_dump_json() for each in self._references), *sorted(papers)])
        path = self._folder / f"index-{hashlib.sha256(held.encode()).hexdigest()[:16]}.sqlite"
        if not usable(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            build(path, self._items(papers))
        return path

    def _digests(self) -> dict[str, Path]:
        """Find the PDFs by what is in them; those of a folder that is gone, where they were read before."""
        if self._papers is None:
            return {}
        if self._papers.is_dir():
            return {pdf.digest(path): path for path in pdf.files(self._papers)}
        known = {path.stem: path for path in sorted(self._extracts.glob("*.json"))}
        self._report(
            f"The folder of papers {self._papers} is not there: the library goes without it"
            f"{f', but for {len(known)} read before' if known else ''}."
        )
        return known

    @property
    def _extracts(self) -> Path:
        return self._folder / "pdfs"

    def _items(self, papers: dict[str, Path]) -> list[Item]:
        """List the references, then the PDFs; a PDF of a reference adds its text to it."""
        items: list[Item] = []
        for each in self._references:
            if not any(each.key == item.publication.key and same(each, item.publication) for item in items):
                items.append(
                    Item(distinct(each, each.key, items), f"{each.venue} {' '.join(each.authors)} {each.abstract}")
                )
        with ThreadPoolExecutor(READERS) as executor:
            extracts = executor.map(self._extract, papers, papers.values())
            for (digest, path), extract in zip(papers.items(), extracts, strict=True):
                self._add(path, digest, extract, items)
        return items

    def _add(self, path: Path, digest: str, extract: Extract, items: list[Item]) -> None:
        found = None if extract.fault else pdf.publication(digest, extract)
        if found is None:
            self._report(f"{path} is left out of the library: {extract.fault or 'it has no title'}.")
            return
        at = next((place for place, item in enumerate(items) if same(item.publication, found)), None)
        if at is None:
            items.append(Item(distinct(found, stem(found), items), extract.text))
        else:
            items[at] = Item(items[at].publication, f"{items[at].text}\n{extract.text}")

    def _extract(self, digest: str, path: Path) -> Extract:
        """Give what was read of a PDF, now or before."""
        known = self._extracts / f"{digest}.json"
        try:
            return Extract.load(known)
        except (FileNotFoundError, DamagedRecordError):
            known.parent.mkdir(parents=True, exist_ok=True)
            extract = pdf.extract(path).model_copy(update={"name": path.stem})
            extract.save(known)
            return extract


def distinct(publication: Publication, key: str, items: Sequence[Item]) -> Publication:
    return publication.model_copy(update={"key": free(key, {item.publication.key.lower() for item in items})})


def build(path: Path, items: Sequence[Item]) -> None:
    """Write an index whole, or not at all."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as index:
        index.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, publication TEXT)")
        tokens = "porter unicode61 remove_diacritics 2"
        index.execute(f"CREATE VIRTUAL TABLE words USING fts5(title, body, content='', tokenize='{tokens}')")
        for number, item in enumerate(items, start=1):
            index.execute(
                "INSERT INTO item VALUES (?, ?, ?)", (number, item.publication.id, item.publication.model_dump_json())
            )
            index.execute(
                "INSERT INTO words (rowid, title, body) VALUES (?, ?, ?)", (number, item.publication.title, item.text)
            )
        index.commit()
    draft.replace(path)


def usable(path: Path) -> bool:
    """Tell whether an index is there and whole; a damaged one is set aside."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as index:
            return has_tables(index) and bool(index.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        path.replace(path.with_suffix(".damaged"))
        return False


def has_tables(index: sqlite3.Connection) -> bool:
    return bool(index.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('item', 'words')").fetchone() == (2,))
