"""The results: the headline, the stages, the seeds, the figures, the side effects, the ablations."""

from __future__ import annotations

import math

from papers.evidence import Comparison, Conclusion, Stage
from papers.facts import arm
from papers.paper import Block, Figure, Paragraph, Section
from papers.prose import tables
from papers.prose.effects import side_effects
from papers.prose.material import Material, Reading, capital, listed, stop
from papers.prose.verdict import corrected, ruled, unfinished
from papers.study import FigureFile
from templates.trial import TrialEnding

SHRUNK = 0.8
"""A confirmed effect under this share of the full stage's effect is said to have shrunk."""
COLUMN = 0.6
"""Width of a figure, as a share of the line: what `plot.py` draws is made for a column."""
GROWN = 1.25
SEVERAL = 5
"""Seeds from which on agreement among them says something."""


def results(material: Material) -> Section:
    """Tell what was measured, headline first."""
    first = material.headline()
    if first is None:
        return Section(title="Results", blocks=(*_nothing(material), *_figures(material)))
    blocks = (
        *_headline(material, first),
        *_stages(material),
        _seeds(material, first),
        *_figures(material),
        *side_effects(material, first),
        *_ablations(material),
    )
    return Section(title="Results", blocks=blocks)


def _nothing(material: Material) -> tuple[Block, ...]:
    if not material.value("trials.failed"):
        text = f"There is no comparison to report: {unfinished(material)}, and a comparison needs at least two pairs."
        return (Paragraph(text=text),)
    lost = dict.fromkeys(trial.variant for trial in material.study.trials if trial.ending is not TrialEnding.finished)
    text = (
        f"There is no comparison to report: {unfinished(material)}, and a comparison needs at least two pairs. "
        f"The trials that were lost are of {listed([f'`{variant}`' for variant in lost])}; [#tab:endings] counts all "
        "by variant and ending. A change that does not run is neither better nor worse than the baseline, so nothing "
        "below should be read as evidence against the idea itself."
    )
    return (Paragraph(text=text),)


def _headline(material: Material, first: Comparison) -> tuple[Block, ...]:
    reading = Reading(material, first)
    name, unit = reading.arm, material.unit()
    opening = (
        f"[#tab:headline] gives the {tables.STAGES[first.stage]} result. The {material.metric()} averaged "
        f"{material.of(name, 'variant')}{unit} with the change (standard deviation over seeds "
        f"{material.of(name, 'variant.sd')}) and {material.of(name, 'reference')}{unit} in the baseline "
        f"({material.of(name, 'reference.sd')}). The mean paired difference was "
        f"{material.measured(name)}{_relative(material, name)}, {corrected(material)}.{_floor(material, first)}"
    )
    return (
        Paragraph(text=f"{opening} {ruled(material)}", heading="Headline"),
        tables.headline(material, first),
        *_width(material, reading),
    )


def _floor(material: Material, first: Comparison) -> str:
    """Say when p is as small as sign flips of so few seeds can make it."""
    least = 2 / 2 ** len(first.seeds)
    smallest = math.isclose(material.value(f"{arm(first)}.p"), least)
    return " The uncorrected $p$ is the smallest that sign flips over this many seeds can give." if smallest else ""


def _relative(material: Material, name: str) -> str:
    return (
        f", that is {material.shown(f'{name}.relative', 1)} % of the baseline's mean"
        if f"{name}.relative" in material.facts
        else ""
    )


def _width(material: Material, reading: Reading) -> tuple[Block, ...]:
    """Warn of an interval too wide for the question, where no verdict has said so already."""
    if not reading.wide or material.study.conclusion is Conclusion.inconclusive:
        return ()
    text = (
        "The interval is wide: half of it exceeds the smallest effect of interest. The sign of the effect is better "
        "known than its size, and a repetition may well give a different magnitude."
        if reading.settled
        else "The interval is wide: half of it exceeds the smallest effect of interest, so the size is poorly known."
    )
    return (Paragraph(text=text),)


def _stages(material: Material) -> tuple[Block, ...]:
    found = material.stages()
    if len(found) == 1:
        stage = tables.STAGES[next(iter(found))]
        return (
            Paragraph(text=f"The {stage} stage is the only one that was reached ([#tab:stages])."),
            tables.stages(material),
        )
    text = f"[#tab:stages] sets the stages side by side. {_course(material)}"
    return (Paragraph(text=text, heading="From stage to stage"), tables.stages(material))


def _course(material: Material) -> str:
    """Say how the effect changed from the full stage to the confirmation."""
    stages = material.stages()
    if Stage.full not in stages or Stage.confirm not in stages:
        return "The study did not reach a confirmation, so selection may still flatter the later of these figures."
    full, confirmed = material.value("full.difference"), material.value("confirm.difference")
    values = f"from {material.of('full', 'difference')} to {material.of('confirm', 'difference')}{material.unit()}"
    if not any(material.settled(stage) for stage in ("full", "confirm")):
        return f"The estimate went {values}; both intervals include zero, so no trend should be read into this."
    if full * confirmed < 0:
        return _turned(material, values)
    if abs(confirmed) < SHRUNK * abs(full):
        return f"The estimate came closer to zero on fresh seeds, {values}. {_distrust(material)}"
    if abs(confirmed) > GROWN * abs(full):
        return (
            f"The estimate moved away from zero on fresh seeds, {values}. Selection does not explain this direction; "
            "seed-to-seed variation does, and the intervals should be read with that in mind."
        )
    return (
        f"On fresh seeds the estimate stayed close to that of the full stage ({values}), with no sign of a selection "
        "effect."
    )


