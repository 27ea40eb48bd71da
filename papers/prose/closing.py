"""Limitations and conclusion."""

from __future__ import annotations

from papers.evidence import Conclusion, Stage
from papers.facts import arm
from papers.paper import Block, Paragraph, Section
from papers.prose import tables
from papers.prose.effects import effects, named
from papers.prose.idea import MOST_NAMED, called, parents, past_title
from papers.prose.material import Material, Reading, capital, listed
from papers.prose.verdict import undecided, unfinished
from papers.study import PastStudy

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
        f", and the template's larger {'scale was' if len(larger) == 1 else 'scales were'} not run ({listed(larger)})"
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
            f"Its interval is wider than the effect that the study set out to detect.{_enough(material, reading)}"
        )
    if first.missing:
        said.append("Some seeds gave no pair; if they failed because of what they drew, the rest is a selected sample.")
    if len(material.study.tried) > 1:
        said.append(
            "The correction covers the ideas of this campaign, not those of other campaigns on the same template."
        )
    return (Paragraph(text=" ".join(said), heading="Evidence"),)


def _enough(material: Material, reading: Reading) -> str:
    """Say how many seeds would do, where the spread over few of them does not make that fewer than were used."""
    needed = f"{reading.arm}.seeds_needed"
    if material.value(needed) <= material.value(f"{reading.arm}.n"):
        return ""
    return (
        f" If the spread over seeds stays as it is, about [[{needed}:.0f]] paired seeds would bring half of it down to "
        "that effect."
    )


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
    first = material.headline()
    shown = first is not None and tables.secondaries(material, arm(first))
    others = " and the secondary measurements of [#tab:secondary]" if shown else ""
    text = (
        f"The scorer sees the {material.metric()}{others}. Any other quality of the method was not measured and may "
        "have changed. The baseline is the template's own; no other published method was run beside it."
    )
    return (Paragraph(text=text, heading="Measure"),)


def _answer(material: Material, reading: Reading) -> str:
    """Answer the question in words and in the size that the effect has beside the baseline."""
    idea = called(material)
    return {
        Conclusion.supported: (
            f"The hypothesis behind {idea} survived a test that could have refuted it.{_share(material, reading)}"
        ),
        Conclusion.refuted: (
            f"The hypothesis behind {idea} did not survive its test: the effect is real and opposite."
            f"{_share(material, reading)}"
        ),
        Conclusion.negligible: f"{capital(idea)} makes no difference that matters by the margin set in advance.",
        Conclusion.inconclusive: f"Whether {idea} helps remains open. {_leaning(reading)}",
        Conclusion.failed: f"{capital(idea)} could not be judged, because too few of its trials finished.",
    }[material.study.conclusion]


def _leaning(reading: Reading) -> str:
    """Say what an open result is worth."""
    if reading.settled:
        return f"This is why: {undecided(reading)}."
    side = "on the side of the prediction" if reading.as_predicted else "against the prediction"
    return f"The estimate is {side}, which with this spread over seeds is as much as to say that it is not known."


def _share(material: Material, reading: Reading) -> str:
    """Put the effect beside the baseline's mean."""
    key = f"{reading.arm}.relative"
    if key not in material.facts:
        return ""
    return (
        f" Measured by the baseline's mean, the {material.metric()} changed by {material.shown(key, 1)} % "
        f"({material.of(reading.arm, 'difference')}{material.unit()})."
    )


def _unanswered(material: Material) -> str:
    return (
        f"{capital(called(material))} could not be judged: {unfinished(material)}, and no comparison could be made. "
        "That the change is hard to run is itself a finding, though a small one."
    )


def _next(material: Material) -> str:
    """Say what the result means to whoever would use it, and what to do next."""
    first = material.headline()
    if first is None:
        return "A version that survives its trials would have to come first."
    reading = Reading(material, first)
    return {
        Conclusion.supported: _adopt,
        Conclusion.refuted: _drop,
        Conclusion.negligible: _leave,
        Conclusion.inconclusive: _repeat,
        Conclusion.failed: lambda *_: "A version that survives its trials would have to come first.",
    }[material.study.conclusion](material, reading)


def _adopt(material: Material, reading: Reading) -> str:
    worsened = effects(material, reading.arm).worsened
    cost = (
        f"Whoever adopts the change pays for it in {named(material, worsened)}, and whether that is acceptable "
        "depends on the use."
        if worsened
        else "No other measurement speaks against adopting it at this scale."
    )
    good = [f"“{past_title(material, past)}”" for past in _supported(material)]
    some = listed([*good[:MOST_NAMED], "others"] if good[MOST_NAMED:] else good)
    together = f" A test of it together with {some} would show whether the gains add up." if good else ""
    return (
        f"{cost} The step that would say most is the same test at a larger scale, on tasks that were not drawn by "
        f"this template and beside other published methods.{together}"
    )


def _drop(material: Material, _reading: Reading) -> str:
    changes = material.study.idea.changes
    opposite = (
        f" The first thing to try is `{changes[0].knob}` turned the other way, which this study did not do."
        if len(changes) == 1 and not isinstance(changes[0].after, bool | str)
        else ""
    )
    return (
        "This rules out the change as it stands, and a campaign should not build on it. The measurements do not tell "
        f"why the reason for it failed, so that question comes before any variation of it.{opposite}"
    )


def _leave(material: Material, reading: Reading) -> str:
    if reading.identical:
        knobs = listed([f"`{change.knob}`" for change in material.study.idea.changes]) or "the changed code"
        return (
            f"Since both arms agree on every seed, the method probably never uses {knobs} at these settings. A "
            "further study should first find settings at which it does."
        )
    return (
        f"With [[{reading.arm}.n:.0f]] paired seeds an effect of that size would have been seen. It is a reason to "
        "spend no more trials on this change at this scale, and to leave the baseline as it is. A different scale "
        "would be a new question, with a prediction of its own."
    )


def _repeat(material: Material, reading: Reading) -> str:
    if reading.settled:
        return "A repetition on fresh seeds, as the only idea under test, is what would settle it."
    needed, n = f"{reading.arm}.seeds_needed", f"{reading.arm}.n"
    enough = (
        f"About [[{needed}:.0f]] paired seeds would be needed where [[{n}:.0f]] were used, so a repetition of the "
        "same size would not settle it."
        if material.value(needed) > material.value(n)
        else "More paired seeds on the same tasks are what would settle it."
    )
    return f"{enough} Until then the result should count neither for the change nor against it."


def _supported(material: Material) -> list[PastStudy]:
    """Give the other ideas of the campaign that were supported and that this one does not descend from."""
    kin = {material.study.number, *(past.number for past in parents(material))}
    return [past for past in material.study.tried if past.conclusion is Conclusion.supported and past.number not in kin]
