"""How publications are named: by identifiers that all sources share, and by keys to cite them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import sha256

from agent.literature.publication import Publication
from agent.literature.wording import family, folded

DOI = re.compile(r"10\.\d{4,9}/[!-~]+")
ARXIV = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?![\d.]*\d)")
ARXIV_DOI = "10.48550/arxiv."
EMPTY = frozenset((
    "a", "an", "the", "on", "of", "in", "for", "to", "toward", "towards", "and", "or", "with", "without", "by", "from",
    "at", "as", "is", "are", "be", "do", "does", "can", "how", "what", "why", "when", "which", "via", "using", "into",
    "its", "it", "we", "you", "not", "no",
))  # fmt: skip
"""Words that no title is known by."""


def doi(text: str | None) -> str:
    """Find a DOI in an address or a text, in lower case; arXiv's own DOIs are no DOI here, but its number."""
    found = DOI.search((text or "")[:300].lower())
    return found.group().rstrip(".,;)") if found and not found.group().startswith(ARXIV_DOI) else ""


def arxiv(text: str | None) -> str:
    """Find an arXiv number in an address or a text, without its version."""
    found = ARXIV.search(re.sub(r"(?i)^.*10\.48550/arxiv\.", "", (text or "")[:300].strip()))
    return str(found[1]) if found else ""


def identifier(doi: str, arxiv: str, source: str, own: str) -> str:
    return f"doi:{doi}" if doi else f"arxiv:{arxiv}" if arxiv else f"{source}:{own}"


def keyed(publications: Iterable[Publication], taken: Collection[str] = ()) -> tuple[Publication, ...]:
    """Give each publication a key that no other of them has, nor `taken`: `polyak1992acceleration`, then `…b`.

    A key that is more than that, as a template's or one given before, stays as it is.
    """
    publications = tuple(publications)
    kept = {each.key.lower() for each in publications if each.key.lower() != stem(each)}
    used = {key.lower() for key in taken}
    named = []
    for each in publications:
        own = each.key.lower() in kept - used
        key = each.key if own else free(stem(each), used | kept)
        used.add(key.lower())
        named.append(each.model_copy(update={"key": key}))
    return tuple(named)


def stem(publication: Publication) -> str:
    """Make a key of ASCII letters and digits: family name, year, first telling word of the title."""
    words = (letters(word) for word in folded(publication.title).split() if word not in EMPTY)
    who = letters(family(publication.authors[0])) if publication.authors else ""
    word = next(filter(None, words), "") or sha256(publication.id.encode()).hexdigest()[:6]
    return f"{who or 'anonymous'}{publication.year or ''}{word}"[:80]


def free(stem: str, used: Collection[str]) -> str:
    """Give the first of `stem`, `stem` + b, c, …, z, 27, 28, … that is not among `used`, in lower case."""
    endings: tuple[str, ...] = ("", *"bcdefghijklmnopqrstuvwxyz", *map(str, range(27, 27 + len(used))))
    return next(stem + ending for ending in endings if f"{stem}{ending}".lower() not in used)


def letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word)
