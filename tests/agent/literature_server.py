"""A server on loopback that speaks as Semantic Scholar, OpenAlex, arXiv and Crossref do, and fails as they can.

Its works are invented; the forms of its answers are those of the four services.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SERVICES = ("semantic_scholar", "openalex", "arxiv", "crossref")
CHUNK = b"x" * (1 << 16)


NOON = 1_800_014_400.0
"""2027-01-15, 12:00 UTC."""


class Clock:
    """A clock that moves only when somebody sleeps, or by hand."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class Work:
    """One invented work, and where it is known."""

    title: str
    authors: tuple[tuple[str, str], ...]
    """Given name, family name."""
    year: int | None
    abstract: str = ""
    venue: str = ""
    doi: str = ""
    arxiv: str = ""
    known: tuple[str, ...] = SERVICES
    raw: dict[str, Any] = field(default_factory=dict)
    """Fields of a JSON answer that are not as they should be."""

    @property
    def words(self) -> set[str]:
        return set(f"{self.title} {self.abstract}".lower().split())

    @property
    def number(self) -> int:
        return sum(map(ord, self.title))


@dataclass(frozen=True)
class Fault:
    """What a service does instead of answering."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    kind: str = "application/json"
    delay: float = 0.0
    endless: bool = False
    """Sends for as long as somebody reads, up to 1 GB."""
    cut: bool = False
    """Promises more than it sends."""


@dataclass(frozen=True)
class Asked:
    service: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    at: float


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever asked may hang up."""


