"""The tables of a paper, one function each; a cell that shows a result is a mark."""

from __future__ import annotations

from collections import Counter

from papers.evidence import Comparison, Conclusion, Stage
from papers.facts import arm
from papers.paper import Table
from papers.prose.material import Material, capital, listed
from templates.space import Value
from templates.trial import TrialEnding

INTERVAL = "[[level:.0f]] % interval"
STAGES = {Stage.pilot: "pilot", Stage.full: "full", Stage.confirm: "confirmation"}
OUTCOMES = {
    Conclusion.supported: "supported",
    Conclusion.refuted: "refuted",
    Conclusion.negligible: "negligible effect",
    Conclusion.inconclusive: "inconclusive",
    Conclusion.failed: "not measured",
}


def headline(material: Material, comparison: Comparison) -> Table:
    """Show the comparison that carries the claim, quantity by quantity."""
    name, unit = arm(comparison), material.unit()
    rows = [
        ("Mean with the change", f"{material.of(name, 'variant')}{unit}"),
        ("Mean of the baseline", f"{material.of(name, 'reference')}{unit}"),
        ("Mean paired difference", f"{material.of(name, 'difference')}{unit}"),
        (f"{INTERVAL} of the difference", f"{material.interval(name)}{unit}"),
        ("$p$, permutation of signs", material.p(f"{name}.p")),
    ]
    if "headline.p_holm" in material.facts:
        rows.append(("$p$, after Holm's correction", material.p("headline.p_holm")))
    rows += [
        ("Probability that the change is better", f"[[{name}.probability:.2f]]"),
        ("Paired seeds", f"[[{name}.n:.0f]]"),
    ]
    stage = STAGES[comparison.stage]
    caption = (
        f"The change against the baseline in the {stage} stage, on the {material.metric()}; a {comparison.better} "
        "value is better. Differences are change minus baseline."
    )
    return Table(label="tab:headline", caption=caption, header=("Quantity", capital(stage)), rows=tuple(rows))


