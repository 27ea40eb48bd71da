"""Evidence: what the trials of a study show, computed from measurements alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from sandboxes.record import Record
from templates.idea import Prediction
from templates.trial import Trial, TrialEnding

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval."""

ALPHA = 0.05
"""A corrected p at or above this supports no claim."""

RESAMPLES = 9_999
"""Bootstrap resamples, and sign flips where all 2**n of them would be more than this."""

SEED = 20_240_229
"""Of every resampling, so that the same trials always give the same evidence."""

FEWEST_PAIRS = 2
"""Below this there is no spread, hence no interval."""


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
    """The interval lies beyond zero on the wrong side, p after Holm is under 0.05, and it is not negligible."""
    negligible = "negligible"
    """The whole interval lies within the smallest effect, on either side: a well-measured null."""
    inconclusive = "inconclusive"
    """The interval allows both; more seeds would be needed."""
    failed = "failed"
    """The change never gave enough finished trials to compare."""


class Interval(NamedTuple):
    low: float
    high: float


class Pairs(NamedTuple):
    """Two arms aligned by seed, and the seeds where one of them has no measurement."""

    seeds: tuple[int, ...]
    variant: tuple[float, ...]
    reference: tuple[float, ...]
    missing: tuple[Missing, ...]


def compare(  # noqa: PLR0913, PLR0917 - what is compared takes seven words to say
    stage: Stage,
    variant: str,
    reference: str,
    metric: str,
    better: Literal["higher", "lower"],
    variant_trials: Sequence[Trial],
    reference_trials: Sequence[Trial],
) -> Comparison | None:
    """Compare two arms over the seeds that both finished; None when those are fewer than two.

    Raises `ValueError` when an arm holds two trials of one seed, since only one of them can be its pair.
    """
    pairs = _pair(metric, _by_seed(variant, variant_trials), _by_seed(reference, reference_trials), variant, reference)
    if len(pairs.seeds) < FEWEST_PAIRS:
        return None
    found = _statistics(pairs.variant, pairs.reference)
    return Comparison(
        stage=stage,
        variant=variant,
        reference=reference,
        metric=metric,
        better=better,
        seeds=pairs.seeds,
        variant_values=pairs.variant,
        reference_values=pairs.reference,
        missing=pairs.missing,
        difference=found.difference,
        low=found.interval.low,
        high=found.interval.high,
        p=found.p,
        iqm_difference=found.iqm_difference,
        iqm_low=found.iqm_interval.low,
        iqm_high=found.iqm_interval.high,
        probability_of_improvement=probability_of_improvement(found.differences, better),
    )


class _Statistics(NamedTuple):
    """What two aligned arms show, whatever is better."""

    differences: tuple[float, ...]
    difference: float
    interval: Interval
    p: float
    iqm_difference: float
    iqm_interval: Interval


@lru_cache(maxsize=1024)
def _statistics(variant: tuple[float, ...], reference: tuple[float, ...]) -> _Statistics:
    """Compute once what is asked for at every draft: the resampling takes milliseconds a time."""
    differences = tuple(a - b for a, b in zip(variant, reference, strict=True))
    return _Statistics(
        differences=differences,
        difference=sum(differences) / len(differences),
        interval=student_interval(differences),
        p=sign_flip_p(differences),
        iqm_difference=iqm(variant) - iqm(reference),
        iqm_interval=iqm_difference_interval(variant, reference),
    )


