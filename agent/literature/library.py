"""The embedded library: a full-text index over a bibliography."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from sandboxes.record import Record


class Holding(Record):
    """A publication of the library."""

    key: str
    text: str
    """Title, authors, venue, abstract and notes: what is searched."""


class Library:
    """Ranks sources by their words (BM25), in memory."""

    def __init__(self, sources: Sequence[Holding]) -> None:
        self._keys = [source.key for source in sources]
        self._index = sqlite3.connect(":memory:")
        self._index.execute("CREATE VIRTUAL TABLE source USING fts5(key UNINDEXED, text, tokenize='porter unicode61')")
        self._index.executemany("INSERT INTO source VALUES (?, ?)", [(each.key, each.text) for each in sources])

    def search(self, words: str) -> tuple[str, ...]:
        """Give the keys of all sources: those sharing words with `words` first, best first, then the others."""
        terms = sorted(set(re.findall(r"[A-Za-z]{3,}", words.lower())))
        if not terms:
            return tuple(self._keys)
        found = self._index.execute(
            "SELECT key FROM source WHERE source MATCH ? ORDER BY bm25(source)", (" OR ".join(f'"{t}"' for t in terms),)
        )
        ranked = [key for (key,) in found]
        return (*ranked, *(key for key in self._keys if key not in ranked))
