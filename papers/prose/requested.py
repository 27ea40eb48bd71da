"""What reviewers may ask a paper for: each mend adds a table and says what it shows."""

from __future__ import annotations

from collections.abc import Callable

from papers.evidence import Stage
from papers.facts import arm
from papers.paper import Block, Paragraph
from papers.prose import appended
from papers.prose.effects import effects, named
from papers.prose.material import Material
from templates.trial import BASELINE


def requested(material: Material, requests: frozenset[str]) -> tuple[Block, ...]:
    """Answer each known request in a fixed order; without a comparison there is only one thing to say."""
    if material.headline() is None and requests & ANSWERS.keys():
        text = (
            "Reviewers asked for further analyses. Without a paired comparison there is nothing that they could "
            "analyse."
        )
        return (Paragraph(text=text),)
    return tuple(block for name, answer in ANSWERS.items() if name in requests for block in answer(material))


def per_seed(material: Material) -> tuple[Block, ...]:
    """Show the values of every paired seed."""
    text = "The means and intervals of the main text are computed from the values in [#tab:seeds], and from no others."
    return (Paragraph(text=text, heading="Values by seed"), appended.per_seed(material))


def robust_statistics(material: Material) -> tuple[Block, ...]:
    """Set the interquartile mean beside the mean."""
    name = _headline(material)
    mean, iqm, low, high = (
        material.value(f"{name}.{key}") for key in ("difference", "iqm_difference", "iqm_low", "iqm_high")
    )
    agree = (
        "The two estimates agree in sign, so a few extreme seeds do not decide it."
        if mean * iqm > 0 or mean == iqm
        else "The two estimates do not agree in sign, so a few extreme seeds decide, and the mean should be distrusted."
    )
    zero = "excludes" if low > 0 or high < 0 else "includes"
    text = (
        "[#tab:robust] sets the interquartile mean, which drops the quarter of the values at either end, beside the "
        "mean. In the headline comparison the IQM difference was "
        f"{material.of(name, 'iqm_difference')}{material.unit()}, and its bootstrap interval {zero} zero. {agree} "
        f"The probability of improvement was [[{name}.probability:.2f]]."
    )
    return (Paragraph(text=text, heading="Robust statistics"), appended.robust(material))


def compute_cost(material: Material) -> tuple[Block, ...]:
    """Compare what trials of the two arms cost."""
    said = "[#tab:costs] gives the mean cost of a finished trial at the study's scale."
    variant = material.stages()[Stage(_headline(material))].variant
    ours, theirs = (f"cost.trial.{name}.cpu_seconds" for name in (variant, BASELINE))
    if ours in material.facts and theirs in material.facts:
        said += (
            f" A trial of the change took [[{ours}:.2f]] s of CPU time, one of the baseline [[{theirs}:.2f]] s. "
            f"{_dearer(material.value(ours), material.value(theirs))}"
        )
    return (Paragraph(text=said, heading="Compute cost"), appended.costs(material))


def _dearer(ours: float, theirs: float) -> str:
    if ours > 1.1 * theirs:
        return "The change has a price in computation, which the headline metric does not show."
    if ours < 0.9 * theirs:
        return "The change also saves computation."
    return "In computation the two are about equal."


def secondary_measurements(material: Material) -> tuple[Block, ...]:
    """Show all secondary measurements at all stages."""
    table = appended.secondary_stages(material)
    if not table.rows:
        text = "The trials gave no secondary measurement that could be compared."
        return (Paragraph(text=text, heading="Secondary measurements"),)
    text = f"[#tab:secondary-stages] follows the secondary measurements through the stages. {_steady(material)}"
    return (Paragraph(text=text, heading="Secondary measurements"), table)


def _steady(material: Material) -> str:
    """Say whether what moved in the headline moved the same way at every other stage."""
    name = _headline(material)
    moved = effects(material, name).moved
    if not moved:
        return "In the headline comparison no interval excludes zero."
    if len(material.stages()) == 1:
        return "There is one stage only, so nothing of it was seen twice."
    turned = tuple(
        each
        for each in moved
        if any(
            material.value(f"{stage}.{each}.difference") * material.value(f"{name}.{each}.difference") <= 0
            for stage in material.stages()
            if f"{stage}.{each}.n" in material.facts
        )
    )
    if turned:
        return (
            f"Of what moved in the headline comparison, {named(material, turned)} did not keep its sign at every "
            "stage, and should not be relied on."
        )
    return (
        "Whatever moved in the headline comparison has the same sign at every stage, although the few seeds of the "
        "early ones give wide intervals."
    )


def sensitivity(material: Material) -> tuple[Block, ...]:
    """Leave out each seed once."""
    name = _headline(material)
    low, high = (material.value(f"{name}.leave_one_out.{end}") for end in ("low", "high"))
    told = (
        "No single seed decides its sign."
        if low * high > 0
        else "The range includes zero, so a single seed decides its sign."
    )
    text = (
        "[#tab:sensitivity] repeats the estimate with each seed left out once. In the headline comparison it then "
        f"ranges from {material.of(name, 'leave_one_out.low')} to "
        f"{material.of(name, 'leave_one_out.high')}{material.unit()}. {told}"
    )
    return (Paragraph(text=text, heading="Sensitivity to single seeds"), appended.sensitivity(material))


def _headline(material: Material) -> str:
    """Name the arm of the headline, which a study without one is not asked for."""
    return [arm(found) for found in material.stages().values()][-1]


ANSWERS: dict[str, Callable[[Material], tuple[Block, ...]]] = {
    "per-seed-values": per_seed,
    "robust-statistics": robust_statistics,
    "secondary-measurements": secondary_measurements,
    "sensitivity": sensitivity,
    "compute-cost": compute_cost,
}
