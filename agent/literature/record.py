"""Records: what a source gave, made a publication; no field of it is trusted to be there, or to be clean."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from agent.literature.naming import arxiv as find_arxiv
from agent.literature.naming import doi as find_doi
from agent.literature.naming import identifier, stem
from agent.literature.publication import Publication
from agent.literature.wording import plain

LONGEST_TITLE = 500
LONGEST_NAME = 120
LONGEST_ABSTRACT = 8_000
MOST_AUTHORS = 200
EARLIEST = 1500


class Foreign(BaseModel):
    """A part of a service's answer: the fields that are used, each of which may be missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def record(  # noqa: PLR0913 (the fields of a record, each by name)
    source: str,
    own: str,
    *,
    title: str | None,
    authors: Iterable[str | None] = (),
    year: int | None = None,
    venue: str | None = None,
    abstract: str | None = None,
    doi: str | None = None,
    arxiv: str | None = None,
    url: str | None = None,
    kind: str = "misc",
) -> Publication | None:
    """Make a publication of what is usable; None without a title. `own` is the source's own name for it."""
    if not (name := plain(title, LONGEST_TITLE)):
        return None
    number = find_arxiv(arxiv) or (find_arxiv(doi) if "10.48550/arxiv." in (doi or "").lower() else "")
    made = Publication(
        id=identifier(find_doi(doi), number, source, plain(own, 100)),
        key="",
        source=source,
        title=name,
        authors=tuple(filter(None, (plain(each, LONGEST_NAME) for each in authors)))[:MOST_AUTHORS],
        year=year if year and EARLIEST <= year <= datetime.now(UTC).year + 2 else None,
        venue=plain(venue, LONGEST_TITLE),
        abstract=plain(abstract, LONGEST_ABSTRACT),
        doi=find_doi(doi),
        arxiv=number,
        url=plain(url, 500) if (url or "").startswith(("http://", "https://")) else "",
        kind=fitting(kind, plain(venue, LONGEST_TITLE)),
    )
    return made.model_copy(update={"key": stem(made)})


def fitting(kind: str, venue: str) -> str:
    """Give the BibTeX type that the record can fill: without a venue, an article is a paper like any other."""
    return kind if venue or kind not in {"article", "inproceedings", "incollection"} else "misc"
