"""The tables that reviewers ask for, one function each."""

from __future__ import annotations

from papers.evidence import Comparison, Stage
from papers.paper import Table
from papers.prose.material import Material, capital, listed
from papers.prose.tables import (
    INTERVAL,
    STAGES,
    at_stage,
    better,
    ends,
    secondaries,
    secondary_name,
    shared,
    still,
    unit_of,
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
            secondary_name(material, each),
            better(material, each),
            *(shared(material, f"{stage}.{each}", "difference", f"{stages[-1]}.{each}") for stage in stages),
            _clear(material, [stage for stage in stages if material.settled(f"{stage}.{each}")]),
        )
        for each in shown
        if not all(still(material, stage.value, each) for stage in stages)
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


def _clear(material: Material, stages: list[Stage]) -> str:
    if len(stages) == len(material.stages()):
        return "at every stage"
    return ", ".join(STAGES[stage] for stage in stages) or "at none"


def per_seed(material: Material) -> Table:
    """Show every pair, the stages side by side and the last one first."""
    stages = list(reversed(material.stages().items()))
    last, *earlier = [_pairs(material, stage.value, found) for stage, found in stages]
    height = max(len(found.seeds) for _, found in stages)
    columns = [*last, *(column for pairs in earlier for column in pairs[:-1])]
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    heads = [head for stage, _ in stages[1:] for head in (f"{capital(STAGES[stage])}: seed", "Change", "Baseline")]
    first, *others = [f"the {STAGES[stage]} stage" for stage, _ in stages]
    where = f"{first} on the left, then {listed(others)}" if others else first
    return Table(
        label="tab:seeds",
        caption=f"The {material.metric()}{unit_of(material.unit())} of every paired seed: {where}.",
        header=("Seed", "Change", "Baseline", "Difference", *heads),
        rows=tuple(zip(*padded, strict=True)),
        note="The differences of the other stages follow by subtraction." if others else "",
    )


def _pairs(material: Material, name: str, comparison: Comparison) -> list[list[str]]:
    """Give the columns of one stage: seed, change, baseline, difference."""
    seeds = comparison.seeds
    values = [
        [at_stage(material, comparison.stage, f"seed.{seed}.{what}") for seed in seeds]
        for what in ("variant", "reference", "difference")
    ]
    return [[f"[[{name}.seed.{seed}:.0f]]" for seed in seeds], *values]


def robust(material: Material) -> Table:
    """Show the interquartile mean beside the mean, stage by stage."""
    rows = tuple(
        (
            STAGES[stage],
            f"[[{stage}.n:.0f]]",
            at_stage(material, stage, "difference"),
            at_stage(material, stage, "iqm_difference"),
            ends(at_stage(material, stage, "iqm_low"), at_stage(material, stage, "iqm_high")),
            f"[[{stage}.probability:.2f]]",
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:robust",
        caption=(
            f"Difference of means and of interquartile means (IQM){unit_of(material.unit())}, change minus baseline."
        ),
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
            at_stage(material, stage, "difference"),
            ends(at_stage(material, stage, "leave_one_out.low"), at_stage(material, stage, "leave_one_out.high")),
        )
        for stage in material.stages()
    )
    return Table(
        label="tab:sensitivity",
        caption=(
            f"Mean paired difference{unit_of(material.unit())} over all seeds, and its range when each seed is left "
            "out once."
        ),
        header=("Stage", "$n$", "All seeds", "One seed left out"),
        rows=rows,
    )
