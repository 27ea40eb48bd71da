"""Proposing by evolution over a template's design space, guided by what the archive can still teach."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from agent.archive import NEAR, Archive, ArchivedStudy, Cell, after, near, point, point_key
from agent.questions import Propose
from sandboxes.record import Record
from templates import source, space, template
from templates.idea import Change, Idea, Lineage, Prediction
from templates.space import Knob, Value
from templates.template import SeedIdea, Template
from templates.trial import BASELINE


class ExhaustedError(RuntimeError):
    """Every point within reach has been tried; the message says how to go on."""


@dataclass(frozen=True)
class Candidate:
    """A point that could be studied next, as differences from the baseline."""

    template: Template
    settings: Mapping[str, Value]
    """What differs from the baseline, by knob."""
    lineage: Lineage
    asks: tuple[str, ...]
    """The knobs that are new in it: what it would teach something about; the others are inherited."""
    seed: SeedIdea | None = field(default=None)


def propose(question: Propose) -> Idea:
    """Give the untried candidate whose cells have the most to teach; the earlier listed wins a tie.

    Candidates are the templates' seed ideas, crossovers of confirmed studies, and mutations of confirmed studies and
    of the baseline. Raises `ExhaustedError` when none of them is new.
    """
    rng = random.Random(f"{question.seed}/{question.number}")  # noqa: S311 (a reproducible search, not a secret)
    fresh = [
        candidate
        for each in question.templates
        for candidate in candidates(each, question.archive, rng)
        if teaches(candidate, question.archive)
    ]
    if not fresh:
        raise ExhaustedError(
            f"Every idea within reach in {', '.join(each.name for each in question.templates)} has been tried "
            f"({len(question.archive.studies)} studies). Add knobs or seed ideas to the template, or another template."
        )
    return idea_of(max(fresh, key=lambda candidate: learnability(candidate, question.archive)))


def teaches(candidate: Candidate, archive: Archive) -> bool:
    """Say whether the candidate is neither the baseline nor a study before, nor next to one of them."""
    here, unchanged = (point(candidate.template, settings) for settings in (candidate.settings, {}))
    return not near(candidate.template, here, unchanged) and not archive.earlier(candidate.template, candidate.settings)


def candidates(each: Template, archive: Archive, rng: random.Random) -> Iterator[Candidate]:
    baseline = source.settings(each)
    knobs = {knob.name: knob for knob in each.knobs}
    for seed in template.seed_ideas(each):
        settings = dict(seed.changes)
        yield Candidate(each, settings, Lineage(operator="seed", parents=(BASELINE,)), tuple(settings), seed)
    elites = archive.elites(each.name)
    for one, other in combinations(elites, 2):
        lineage = Lineage(operator="crossover", parents=(one.idea.slug, other.idea.slug))
        settings = turned(each, crossed(one, other, knobs, rng), baseline)
        yield Candidate(each, settings, lineage, tuple(settings))
    for parent in (*elites, None):
        idle = frozenset() if parent else archive.inert(each.name)
        yield from (mutant for mutant in mutants(each, parent, baseline, rng) if idle.isdisjoint(mutant.asks))


def mutants(
    each: Template, parent: ArchivedStudy | None, baseline: Mapping[str, Value], rng: random.Random
) -> Iterator[Candidate]:
    """Turn each knob of `parent` (the baseline when None) once; turning one back to its baseline value drops it."""
    inherited = after(parent.changes) if parent else {}
    lineage = Lineage(operator="mutation", parents=(parent.idea.slug if parent else BASELINE,))
    for knob in each.knobs:
        value = space.mutate(knob, inherited.get(knob.name, baseline[knob.name]), rng)
        yield Candidate(each, turned(each, {**inherited, knob.name: value}, baseline), lineage, (knob.name,))


def turned(each: Template, settings: Mapping[str, Value], baseline: Mapping[str, Value]) -> dict[str, Value]:
    """Drop what came back to its baseline value or next to it: that is no change."""
    knobs = {knob.name: knob for knob in each.knobs}
    return {
        name: value for name, value in settings.items() if space.difference(knobs[name], value, baseline[name]) >= NEAR
    }


def crossed(
    one: ArchivedStudy, other: ArchivedStudy, knobs: Mapping[str, Knob], rng: random.Random
) -> dict[str, Value]:
    """Unite what two studies changed; where both changed a knob, cross its values."""
    ours, theirs = after(one.changes), after(other.changes)
    both = {name: space.cross(knobs[name], ours[name], theirs[name], rng) for name in ours if name in theirs}
    return {**ours, **theirs, **both}


def learnability(candidate: Candidate, archive: Archive) -> float:
    cells = [Cell(template=candidate.template.name, knob=knob) for knob in candidate.asks]
    return sum(archive.learnability(cell) for cell in cells) / len(cells)


class Words(Record):
    """How an idea is put."""

    slug: str
    title: str
    hypothesis: str
    rationale: str


def idea_of(candidate: Candidate) -> Idea:
    baseline = source.settings(candidate.template)
    changes = tuple(Change(knob=knob, before=baseline[knob], after=after) for knob, after in candidate.settings.items())
    words = seed_words(candidate.seed) if candidate.seed else plain_words(candidate, changes)
    metric = candidate.template.metric
    return Idea(
        template=candidate.template.name,
        **words.model_dump(),
        prediction=Prediction(metric=metric.name, direction=metric.better, smallest_effect=metric.smallest_effect),
        changes=changes,
        lineage=candidate.lineage,
    )


def seed_words(seed: SeedIdea) -> Words:
    return Words(slug=slug(seed.key), title=seed.title, hypothesis=seed.hypothesis, rationale=seed.rationale)


def plain_words(candidate: Candidate, changes: tuple[Change, ...]) -> Words:
    """Put an evolved point into words: what is turned, from what, and who its parents are."""
    metric = candidate.template.metric
    turns = " and ".join(
        f"`{change.knob}` from `{spelled(change.before)}` to `{spelled(change.after)}`" for change in changes
    )
    knobs = {knob.name: knob.description.rstrip(".") for knob in candidate.template.knobs}
    meanings = "; ".join(f"`{change.knob}` is {lowered(knobs[change.knob])}" for change in changes)
    parents = " and ".join(
        "the unchanged method" if parent == BASELINE else f"the study *{parent.replace('-', ' ')}*"
        for parent in candidate.lineage.parents
    )
    return Words(
        slug=slug(f"{'-'.join(change.knob for change in changes)}-{fingerprint(candidate)}"),
        title=f"Turning {' and '.join(f'`{change.knob}`' for change in changes)}: effect on {metric.title}",
        hypothesis=f"Turning {turns} makes the {metric.title} {metric.better}.",
        rationale=(
            f"The point was reached by {candidate.lineage.operator} from {parents}. Here {meanings}. "
            f"Among the points within reach, this kind of change is one whose outcome the studies so far predict least."
        ),
    )


def fingerprint(candidate: Candidate) -> str:
    """Tell points of the same knobs apart."""
    key = point_key(point(candidate.template, candidate.settings))
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def spelled(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def lowered(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def slug(text: str) -> str:
    """Make a name for a folder: lower case words, at most forty-eight characters, never the baseline's."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower())[-48:].strip("-")
    return words if words not in ("", BASELINE) else f"idea-{words}".rstrip("-")
