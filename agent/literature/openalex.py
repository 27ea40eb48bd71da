"""OpenAlex.

Asks `GET /works` (`search`, `per_page`, `select`, `api_key`) and `GET /works/{id}` (`doi:…` or its own `W…`). Used of a
work: `id`, `doi`, `ids`, `title`, `authorships` (`author.display_name`), `publication_year`, `type`, `primary_location`
(`landing_page_url`, `source.display_name`, `source.type`), `abstract_inverted_index`. A search costs a tenth of a cent
of a daily allowance, which a free key makes ten times as large; 429 says that it is used up, and it is there again at
midnight UTC.
"""

from __future__ import annotations

from urllib.parse import quote

from pydantic import ValidationError

from agent.literature.gate import Gate
from agent.literature.host import REACH, Host, Reach, midnight
from agent.literature.naming import ARXIV_DOI
from agent.literature.publication import Publication
from agent.literature.record import LONGEST_ABSTRACT, Foreign, record
from agent.literature.source import OutError

BASE_URL = "https://api.openalex.org"
INTERVAL_SECONDS = 0.2
FIELDS = "id,doi,title,authorships,publication_year,type,primary_location,abstract_inverted_index"
KINDS = {
    "article": "article",
    "book": "book",
    "book-chapter": "incollection",
    "dissertation": "phdthesis",
    "report": "techreport",
}
MOST_WORDS = 4_000
"""Of an abstract."""


class Author(Foreign):
    display_name: str | None = None


class Authorship(Foreign):
    author: Author | None = None


class Venue(Foreign):
    display_name: str | None = None
    type: str | None = None


class Location(Foreign):
    landing_page_url: str | None = None
    source: Venue | None = None


class Work(Foreign):
    id: str | None = None
    doi: str | None = None
    title: str | None = None
    authorships: list[Authorship] | None = None
    publication_year: int | None = None
    type: str | None = None
    primary_location: Location | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None


class OpenAlex:
    name = "openalex"

    def __init__(self, gate: Gate, *, key: str | None = None, base_url: str = BASE_URL, reach: Reach = REACH) -> None:
        advice = "" if key else "a free key in OPENALEX_API_KEY gives ten times as much"
        self._host = Host(base_url, gate, "json", renewed=midnight, advice=advice, reach=reach)
        self._key = {"api_key": key} if key else {}

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        asked = {"search": words, "per_page": str(min(limit, 100)), "select": FIELDS, **self._key}
        answer = self._answer("/works", asked)
        works = answer.get("results") if answer else None
        if not isinstance(works, list):
            raise OutError("OpenAlex answered without a list of results.")
        return tuple(filter(None, map(read, works)))

    def knows(self, name: str) -> bool:
        return name.startswith(("doi:", "arxiv:", f"{self.name}:"))

    def fetch(self, name: str) -> Publication | None:
        scheme, _, number = name.partition(":")
        prefix = {"doi": "doi:", "arxiv": f"doi:{ARXIV_DOI}"}.get(scheme, "")
        answer = self._answer(f"/works/{prefix}{quote(number, safe='/')}", {"select": FIELDS, **self._key})
        return read(answer) if answer else None

    def _answer(self, path: str, parameters: dict[str, str]) -> dict[str, object] | None:
        answer = self._host.json(path, parameters)
        if answer is None:
            return None
        return answer if isinstance(answer, dict) else {}


def read(raw: object) -> Publication | None:
    """Read one work; None for what is none."""
    try:
        work = Work.model_validate(raw)
    except ValidationError:
        return None
    place = work.primary_location or Location()
    venue = place.source or Venue()
    repository = venue.type == "repository"
    return record(
        OpenAlex.name,
        (work.id or "").rsplit("/", 1)[-1],
        title=work.title,
        authors=(each.author.display_name for each in work.authorships or () if each.author),
        year=work.publication_year,
        venue="" if repository else venue.display_name,
        abstract=unrolled(work.abstract_inverted_index or {}),
        doi=work.doi,
        arxiv=place.landing_page_url if "arxiv.org/" in (place.landing_page_url or "") else None,
        url=place.landing_page_url or work.doi,
        kind="inproceedings" if venue.type == "conference" else KINDS.get(work.type or "", "misc"),
    )


def unrolled(index: dict[str, list[int]]) -> str:
    """Put the words of an inverted index back in their order."""
    placed = sorted((place, word) for word, places in index.items() for place in places[:MOST_WORDS])
    return " ".join(word for _, word in placed[:MOST_WORDS])[: 2 * LONGEST_ABSTRACT]
