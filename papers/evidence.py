"""Evidence: what the trials of a study show, computed from measurements alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from sandboxes.record import Record


class Stage(StrEnum):
    """Which part of a study a comparison belongs to."""

    pilot = "pilot"
    full = "full"
    confirm = "confirm"
    """On fresh seeds that played no part in choosing the variant: the headline."""
    ablation = "ablation"


class Missing(Record):
    """A seed that counts as tried and has no measurement."""

    seed: int
    variant: str
    ending: str


class Comparison(Record):
    """A variant against a reference over paired seeds, on the template's metric."""

    stage: Stage
    variant: str
    reference: str
    metric: str
    better: Literal["higher", "lower"]
    seeds: tuple[int, ...]
    """Seeds on which both arms finished, in order; the values below are aligned with them."""
    variant_values: tuple[float, ...]
    reference_values: tuple[float, ...]
    missing: tuple[Missing, ...] = ()
    difference: float
    """Mean of variant − reference over seeds, in the metric's unit."""
    low: float
    high: float
    """95 % Student-t interval of the mean paired difference (ddof 1)."""
    p: float
    """Two-sided paired sign-flip permutation test."""
    iqm_difference: float
    iqm_low: float
    iqm_high: float
    """Difference of interquartile means with its 95 % bootstrap interval over seeds."""
    probability_of_improvement: float
    """P(variant better than reference) over paired seeds, ties one half."""


class Conclusion(StrEnum):
    """What a study may claim."""

    supported = "supported"
    """The confirmation's interval lies beyond zero on the predicted side, p after Holm is under 0.05, and the mean
    reaches the smallest effect."""
    refuted = "refuted"
    """The effect is real and on the wrong side."""
    negligible = "negligible"
    """The whole interval lies within the smallest effect: a well-measured null."""
    inconclusive = "inconclusive"
    """The interval allows both; more seeds would be needed."""
    failed = "failed"
    """The change never gave enough finished trials to compare."""
