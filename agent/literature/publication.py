"""A publication: a record of something published, as a source of literature gave it."""

from __future__ import annotations

from typing import Protocol

from sandboxes.record import Record

NOT_CHECKED = "not checked:"
"""What is said of a record begins so when nobody could be asked."""


class Publication(Record):
    """Every field is untrusted text from outside."""

    id: str
    """Names it across sources: `doi:…`, else `arxiv:…`, else `<source>:…`."""
    key: str
    """To cite it by: family name, year, first word of the title."""
    source: str
    """Who gave the record: `semantic_scholar`, `openalex`, `arxiv`, `crossref`, `library`."""
    title: str
    authors: tuple[str, ...]
    year: int | None
    venue: str = ""
    abstract: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""
    kind: str = "misc"
    """BibTeX entry type."""


class Literature(Protocol):
    """Where to look for what has been published."""

    def search(self, words: str, limit: int = 10) -> tuple[Publication, ...]:
        """Find what is about `words`, best first; empty when nothing is known or no source can be asked."""
        ...

    def resolve(self, publication: Publication) -> str:
        """Look the record up again by its id.

        Empty when title, first author and year agree; else a sentence that says what is wrong, or that begins with
        `NOT_CHECKED`.
        """
        ...
