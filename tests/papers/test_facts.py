from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from scipy import stats

from papers.evidence import Comparison, Conclusion, Missing, Stage, compare
from papers.facts import EvidenceMismatchError, Fact, arm, facts, headline
from papers.study import Study
from templates.trial import Trial, TrialEnding

StudyOf = Callable[..., Study]


def values(study: Study, variant: str, seeds: tuple[int, ...], name: str = "residual_entropy") -> list[float]:
    found = {
        trial.seed: trial.measurements for trial in study.trials if trial.variant == variant and trial.scale == "cpu"
    }
    return [found[seed][name] for seed in seeds]


def altered(study: Study, **fields: object) -> Study:
    """Store something else in the confirmation's comparison."""
    changed = [
        found.model_copy(update=fields) if found.stage is Stage.confirm else found for found in study.comparisons
    ]
    return study.model_copy(update={"comparisons": tuple(changed)})


def test_a_mean_and_its_interval_are_those_of_the_trials(study_of: StudyOf) -> None:
    study = study_of()
    known = facts(study)
    seeds = tuple(range(1000, 1010))
    ours, theirs = values(study, "merge-on", seeds), values(study, "baseline", seeds)
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    oracle = stats.ttest_rel(ours, theirs)
    interval = oracle.confidence_interval(0.95)

    assert known["confirm.n"].value == 10
    assert known["confirm.variant"].value == pytest.approx(sum(ours) / 10)
    assert known["confirm.reference.sd"].value == pytest.approx(stats.tstd(theirs))
    assert known["confirm.difference"].value == pytest.approx(sum(differences) / 10)
    assert (known["confirm.low"].value, known["confirm.high"].value) == pytest.approx((interval.low, interval.high))
    assert known["confirm.relative"].value == pytest.approx(100 * sum(differences) / sum(theirs))
    assert known["confirm.seed.1003.difference"].value == pytest.approx(differences[3])
    assert known["confirm.seed.1003"].value == 1003


def test_a_secondary_measurement_has_the_same_facts_under_its_name(study_of: StudyOf) -> None:
    study = study_of()
    known = facts(study)
    rates = values(study, "merge-on", tuple(range(1000, 1010)), "couplings_per_second")
    assert known["confirm.couplings_per_second.variant"].value == pytest.approx(sum(rates) / 10)
    assert known["confirm.couplings_per_second.difference"].signed
    assert known["pilot.bits_per_token.n"].value == 3


def test_differences_are_signed_and_interval_ends_are_not(study_of: StudyOf) -> None:
    known = facts(study_of())
    signed = {key for key, fact in known.items() if fact.signed}
    assert {"confirm.difference", "confirm.relative", "confirm.iqm_difference", "past.2.difference"} <= signed
    assert not signed & {"confirm.low", "confirm.high", "confirm.variant", "idea.smallest_effect"}


def test_leaving_out_each_seed_spans_the_facts_range(study_of: StudyOf) -> None:
    study = study_of()
    known = facts(study)
    differences = [known[f"full.seed.{seed}.difference"].value for seed in range(11, 17)]
    means = [(sum(differences) - left) / 5 for left in differences]
    assert known["full.leave_one_out.low"].value == pytest.approx(min(means))
    assert known["full.leave_one_out.high"].value == pytest.approx(max(means))


def test_the_seeds_needed_follow_from_the_spread(study_of: StudyOf) -> None:
    known = facts(study_of(Conclusion.inconclusive))
    spread = stats.tstd([known[f"confirm.seed.{seed}.difference"].value for seed in range(1000, 1010)])
    needed = known["confirm.seeds_needed"].value
    assert 1.96 * spread / needed**0.5 <= 0.1 < 1.96 * spread / (needed - 1) ** 0.5


def test_wins_ties_and_losses_add_up_to_the_seeds(study_of: StudyOf) -> None:
    known = facts(study_of(Conclusion.inconclusive))
    counted = [known[f"confirm.{word}"].value for word in ("wins", "ties", "losses")]
    assert sum(counted) == known["confirm.n"].value
    assert known["confirm.probability"].value == pytest.approx((counted[0] + counted[1] / 2) / 10)