def _turned(material: Material, values: str) -> str:
    """Tell a change of sign, which means little where the full stage had not settled it."""
    if not material.settled("full"):
        return f"The estimate went {values}; the full stage's interval includes zero, so its sign was never settled."
    return f"The estimate changed its sign between the full stage and the confirmation, {values}. {_distrust(material)}"


def _distrust(material: Material) -> str:
    """Explain a faded effect: by selection where the variant had looked good, else by chance."""
    better = -1 if material.study.template.metric.better == "lower" else 1
    if better * material.value("full.difference") > 0:
        return (
            "This is what selection leads one to expect: a variant is carried on because it looked good, and part "
            "of that look is luck (regression to the mean, or the winner's curse). The confirmed figure is the one "
            "to quote."
        )
    return (
        "Both figures vary with the seeds drawn; the confirmed one was planned as the headline and is the one to quote."
    )


def _seeds(material: Material, first: Comparison) -> Paragraph:
    name = arm(first)
    wins, losses = (material.value(f"{name}.{what}") for what in ("wins", "losses"))
    n = material.count(f"{name}.n", "seed", "seeds")
    if Reading(material, first).identical:
        told = f"On each of the {n} the two arms measured the same, so there is nothing for a single seed to carry."
        return Paragraph(text=told, heading="Seed by seed")
    carried = ", so no single seed carries the result" if len(first.seeds) >= SEVERAL else ""
    if len(first.seeds) in {wins, losses}:
        which = "better" if wins else "worse"
        told = f"The change was {which} than the baseline on every one of the {n}{carried}."
    else:
        told = (
            f"The pattern over seeds is mixed: of {n}, the change won on [[{name}.wins:.0f]] and lost on "
            f"[[{name}.losses:.0f]]{_tied(material, name)}."
        )
    return Paragraph(text=f"{told} {_leaving_out(material, name)}", heading="Seed by seed")


def _tied(material: Material, name: str) -> str:
    return f"; on [[{name}.ties:.0f]] the arms were equal" if material.value(f"{name}.ties") else ""


def _leaving_out(material: Material, name: str) -> str:
    low, high = (material.value(f"{name}.leave_one_out.{end}") for end in ("low", "high"))
    ends = f"{material.of(name, 'leave_one_out.low')} and {material.of(name, 'leave_one_out.high')}{material.unit()}"
    if low * high <= 0:
        return (
            f"Leaving out one seed at a time moves the mean difference between {ends}, across zero: one seed can "
            "turn it."
        )
    return f"Leaving out one seed at a time keeps the mean difference between {ends}, on the same side of zero."


def _figures(material: Material) -> tuple[Block, ...]:
    figures = material.study.figures
    if not figures:
        return ()
    told = f"[#fig:{figures[0].name}] shows the result as a picture; the plotted values are in `{figures[0].name}.csv`."
    others = [f"[#fig:{figure.name}] (`{figure.name}.csv`)" for figure in figures[1:]]
    more = f" Another view of these trials is given by {listed(others)}." if others else ""
    return (Paragraph(text=told + more), *(_figure(material, figure) for figure in figures))


def _figure(material: Material, figure: FigureFile) -> Figure:
    caption = stop(material.said(f"figure.{figure.name}"))
    return Figure(label=f"fig:{figure.name}", caption=caption, file=figure.name, width=COLUMN)


def _ablations(material: Material) -> tuple[Block, ...]:
    found = material.ablations()
    if not found:
        return ()
    told = [_turned_back(material, each) for each in found]
    text = (
        f"Each ablation turns back one change and leaves the others ([#tab:ablations]). {' '.join(told)} "
        f"{_carrier(material)}"
    )
    return (Paragraph(text=text, heading="Ablations"), tables.ablations(material))


def _turned_back(material: Material, found: Comparison) -> str:
    name = arm(found)
    knob = material.study.ablated.get(found.variant, found.variant)
    against = "the baseline" if found.reference == "baseline" else "the whole change"
    return f"Without `{knob}`, the {material.metric()} differed from that of {against} by {material.measured(name)}."


def _carrier(material: Material) -> str:
    """Say which change carries the effect, where the intervals tell."""
    better = -1 if material.study.template.metric.better == "lower" else 1
    whole = [found for found in material.ablations() if found.reference != "baseline"]
    harmed = [found for found in whole if (found.high < 0 if better > 0 else found.low > 0)]
    knobs = [f"`{material.study.ablated.get(found.variant, found.variant)}`" for found in harmed]
    if len(knobs) == 1:
        return (
            f"Only {knobs[0]} is needed by this measure: without it the result is worse, and its interval excludes "
            "zero."
        )
    if knobs:
        return f"Several changes are needed by this measure: without any one of {listed(knobs)} the result is worse."
    return capital("no single change can be named as the one that carries the effect; the intervals leave that open.")
