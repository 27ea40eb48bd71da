import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from papers.evidence import (
    Comparison,
    Conclusion,
    Stage,
    compare,
    conclude,
    holm,
    iqm,
    iqm_difference_interval,
    probability_of_improvement,
    sign_flip_p,
    student_interval,
)
from sandboxes.job import Level
from templates.idea import Prediction
from templates.trial import Trial, TrialEnding


def trial(variant: str, seed: int, value: float | None, ending: TrialEnding = TrialEnding.finished) -> Trial:
    return Trial(
        template="coupling",
        template_digest="t",
        variant=variant,
        code_digest="c",
        scale="cpu",
        seed=seed,
        ending=ending,
        measurements={} if value is None else {"entropy": value},
        wall_seconds=1.0,
        level=Level.namespace,
        backend="bubblewrap",
    )


def arm(variant: str, values: dict[int, float]) -> list[Trial]:
    return [trial(variant, seed, value) for seed, value in values.items()]


def compared(ours: list[Trial], theirs: list[Trial]) -> Comparison | None:
    return compare(Stage.confirm, "merge", "baseline", "entropy", "lower", ours, theirs)


def prediction(direction: str = "lower", smallest: float = 0.1) -> Prediction:
    return Prediction.model_validate({"metric": "entropy", "direction": direction, "smallest_effect": smallest})


def measured(differences: list[float]) -> Comparison:
    made = compared(
        arm("merge", {s: 5.0 + d for s, d in enumerate(differences)}),
        arm("baseline", dict.fromkeys(range(len(differences)), 5.0)),
    )
    assert made is not None
    return made


def test_pairs_are_made_by_seed_whatever_the_order_of_the_trials() -> None:
    ours = arm("merge", {3: 1.0, 1: 2.0, 2: 4.0})
    theirs = arm("baseline", {2: 5.0, 3: 1.5, 1: 2.25})
    made = compared(ours, theirs)
    assert made is not None
    assert made.seeds == (1, 2, 3)
    assert made.variant_values == (2.0, 4.0, 1.0)
    assert made.reference_values == (2.25, 5.0, 1.5)
    assert made.difference == pytest.approx((-0.25 - 1.0 - 0.5) / 3)


def test_a_seed_that_one_arm_lacks_is_listed_and_not_dropped_in_silence() -> None:
    ours = [*arm("merge", {1: 1.0, 2: 2.0}), trial("merge", 3, None, TrialEnding.crashed), trial("merge", 4, 1.0)]
    theirs = [*arm("baseline", {1: 1.5, 2: 2.5, 3: 2.0}), trial("baseline", 5, None, TrialEnding.timed_out)]
    made = compared(ours, theirs)
    assert made is not None
    assert made.seeds == (1, 2)
    assert {(m.seed, m.variant, m.ending) for m in made.missing} == {
        (3, "merge", "crashed"),
        (4, "baseline", "not_run"),
        (5, "merge", "not_run"),
        (5, "baseline", "timed_out"),
    }


def test_a_finished_trial_without_the_metric_counts_as_not_scored() -> None:
    ours = [*arm("merge", {1: 1.0, 2: 2.0}), trial("merge", 3, None)]
    made = compared(ours, arm("baseline", {1: 1.0, 2: 1.0, 3: 1.0}))
    assert made is not None
    assert [(m.seed, m.ending) for m in made.missing] == [(3, "not_scored")]


def test_one_pair_is_no_comparison() -> None:
    assert compared(arm("merge", {1: 1.0, 2: 1.0}), arm("baseline", {1: 2.0, 3: 2.0})) is None


def test_two_trials_of_one_seed_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="variant merge has two trials of seed 1"):
        compared([trial("merge", 1, 1.0), trial("merge", 1, 2.0)], arm("baseline", {1: 1.0}))


def test_identical_arms_show_nothing_at_all() -> None:
    values = {seed: float(seed) for seed in range(8)}
    made = compared(arm("merge", values), arm("baseline", values))
    assert made is not None
    assert (made.difference, made.low, made.high, made.p) == (0.0, 0.0, 0.0, 1.0)
    assert (made.iqm_difference, made.iqm_low, made.iqm_high) == (0.0, 0.0, 0.0)
    assert made.probability_of_improvement == 0.5


