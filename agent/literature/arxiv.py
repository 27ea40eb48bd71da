"""arXiv.

Asks `GET /api/query` (`search_query`, `id_list`, `start`, `max_results`, `sortBy`), which answers with an Atom feed.
Used of an entry: `id`, `title`, `author/name`, `published`, `summary`, `arxiv:doi`, `arxiv:journal_ref`. A request that
it cannot read gets the status 200 and one entry called `Error`. One request in three seconds, one at a time.
"""

from __future__ import annotations

import re
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from agent.literature.gate import Gate
from agent.literature.host import REACH, Host, Reach
from agent.literature.naming import arxiv
from agent.literature.publication import Publication
from agent.literature.record import record
from agent.literature.source import OutError
from agent.literature.wording import folded

BASE_URL = "https://export.arxiv.org"
INTERVAL_SECONDS = 3.0
ATOM, OWN = "{http://www.w3.org/2005/Atom}", "{http://arxiv.org/schemas/atom}"
MOST_WORDS = 12
"""Of a search, any of which a work may have."""


class Arxiv:
    name = "arxiv"

    def __init__(self, gate: Gate, *, base_url: str = BASE_URL, reach: Reach = REACH) -> None:
        self._host = Host(base_url, gate, "xml", reach=reach)

    def search(self, words: str, limit: int) -> tuple[Publication, ...]:
        asked = " OR ".join(f"all:{word}" for word in folded(words).split()[:MOST_WORDS] if word.isascii())
        if not asked:
            return ()
        return self._ask({"search_query": asked, "start": "0", "max_results": str(limit), "sortBy": "relevance"})

    def knows(self, name: str) -> bool:
        return name.startswith("arxiv:")

    def fetch(self, name: str) -> Publication | None:
        number = name.removeprefix("arxiv:")
        found = self._ask({"id_list": number, "max_results": "1"})
        return next((each for each in found if each.arxiv == number), None)

    def _ask(self, parameters: dict[str, str]) -> tuple[Publication, ...]:
        body = self._host.get("/api/query", parameters)
        return tuple(filter(None, map(read, parsed(body or b"").iterfind(f"{ATOM}entry"))))


class Flat(TreeBuilder):
    """Builds a tree of a document that declares nothing: no document type, hence no entity but XML's own five."""

    def doctype(self, name: str, *_: str | None) -> NoReturn:
        """Refuse the declaration before an entity in it is read."""
        raise OutError(f"arXiv answered with XML that declares a document type, {name[:40]}: it is not read.")


def parsed(body: bytes) -> Element:
    """Read a feed; raises `OutError` for anything else."""
    parser = XMLParser(target=Flat())  # noqa: S314 (it declares no entity)
    try:
        parser.feed(body)
        root = parser.close()
    except ParseError as error:
        raise OutError(f"arXiv answered with XML that cannot be read: {error}.") from error
    if not isinstance(root, Element) or root.tag != f"{ATOM}feed":
        raise OutError("arXiv answered with XML that is no Atom feed.")
    return root


def read(entry: Element) -> Publication | None:
    """Read one entry; None for an error that looks like one."""
    name = entry.findtext(f"{ATOM}id", "")
    if "/abs/" not in name:
        return None
    venue = entry.findtext(f"{OWN}journal_ref", "")
    year = re.match(r"\s*(\d{4})-", entry.findtext(f"{ATOM}published", ""))
    return record(
        Arxiv.name,
        name,
        title=entry.findtext(f"{ATOM}title"),
        authors=(author.findtext(f"{ATOM}name") for author in entry.iterfind(f"{ATOM}author")),
        year=int(year[1]) if year else None,
        venue=venue,
        abstract=entry.findtext(f"{ATOM}summary"),
        doi=entry.findtext(f"{OWN}doi"),
        arxiv=name.rsplit("/abs/", 1)[-1],
        url=f"https://arxiv.org/abs/{number}" if (number := arxiv(name)) else "",
    )
