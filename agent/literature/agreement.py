"""Agreement: whether a record looked up again is the record that was cited."""

from __future__ import annotations

from difflib import SequenceMatcher

from agent.literature.publication import Publication
from agent.literature.wording import family, folded

SIMILAR = 0.9
"""Of titles: what a subtitle or a spelling may cost."""
YEARS = 1
"""Between a preprint and the same paper at its venue."""


def disagreement(cited: Publication, found: Publication) -> str:
    """Say in what the record found under the cited one's id differs from it; empty when it is the same."""
    faults = []
    if similarity(cited.title, found.title) < SIMILAR:
        faults.append(f"its title is “{found.title}”, not “{cited.title}”")
    if cited.authors and found.authors and not same_author(cited.authors[0], found.authors[0]):
        faults.append(f"its first author is {found.authors[0]}, not {cited.authors[0]}")
    if cited.year and found.year and abs(cited.year - found.year) > YEARS:
        faults.append(f"its year is {found.year}, not {cited.year}")
    if not faults:
        return ""
    return f"{cited.id} at {found.source}: {'; '.join(faults)}. Cite another record, or none."


def similarity(one: str, other: str) -> float:
    """Compare titles without case, accents and punctuation: 1 for the same, 0 for nothing in common."""
    return SequenceMatcher(None, folded(one), folded(other), autojunk=False).ratio()


def same_author(one: str, other: str) -> bool:
    """Tell whether two spellings of a name have a family name in common, whichever part comes first."""
    return family(one) in folded(other).split() or family(other) in folded(one).split()
