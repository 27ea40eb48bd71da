"""What is known so far, and how to choose what to study next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from agent.campaign import Campaign, StudyFolder
from papers.evidence import Comparison, Conclusion, holm
from papers.study import PastStudy
from reviews.review import Verdict
from sandboxes.record import Record
from templates import source, space
from templates.idea import Change, Idea
from templates.space import Value
from templates.template import Template

NEAR = 0.01
"""Share of a knob's range within which two settings count as one."""
MOST_ASKED = 3
"""Questions of reviewers that are kept in mind."""


class ArchivedStudy(Record):
    """One study that came to its end: `outcome.json` once it is concluded."""

    number: int
    template: str
    idea: Idea
    changes: tuple[Change, ...]
    """That the compared variant made: fewer than the idea's after a retreat, none where its code was rewritten."""
    point: dict[str, Value]
    """Every knob's setting in that variant, in canonical form; rewritten code may do otherwise at the same point."""
    conclusion: Conclusion
    reason: str
    comparison: Comparison | None
    """The headline: of the last stage that the study reached."""
    asked: tuple[str, ...] = ()
    """What its reviewers wanted to know."""

    @property
    def succeeded(self) -> bool:
        return self.conclusion is Conclusion.supported

    @property
    def rewritten(self) -> bool:
        """Whether its code differs by more than turns of knobs, so that its point says nothing about that point."""
        return not self.changes


class Cell(Record):
    """A kind of question: one knob of one template."""

    template: str
    knob: str


class Archive(Record):
    studies: tuple[ArchivedStudy, ...] = ()

    def of(self, template: str) -> tuple[ArchivedStudy, ...]:
        return tuple(study for study in self.studies if study.template == template)

    def earlier(self, template: Template, settings: Mapping[str, Value]) -> ArchivedStudy | None:
        """Find the study that tried these settings or nearly these, or set out to and had to retreat."""
        wanted = point(template, settings)
        for study in self.of(template.name):
            if any(near(template, wanted, tried) for tried in points(template, study)):
                return study
        return None

    def elites(self, template: str) -> tuple[ArchivedStudy, ...]:
        """Give the best confirmed improvement of each cell by knobs alone, best first."""
        best: dict[frozenset[str], ArchivedStudy] = {}
        better = (each for each in self.of(template) if each.succeeded and not each.rewritten and improvement(each) > 0)
        for study in sorted(better, key=improvement, reverse=True):
            best.setdefault(frozenset(change.knob for change in study.changes), study)
        return tuple(best.values())

    def inert(self, template: str) -> frozenset[str]:
        """Name the knobs that, turned alone, changed the metric on no seed: without others they do nothing."""
        return frozenset(
            study.changes[0].knob
            for study in self.of(template)
            if len(study.changes) == 1
            and study.comparison is not None
            and study.comparison.variant_values == study.comparison.reference_values
        )

    def learnability(self, cell: Cell) -> float:
        """Give p(1 - p) for the chance p that an idea in this cell is supported.

        What always works or never does teaches nothing: the score of learnability-based environment design, with p
        estimated under a uniform prior (Laplace's rule).
        """
        tried = [study for study in self.of(cell.template) if cell.knob in after(study.changes)]
        p = (sum(study.succeeded for study in tried) + 1) / (len(tried) + 2)
        return p * (1 - p)

    def crowd(self, idea: Idea) -> int:
        """Count the studies that asked the same kind of question: turns of the same knobs, or a change of code."""
        return sum(kind(study.idea) == kind(idea) for study in self.of(idea.template))

    def adjusted(self, confidence: float) -> float:
        """Hold an author's stated chance of success against what became of the ideas before.

        A weighted mean of that chance and the rate of confirmed predictions (Laplace's rule). Each weighs by the
        squared errors that the other made on ideas whose author stated a chance: half each at first, and nearly all
        on the rate once the author has proved overconfident.
        """
        rate = (sum(study.succeeded for study in self.studies) + 1) / (len(self.studies) + 2)
        stated = [(study.idea.scores.confidence, study.succeeded) for study in self.studies if study.idea.scores]
        by_author = 1 + sum((chance - success) ** 2 for chance, success in stated)
        by_rate = 1 + sum((rate - success) ** 2 for _, success in stated)
        return (by_rate * confidence + by_author * rate) / (by_rate + by_author)


def kind(idea: Idea) -> tuple[frozenset[str], bool]:
    """Say what an idea is about: the knobs it turns, and whether it changes other code."""
    return frozenset(after(idea.changes)), bool(idea.plan)


def points(template: Template, study: ArchivedStudy) -> tuple[dict[str, Value], ...]:
    """Give the points that a study tried, or set out to: none where it changed other code."""
    meant = () if study.idea.plan else (point(template, after(study.idea.changes)),)
    return meant if study.rewritten else (study.point, *meant)


def point(template: Template, settings: Mapping[str, Value]) -> dict[str, Value]:
    """Give the canonical setting of every knob where `settings` differ from the template's own."""
    whole = {**source.settings(template), **settings}
    return {knob.name: space.canonical(knob, whole[knob.name]) for knob in template.knobs}


def after(changes: Iterable[Change]) -> dict[str, Value]:
    """Give what each change turns its knob to."""
    return {change.knob: change.after for change in changes}


def near(template: Template, one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Say whether two points are so close that the second has nothing to teach."""
    return all(space.difference(knob, one[knob.name], other[knob.name]) < NEAR for knob in template.knobs)


def point_key(point: dict[str, Value]) -> str:
    return json.dumps(point, sort_keys=True)


def improvement(study: ArchivedStudy) -> float:
    if study.comparison is None:
        return float("-inf")
    sign = 1 if study.comparison.better == "higher" else -1
    return sign * study.comparison.difference


def read(campaign: Campaign) -> Archive:
    """Read every concluded study of `campaign`, in order, with what its reviewers asked."""
    return Archive(
        studies=tuple(
            ArchivedStudy.load(study.outcome).model_copy(update={"asked": asked(study)})
            for study in campaign.studies()
            if study.outcome.exists()
        )
    )


def asked(study: StudyFolder) -> tuple[str, ...]:
    """Give the first questions of a study's reviewers, each once."""
    if not study.verdict.exists():
        return ()
    questions = (each.text for review in Verdict.load(study.verdict).reviews for each in review.questions)
    return tuple(dict.fromkeys(questions))[:MOST_ASKED]


def past(studies: Iterable[ArchivedStudy]) -> tuple[PastStudy, ...]:
    """List all ideas tried, with p corrected after Holm over those that reached a comparison."""
    studies = tuple(studies)
    compared = [study for study in studies if study.comparison is not None]
    corrected = dict(
        zip(
            (study.number for study in compared),
            holm([study.comparison.p for study in compared if study.comparison is not None]),
            strict=True,
        )
    )
    return tuple(
        PastStudy(
            number=study.number,
            slug=study.idea.slug,
            title=study.idea.title,
            conclusion=study.conclusion,
            difference=study.comparison.difference if study.comparison else None,
            low=study.comparison.low if study.comparison else None,
            high=study.comparison.high if study.comparison else None,
            p=study.comparison.p if study.comparison else None,
            p_holm=corrected.get(study.number),
        )
        for study in studies
    )
