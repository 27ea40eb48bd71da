"""How a study earns its claim: its stages, their seeds and arms, and what follows from each.

rehearse → pilot (few seeds; the futile are dropped) → full → confirm, on seeds that played no part in choosing the
variant → ablations, when several changes were made and the claim holds.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.questions import CodeChange
from papers.evidence import Comparison, Conclusion, Stage
from sandboxes.record import Record
from templates.idea import Change, Prediction
from templates.template import Scale
from templates.trial import BASELINE

FRESH = 1000
"""Confirmation seeds of study n start at n × FRESH + 1, so that no two studies confirm on the same ones."""

NEVER_PASSED = "The changed code never passed its rehearsal."


class Arm(Record):
    """Two variants to compare on the same seeds."""

    variant: str
    reference: str


class Ablation(Record):
    """A variant that turns one change of the studied variant back."""

    variant: str
    knob: str
    changes: tuple[Change, ...]
    """Those that remain."""


def seeds(stage: Stage, scale: Scale, number: int) -> tuple[int, ...]:
    """Give the seeds of `stage` in study `number`."""
    match stage:
        case Stage.pilot:
            return tuple(range(1, scale.seeds.pilot + 1))
        case Stage.full | Stage.ablation:
            return tuple(range(1, scale.seeds.full + 1))
        case Stage.confirm:
            return tuple(range(number * FRESH + 1, number * FRESH + scale.seeds.confirm + 1))


def belongs_to(seed: int, reached: Collection[Stage]) -> Stage:
    """Give the latest of the stages a study reached that has `seed`; the full stage takes in the pilot's seeds."""
    if seed > FRESH:
        return Stage.confirm
    return Stage.full if Stage.full in reached else Stage.pilot


def arms(stage: Stage, variant: str, change: CodeChange) -> tuple[Arm, ...]:
    """Give what `stage` compares: an ablation against the whole change, all else against the baseline."""
    if stage is Stage.ablation:
        return tuple(Arm(variant=each.variant, reference=variant) for each in ablations(variant, change))
    return (Arm(variant=variant, reference=BASELINE),)


def ablations(variant: str, change: CodeChange) -> tuple[Ablation, ...]:
    """List one ablation for each change, when there are several."""
    if len(change.changes) <= 1:
        return ()
    return tuple(
        Ablation(
            variant=f"{variant}-without-{each.knob.replace('_', '-')}",
            knob=each.knob,
            changes=tuple(other for other in change.changes if other != each),
        )
        for each in change.changes
    )


def futile(comparison: Comparison | None, prediction: Prediction) -> bool:
    """Say whether a pilot gave nothing to go on: no seed moved in the predicted direction, or too few finished."""
    if comparison is None:
        return True
    sign = 1 if prediction.direction == "higher" else -1
    pairs = zip(comparison.variant_values, comparison.reference_values, strict=True)
    return all(sign * (ours - theirs) <= 0 for ours, theirs in pairs)


def following(
    stage: Stage, comparison: Comparison | None, prediction: Prediction, conclusion: Conclusion, changes: int
) -> Stage | None:
    """Give the stage after `stage`, or None when the study is concluded."""
    match stage:
        case Stage.pilot:
            return None if futile(comparison, prediction) else Stage.full
        case Stage.full:
            return None if comparison is None else Stage.confirm
        case Stage.confirm:
            return Stage.ablation if changes > 1 and conclusion is Conclusion.supported else None
        case Stage.ablation:
            return None


def reason(stage: Stage, comparison: Comparison | None, conclusion: Conclusion) -> str:
    """Say in a sentence without numbers why the study concludes as it does."""
    if comparison is None:
        return f"Too few trials of the {stage} stage finished on both arms to compare them."
    if stage is Stage.pilot:
        return "The study stopped after the pilot, because no pilot seed moved in the predicted direction."
    return {
        Conclusion.supported: "On fresh seeds the effect was in the predicted direction and large enough to matter.",
        Conclusion.refuted: "On fresh seeds the effect was real and in the direction opposite to the prediction.",
        Conclusion.negligible: "On fresh seeds the whole interval lay within the smallest effect of interest.",
        Conclusion.inconclusive: "On fresh seeds the interval allowed both an effect that matters and none.",
    }[conclusion]
