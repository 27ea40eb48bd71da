"""Merging: one list of what several sources found, each publication once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.literature.publication import Publication
from agent.literature.wording import family, folded

DAMPING = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""


def merged(lists: Iterable[Sequence[Publication]]) -> tuple[Publication, ...]:
    """Join ranked lists by reciprocal rank fusion: what stands high in several comes first; ties by the lists' order.

    Two records are of one publication when they share a DOI, an arXiv number or an id, or have one title and one first
    author within a year of each other. The fullest is kept, and what it lacks is taken from the others.
    """
    groups: list[list[Publication]] = []
    scores: list[float] = []
    for found in lists:
        for rank, each in enumerate(found, start=1):
            at = next((place for place, group in enumerate(groups) if any(same(each, one) for one in group)), None)
            if at is None:
                groups.append([each])
                scores.append(1 / (DAMPING + rank))
            else:
                groups[at].append(each)
                scores[at] += 1 / (DAMPING + rank)
    order = sorted(range(len(groups)), key=lambda place: -scores[place])
    return tuple(joined(groups[place]) for place in order)


def same(one: Publication, other: Publication) -> bool:
    """Tell whether two records are of one publication."""
    if one.id == other.id or (one.doi and one.doi == other.doi) or (one.arxiv and one.arxiv == other.arxiv):
        return True
    if folded(one.title) != folded(other.title) or not folded(one.title):
        return False
    years = [each.year for each in (one, other) if each.year]
    authors = {family(each.authors[0]) for each in (one, other) if each.authors}
    return len(authors) <= 1 and max(years, default=0) - min(years, default=0) <= 1


def joined(records: Sequence[Publication]) -> Publication:
    """Keep the fullest record, fill its gaps from the others, and keep a key that templates cite by."""
    ranked = sorted(records, key=lambda each: -fullness(each))
    best = ranked[0]
    gaps = [name for name in ("authors", "year", "venue", "abstract", "doi", "arxiv", "url") if not getattr(best, name)]
    filled = {name: next((v for each in ranked if (v := getattr(each, name))), getattr(best, name)) for name in gaps}
    kept = next((each for each in records if each.source == "library"), best)
    return best.model_copy(update={**filled, "key": kept.key})


def fullness(publication: Publication) -> int:
    values = (publication.authors, publication.year, publication.venue, publication.abstract, publication.doi)
    return sum(map(bool, (*values, publication.arxiv, publication.url)))
