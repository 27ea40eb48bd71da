"""A source of literature: a service on the network that is asked for records."""

from __future__ import annotations

from typing import Protocol

from agent.literature.publication import Publication


class Source(Protocol):
    """Asks one service; safe to use from several threads."""

    @property
    def name(self) -> str:
        """As publications name it, e.g. `openalex`."""
        ...

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        """Give at most `limit` records, best first. Raises `OutError`."""
        ...

    def knows(self, name: str) -> bool:
        """Tell whether the service can be asked for a publication by this id."""
        ...

    def fetch(self, name: str) -> Publication | None:
        """Give the record of this id, None when there is none. Raises `OutError`."""
        ...


class OutError(RuntimeError):
    """A source cannot be asked, or what it says cannot be read; the message says which one, why, and until when."""
