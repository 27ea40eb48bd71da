"""The cache: what was answered before, so that a campaign that goes on, or is replayed, asks nothing twice."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from agent.literature.publication import Publication
from agent.literature.source import OutError, Source
from sandboxes.record import DamagedRecordError, Record

LONGEST_QUERY = 300
"""Characters; services refuse very long ones."""


class Answer(Record):
    """What a source answered to one request."""

    asked: str
    publications: tuple[Publication, ...] = ()
    text: str = ""


class Cache:
    """Keeps answers in a folder, by who gave them and what was asked; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, source: str, asked: str) -> Answer | None:
        """Give what is on record; a damaged file is set aside."""
        path = self._path(source, asked)
        try:
            return Answer.load(path)
        except FileNotFoundError:
            return None
        except DamagedRecordError:
            path.replace(path.with_suffix(".damaged"))
            return None

    def put(self, source: str, answer: Answer) -> None:
        path = self._path(source, answer.asked)
        path.parent.mkdir(parents=True, exist_ok=True)
        answer.save(path)

    def _path(self, source: str, asked: str) -> Path:
        return self._folder / source / f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}.json"


class Cached:
    """Asks a source only what is not in the cache; with no source behind it, nothing else."""

    def __init__(self, name: str, cache: Cache, source: Source | None) -> None:
        self.name = name
        self._cache = cache
        self._source = source

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        words = normal(words)
        asked = f"search {limit} {words}"
        if known := self._cache.get(self.name, asked):
            return known.publications
        found = self._live().search(words, limit) if words else ()
        self._cache.put(self.name, Answer(asked=asked, publications=found))
        return found

    def knows(self, name: str) -> bool:
        return self._source.knows(name) if self._source else True

    def fetch(self, name: str) -> Publication | None:
        asked = f"fetch {name}"
        known = self._cache.get(self.name, asked)
        if known is None:
            found = self._live().fetch(name)
            known = Answer(asked=asked, publications=(found,) if found else ())
            self._cache.put(self.name, known)
        return next(iter(known.publications), None)

    def _live(self) -> Source:
        if self._source is None:
            raise OutError("Offline: no source of literature is asked; the record and the library answer.")
        return self._source


def normal(words: str) -> str:
    """Write a query as every other that means the same to a search: words alone, no operators."""
    spoken = re.sub(r"[^\w\s'-]|(?<!\w)[-']|[-'](?!\w)", " ", unicodedata.normalize("NFKC", words).lower())
    return " ".join(spoken.split())[:LONGEST_QUERY]