class LiteratureServer:
    """Use as a context; `url(service)` is the base address to give to a source."""

    def __init__(self, works: tuple[Work, ...]) -> None:
        self.works = works
        self.asked: list[Asked] = []
        self.sent = 0
        """Bytes of endless answers."""
        self._faults: dict[str, deque[Fault]] = {service: deque() for service in SERVICES}
        self._always: dict[str, Fault] = {}
        self._http = Quiet(("127.0.0.1", 0), type("Handler", (Handler,), {"world": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/{service}"

    def fail(self, service: str, *faults: Fault) -> None:
        """Have the next requests meet these faults, one each."""
        self._faults[service].extend(faults)

    def break_down(self, service: str, fault: Fault | None = None) -> None:
        """Have every request meet this fault."""
        self._always[service] = fault or Fault(status=503, body=b"{}")

    def mend(self, service: str) -> None:
        self._always.pop(service, None)

    def count(self, service: str) -> int:
        return sum(asked.service == service for asked in self.asked)

    def fault(self, service: str) -> Fault | None:
        queue = self._faults[service]
        return queue.popleft() if queue else self._always.get(service)

    def search(self, service: str, words: str, limit: int) -> list[Work]:
        wanted = set(words.lower().split())
        found = [work for work in self.works if service in work.known and wanted & work.words]
        return sorted(found, key=lambda work: -len(wanted & work.words))[:limit]

    def find(self, service: str, name: str) -> Work | None:
        wanted = name.lower()
        works = (work for work in self.works if service in work.known)
        return next((work for work in works if wanted in identifiers(work)), None)


def identifiers(work: Work) -> set[str]:
    arxiv = {work.arxiv, f"10.48550/arxiv.{work.arxiv}"} if work.arxiv else set()
    return {work.doi.lower(), f"s2-{work.number}", f"w{work.number}", *arxiv} - {""}


class Handler(BaseHTTPRequestHandler):
    world: LiteratureServer
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        _, service, path = address.path.split("/", 2)
        query = parse_qs(address.query)
        self.world.asked.append(Asked(service, f"/{path}", query, dict(self.headers), time.monotonic()))
        if fault := self.world.fault(service):
            self._fail(fault)
            return
        getattr(self, service)(f"/{path}", {name: values[0] for name, values in query.items()})

    def semantic_scholar(self, path: str, query: dict[str, str]) -> None:
        if path == "/graph/v1/paper/search":
            limit = int(query["limit"])
            found = [paper(work) for work in self.world.search("semantic_scholar", query["query"], limit)]
            self._json(200, {"total": len(found), "offset": 0, **({"data": found} if found else {})})
            return
        name = unquote(path.removeprefix("/graph/v1/paper/"))
        work = self.world.find("semantic_scholar", name.removeprefix("DOI:").removeprefix("ARXIV:"))
        self._json(200, paper(work)) if work else self._json(404, {"error": f"Paper with id {name} not found"})

    def openalex(self, path: str, query: dict[str, str]) -> None:
        if path == "/works":
            found = [alex(work) for work in self.world.search("openalex", query["search"], int(query["per_page"]))]
            self._json(200, {"meta": {"count": len(found), "page": 1}, "results": found, "group_by": []})
            return
        work = self.world.find("openalex", unquote(path.removeprefix("/works/")).removeprefix("doi:"))
        self._json(200, alex(work)) if work else self._send(404, "text/html", b"<!doctype html><title>404</title>")

    def arxiv(self, path: str, query: dict[str, str]) -> None:
        assert path == "/api/query"
        if "id_list" in query:
            work = self.world.find("arxiv", query["id_list"])
            works = [work] if work else []
        else:
            words = query["search_query"].replace("all:", "").replace(" OR ", " ")
            works = self.world.search("arxiv", words, int(query["max_results"]))
        self._send(200, "application/atom+xml; charset=utf-8", feed(works).encode())

    def crossref(self, path: str, query: dict[str, str]) -> None:
        pace = (("x-rate-limit-limit", "50"), ("x-rate-limit-interval", "1s"))
        if path == "/works":
            found = [
                item(work) for work in self.world.search("crossref", query["query.bibliographic"], int(query["rows"]))
            ]
            message: dict[str, Any] = {"facets": {}, "total-results": len(found), "items": found}
            self._json(200, {"status": "ok", "message-type": "work-list", "message": message}, pace)
            return
        work = self.world.find("crossref", unquote(path.removeprefix("/works/")))
        if work is None:
            self._send(404, "text/plain", b"Resource not found.")
        else:
            self._json(200, {"status": "ok", "message-type": "work", "message": item(work)}, pace)

    def _json(self, status: int, answer: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._send(status, "application/json", json.dumps(answer).encode(), headers)

    def _send(self, status: int, kind: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, fault: Fault) -> None:
        time.sleep(fault.delay)
        self.close_connection = True
        try:
            if fault.endless:
                self._flood(fault)
            elif fault.cut:
                self._send(fault.status, fault.kind, fault.body, (("Content-Length", "100000"),))
            else:
                self._send(fault.status, fault.kind, fault.body, (*fault.headers, ("Connection", "close")))
        except OSError:
            return  # whoever asked has hung up

    def _flood(self, fault: Fault) -> None:
        self.send_response(200)
        self.send_header("Content-Type", fault.kind)
        self.end_headers()
        while self.world.sent < 1 << 30:
            self.wfile.write(CHUNK)
            self.world.sent += len(CHUNK)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""


def paper(work: Work) -> dict[str, Any]:
    """Write a work as Semantic Scholar does; `openAccessPdf` is not asked for and comes all the same."""
    ids = {"DOI": work.doi, "ArXiv": work.arxiv, "CorpusId": work.number}
    return {
        "paperId": f"s2-{work.number}",
        "externalIds": {name: value for name, value in ids.items() if value},
        "url": f"https://www.semanticscholar.org/paper/s2-{work.number}",
        "title": work.title,
        "abstract": work.abstract or None,
        "venue": work.venue,
        "year": work.year,
        "publicationTypes": ["JournalArticle"] if work.venue else None,
        "openAccessPdf": {"url": "", "status": None},
        "authors": [{"authorId": str(n), "name": f"{a} {b}".strip()} for n, (a, b) in enumerate(work.authors)],
        **work.raw,
    }


def alex(work: Work) -> dict[str, Any]:
    """Write a work as OpenAlex does, its abstract as an inverted index."""
    doi = work.doi or (f"10.48550/arxiv.{work.arxiv}" if work.arxiv else "")
    index: dict[str, list[int]] = {}
    for place, word in enumerate(work.abstract.split()):
        index.setdefault(word, []).append(place)
    page = f"https://doi.org/{work.doi}" if work.doi else f"http://arxiv.org/abs/{work.arxiv}"
    venue = {"display_name": work.venue, "type": "journal"} if work.venue else None
    repository = {"display_name": "arXiv (Cornell University)", "type": "repository"}
    return {
        "id": f"https://openalex.org/W{work.number}",
        "doi": f"https://doi.org/{doi}" if doi else None,
        "title": work.title,
        "publication_year": work.year,
        "type": "article" if work.venue else "preprint",
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": "https://openalex.org/A1", "display_name": f"{a} {b}".strip()},
            }
            for a, b in work.authors
        ],
        "primary_location": {"is_oa": True, "landing_page_url": page, "source": venue or repository},
        "abstract_inverted_index": index or None,
        **work.raw,
    }


def item(work: Work) -> dict[str, Any]:
    """Write a work as Crossref does, its abstract as JATS; `issued` is there even when nothing is known."""
    jats = f"<jats:title>Abstract</jats:title><jats:p>{escape(work.abstract)}</jats:p>"
    return {
        "DOI": work.doi,
        "URL": f"https://doi.org/{work.doi}",
        "type": "journal-article",
        "title": [work.title],
        "author": [{"given": a, "family": b, "sequence": "first", "affiliation": []} for a, b in work.authors],
        "issued": {"date-parts": [[work.year]]},
        "container-title": [work.venue] if work.venue else [],
        **({"abstract": jats} if work.abstract else {}),
        **work.raw,
    }


def feed(works: list[Work]) -> str:
    """Write works as arXiv does: hard-wrapped titles, a version on each id."""
    entries = "".join(map(entry, works))
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/cHxbiOdZaP56ODnBPIenZhzg5f8</id>
  <title>arXiv Query: search_query=&amp;id_list=&amp;start=0&amp;max_results=10</title>
  <updated>2026-01-01T00:00:00Z</updated>
  <link href="https://arxiv.org/api/query" type="application/atom+xml"/>
  <opensearch:totalResults>{len(works)}</opensearch:totalResults>
  {entries}
</feed>"""


def entry(work: Work) -> str:
    title = "\n  ".join(escape(work.title).rsplit(" ", 1))
    doi = f"<arxiv:doi>{work.doi}</arxiv:doi>" if work.doi else ""
    people = "".join(f"<author><name>{escape(f'{a} {b}'.strip())}</name></author>" for a, b in work.authors)
    return f"""<entry>
    <id>http://arxiv.org/abs/{work.arxiv or "0000.00000"}v2</id>
    <title>{title}</title>
    <updated>2026-01-01T00:00:00Z</updated>
    <link href="https://arxiv.org/abs/{work.arxiv}v2" rel="alternate" type="text/html"/>
    <summary>  {escape(work.abstract)}
    </summary>
    <published>{work.year or ""}-02-03T10:00:00Z</published>
    {doi}
    <arxiv:primary_category term="cs.LG"/>
    {people}
  </entry>"""


COUPLING = Work(
    title="Sparse Couplings of Large Distributions",
    authors=(("Ana", "Müller"), ("Jan", "van der Berg")),
    year=2021,
    abstract="We couple large distributions sparsely and measure the entropy of the coupling.",
    venue="Journal of Invented Results",
    doi="10.5555/Coupling.2021",
    arxiv="2101.01234",
)
PREPRINT = Work(
    title="Entropy bounds for couplings: a preprint",
    authors=(("Søren", "Ångström"),),
    year=2019,
    abstract="Bounds on the entropy of any coupling.",
    arxiv="1905.04321",
    known=("semantic_scholar", "openalex", "arxiv"),
)
OLD = Work(
    title="The method of moments",
    authors=(("Karl", "Pearson"),),
    year=1936,
    venue="Old Journal",
    doi="10.5555/old.1936",
    known=("crossref", "openalex"),
)
ALIKE = Work(
    title="Sparse methods revisited",
    authors=(("Ana", "Müller"),),
    year=2021,
    doi="10.5555/sparse.a",
)
ALIKE_TOO = Work(
    title="Sparse models revisited",
    authors=(("Tom", "Muller"),),
    year=2021,
    doi="10.5555/sparse.b",
)
WORKS = (COUPLING, PREPRINT, OLD, ALIKE, ALIKE_TOO)
