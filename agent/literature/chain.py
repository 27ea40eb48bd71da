"""The chain: literature from several sources in turn, always joined by the library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from agent.literature.agreement import disagreement
from agent.literature.cache import Answer, Cache, normal
from agent.literature.merging import merged
from agent.literature.naming import keyed
from agent.literature.publication import NOT_CHECKED, Publication
from agent.literature.shelf import Shelf
from agent.literature.source import OutError, Source

NAME = "joined"


class Chain:
    """Asks one source after the other until enough is found; says once why one is out; safe from several threads."""

    def __init__(self, sources: Sequence[Source], shelf: Shelf, cache: Cache, report: Callable[[str], None]) -> None:
        self._sources = tuple(sources)
        self._shelf = shelf
        self._cache = cache
        self._report = report
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def search(self, words: str, limit: int = 10) -> tuple[Publication, ...]:
        """Find what is about `words`, best first, each publication once and each with a key of its own.

        What was once found stays found, also when more sources can be asked later; unless none could be.
        """
        asked = f"search {limit} {normal(words)}"
        if known := self._cache.get(NAME, asked):
            return known.publications
        lists = self._lists(words, limit)
        found = keyed(merged((*lists, self._shelf.search(words, limit)))[:limit])
        if lists:
            self._cache.put(NAME, Answer(asked=asked, publications=found))
        return found

    def resolve(self, publication: Publication) -> str:
        """Look the record up again by its id, at its own source first."""
        if publication.source == Shelf.name:
            return self._shelf.resolve(publication)
        asked = f"resolve {publication.model_dump_json()}"
        known = self._cache.get(NAME, asked)
        if known and not known.text.startswith(NOT_CHECKED):
            return known.text
        said = self._looked_up(publication)
        if known and said.startswith(NOT_CHECKED):
            return known.text  # a replay says what was said the first time
        self._cache.put(NAME, Answer(asked=asked, text=said))
        return said

    def _looked_up(self, publication: Publication) -> str:
        names = dict.fromkeys((publication.id, *([f"arxiv:{publication.arxiv}"] if publication.arxiv else ())))
        silent: list[str] = []
        for source in sorted(self._sources, key=lambda each: each.name != publication.source):
            try:
                found = next(filter(None, (source.fetch(name) for name in names if source.knows(name))), None)
            except OutError as error:
                silent.append(str(error))
                continue
            if found:
                return disagreement(publication, found)
        if silent:
            return f"{NOT_CHECKED} {publication.id}: {' '.join(dict.fromkeys(silent))}"
        return f"{publication.id} is on no source's record (“{publication.title}”). Cite another record, or none."

    def _lists(self, words: str, limit: int) -> list[tuple[Publication, ...]]:
        lists: list[tuple[Publication, ...]] = []
        for source in self._sources:
            if len(merged(lists)) >= limit:
                break
            try:
                lists.append(source.search(words, limit))
            except OutError as error:
                self._tell(str(error))
        return lists

    def _tell(self, text: str) -> None:
        with self._lock:
            new = text not in self._told
            self._told.add(text)
        if new:
            self._report(text)
