"""The panel: a few reviewers with different stances, and what they conclude together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, stdev

from reviews import checklist, scores
from reviews.document import Document, brief
from reviews.finding import Finding
from reviews.form import OVERALL, Form, fit
from reviews.injection import cleaned
from reviews.report import markdown
from reviews.review import Remark, Review, Verdict
from reviews.scores import STANCES, Reviewer
from reviews.summary import limits, summary

__all__ = ["NOT_CALIBRATED", "STANCES", "NoReviewError", "conclude", "markdown", "panel", "requests", "review"]

MOST = 6
"""Remarks of one kind in a review; what matters less is left out."""
PER_RULE = 2
"""Remarks that one rule may fill."""
NOT_CALIBRATED = (
    "not calibrated: how these scores relate to the decisions of human reviewers has not been measured; they compare "
    "papers under one list of rules and predict no acceptance"
)


class NoReviewError(ValueError):
    """No review of a panel fits the form, so there is nothing to conclude from."""


def review(document: Document, form: Form, stance: str, seed: int) -> Review:
    """Fill the form for one paper; the same four arguments give the same review.

    Raises `ValueError` for a stance that is not in `STANCES`.
    """
    if stance not in STANCES:
        raise ValueError(f"There is no stance {stance!r}; the known ones are {', '.join(STANCES)}.")
    reviewer, seen, found = Reviewer(stance, seed), cleaned(document), checklist.findings(document)
    filled = scores.scores(reviewer, found, seen, form)
    weaknesses = _top(reviewer, found, "weakness")
    mendable = [_asked(finding) for finding in found if finding.remedy and finding not in weaknesses]
    return Review(
        form=form.name,
        reviewer=f"checklist reviewer (seed {seed})",
        stance=stance,
        summary=summary(seen),
        strengths=_remarks(_top(reviewer, found, "strength")),
        weaknesses=_remarks(weaknesses),
        questions=_remarks([*mendable, *_top(reviewer, found, "question")][:MOST]),
        limitations=limits(seen),
        scores=filled,
        decision=form.decide(filled[OVERALL]),
    )


def panel(document: Document, form: Form, k: int = 3, seed: int = 0) -> Verdict:
    """Have `k` reviewers judge a paper, each with a stance of its own while they last."""
    stances = tuple(STANCES)
    reviews = [review(document, form, stances[i % len(stances)], seed + i) for i in range(k)]
    return conclude(document, form, reviews)


def conclude(document: Document, form: Form, reviews: Sequence[Review]) -> Verdict:
    """Weigh reviews, whoever wrote them: misfits are unscored, remarks about places that do not exist are dropped.

    Raises `NoReviewError` when no review fits the form.
    """
    seen = cleaned(document)
    faults = [f"{each.reviewer}: {'; '.join(why)}" for each in reviews if (why := fit(form, each))]
    fitting = [each for each in reviews if not fit(form, each)]
    if not fitting:
        raise NoReviewError(f"None of {len(reviews)} reviews fits the form {form.name}: {' | '.join(faults)}")
    kept = tuple(_grounded(seen, each) for each in fitting)
    given = [each.scores[OVERALL] for each in kept]
    dropped = sum(map(_count, fitting)) - sum(map(_count, kept))
    return Verdict(
        form=form.name,
        reviews=kept,
        unscored=len(faults),
        mean=fmean(given),
        spread=stdev(given) if len(given) > 1 else None,
        decision=form.decide(fmean(given)),
        summary=_meta(form, kept, dropped),
        dropped=dropped,
        faults=tuple(faults),
        calibration=NOT_CALIBRATED,
    )


def requests(verdict: Verdict) -> frozenset[str]:
    """Name the mends that at least half of the reviewers ask for."""
    asked = Counter(remedy for each in verdict.reviews for remedy in _remedies(each))
    return frozenset(remedy for remedy, count in asked.items() if 2 * count >= len(verdict.reviews))


def _top(reviewer: Reviewer, found: Sequence[Finding], kind: str) -> list[Finding]:
    """Take the findings of one kind that weigh most; what is told without weight comes first."""
    ranked = sorted(
        (finding for finding in found if finding.kind == kind),
        key=lambda finding: (finding.weight > 0, -finding.decisive, -reviewer.weight(finding)),
    )
    counts: Counter[str] = Counter()
    taken: list[Finding] = []
    for finding in ranked:
        counts[finding.name] += 1
        if counts[finding.name] <= PER_RULE:
            taken.append(finding)
    return taken[:MOST]


def _asked(finding: Finding) -> Finding:
    return finding.model_copy(update={"text": f"Could a revision mend this? {finding.text}"})


def _remarks(found: Sequence[Finding]) -> tuple[Remark, ...]:
    return tuple(Remark(text=finding.text, place=finding.place, remedy=finding.remedy) for finding in found)


def _grounded(document: Document, given: Review) -> Review:
    parts = {"strengths": given.strengths, "weaknesses": given.weaknesses, "questions": given.questions}
    kept = {part: tuple(r for r in remarks if document.has(r.place)) for part, remarks in parts.items()}
    return given.model_copy(update=kept)


def _count(given: Review) -> int:
    return len(given.strengths) + len(given.weaknesses) + len(given.questions)


def _remedies(given: Review) -> frozenset[str]:
    return frozenset(remark.remedy for remark in (*given.weaknesses, *given.questions) if remark.remedy)


def _meta(form: Form, reviews: Sequence[Review], dropped: int) -> str:
    """Weigh the reviews in a few sentences, and quote what they share and where they part."""
    given = [each.scores[OVERALL] for each in reviews]
    mean = f"The mean of {len(given)} overall scores ({', '.join(map(str, given))}) is {fmean(given):.1f}"
    sentences = [
        f"{mean}; the form accepts from {form.accept}, so the panel says {form.decide(fmean(given))}.",
        *_shared("For the paper", [each.strengths for each in reviews]),
        *_shared("Against it", [each.weaknesses for each in reviews]),
        *_parting(reviews),
    ]
    if dropped:
        sentences.append(f"Remarks about places that are not in the paper were left out ({dropped}).")
    return " ".join(sentences)


def _shared(side: str, parts: Sequence[tuple[Remark, ...]]) -> list[str]:
    counts = Counter(remark for remarks in parts for remark in dict.fromkeys(remarks))
    weight = {remark: -place for remarks in parts for place, remark in enumerate(remarks)}
    if not counts:
        return []
    remark = max(counts, key=lambda remark: (counts[remark], weight[remark]))
    return [f"{side}, {counts[remark]} of {len(parts)} say of {brief(remark.place)}: {remark.text}"]


def _parting(reviews: Sequence[Review]) -> list[str]:
    lowest = min(reviews, key=lambda each: each.scores[OVERALL])
    highest = max(reviews, key=lambda each: each.scores[OVERALL])
    if lowest.scores[OVERALL] == highest.scores[OVERALL] or not lowest.weaknesses:
        return []
    remark = lowest.weaknesses[0]
    return [f"The {lowest.stance} reviewer scores lowest ({lowest.scores[OVERALL]}), above all for this: {remark.text}"]
