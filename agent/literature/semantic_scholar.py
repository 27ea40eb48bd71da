"""Semantic Scholar, through the `semanticscholar` package.

Asks `GET /graph/v1/paper/search` (`query`, `fields`, `offset`, `limit`) and `GET /graph/v1/paper/{id}` (`fields`; ids
are `DOI:…`, `ARXIV:…` or Semantic Scholar's own). Used of a paper: `paperId`, `externalIds` (`DOI`, `ArXiv`), `title`,
`authors` (`name`), `year`, `venue`, `abstract`, `url`, `publicationTypes`. One request a second; without a key all
users share one allowance, so that a 429 is to be expected.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, quote

from pydantic import ValidationError

from agent.literature.gate import Gate
from agent.literature.host import REACH, Host, Reach
from agent.literature.publication import Publication
from agent.literature.record import Foreign, record
from agent.literature.source import OutError

if TYPE_CHECKING:
    from semanticscholar import AsyncSemanticScholar

T = TypeVar("T")

BASE_URL = "https://api.semanticscholar.org"
INTERVAL_SECONDS = 1.0
FIELDS = ["externalIds", "title", "authors.name", "year", "venue", "abstract", "url", "publicationTypes"]
KINDS = {"JournalArticle": "article", "Conference": "inproceedings", "Book": "book", "BookSection": "incollection"}


class Author(Foreign):
    name: str | None = None


class ExternalIds(Foreign):
    DOI: str | None = None
    ArXiv: str | None = None


class Paper(Foreign):
    paperId: str | None = None  # noqa: N815 (the service's name)
    externalIds: ExternalIds | None = None  # noqa: N815 (as above)
    title: str | None = None
    authors: list[Author] | None = None
    year: int | None = None
    venue: str | None = None
    abstract: str | None = None
    url: str | None = None
    publicationTypes: list[str] | None = None  # noqa: N815 (as above)


class SemanticScholar:
    """A key makes it reliable; it works without one."""

    name = "semantic_scholar"

    def __init__(self, gate: Gate, *, key: str | None = None, base_url: str = BASE_URL, reach: Reach = REACH) -> None:
        """Make the source; raises `ModuleNotFoundError` when the `semanticscholar` package is not installed."""
        import semanticscholar  # noqa: F401 (told now rather than at the first search)

        headers = {"x-api-key": key} if key else {}
        advice = "" if key else "a key in S2_API_KEY gives an allowance of one's own"
        self._host = Host(base_url, gate, "json", headers=headers, advice=advice, reach=reach)

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        # The package pastes the words into the address as they are; the service finds nothing for a hyphen.
        asked = quote(words.replace("-", " "))
        found = finished(self._library().search_paper(asked, fields=FIELDS, limit=min(limit, 100)))
        return tuple(filter(None, map(read, found.raw_data)))

    def knows(self, name: str) -> bool:
        return name.startswith(("doi:", "arxiv:", f"{self.name}:"))

    def fetch(self, name: str) -> Publication | None:
        scheme, _, number = name.partition(":")
        prefix = {"doi": "DOI:", "arxiv": "ARXIV:"}.get(scheme, "")
        found = finished(self._library().get_paper(prefix + quote(number, safe="/"), fields=FIELDS))
        return read(found.raw_data)

    def _library(self) -> AsyncSemanticScholar:
        from semanticscholar import AsyncSemanticScholar

        library = AsyncSemanticScholar(api_url=self._host.base_url, retry=False)
        # Its own requester hides Retry-After, takes a 503 for an empty answer and reads bodies of any size.
        library._requester = Requester(self._host)  # noqa: SLF001 (it offers no other way)
        return library


class Requester:
    """Makes the package's requests by way of our host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get_data_async(self, url: str, parameters: str, headers: object, payload: object = None) -> Any:  # noqa: ANN401, ARG002 (the package's signature)
        path = url.removeprefix(self._host.base_url)
        answer = self._host.json(path, dict(parse_qsl(parameters)), missing={})
        if not isinstance(answer, dict) or not isinstance(answer.get("data", []), list):
            raise OutError("Semantic Scholar answered with JSON of another form than it documents.")
        # Papers are read by us, below: the package's own classes fail on a missing field.
        return {"data": []} if "/search" in path and not answer.get("data") else answer


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a loop of its own, which takes no other library's loop from it as `asyncio.run` does."""
    import asyncio
    from contextlib import closing

    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(work)


def read(raw: object) -> Publication | None:
    """Read one paper; None for what is none."""
    try:
        paper = Paper.model_validate(raw)
    except ValidationError:
        return None
    ids = paper.externalIds or ExternalIds()
    return record(
        SemanticScholar.name,
        paper.paperId or "",
        title=paper.title,
        authors=(author.name for author in paper.authors or ()),
        year=paper.year,
        venue=paper.venue,
        abstract=paper.abstract,
        doi=ids.DOI,
        arxiv=ids.ArXiv,
        url=paper.url,
        kind=next((KINDS[each] for each in paper.publicationTypes or () if each in KINDS), "misc"),
    )
