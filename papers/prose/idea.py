"""The idea: how a paper names it, and how it stands to the ideas that were tried before it."""

from __future__ import annotations

from papers.evidence import Conclusion
from papers.prose.material import Material, capital, listed, stop
from papers.sentences import split
from papers.study import PastStudy
from templates.idea import Change
from templates.trial import BASELINE

MOST_NAMED = 2
"""Changes that a title names, and earlier ideas that a sentence names."""
ENDED = {
    Conclusion.supported: "was supported",
    Conclusion.refuted: "was refuted",
    Conclusion.negligible: "had a negligible effect",
    Conclusion.inconclusive: "stayed inconclusive",
    Conclusion.failed: "could not be measured",
}


def evolved(material: Material) -> bool:
    """Tell whether a search turned the settings, so that no one gave the idea a name."""
    idea = material.study.idea
    return idea.lineage.operator in {"mutation", "crossover"} and bool(idea.changes)


def name(material: Material) -> str:
    """Name the idea as a title does: in its author's words, or by what it turns."""
    if not evolved(material):
        return capital(material.said("idea.title").rstrip("."))
    changes = material.study.idea.changes
    acts = [_act(change) for change in changes[:MOST_NAMED]]
    return capital(listed([*acts, "more"] if changes[MOST_NAMED:] else acts))


def called(material: Material) -> str:
    """Name the idea inside a sentence."""
    title = name(material)
    return title[:1].lower() + title[1:] if evolved(material) else f"“{title}”"


def past_title(material: Material, past: PastStudy) -> str:
    """Name an idea of the campaign, without the metric that every idea is about."""
    if past.number == material.study.number:
        return name(material)
    return material.said(f"past.{past.number}").rstrip(".").removesuffix(f": effect on {material.metric()}")


def parents(material: Material) -> tuple[PastStudy, ...]:
    """Give the earlier studies that the idea descends from."""
    found = (material.past(slug) for slug in material.study.idea.lineage.parents)
    return tuple(past for past in found if past)


def origin(material: Material) -> str:
    """Say where the idea came from, what its parents concluded, and why it was tried."""
    rationale = stop(capital(material.said("idea.rationale")))
    hypothesis = f"“{stop(capital(material.said('idea.hypothesis')))}”"
    inherited = " ".join(_inherited(material, past) for past in parents(material))
    if evolved(material):
        # The whole rationale of a search says again what is turned and whence; why it was tried comes last.
        source = "a search over the settings that the template declares, not from an argument"
        said = (
            f"The idea came from {source}: it is {_descent(material)}.",
            inherited,
            f"The hypothesis reads: {hypothesis}",
            f"On why it was tried, the record says: “{split(rationale)[-1]}”",
        )
    else:
        said = (
            f"{called(material)} {_source(material)}.",
            inherited,
            f"The hypothesis reads: {hypothesis}",
            f"The argument for it is this. {rationale}",
        )
    return " ".join(part for part in said if part)


def _act(change: Change) -> str:
    match change.before, change.after:
        case bool(), bool(after):
            return f"switching `{change.knob}` {'on' if after else 'off'}"
        case (int() | float()) as before, (int() | float()) as after:
            return f"{'raising' if after > before else 'reducing'} `{change.knob}`"
        case _, str(after) if after.isidentifier() and str(change.before).isidentifier() and len(after) > 1:
            return f"taking `{after}` as `{change.knob}`"
        case _:
            return f"rewriting `{change.knob}`"


def _source(material: Material) -> str:
    """Say who had an idea that has a name."""
    return {
        "seed": "is one of the seed ideas that come with the template",
        "language-model": "was proposed by a language model",
    }.get(material.study.idea.lineage.operator, f"arose as {_descent(material)}")


def _descent(material: Material) -> str:
    """Name the parents."""
    lineage = material.study.idea.lineage
    names = [_parent(material, slug) for slug in lineage.parents] or ["the unchanged method"]
    return f"a {lineage.operator} of {listed(names)}"


def _parent(material: Material, slug: str) -> str:
    if slug == BASELINE:
        return "the unchanged method"
    past = material.past(slug)
    return f"study [[past.{past.number}:.0f]], “{past_title(material, past)}”" if past else f"`{slug}`"


def _inherited(material: Material, past: PastStudy) -> str:
    """Say what a parent concluded, with its figures where it has any."""
    key = f"past.{past.number}"
    told = f"Study [[{key}:.0f]] {ENDED[past.conclusion]}"
    if past.difference is None or past.low is None or past.high is None:
        return f"{told}."
    return (
        f"{told}, with a mean difference to the baseline of {material.of(key, 'difference')}{material.unit()} "
        f"([[level:.0f]] % interval {material.interval(key)})."
    )