def test_failed_trials_stay_in_the_counts(study_of: StudyOf) -> None:
    known = facts(study_of())
    assert known["trials.total"].value == known["trials.finished"].value + 1
    assert known["trials.crashed"].value == known["trials.failed"].value == 1
    assert known["confirm.missing"].value == 1


def test_costs_are_means_over_finished_trials_of_a_variant(study_of: StudyOf) -> None:
    study = study_of()
    known = facts(study)
    assert known["cost.trial.baseline.cpu_seconds"].value == pytest.approx(2.25)
    assert known["cost.trial.merge-on.cpu_seconds"].value == pytest.approx(3.5)
    assert known["cost.trial.merge-on.n"].value == 19
    assert known["cost.trial_cpu_seconds"].value == pytest.approx(sum(trial.cpu_seconds for trial in study.trials))


def test_limits_settings_knobs_and_seeds_are_declared(study_of: StudyOf) -> None:
    known = facts(study_of(ablate=True))
    assert known["limit.memory_mib"].value == 1024
    assert known["setting.temperature"].value == 0.7
    assert known["knob.merge_tolerance.after"].value == 0.01
    assert (known["seeds.pilot"].value, known["seeds.confirm"].value) == (3, 10)
    assert "setting.prior" not in known
    assert "knob.merge.after" not in known
    assert {known[key].kind for key in ("limit.memory_mib", "setting.temperature", "seeds.full")} == {"declared"}


def test_numbers_of_the_readme_are_declared_with_their_sentence(study_of: StudyOf) -> None:
    known = facts(study_of())
    stated = {fact.value: fact for key, fact in known.items() if key.startswith("background.")}
    assert stated[0.53].kind == "declared"
    assert "greedy couplings come within 0.53 bits" in stated[0.53].source
    assert {50.0, 45.0, 10.6, 8.6} <= stated.keys()


def test_the_corrected_p_is_computed_over_all_ideas_of_the_campaign(study_of: StudyOf) -> None:
    study = study_of()
    known = facts(study)
    assert known["headline.p_holm"].value == pytest.approx(2 * known["confirm.p"].value)
    assert known["campaign.ideas"].value == known["campaign.compared"].value == 2
    assert known["past.1.p_holm"].value == pytest.approx(0.4)


@pytest.mark.parametrize("field", ["difference", "low", "high", "p", "iqm_difference", "probability_of_improvement"])
def test_a_stored_number_that_the_trials_do_not_give_is_refused(study_of: StudyOf, field: str) -> None:
    study = study_of()
    told = getattr(headline(study), field)
    with pytest.raises(EvidenceMismatchError, match=f"confirm comparison stores {field} = "):
        facts(altered(study, **{field: told * 0.97 + 1e-3}))


def test_a_measurement_that_differs_from_its_trial_is_refused(study_of: StudyOf) -> None:
    study = study_of()
    first = headline(study)
    with pytest.raises(EvidenceMismatchError, match="variant_values"):
        facts(altered(study, variant_values=(first.variant_values[0] - 0.2, *first.variant_values[1:])))


def test_a_seed_without_trials_is_refused(study_of: StudyOf) -> None:
    study = study_of()
    kept = tuple(trial for trial in study.trials if trial.seed != 1004)
    with pytest.raises(EvidenceMismatchError, match="1004"):
        facts(study.model_copy(update={"trials": kept}))


def test_a_missing_seed_that_is_not_told_is_refused(study_of: StudyOf) -> None:
    study = study_of()
    quiet = (Missing(seed=1010, variant="baseline", ending="timed_out"),)
    with pytest.raises(EvidenceMismatchError, match="missing"):
        facts(altered(study, missing=quiet))


