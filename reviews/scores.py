"""Scores: from findings to a form's scales, by arithmetic that anybody can repeat.

An aspect's level is merits ÷ (merits + faults), where merits are one plus the weights of its strengths and faults one
plus the weights of its weaknesses: with nothing found it is one half, and no amount of praise reaches one. Questions
and findings of weight 0 do not count. A decisive weakness keeps a level at `CAP`, in the lower half of every scale; a
checklist sees that newness and reach are argued, not that they are deep, so it gives those at most `CEILING`.

The overall level is the geometric mean of the aspects, so that none makes up for another that is missing; it stays
at `CAP` with soundness. Reviewers differ in two ways: a stance counts the weights of its focus half as much again, and
a seed draws how heavily this reviewer takes each rule. The spread of a panel therefore says how much a score hangs on
the weights. It does not say how much people would differ.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reviews.document import Document
from reviews.finding import Finding
from reviews.form import CONFIDENCE, OVERALL, Aspect, Form
from reviews.headline import headline, seeds

CAP = 1 / 3
CEILING: Mapping[Aspect, float] = {"soundness": 1.0, "clarity": 1.0, "significance": 0.55, "originality": 0.55}
IMPORTANCE: Mapping[Aspect, float] = {"soundness": 2.0, "significance": 2.0, "originality": 1.5, "clarity": 1.0}
FOCUS = 1.5
TEMPER = 0.25
"""Standard deviation of the logarithm of how heavily a reviewer takes a rule."""
SUREST = 0.75
"""The checklist reads what is printed and runs nothing, so it is never certain."""

STANCES: Mapping[str, frozenset[Aspect]] = {
    "soundness-first": frozenset({"soundness"}),
    "significance-first": frozenset({"significance", "originality"}),
    "clarity-first": frozenset({"clarity"}),
}


class Reviewer(NamedTuple):
    stance: str
    seed: int

    def weight(self, finding: Finding) -> float:
        """Say how heavily this reviewer takes a finding."""
        temper = random.Random(f"{self.seed}/{finding.name}").lognormvariate(0, TEMPER)  # noqa: S311 - not a secret
        return finding.weight * temper * (FOCUS if finding.aspect in STANCES[self.stance] else 1)


def scores(reviewer: Reviewer, found: Iterable[Finding], document: Document, form: Form) -> dict[str, int]:
    """Fill every scale of the form."""
    levels = {aspect: level(reviewer, aspect, found) for aspect in IMPORTANCE}
    filled = {
        scale.key: scale.at(sum(levels[aspect] for aspect in scale.aspects) / len(scale.aspects))
        for scale in form.dimensions
    }
    together = overall(reviewer, levels)
    sure = SUREST * checkable(document)
    return filled | {OVERALL: form.overall.at(together), CONFIDENCE: form.confidence.at(sure)}


def level(reviewer: Reviewer, aspect: Aspect, found: Iterable[Finding]) -> float:
    """Weigh the findings on one aspect, between 0 and 1."""
    mine = [finding for finding in found if finding.aspect == aspect]
    merits = 1 + sum(reviewer.weight(finding) for finding in mine if finding.kind == "strength")
    faults = 1 + sum(reviewer.weight(finding) for finding in mine if finding.kind == "weakness")
    limit = CAP if any(finding.decisive for finding in mine) else CEILING[aspect]
    return min(merits / (merits + faults), limit)


def overall(reviewer: Reviewer, levels: Mapping[Aspect, float]) -> float:
    """Take the geometric mean of the aspects, the reviewer's focus counting half as much again."""
    importance = {a: IMPORTANCE[a] * (FOCUS if a in STANCES[reviewer.stance] else 1) for a in levels}
    logarithms = sum(importance[aspect] * math.log(levels[aspect]) for aspect in levels)
    mean = math.exp(logarithms / sum(importance.values()))
    return min(mean, CAP) if levels["soundness"] <= CAP else mean


def checkable(document: Document) -> float:
    """Say which share of what a careful reader would check is there to be checked."""
    there = (
        headline(document) is not None,
        seeds(document) is not None,
        bool(document.tables),
        bool(document.figures),
        bool(document.cited),
        bool(document.equations or document.listings),
    )
    return sum(there) / len(there)
