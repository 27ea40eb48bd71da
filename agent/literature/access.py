"""Access to the literature: the one place that puts sources, cache and library together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from agent.literature import arxiv, crossref, openalex, reference, semantic_scholar
from agent.literature.cache import Cache, Cached
from agent.literature.chain import Chain
from agent.literature.gate import Gate
from agent.literature.publication import Literature
from agent.literature.shelf import Shelf
from agent.literature.source import Source
from templates import template
from templates.template import Template

GATES = Path("~/.ratchet/gates")
"""Shared by all campaigns of a user on a machine, since the sources count them as one."""
HOSTS = {
    "semantic_scholar": semantic_scholar.BASE_URL,
    "openalex": openalex.BASE_URL,
    "arxiv": arxiv.BASE_URL,
    "crossref": crossref.BASE_URL,
}
"""Base addresses, in the order that the sources are asked in."""
NAMES = tuple(HOSTS)
NO_HOSTS: Mapping[str, str] = MappingProxyType({})


def literature(  # noqa: PLR0913 (what differs between campaigns)
    templates: Iterable[Template],
    cache_folder: Path,
    *,
    papers: Path | None,
    offline: bool,
    keys: Callable[[str], str | None],
    report: Callable[[str], None],
    gates: Path = GATES,
    hosts: Mapping[str, str] = NO_HOSTS,
) -> Literature:
    """Compose what a campaign looks literature up in; nothing is read, written or asked before the first search.

    `papers` is a folder of PDFs, `keys` gives the value of S2_API_KEY, OPENALEX_API_KEY or
    CROSSREF_MAILTO, none of which is needed; `report` hears why a source is out.
    `hosts` gives base addresses of sources by name, where they are not the usual ones: a mirror, a proxy.
    Offline, only the cache in `cache_folder` and the library answer.
    """
    cache = Cache(cache_folder)
    pace = place(gates.expanduser(), cache_folder / "gates")
    sources = dict.fromkeys(NAMES) if offline else online(pace, keys, report, HOSTS | dict(hosts))
    references = [each for one in templates for each in reference.publications(template.bibliography(one))]
    shelf = Shelf(references, papers, cache_folder / "library", report)
    return Chain([Cached(name, cache, source) for name, source in sources.items()], shelf, cache, report)


def online(
    gates: Path, keys: Callable[[str], str | None], report: Callable[[str], None], hosts: Mapping[str, str]
) -> dict[str, Source | None]:
    """Make the sources; one whose package is not installed has nothing behind its cache."""

    def gate(name: str, interval: float) -> Gate:
        return Gate(name, gates, interval)

    scholars = gate("Semantic Scholar", semantic_scholar.INTERVAL_SECONDS)
    works = gate("OpenAlex", openalex.INTERVAL_SECONDS)
    members = gate("Crossref", crossref.INTERVAL_SECONDS)
    return {
        "semantic_scholar": scholar(scholars, hosts["semantic_scholar"], keys, report),
        "openalex": openalex.OpenAlex(works, key=keys("OPENALEX_API_KEY"), base_url=hosts["openalex"]),
        "arxiv": arxiv.Arxiv(gate("arXiv", arxiv.INTERVAL_SECONDS), base_url=hosts["arxiv"]),
        "crossref": crossref.Crossref(members, mailto=keys("CROSSREF_MAILTO"), base_url=hosts["crossref"]),
    }


def place(gates: Path, otherwise: Path) -> Path:
    """Choose where gates are kept: where other campaigns see them, unless nothing can be written there."""
    there = next(folder for folder in (gates, *gates.absolute().parents) if folder.exists())
    return gates if os.access(there, os.W_OK) else otherwise


def scholar(gate: Gate, host: str, keys: Callable[[str], str | None], report: Callable[[str], None]) -> Source | None:
    try:
        return semantic_scholar.SemanticScholar(gate, key=keys("S2_API_KEY"), base_url=host)
    except ModuleNotFoundError:
        report("Semantic Scholar is left out: install it with pip install 'ratchet-lab[literature]'.")
        return None
