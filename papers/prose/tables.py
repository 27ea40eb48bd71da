"""The tables of a paper, one function each; a cell that shows a result is a mark."""

from __future__ import annotations

from papers.evidence import Comparison, Conclusion, Stage
from papers.facts import arm
from papers.paper import Table
from papers.prose.idea import past_title
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
        (f"{INTERVAL} of the difference", f"{interval(material, name)}{unit}"),
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
    """Show each stage that compared the change with the baseline, all in the precision of the last one."""
    rows = tuple(
        (
            STAGES[stage],
            f"[[{stage}.n:.0f]]",
            at_stage(material, stage, "variant"),
            at_stage(material, stage, "reference"),
            at_stage(material, stage, "difference"),
            ends(at_stage(material, stage, "low"), at_stage(material, stage, "high")),
            material.p(f"{stage}.p"),
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:stages",
        caption=(
            f"The {material.metric()}{unit_of(material.unit())} at each stage of the study; $n$ counts paired seeds."
        ),
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
    same = [each for each in shown if still(material, name, each)]
    return Table(
        label="tab:secondary",
        caption=(
            "Secondary measurements on the same paired trials as the headline comparison, not corrected for number."
        ),
        header=("Measurement", "Better", "Change", "Baseline", "Difference", INTERVAL, "$n$"),
        rows=tuple(
            (secondary_name(material, each), better(material, each), *_arm(material, f"{name}.{each}"))
            for each in shown
            if each not in same or len(same) == len(shown)
        ),
        note=_same(material, same) if len(same) < len(shown) else "",
    )


def still(material: Material, name: str, each: str) -> bool:
    """Tell whether a measurement is a property of the task: neither good nor bad, and the same in both arms."""
    key = f"{name}.{each}"
    same = all(material.value(f"{key}.{end}") == 0 for end in ("difference", "low", "high"))
    return same and material.secondary(each).better is None


def _same(material: Material, same: list[str]) -> str:
    names = listed([f"the {material.said(f'secondary.{each}')}" for each in same])
    return f"Left out, because each seed gave it the same value in both arms: {names}." if same else ""


def better(material: Material, each: str) -> str:
    """Show which direction of a secondary measurement is better."""
    return material.secondary(each).better or "–"


def ablations(material: Material) -> Table:
    """Show what turning back each change does."""
    rows = tuple(
        (
            f"`{material.study.ablated.get(found.variant, found.variant)}`",
            f"[[{arm(found)}.n:.0f]]",
            material.of(arm(found), "variant"),
            material.of(arm(found), "reference"),
            material.of(arm(found), "difference"),
            interval(material, arm(found)),
            material.p(f"{arm(found)}.p"),
        )
        for found in material.ablations()
    )
    against = {found.reference == "baseline" for found in material.ablations()}
    reference = "Baseline" if against == {True} else "Whole change"
    return Table(
        label="tab:ablations",
        caption=f"Ablations on the {material.metric()}{unit_of(material.unit())}: one change turned back at a time.",
        header=("Turned back", "$n$", "Without it", reference, "Difference", INTERVAL, "$p$"),
        rows=rows,
    )


def ideas(material: Material) -> Table:
    """Show every idea of the campaign with its outcome."""
    rows = []
    for past in material.study.tried:
        key = f"past.{past.number}"
        measured = all(f"{key}.{name}" in material.facts for name in ("difference", "low", "high"))
        difference, bounds = (material.of(key, "difference"), interval(material, key)) if measured else ("–", "–")
        p = material.p(f"{key}.p_holm") if f"{key}.p_holm" in material.facts else "–"
        this = " (this paper)" if past.number == material.study.number else ""
        row = (
            f"[[{key}:.0f]]",
            f"{past_title(material, past)}{this}",
            difference,
            bounds,
            p,
            OUTCOMES[past.conclusion],
        )
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
    trials = material.study.trials
    seen = [ending for ending in TrialEnding if any(trial.ending is ending for trial in trials)]
    variants = dict.fromkeys(trial.variant for trial in trials)
    counts = [
        (f"`{variant}`", *(_count(material, f"trials.of.{variant}.{what}") for what in (*seen, "total")))
        for variant in variants
    ]
    return Table(
        label="tab:endings",
        caption="All trials of the study by variant and by how they ended, the baseline's and rehearsals included.",
        header=("Variant", *(capital(ending.replace("_", " ")) for ending in seen), "In all"),
        rows=(*counts, ("all", *(f"[[trials.{what}:.0f]]" for what in (*seen, "total")))),
    )


def _count(material: Material, key: str) -> str:
    return f"[[{key}:.0f]]" if key in material.facts else "–"


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


def at_stage(material: Material, stage: Stage, what: str) -> str:
    """Show a number of a stage in the precision of the last stage, so that stages line up."""
    return shared(material, stage.value, what, list(material.stages())[-1].value)


def shared(material: Material, name: str, what: str, like: str) -> str:
    """Show a number of one arm in the precision of another."""
    return material.shown(f"{name}.{what}", material.decimals(like))


def interval(material: Material, name: str) -> str:
    """Show the interval of an arm."""
    return ends(material.of(name, "low"), material.of(name, "high"))


def ends(low: str, high: str) -> str:
    """Show the ends of an interval."""
    return f"[{low}, {high}]"


def secondaries(material: Material, name: str) -> tuple[str, ...]:
    """Name the secondary measurements that an arm has."""
    names = (measurement.name for measurement in material.study.template.secondary)
    return tuple(each for each in names if f"{name}.{each}.n" in material.facts)


def cell(material: Material, key: str, value: Value) -> str:
    """Show a setting: a number by its fact, all else as code."""
    return f"`{value}`" if isinstance(value, bool | str) else material.declared(key)


def _arm(material: Material, key: str) -> tuple[str, ...]:
    means = (material.of(key, "variant"), material.of(key, "reference"), material.of(key, "difference"))
    return (*means, interval(material, key), f"[[{key}.n:.0f]]")


def secondary_name(material: Material, name: str) -> str:
    """Name a secondary measurement with its unit."""
    unit = material.said(f"secondary.{name}.unit")
    return capital(material.said(f"secondary.{name}")) + (f" ({unit})" if unit else "")


def unit_of(unit: str) -> str:
    """Give the unit as a caption has it."""
    return f" in{unit}" if unit else ""
