"""Background and related work: the template's README and the records that the survey found."""

from __future__ import annotations

import re

from papers.paper import Block, Items, Paragraph, Section
from papers.prose.material import Material, clause, listed, stop
from papers.records import Source, records

RECENT_YEARS = 6
"""A record this much younger than the newest one counts as recent work."""


def background(material: Material) -> Section:
    """Tell what is known: the README's background and seed paper, then the records by age."""
    readme = material.outside.readme
    told = readme.under("Background")
    seed = list(readme.under("What the seed paper found", "The seed paper", "Seed paper"))
    blocks = [*told, *_led("Earlier findings", seed)]
    nearest = _nearest(material)
    shown: list[Block] = [*blocks, *nearest]
    related = _related(material, shown, ranked=not nearest)
    return Section(title="Background and related work", blocks=(*shown, *related))


def cited_in(blocks: tuple[Block, ...] | list[Block]) -> set[str]:
    """Collect the keys that prose cites."""
    texts = [text for block in blocks for text in _texts(block)]
    marks = re.findall(r"\[(@[^\]]+)\]", " ".join(texts))
    return {key.strip().lstrip("@") for mark in marks for key in mark.split(";")}


def _texts(block: Block) -> tuple[str, ...]:
    match block:
        case Paragraph(text=text):
            return (text,)
        case Items(items=items):
            return items
        case _:
            return ()


def _led(heading: str, blocks: list[Block]) -> list[Block]:
    """Give the first paragraph a run-in heading."""
    match blocks:
        case [Paragraph(text=text, heading=""), *rest]:
            return [Paragraph(text=text, heading=heading), *rest]
        case _:
            return blocks


def _related(material: Material, told: list[Block], *, ranked: bool) -> tuple[Block, ...]:
    """Place the records of the survey: those discussed above, then recent and older ones by title.

    `ranked`, the first of them is called the closest.
    """
    known = {source.key: source for source in records(material.study.bibliography)}
    found = [known[key] for key in material.study.cited if key in known]
    if not found:
        text = (
            "The survey found no record that it judged related to this idea; the comparison is with the baseline alone."
        )
        return (Paragraph(text=text, heading="Related records"),)
    discussed = cited_in(told)
    fresh = [source for source in found if source.key not in discussed]
    return (Paragraph(text=" ".join(_sentences(material, found, fresh, ranked=ranked)), heading="Related records"),)


def _nearest(material: Material) -> tuple[Block, ...]:
    """Set the idea beside the works that come nearest to it, in the words of whoever surveyed them."""
    known = {source.key: source for source in records(material.study.bibliography)}
    told = [
        f"{_named(material, known[each.key])}: {stop(clause(difference))}"
        for place, each in enumerate(material.study.nearest, 1)
        if each.key in known and (difference := material.said(f"nearest.{place}"))
    ]
    if not told:
        return ()
    who = "was judged to come" if len(told) == 1 else "were judged to come"
    lead = f"Of the records that the search brought, {'this' if len(told) == 1 else 'these'} {who} nearest to the idea."
    text = f"{lead} Beside each stands what it leaves open, as read from its title and abstract."
    return (Paragraph(text=text, heading="Nearest works"), Items(items=tuple(told)))


def _sentences(material: Material, found: list[Source], fresh: list[Source], *, ranked: bool) -> list[str]:
    first = found[0] if ranked else None
    said = [f"By the survey's ranking, the record closest to the idea is {_named(material, first)}."] if first else []
    others = [source for source in fresh if source is not first]
    newest = max((source.year for source in found if source.year), default=0)
    recent = [source for source in others if source.year and newest - source.year <= RECENT_YEARS]
    older = [source for source in others if source not in recent]
    if recent:
        said.append(f"Recent work on the same subject includes {_all_named(material, recent)}.")
    if older:
        foundation = "An older foundation is" if len(older) == 1 else "Older foundations are"
        lead = foundation if recent else "The survey also points to"
        said.append(f"{lead} {_all_named(material, older)}.")
    if again := [source.key for source in found if source not in fresh and source is not first]:
        marks = "; ".join(f"@{key}" for key in again)
        were = "a record that was" if len(again) == 1 else "records that were"
        whose = "Its" if said else "The survey's"
        said.append(f"{whose} list also holds {were} discussed above [{marks}].")
    knobs = listed([f"`{change.knob}`" for change in material.study.idea.changes])
    done = f"turns {knobs}" if knobs else "rewrites one part of it"
    said.append(
        "The ranking is one of relatedness, not of merit. The present study does not repeat the experiments of "
        f"[@{found[0].key}] or of the others; in contrast to them, it takes the template's method as it is, {done}, "
        "and asks only whether the prediction made for this one change holds."
    )
    return said


def _named(material: Material, source: Source) -> str:
    title = material.said(f"record.{source.key}").rstrip(".")
    return f"“{title}” [@{source.key}]" if title else f"[@{source.key}]"


def _all_named(material: Material, sources: list[Source]) -> str:
    return listed([_named(material, source) for source in sources])