def test_a_trial_that_never_ran_is_no_mismatch(study_of: StudyOf) -> None:
    study = study_of()
    gaps = (*headline(study).missing, Missing(seed=1011, variant="merge-on", ending="not_run"))
    assert facts(altered(study, missing=gaps))["confirm.n"].value == 10


def test_a_corrected_p_that_forgets_an_idea_is_refused(study_of: StudyOf) -> None:
    study = study_of()
    with pytest.raises(EvidenceMismatchError, match="correcting over the 2 ideas"):
        facts(study.model_copy(update={"p_holm": headline(study).p}))


def test_a_campaign_list_that_tells_another_result_is_refused(study_of: StudyOf) -> None:
    study = study_of()
    tried = (study.tried[0], study.tried[1].model_copy(update={"difference": -2.0}))
    with pytest.raises(EvidenceMismatchError, match="Write the list again"):
        facts(study.model_copy(update={"tried": tried}))


def test_two_trials_of_one_seed_that_disagree_are_refused(study_of: StudyOf) -> None:
    study = study_of()
    twin = next(trial for trial in study.trials if trial.seed == 1000 and trial.variant == "merge-on")
    other = twin.model_copy(update={"measurements": {**twin.measurements, "residual_entropy": 0.0}})
    with pytest.raises(EvidenceMismatchError, match="Two finished trials of merge-on with seed 1000"):
        facts(study.model_copy(update={"trials": (*study.trials, other)}))


def test_trials_at_another_scale_play_no_part(study_of: StudyOf) -> None:
    study = study_of()
    smoke = [
        trial.model_copy(update={"scale": "smoke", "measurements": {"residual_entropy": 99.0}})
        for trial in study.trials
    ]
    before, after = facts(study), facts(study.model_copy(update={"trials": (*study.trials, *smoke)}))
    assert {key: fact for key, fact in before.items() if not key.startswith(("trials.", "cost.trial_cpu"))} == {
        key: fact for key, fact in after.items() if not key.startswith(("trials.", "cost.trial_cpu"))
    }


def test_a_study_without_a_comparison_has_counts_and_no_effect(study_of: StudyOf) -> None:
    study = study_of(Conclusion.failed)
    known = facts(study)
    assert headline(study) is None
    assert known["trials.failed"].value == 3
    assert not [key for key in known if key.startswith(("confirm.", "full.", "pilot.", "headline."))]


def test_ablations_are_named_by_their_variant(study_of: StudyOf) -> None:
    study = study_of(ablate=True)
    names = [arm(found) for found in study.comparisons if found.stage is Stage.ablation]
    assert names == ["ablation.merge-on-without-merge", "ablation.merge-on-without-merge_tolerance"]
    assert all(f"{name}.difference" in facts(study) for name in names)


def test_every_fact_is_finite_and_says_where_it_is_from(study_of: StudyOf) -> None:
    for fact in facts(study_of(ablate=True)).values():
        assert isinstance(fact, Fact)
        assert math.isfinite(fact.value)
        assert fact.source


def test_identical_arms_give_exact_zeros(study_of: StudyOf) -> None:
    study = study_of()
    same: list[Trial] = [
        trial.model_copy(update={"variant": "merge-on"})
        for trial in study.trials
        if trial.variant == "baseline" and trial.ending is TrialEnding.finished
    ]
    kept = tuple(trial for trial in study.trials if trial.variant == "baseline")
    confirmed = [trial for trial in (*same, *kept) if trial.seed >= 1000]
    again: Comparison | None = compare(
        Stage.confirm,
        "merge-on",
        "baseline",
        "residual_entropy",
        "lower",
        [trial for trial in confirmed if trial.variant == "merge-on"],
        [trial for trial in confirmed if trial.variant == "baseline"],
    )
    known = facts(
        study.model_copy(update={"trials": (*kept, *same), "comparisons": (again,), "tried": (), "p_holm": None})
    )
    assert known["confirm.difference"].value == known["confirm.leave_one_out.high"].value == 0.0
    assert known["confirm.ties"].value == 11