def test_the_student_interval_is_that_of_a_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=9), rng.normal(size=9)
    oracle = stats.ttest_rel(a, b).confidence_interval(0.95)
    ours = student_interval((a - b).tolist())
    assert ours.low == pytest.approx(oracle.low)
    assert ours.high == pytest.approx(oracle.high)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal(0.3, 1.0, size=(2000, 6))
    intervals = [student_interval(row.tolist()) for row in draws]
    covered = sum(i.low <= 0.3 <= i.high for i in intervals)
    low, high = stats.binom.ppf((1e-4, 1 - 1e-4), 2000, 0.95)
    assert low <= covered <= high


def test_the_sign_flip_p_equals_an_enumeration_of_all_signs() -> None:
    differences = [0.5, -0.125, 0.75, 0.25, 0.375]
    flips = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    oracle = sum(f >= abs(sum(differences)) for f in flips) / len(flips)
    assert sign_flip_p(differences) == pytest.approx(oracle)


def test_all_ten_seeds_on_one_side_give_the_smallest_exact_p() -> None:
    assert sign_flip_p([0.1 * k for k in range(1, 11)]) == pytest.approx(2 / 2**10)


def test_a_sampled_p_is_the_same_every_time() -> None:
    differences = np.random.default_rng(3).normal(0.2, 1.0, 30).tolist()
    p = sign_flip_p(differences)
    assert p == sign_flip_p(differences)
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.05)


def test_the_interquartile_mean_cuts_a_quarter_at_each_end() -> None:
    assert iqm([100.0, 1.0, 2.0, -50.0]) == 1.5
    assert iqm([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 700.0]) == 3.5
    assert iqm([3.0]) == 3.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_the_interquartile_mean_is_the_trimmed_mean_of_the_sorted_values(values: list[float]) -> None:
    cut = int(0.25 * len(values))
    middle = sorted(values)[cut : len(values) - cut]
    assert iqm(values) == pytest.approx(sum(middle) / len(middle), abs=1e-6)


def test_the_bootstrap_interval_agrees_with_a_plain_resampling_of_pairs() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.5, 1, 12), rng.normal(0, 1, 12)
    picks = rng.integers(0, 12, (4000, 12))
    draws = stats.trim_mean(a[picks], 0.25, axis=1) - stats.trim_mean(b[picks], 0.25, axis=1)
    ours = iqm_difference_interval(a.tolist(), b.tolist())
    assert ours == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.1)


def test_holm_follows_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.6, 0.7]) == (1.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_and_never_exceeds_bonferroni(ps: list[float]) -> None:
    for p, corrected in zip(ps, holm(ps), strict=True):
        assert p <= corrected <= min(1.0, p * len(ps))


def test_probability_of_improvement_knows_which_side_is_better() -> None:
    assert probability_of_improvement([-1.0, -2.0, 1.0, 0.0], "lower") == 0.625
    assert probability_of_improvement([-1.0, -2.0, 1.0, 0.0], "higher") == 0.375


STRONG = [-0.5, -0.6, -0.4, -0.55, -0.45, -0.5, -0.52]


def test_a_strong_effect_on_the_predicted_side_supports_the_prediction() -> None:
    assert conclude(prediction("lower"), measured(STRONG), 0.02) is Conclusion.supported


def test_the_same_effect_refutes_the_opposite_prediction() -> None:
    assert conclude(prediction("higher"), measured(STRONG), 0.02) is Conclusion.refuted


def test_a_p_that_does_not_survive_correction_supports_nothing() -> None:
    assert conclude(prediction("lower"), measured(STRONG), 0.05) is Conclusion.inconclusive
    assert conclude(prediction("higher"), measured(STRONG), None) is Conclusion.inconclusive


def test_a_real_effect_below_the_smallest_of_interest_is_not_support() -> None:
    assert conclude(prediction("lower", smallest=0.55), measured(STRONG), 0.02) is Conclusion.inconclusive


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_an_interval_within_the_smallest_effect_is_a_well_measured_null(direction: str) -> None:
    small = [0.01, -0.02, 0.0, 0.015, -0.01]
    assert conclude(prediction(direction), measured(small), 0.9) is Conclusion.negligible


def test_a_wide_interval_is_inconclusive() -> None:
    assert conclude(prediction(), measured([-2.0, 1.5, 0.3, -0.7]), 0.9) is Conclusion.inconclusive


def test_without_a_comparison_the_study_failed() -> None:
    assert conclude(prediction(), None, None) is Conclusion.failed
