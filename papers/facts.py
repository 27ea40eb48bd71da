"""Facts: every number a paper may state, by key, with where it comes from."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import NormalDist
from typing import Literal

from papers.evidence import ALPHA, LEVEL, Comparison, Conclusion, Stage, compare, holm
from papers.outside import outside
from papers.study import PastStudy, Study
from sandboxes.record import Record
from templates.space import Value
from templates.trial import Trial, TrialEnding, scale_of

MEBIBYTE = 2**20


class Fact(Record):
    """A number with its origin.

    Keys: `<arm>.n`, `<arm>.variant`, `<arm>.reference` (means over paired seeds), `<arm>.variant.sd`,
    `<arm>.reference.sd` (ddof 1), `<arm>.difference`, `.low`, `.high`, `.p`, `.relative` (difference in % of the
    reference mean), `.iqm_difference`, `.iqm_low`, `.iqm_high`, `.probability`, `.wins`, `.ties`, `.losses` (seeds on
    which the variant is better, equal, worse), `.missing` (seeds tried and without a pair), `.seeds_needed` (how many
    would bring half the interval down to the smallest effect, by the normal distribution), `.leave_one_out.low|high`
    (range of the difference when one seed is left out), and per seed `<arm>.seed.<seed>` (the seed itself) and
    `<arm>.seed.<seed>.variant|reference|difference`, where `<arm>` is `pilot`, `full`, `confirm` or
    `ablation.<variant>`; the same under `<arm>.<secondary>.` for each secondary measurement, without what counts seeds;
    `headline.p_holm`; `trials.total`, `trials.<ending>`, `trials.failed`, `trials.of.<variant>.total|<ending>`;
    `idea.smallest_effect`; `knob.<name>.before|after`; `setting.<name>`; `limit.<name>` and
    `limit.memory_mib|work_mib|output_mib`; `seeds.<stage>`; `cost.wall_seconds`, `cost.trial_cpu_seconds`,
    `cost.spend_usd`, `cost.tokens`; `cost.trial.<variant>.n|wall_seconds|cpu_seconds|peak_memory_mib` (means over
    finished trials at the study's scale); `campaign.ideas`, `campaign.compared`, `campaign.<conclusion>`;
    `past.<number>` (the number itself), `past.<number>.difference|low|high|p|p_holm`; `level` (the 95 of a 95 %
    interval); `alpha`;
    `background.<n>` and `quoted.<who>.<n>`: numbers that the template's README and other outside texts state.
    """

    value: float
    unit: str
    source: str
    """E.g. `confirm: mean over 10 paired seeds of variant − baseline, trials/merge-true/cpu-s1000 …`."""
    kind: Literal["measured", "counted", "declared"]
    signed: bool = False
    """A difference: direction words beside it must agree with its sign."""


class EvidenceMismatchError(ValueError):
    """A stored comparison says what the trials do not show."""


Stated = Iterator[tuple[str, Fact]]


def facts(study: Study) -> dict[str, Fact]:
    """Compute every number a paper on `study` may state, from its trials and declarations.

    Raises `EvidenceMismatchError` when a comparison or the corrected p disagrees with the trials.
    """
    stated: tuple[Stated, ...] = (
        _evidence(study),
        _correction(study),
        _counts(study),
        _declarations(study),
        _costs(study),
        _campaign(study),
        _quoted(study),
    )
    return {key: fact for part in stated for key, fact in part}


def arm(comparison: Comparison) -> str:
    """Name the facts of a comparison."""
    return f"ablation.{comparison.variant}" if comparison.stage is Stage.ablation else comparison.stage.value


def headline(study: Study) -> Comparison | None:
    """Find the comparison that carries the claim: the confirmation, else the last stage that was reached."""
    staged = {comparison.stage: comparison for comparison in study.comparisons}
    return staged.get(Stage.confirm) or staged.get(Stage.full) or staged.get(Stage.pilot)


def _evidence(study: Study) -> Stated:
    for stored in study.comparisons:
        pairs = _pairs(study, stored)
        again = _compared(stored, pairs, study.template.metric.name)
        _agree(stored, again)
        yield from _statistics(arm(stored), again, study.template.metric.unit)
        yield from _tally(arm(stored), again, study.idea.prediction.smallest_effect)
        for measurement in study.template.secondary:
            having = [trial for trial in pairs if measurement.name in trial.measurements]
            if secondary := _compared(stored, having, measurement.name):
                yield from _statistics(f"{arm(stored)}.{measurement.name}", secondary, measurement.unit)


def _pairs(study: Study, comparison: Comparison) -> list[Trial]:
    """Give the trials of both arms on the comparison's seeds, one per variant and seed."""
    seeds = {*comparison.seeds, *(missing.seed for missing in comparison.missing)}
    chosen: dict[tuple[str, int], Trial] = {}
    for trial in study.trials:
        if trial.scale == study.scale and trial.seed in seeds:
            if trial.variant not in {comparison.variant, comparison.reference}:
                continue
            known = chosen.setdefault((trial.variant, trial.seed), trial)
            if known.ending is not TrialEnding.finished:
                chosen[trial.variant, trial.seed] = trial
            elif trial.ending is TrialEnding.finished and trial.measurements != known.measurements:
                raise EvidenceMismatchError(
                    f"Two finished trials of {trial.variant} with seed {trial.seed} at scale {trial.scale} measured "
                    f"different things: {known.measurements} and {trial.measurements}. Keep one of them in the study."
                )
    return list(chosen.values())


def _compared(stored: Comparison, pairs: Iterable[Trial], metric: str) -> Comparison | None:
    trials = list(pairs)
    return compare(
        stored.stage,
        stored.variant,
        stored.reference,
        metric,
        stored.better,
        [trial for trial in trials if trial.variant == stored.variant],
        [trial for trial in trials if trial.variant == stored.reference],
    )


def _agree(stored: Comparison, again: Comparison | None) -> None:
    """Raise when the trials do not give the stored comparison."""
    remedy = "Compare the trials again and store what they give."
    if again is None or again.seeds != stored.seeds:
        found = again.seeds if again else ()
        raise EvidenceMismatchError(
            f"The {arm(stored)} comparison claims paired seeds {list(stored.seeds)}, but the study's trials pair "
            f"only {list(found)}. {remedy}"
        )
    for name in Comparison.model_fields:
        told, seen = getattr(stored, name), getattr(again, name)
        if name == "missing":
            # A trial that never ran has no record to find again.
            told, seen = (tuple(gap for gap in gaps if gap.ending != "not_run") for gaps in (told, seen))
        if not _same(told, seen):
            raise EvidenceMismatchError(
                f"The {arm(stored)} comparison stores {name} = {told}, but the study's trials give {seen}. {remedy}"
            )


def _same(told: object, seen: object) -> bool:
    """Tell whether stored and recomputed values agree up to rounding."""
    match told, seen:
        case (float() | int()) as a, (float() | int()) as b:
            return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        case tuple() as a, tuple() as b:
            return len(a) == len(b) and all(map(_same, a, b))
        case _:
            return told == seen


def _statistics(name: str, comparison: Comparison | None, unit: str) -> Stated:
    if comparison is None:
        return
    n, seeds = len(comparison.seeds), ", ".join(map(str, comparison.seeds))
    over = f"{n} paired seeds ({seeds})"
    variant, reference = comparison.variant_values, comparison.reference_values
    mean = statistics.fmean(reference)

    def measured(value: float, what: str, *, signed: bool = False, unit: str = unit) -> Fact:
        return Fact(value=value, unit=unit, source=f"{name}: {what} over {over}", kind="measured", signed=signed)

    yield f"{name}.n", Fact(value=n, unit="seeds", source=f"{name}: paired seeds {seeds}", kind="counted")
    yield f"{name}.variant", measured(statistics.fmean(variant), f"mean of {comparison.variant}")
    yield f"{name}.reference", measured(mean, f"mean of {comparison.reference}")
    yield f"{name}.variant.sd", measured(statistics.stdev(variant), f"standard deviation of {comparison.variant}")
    yield f"{name}.reference.sd", measured(statistics.stdev(reference), f"standard deviation of {comparison.reference}")
    minus = f"{comparison.variant} − {comparison.reference}"
    yield f"{name}.difference", measured(comparison.difference, f"mean of {minus}", signed=True)
    yield f"{name}.low", measured(comparison.low, f"lower end of the 95 % t interval of {minus}")
    yield f"{name}.high", measured(comparison.high, f"upper end of the 95 % t interval of {minus}")
    yield f"{name}.p", measured(comparison.p, f"sign-flip permutation p of {minus}", unit="")
    if mean:
        share = 100 * comparison.difference / abs(mean)
        yield f"{name}.relative", measured(share, f"mean of {minus} in % of the reference", signed=True, unit="%")
    yield f"{name}.iqm_difference", measured(comparison.iqm_difference, f"IQM difference of {minus}", signed=True)
    yield f"{name}.iqm_low", measured(comparison.iqm_low, f"lower end of the 95 % bootstrap IQM interval of {minus}")
    yield f"{name}.iqm_high", measured(comparison.iqm_high, f"upper end of the 95 % bootstrap IQM interval of {minus}")
    for seed, value, other in zip(comparison.seeds, variant, reference, strict=True):
        one = f"{name}: seed {seed}"
        yield f"{name}.seed.{seed}", Fact(value=seed, unit="", source=one, kind="declared")
        yield f"{name}.seed.{seed}.variant", Fact(value=value, unit=unit, source=one, kind="measured")
        yield f"{name}.seed.{seed}.reference", Fact(value=other, unit=unit, source=one, kind="measured")
        less = Fact(value=value - other, unit=unit, source=f"{one}: {minus}", kind="measured", signed=True)
        yield f"{name}.seed.{seed}.difference", less


def _tally(name: str, comparison: Comparison | None, smallest: float) -> Stated:
    """Count the seeds by which arm did better and how many would do, and leave each out once."""
    if comparison is None:
        return
    better = -1 if comparison.better == "lower" else 1
    pairs = zip(comparison.variant_values, comparison.reference_values, strict=True)
    differences = [variant - reference for variant, reference in pairs]
    signs = Counter(better * ((difference > 0) - (difference < 0)) for difference in differences)
    for word, sign in (("wins", 1), ("ties", 0), ("losses", -1)):
        source = f"{name}: {word} of {comparison.variant} against {comparison.reference}"
        yield f"{name}.{word}", Fact(value=signs[sign], unit="seeds", source=source, kind="counted")
    chance = comparison.probability_of_improvement
    source = f"{name}: P({comparison.variant} better than {comparison.reference})"
    yield f"{name}.probability", Fact(value=chance, unit="", source=source, kind="measured")
    missing = len({missing.seed for missing in comparison.missing})
    source = f"{name}: seeds tried without a pair"
    yield f"{name}.missing", Fact(value=missing, unit="seeds", source=source, kind="counted")
    needed = math.ceil((NormalDist().inv_cdf((1 + LEVEL) / 2) * statistics.stdev(differences) / smallest) ** 2)
    source = f"{name}: paired seeds whose interval would reach no further than {smallest}, were the spread to stay"
    yield f"{name}.seeds_needed", Fact(value=needed, unit="seeds", source=source, kind="measured")
    total, rest = sum(differences), len(differences) - 1
    left = [(total - difference) / rest for difference in differences]
    for end, value in (("low", min(left)), ("high", max(left))):
        source = f"{name}: {end} end of the mean difference when one seed is left out"
        fact = Fact(value=value, unit="", source=source, kind="measured", signed=True)
        yield f"{name}.leave_one_out.{end}", fact


def _correction(study: Study) -> Stated:
    """Recompute the headline's corrected p over all ideas that reached a comparison."""
    first, own = headline(study), _own(study)
    if first is None:
        return
    if own and own.p is not None and not all(map(_same, (own.difference, own.p), (first.difference, first.p))):
        raise EvidenceMismatchError(
            f"The campaign's list gives study {study.number} a difference of {own.difference} with p = {own.p}, but "
            f"its {arm(first)} comparison has {first.difference} with p = {first.p}. Write the list again from the "
            "studies."
        )
    corrected = _corrected(study).get(study.number)
    if study.p_holm is not None and corrected is not None and not _same(study.p_holm, corrected):
        raise EvidenceMismatchError(
            f"The study stores p_holm = {study.p_holm}, but correcting over the {len(study.tried)} ideas of the "
            f"campaign gives {corrected}. Correct again before writing."
        )
    p = corrected if corrected is not None else study.p_holm
    if p is not None:
        source = f"Holm's correction of {arm(first)}.p over the ideas of the campaign"
        yield "headline.p_holm", Fact(value=p, unit="", source=source, kind="measured")


def _own(study: Study) -> PastStudy | None:
    return next((past for past in study.tried if past.number == study.number), None)


def _corrected(study: Study) -> dict[int, float]:
    """Correct the p of each idea that has one, by study number."""
    numbered = [(past.number, past.p) for past in study.tried if past.p is not None]
    ps = holm([p for _, p in numbered])
    return {number: p for (number, _), p in zip(numbered, ps, strict=True)}


def _counts(study: Study) -> Stated:
    endings = Counter(trial.ending for trial in study.trials)
    failed = len(study.trials) - endings[TrialEnding.finished]
    counted = {"total": len(study.trials), "failed": failed} | {ending: endings[ending] for ending in TrialEnding}
    for variant in dict.fromkeys(trial.variant for trial in study.trials):
        own = Counter(trial.ending for trial in study.trials if trial.variant == variant)
        counted |= {f"of.{variant}.total": own.total()} | {f"of.{variant}.{ending}": own[ending] for ending in own}
    for name, count in counted.items():
        yield f"trials.{name}", Fact(value=count, unit="trials", source=f"trials of the study: {name}", kind="counted")


def _declarations(study: Study) -> Stated:
    template, idea, size = study.template, study.idea, scale_of(study.template, study.scale)
    yield "level", _declared(100 * LEVEL, "%", "confidence of every interval")
    yield "alpha", _declared(ALPHA, "", "threshold of the corrected p")
    smallest = _declared(idea.prediction.smallest_effect, template.metric.unit, "the idea's prediction")
    yield "idea.smallest_effect", smallest
    for change in idea.changes:
        yield from _number(f"knob.{change.knob}.before", change.before, "the template's baseline")
        yield from _number(f"knob.{change.knob}.after", change.after, "the idea")
    for name, value in size.settings.items():
        yield from _number(f"setting.{name}", value, f"scale {study.scale} of the template")
    for name, limit in size.limits.model_dump().items():
        yield from _number(f"limit.{name}", limit, f"limits of scale {study.scale}")
        if name.endswith("_bytes"):
            yield from _number(f"limit.{name[:-6]}_mib", limit / MEBIBYTE, f"limits of scale {study.scale}")
    for stage, count in size.seeds.model_dump().items():
        yield from _number(f"seeds.{stage}", count, f"seeds of scale {study.scale}")


def _declared(value: float, unit: str, source: str) -> Fact:
    return Fact(value=value, unit=unit, source=source, kind="declared")


def _number(key: str, value: Value, source: str) -> Stated:
    """State a setting that is a number."""
    if not isinstance(value, bool | str):
        yield key, _declared(value, "", source)


def _costs(study: Study) -> Stated:
    made = study.provenance
    cpu = sum(trial.cpu_seconds for trial in study.trials if trial.cpu_seconds is not None)
    yield "cost.wall_seconds", Fact(value=made.wall_seconds, unit="s", source="wall time of the study", kind="measured")
    yield "cost.trial_cpu_seconds", Fact(value=cpu, unit="s", source="sum over trials", kind="measured")
    yield "cost.spend_usd", Fact(value=made.spend_usd, unit="USD", source="ledger of the campaign", kind="counted")
    yield "cost.tokens", Fact(value=made.tokens, unit="tokens", source="ledger of the campaign", kind="counted")
    full = [trial for trial in study.trials if trial.scale == study.scale]
    for variant in dict.fromkeys(trial.variant for trial in full):
        yield from _variant_costs(variant, [trial for trial in full if trial.variant == variant])


def _variant_costs(variant: str, trials: list[Trial]) -> Stated:
    finished = [trial for trial in trials if trial.ending is TrialEnding.finished]
    name, source = f"cost.trial.{variant}", f"finished trials of {variant}"
    cpu = [trial.cpu_seconds for trial in finished if trial.cpu_seconds is not None]
    memory = [trial.peak_memory_bytes / MEBIBYTE for trial in finished if trial.peak_memory_bytes is not None]
    yield f"{name}.n", Fact(value=len(finished), unit="trials", source=source, kind="counted")
    for what, unit, values in (
        ("wall_seconds", "s", [trial.wall_seconds for trial in finished]),
        ("cpu_seconds", "s", cpu),
        ("peak_memory_mib", "MiB", memory),
    ):
        if values:
            mean = statistics.fmean(values)
            yield f"{name}.{what}", Fact(value=mean, unit=unit, source=f"mean over {source}", kind="measured")


def _campaign(study: Study) -> Stated:
    source, corrected = f"campaign {study.provenance.campaign}", _corrected(study)
    conclusions = Counter(past.conclusion for past in study.tried)
    counted = {"ideas": len(study.tried), "compared": len(corrected)}
    counted |= {conclusion: conclusions[conclusion] for conclusion in Conclusion}
    for name, count in counted.items():
        yield f"campaign.{name}", Fact(value=count, unit="ideas", source=source, kind="counted")
    for past in study.tried:
        yield f"past.{past.number}", Fact(value=past.number, unit="", source=source, kind="counted")
        told = past.model_dump(include={"difference", "low", "high", "p"}) | {"p_holm": corrected.get(past.number)}
        for name, value in told.items():
            if value is not None:
                of = f"study {past.number} of {source}"
                fact = Fact(value=value, unit="", source=of, kind="measured", signed=name == "difference")
                yield f"past.{past.number}.{name}", fact


def _quoted(study: Study) -> Stated:
    for who, constant in outside(study).constants():
        yield constant.key, _declared(constant.value, "", f"{who}: “{constant.sentence}”")
