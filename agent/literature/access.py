"""Access to the literature: the one place that puts sources, cache and library together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

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
KEYS = ("S2_API_KEY", "OPENALEX_API_KEY", "CROSSREF_MAILTO")
"""What the sources can be given; none is needed."""


def literature(  # noqa: PLR0913 (what differs between campaigns)
    templates: Iterable[Template],
    cache_folder: Path,
    *,
    papers: Path | None,
    offline: bool,
    keys: Callable[[str], str | None],
    report: Callable[[str], None],
    gates: Path = GATES,
) -> Literature:
    """Compose what a campaign looks literature up in; nothing is read, written or asked before the first search.

    `papers` is a folder of PDFs, `keys` gives the value of one of `KEYS`, `report` hears why a source is out.
    Offline, only the cache in `cache_folder` and the library answer.
    """
    cache = Cache(cache_folder)
    sources = (
        dict.fromkeys(NAMES) if offline else online(place(gates.expanduser(), cache_folder / "gates"), keys, report)
    )
    references = [each for one in templates for each in reference.publications(template.bibliography(one))]
    shelf = Shelf(references, papers, cache_folder / "library", report)
    return Chain([Cached(name, cache, source) for name, source in sources.items()], shelf, cache, report)


NAMES = ("semantic_scholar", "openalex", "arxiv", "crossref")
"""In the order they are asked in."""


def online(gates: Path, keys: Callable[[str], str | None], report: Callable[[str], None]) -> dict[str, Source | None]:
    """Make the sources; one whose package is not installed has nothing behind its cache."""

    def gate(name: str, interval: float) -> Gate:
        return Gate(name, gates, interval)

    return {
        "semantic_scholar": scholar(gate("Semantic Scholar", semantic_scholar.INTERVAL_SECONDS), keys, report),
        "openalex": openalex.OpenAlex(gate("OpenAlex", openalex.INTERVAL_SECONDS), key=keys("OPENALEX_API_KEY")),
        "arxiv": arxiv.Arxiv(gate("arXiv", arxiv.INTERVAL_SECONDS)),
        "crossref": crossref.Crossref(gate("Crossref", crossref.INTERVAL_SECONDS), mailto=keys("CROSSREF_MAILTO")),
    }


def place(gates: Path, otherwise: Path) -> Path:
    """Choose where gates are kept: where other campaigns see them, unless nothing can be written there."""
    there = next(folder for folder in (gates, *gates.absolute().parents) if folder.exists())
    return gates if os.access(there, os.W_OK) else otherwise


def scholar(gate: Gate, keys: Callable[[str], str | None], report: Callable[[str], None]) -> Source | None:
    try:
        return semantic_scholar.SemanticScholar(gate, key=keys("S2_API_KEY"))
    except ModuleNotFoundError:
        report("Semantic Scholar is left out: install it with pip install 'ratchet-lab[literature]'.")
        return None