def stages(material: Material) -> Table:
    """Show each stage that compared the change with the baseline."""
    rows = tuple(
        (
            STAGES[stage],
            f"[[{stage}.n:.0f]]",
            material.of(stage.value, "variant"),
            material.of(stage.value, "reference"),
            material.of(stage.value, "difference"),
            material.interval(stage.value),
            material.p(f"{stage}.p"),
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:stages",
        caption=f"The {material.metric()}{_in(material.unit())} at each stage of the study; $n$ counts paired seeds.",
        header=("Stage", "$n$", "Change", "Baseline", "Difference", INTERVAL, "$p$"),
        rows=rows,
        note=(
            "The $p$ here are not corrected for the ideas tried; over few seeds a permutation test cannot give a "
            "small one."
        ),
    )


def secondary(material: Material, name: str) -> Table:
    """Show what else was measured in one arm, and which direction is better."""
    shown = secondaries(material, name)
    still = [each for each in shown if _still(material, name, each)]
    return Table(
        label="tab:secondary",
        caption=(
            "Secondary measurements on the same paired trials as the headline comparison, not corrected for number."
        ),
        header=("Measurement", "Better", "Change", "Baseline", "Difference", INTERVAL, "$n$"),
        rows=tuple(
            (_secondary(material, each), _better(material, each), *_arm(material, f"{name}.{each}"))
            for each in shown
            if each not in still or len(still) == len(shown)
        ),
        note=_same(material, still) if len(still) < len(shown) else "",
    )


def secondary_stages(material: Material) -> Table:
    """Show the differences of the secondary measurements from stage to stage."""
    stages = list(material.stages())
    shown = [
        each
        for each in secondaries(material, stages[-1].value)
        if all(f"{stage}.{each}.n" in material.facts for stage in stages)
    ]
    rows = tuple(
        (
            _secondary(material, each),
            _better(material, each),
            *(material.of(f"{stage}.{each}", "difference") for stage in stages),
            _clear(material, [stage for stage in stages if material.settled(f"{stage}.{each}")]),
        )
        for each in shown
        if not all(_still(material, stage.value, each) for stage in stages)
    )
    return Table(
        label="tab:secondary-stages",
        caption=(
            "Secondary measurements from stage to stage: mean differences over paired seeds, change minus baseline, "
            f"and the stages whose {INTERVAL} excludes zero."
        ),
        header=("Measurement", "Better", *(capital(STAGES[stage]) for stage in stages), "Excludes zero"),
        rows=rows,
    )


def _still(material: Material, name: str, each: str) -> bool:
    """Tell whether a measurement is a property of the task: neither good nor bad, and the same in both arms."""
    key = f"{name}.{each}"
    same = all(material.value(f"{key}.{end}") == 0 for end in ("difference", "low", "high"))
    return same and material.secondary(each).better is None


def _same(material: Material, still: list[str]) -> str:
    names = listed([f"the {material.said(f'secondary.{each}')}" for each in still])
    return f"Left out, because each seed gave it the same value in both arms: {names}." if still else ""


def _better(material: Material, each: str) -> str:
    return material.secondary(each).better or "–"


def _clear(material: Material, stages: list[Stage]) -> str:
    if len(stages) == len(material.stages()):
        return "at every stage"
    return ", ".join(STAGES[stage] for stage in stages) or "at none"


def ablations(material: Material) -> Table:
    """Show what turning back each change does."""
    rows = tuple(
        (
            f"`{material.study.ablated.get(found.variant, found.variant)}`",
            f"[[{arm(found)}.n:.0f]]",
            material.of(arm(found), "variant"),
            material.of(arm(found), "reference"),
            material.of(arm(found), "difference"),
            material.interval(arm(found)),
            material.p(f"{arm(found)}.p"),
        )
        for found in material.ablations()
    )
    against = {found.reference == "baseline" for found in material.ablations()}
    reference = "Baseline" if against == {True} else "Whole change"
    return Table(
        label="tab:ablations",
        caption=f"Ablations on the {material.metric()}{_in(material.unit())}: one change turned back at a time.",
        header=("Turned back", "$n$", "Without it", reference, "Difference", INTERVAL, "$p$"),
        rows=rows,
    )


def ideas(material: Material) -> Table:
    """Show every idea of the campaign with its outcome."""
    rows = []
    for past in material.study.tried:
        key = f"past.{past.number}"
        measured = all(f"{key}.{name}" in material.facts for name in ("difference", "low", "high"))
        difference, ends = (material.of(key, "difference"), material.interval(key)) if measured else ("–", "–")
        p = material.p(f"{key}.p_holm") if f"{key}.p_holm" in material.facts else "–"
        this = " (this paper)" if past.number == material.study.number else ""
        row = (f"[[{key}:.0f]]", f"{material.said(key)}{this}", difference, ends, p, OUTCOMES[past.conclusion])
        rows.append(row)
    return Table(
        label="tab:ideas",
        caption=(
            "Every idea tried in the campaign so far. Differences are in the unit of the metric that the idea was "
            "about."
        ),
        header=("No.", "Idea", "Difference", INTERVAL, "$p$ (Holm)", "Outcome"),
        rows=tuple(rows),
        note="A dash stands where no paired comparison could be made." if any("–" in row for row in rows) else "",
    )


def endings(material: Material) -> Table:
    """Count the trials of each variant by how they ended."""
    counts = Counter(trial.ending for trial in material.study.trials)
    rows = tuple((ending.replace("_", " "), f"[[trials.{ending}:.0f]]") for ending in TrialEnding if counts[ending])
    return Table(
        label="tab:endings",
        caption="All trials of the study by how they ended, the baseline's included.",
        header=("Ending", "Trials"),
        rows=(*rows, ("in all", "[[trials.total:.0f]]")),
    )


def settings(material: Material) -> Table:
    """Show the settings that the scale fixes."""
    rows = tuple(
        (f"`{name}`", cell(material, f"setting.{name}", value)) for name, value in material.scale().settings.items()
    )
    return Table(
        label="tab:settings",
        caption=f"Settings that the scale `{material.study.scale}` fixes for both arms.",
        header=("Setting", "Value"),
        rows=rows,
    )


def per_seed(material: Material) -> Table:
    """Show every pair, the stages side by side and the last one first."""
    stages = list(reversed(material.stages().items()))
    last, *earlier = [_pairs(material, stage.value, found) for stage, found in stages]
    height = max(len(found.seeds) for _, found in stages)
    columns = [*last, *(column for pairs in earlier for column in pairs[:-1])]
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    heads = [head for stage, _ in stages[1:] for head in (f"{capital(STAGES[stage])}: seed", "Change", "Baseline")]
    names = [STAGES[stage] for stage, _ in stages]
    where = f"the {names[0]} stage{f' on the left, then the {listed(names[1:])} stage' if names[1:] else ''}"
    return Table(
        label="tab:seeds",
        caption=f"The {material.metric()}{_in(material.unit())} of every paired seed: {where}.",
        header=("Seed", "Change", "Baseline", "Difference", *heads),
        rows=tuple(zip(*padded, strict=True)),
        note="The differences of the other stages follow by subtraction." if names[1:] else "",
    )


def _pairs(material: Material, name: str, comparison: Comparison) -> list[list[str]]:
    """Give the columns of one stage: seed, change, baseline, difference."""
    seeds = comparison.seeds
    arms = [[material.of(name, f"seed.{seed}.{what}") for seed in seeds] for what in ("variant", "reference")]
    differences = [material.of(name, f"seed.{seed}.difference") for seed in seeds]
    return [[f"[[{name}.seed.{seed}:.0f]]" for seed in seeds], *arms, differences]


def robust(material: Material) -> Table:
    """Show the interquartile mean beside the mean, stage by stage."""
    rows = tuple(
        (
            STAGES[stage],
            f"[[{stage}.n:.0f]]",
            material.of(stage.value, "difference"),
            material.of(stage.value, "iqm_difference"),
            f"{material.of(stage.value, 'iqm_low')} to {material.of(stage.value, 'iqm_high')}",
            f"[[{stage}.probability:.2f]]",
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:robust",
        caption=f"Difference of means and of interquartile means (IQM){_in(material.unit())}, change minus baseline.",
        header=("Stage", "$n$", "Mean", "IQM", f"IQM {INTERVAL}", "P(better)"),
        rows=rows,
        note="The interval of the IQM is a percentile bootstrap over paired seeds.",
    )


def costs(material: Material) -> Table:
    """Show what a finished trial of each variant cost."""
    variants = dict.fromkeys(
        trial.variant for trial in material.study.trials if f"cost.trial.{trial.variant}.wall_seconds" in material.facts
    )
    rows = tuple(
        (
            f"`{variant}`",
            *(
                f"[[cost.trial.{variant}.{what}:{form}]]" if f"cost.trial.{variant}.{what}" in material.facts else "–"
                for what, form in (
                    ("n", ".0f"),
                    ("wall_seconds", ".2f"),
                    ("cpu_seconds", ".2f"),
                    ("peak_memory_mib", ".0f"),
                )
            ),
        )
        for variant in variants
    )
    return Table(
        label="tab:costs",
        caption="What a finished trial cost on average, by variant, its scoring left out.",
        header=("Variant", "Trials", "Wall time (s)", "CPU time (s)", "Peak memory (MiB)"),
        rows=rows,
    )


def sensitivity(material: Material) -> Table:
    """Show how far the mean difference moves when one seed is left out."""
    rows = tuple(
        (
            STAGES[stage],
            f"[[{stage}.n:.0f]]",
            material.of(stage.value, "difference"),
            f"{material.of(stage.value, 'leave_one_out.low')} to {material.of(stage.value, 'leave_one_out.high')}",
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:sensitivity",
        caption=(
            f"Mean paired difference{_in(material.unit())} over all seeds, and its range when each seed is left out "
            "once."
        ),
        header=("Stage", "$n$", "All seeds", "One seed left out"),
        rows=rows,
    )


def secondaries(material: Material, name: str) -> tuple[str, ...]:
    """Name the secondary measurements that an arm has."""
    names = (measurement.name for measurement in material.study.template.secondary)
    return tuple(each for each in names if f"{name}.{each}.n" in material.facts)


def cell(material: Material, key: str, value: Value) -> str:
    """Show a setting: a number by its fact, all else as code."""
    return f"`{value}`" if isinstance(value, bool | str) else material.declared(key)


def _arm(material: Material, key: str) -> tuple[str, ...]:
    means = (material.of(key, "variant"), material.of(key, "reference"), material.of(key, "difference"))
    return (*means, material.interval(key), f"[[{key}.n:.0f]]")


def _secondary(material: Material, name: str) -> str:
    unit = material.said(f"secondary.{name}.unit")
    return capital(material.said(f"secondary.{name}")) + (f" ({unit})" if unit else "")


def _in(unit: str) -> str:
    return f" in{unit}" if unit else ""
