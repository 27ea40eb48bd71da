"""Crossref.

Asks `GET /works` (`query.bibliographic`, `rows`, `select`, `mailto`) and `GET /works/{doi}` (`mailto`). Used of a work:
`DOI`, `title` (a list), `author` (`given`, `family`, `name`), `issued.date-parts`, `container-title` (a list),
`abstract` (JATS), `URL`, `type`. An address for `mailto` gets better service; every answer says how many requests are
welcome in which time (`x-rate-limit-limit`, `x-rate-limit-interval`).
"""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field, ValidationError

from agent.literature.gate import Gate
from agent.literature.host import REACH, Host, Reach
from agent.literature.publication import Publication
from agent.literature.record import Foreign, record
from agent.literature.source import OutError

BASE_URL = "https://api.crossref.org"
INTERVAL_SECONDS = 1.0
FIELDS = "DOI,title,author,issued,container-title,abstract,URL,type"
KINDS = {
    "journal-article": "article",
    "proceedings-article": "inproceedings",
    "book-chapter": "incollection",
    "book": "book",
    "monograph": "book",
    "dissertation": "phdthesis",
    "report": "techreport",
}


class Author(Foreign):
    given: str | None = None
    family: str | None = None
    name: str | None = None
    """Of an organisation."""

    @property
    def full(self) -> str | None:
        return ", ".join(filter(None, (self.family, self.given))) if self.family else self.name


class Issued(Foreign):
    parts: list[list[int | None]] | None = Field(default=None, alias="date-parts")


class Work(Foreign):
    DOI: str | None = None
    title: list[str] | None = None
    author: list[Author] | None = None
    issued: Issued | None = None
    container: list[str] | None = Field(default=None, alias="container-title")
    abstract: str | None = None
    URL: str | None = None
    type: str | None = None

    @property
    def year(self) -> int | None:
        parts = self.issued.parts if self.issued else None
        return parts[0][0] if parts and parts[0] else None


class Crossref:
    name = "crossref"

    def __init__(
        self, gate: Gate, *, mailto: str | None = None, base_url: str = BASE_URL, reach: Reach = REACH
    ) -> None:
        self._host = Host(base_url, gate, "json", reach=reach)
        self._mailto = {"mailto": mailto} if mailto else {}

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        asked = {"query.bibliographic": words, "rows": str(min(limit, 100)), "select": FIELDS, **self._mailto}
        works = (self._message("/works", asked) or {}).get("items")
        if not isinstance(works, list):
            raise OutError("Crossref answered without a list of items.")
        return tuple(filter(None, map(read, works)))

    def knows(self, name: str) -> bool:
        return name.startswith("doi:")

    def fetch(self, name: str) -> Publication | None:
        message = self._message(f"/works/{quote(name.removeprefix('doi:'), safe='')}", self._mailto)
        return read(message) if message else None

    def _message(self, path: str, parameters: dict[str, str]) -> dict[str, object] | None:
        answer = self._host.json(path, parameters)
        if answer is None:
            return None
        message = answer.get("message") if isinstance(answer, dict) else None
        return message if isinstance(message, dict) else {}


def read(raw: object) -> Publication | None:
    """Read one work; None for what is none."""
    try:
        work = Work.model_validate(raw)
    except ValidationError:
        return None
    return record(
        Crossref.name,
        work.DOI or "",
        title=next(iter(work.title or ()), None),
        authors=(author.full for author in work.author or ()),
        year=work.year,
        venue=next(iter(work.container or ()), None),
        abstract=work.abstract,
        doi=work.DOI,
        url=work.URL,
        kind=KINDS.get(work.type or "", "misc"),
    )