def conclude(prediction: Prediction, comparison: Comparison | None, p_holm: float | None) -> Conclusion:
    """Say what a prediction's headline comparison allows to claim, by the rules written at `Conclusion`.

    `p_holm` is the headline's p corrected over all ideas of the campaign; without one nothing is called real.
    """
    if comparison is None:
        return Conclusion.failed
    toward = 1.0 if prediction.direction == "higher" else -1.0
    low, high = sorted((toward * comparison.low, toward * comparison.high))
    real = p_holm is not None and p_holm < ALPHA
    if -prediction.smallest_effect < low and high < prediction.smallest_effect:
        return Conclusion.negligible
    if real and low > 0 and toward * comparison.difference >= prediction.smallest_effect:
        return Conclusion.supported
    if real and high < 0:
        return Conclusion.refuted
    return Conclusion.inconclusive


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Correct `ps` for their number, in the given order (Holm 1979, step-down, made monotone, at most 1)."""
    corrected = [0.0] * len(ps)
    worst = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = worst
    return tuple(corrected)


def iqm(values: Sequence[float]) -> float:
    """Mean of the middle half: a quarter of the values is cut at each end (Agarwal et al. 2021)."""
    from scipy import stats

    return float(stats.trim_mean(values, 0.25))


def student_interval(differences: Sequence[float]) -> Interval:
    """Interval of the mean at `LEVEL` by Student's t, with the sample's standard deviation (ddof 1)."""
    import numpy as np
    from scipy import stats

    mean = sum(differences) / len(differences)
    error = float(np.std(differences, ddof=1)) / len(differences) ** 0.5
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(differences) - 1)) * error
    return Interval(mean - reach, mean + reach)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of the mean under random signs: exact where all flips fit in `RESAMPLES`, else sampled."""
    import numpy as np
    from scipy import stats

    test = stats.permutation_test(
        (np.asarray(differences, dtype=float),),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return float(test.pvalue)


def iqm_difference_interval(variant: Sequence[float], reference: Sequence[float]) -> Interval:
    """Percentile bootstrap interval of the difference of interquartile means; seeds are drawn as pairs."""
    import numpy as np
    from scipy import stats

    def difference(a: NDArray[np.float64], b: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        cut: NDArray[np.float64] = stats.trim_mean(a, 0.25, axis=axis) - stats.trim_mean(b, 0.25, axis=axis)
        return cut

    interval = stats.bootstrap(
        (np.asarray(variant, dtype=float), np.asarray(reference, dtype=float)),
        difference,
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Interval(float(interval.low), float(interval.high))


def probability_of_improvement(differences: Sequence[float], better: Literal["higher", "lower"]) -> float:
    """Share of paired seeds on which the variant is better; a tie counts one half."""
    toward = 1.0 if better == "higher" else -1.0
    return sum(0.5 if d == 0 else float(toward * d > 0) for d in differences) / len(differences)


def _by_seed(variant: str, trials: Sequence[Trial]) -> dict[int, Trial]:
    found: dict[int, Trial] = {}
    for trial in trials:
        if trial.seed in found:
            raise ValueError(
                f"variant {variant} has two trials of seed {trial.seed}; "
                "give each seed once, at one scale, so that it has one pair"
            )
        found[trial.seed] = trial
    return found


def _pair(metric: str, ours: dict[int, Trial], theirs: dict[int, Trial], variant: str, reference: str) -> Pairs:
    seeds: list[int] = []
    values: list[tuple[float, float]] = []
    missing: list[Missing] = []
    for seed in sorted(ours.keys() | theirs.keys()):
        gaps = [
            Missing(seed=seed, variant=name, ending=ending)
            for name, arm in ((variant, ours), (reference, theirs))
            if (ending := _gap(arm.get(seed), metric)) is not None
        ]
        missing += gaps
        if not gaps:
            seeds.append(seed)
            values.append((ours[seed].measurements[metric], theirs[seed].measurements[metric]))
    return Pairs(tuple(seeds), tuple(a for a, _ in values), tuple(b for _, b in values), tuple(missing))


def _gap(trial: Trial | None, metric: str) -> str | None:
    """Name why a trial gives no measurement; None when it gives one."""
    if trial is None:
        return "not_run"
    if trial.ending is not TrialEnding.finished:
        return trial.ending.value
    return None if metric in trial.measurements else TrialEnding.not_scored.value
