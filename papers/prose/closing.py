"""Limitations and conclusion."""

from __future__ import annotations

from papers.evidence import Conclusion, Stage
from papers.paper import Block, Paragraph, Section
from papers.prose import tables
from papers.prose.material import Material, Reading, listed
from papers.prose.verdict import undecided, unfinished

FEW_SEEDS = 10


def limitations(material: Material) -> Section:
    """Say what this study cannot show, each point drawn from what it did."""
    blind = material.outside.readme.under("What the scorer cannot see", "Limitations", "Limits")
    blocks = (_scope(material), *_evidence(material), *_causes(material), *_measure(material), *blind)
    return Section(title="Limitations", blocks=blocks)


def conclusion(material: Material) -> Section:
    """Answer the question as far as the evidence goes, and say what would come next."""
    first = material.headline()
    answer = _answer(material, Reading(material, first)) if first else _unanswered(material)
    return Section(title="Conclusion", blocks=(Paragraph(text=f"{answer} {_next(material)}"),))


def _scope(material: Material) -> Paragraph:
    larger = [
        f"`{name}`"
        for name in ("gpu", "paper")
        if name in material.study.template.scales and name != material.study.scale
    ]
    scale = f"Everything here was measured at the scale `{material.study.scale}`"
    bigger = (
        f", and the template's larger scales ({listed(larger)}) were not run"
        if larger and material.study.scale in {"smoke", "cpu"}
        else ""
    )
    text = (
        f"{scale}{bigger}. The tasks come from one template and its own generator of seeds; other tasks, data or "
        "code bases may behave differently, and nothing in this study speaks to them."
    )
    return Paragraph(text=text, heading="Scope")


def _evidence(material: Material) -> tuple[Block, ...]:
    first = material.headline()
    if first is None:
        text = "Without a comparison there is no estimate, not even a rough one; the hypothesis is as open as before."
        return (Paragraph(text=text, heading="Evidence"),)
    reading, said = Reading(material, first), []
    n = material.count(f"{reading.arm}.n", "paired seed", "paired seeds")
    if len(first.seeds) < FEW_SEEDS:
        said.append(f"The headline rests on {n}, few enough for the t interval to lean on roughly normal differences.")
    else:
        said.append(
            f"The headline rests on {n}; the t interval assumes that the paired differences are roughly normal."
        )
    if first.stage is not Stage.confirm:
        stage = tables.STAGES[first.stage]
        said.append(f"It comes from the {stage} stage and was not repeated on fresh seeds, so it is not confirmed.")
    if reading.wide:
        said.append(
            "Its interval is wider than the effect that the study set out to detect. If the spread over seeds stays "
            f"as it is, about [[{reading.arm}.seeds_needed:.0f]] paired seeds would bring half of it down to that "
            "effect."
        )
    if first.missing:
        said.append("Some seeds gave no pair; if they failed because of what they drew, the rest is a selected sample.")
    if len(material.study.tried) > 1:
        said.append(
            "The correction covers the ideas of this campaign, not those of other campaigns on the same template."
        )
    return (Paragraph(text=" ".join(said), heading="Evidence"),)


def _causes(material: Material) -> tuple[Block, ...]:
    """Say when several changes were made at once and not taken apart."""
    if len(material.study.idea.changes) < 2 or material.ablations() or material.headline() is None:  # noqa: PLR2004
        return ()
    knobs = listed([f"`{change.knob}`" for change in material.study.idea.changes])
    text = (
        f"The variant turns {knobs} together, and no ablation was run, so the effect belongs to the combination only."
    )
    return (Paragraph(text=text, heading="Causes"),)


def _measure(material: Material) -> tuple[Block, ...]:
    others = [material.said(f"secondary.{each.name}") for each in material.study.template.secondary]
    seen = (
        f"the {material.metric()} and the secondary measurements ({listed(others)})"
        if others
        else f"the {material.metric()}"
    )
    text = (
        f"The scorer sees {seen}. Any other quality of the method was not measured and may have changed. The "
        "baseline is the template's own; no other published method was run beside it."
    )
    return (Paragraph(text=text, heading="Measure"),)


def _answer(material: Material, reading: Reading) -> str:
    name = reading.arm
    seeds = material.count(f"{name}.n", "paired seed", "paired seeds")
    measured = f"The mean paired difference in {material.metric()} was {material.measured(name)} over {seeds}."
    idea = f"“{material.title()}”"
    verdict = {
        Conclusion.supported: f"The hypothesis behind {idea} survived a test that could have refuted it.",
        Conclusion.refuted: f"The hypothesis behind {idea} did not survive its test: the effect is real and opposite.",
        Conclusion.negligible: f"{idea} makes no difference that matters by the margin set in advance.",
        Conclusion.inconclusive: f"Whether {idea} helps remains open: {undecided(reading)}.",
        Conclusion.failed: f"{idea} could not be judged, because too few of its trials finished.",
    }[material.study.conclusion]
    return f"{verdict} {measured}"


def _unanswered(material: Material) -> str:
    return (
        f"“{material.title()}” could not be judged: {unfinished(material)}, and no comparison could be made. That "
        "the change is hard to run is itself a finding, though a small one."
    )


def _next(material: Material) -> str:
    """Say what the result asks for."""
    return {
        Conclusion.supported: (
            "The next steps it asks for are a repetition at a larger scale, on tasks that were not drawn by this "
            "template, and a comparison with other published methods."
        ),
        Conclusion.refuted: (
            "It rules out this change as it stands. The more useful question is now why the argument for it fails, "
            "which the measurements here do not tell."
        ),
        Conclusion.negligible: (
            "It is a reason to spend no more trials on this change at this scale, and to leave the simpler baseline "
            "as it is."
        ),
        Conclusion.inconclusive: (
            "More paired seeds would settle it; until then the result should count neither for the change nor "
            "against it."
        ),
        Conclusion.failed: "A version that survives its trials would have to come first.",
    }[material.study.conclusion]
