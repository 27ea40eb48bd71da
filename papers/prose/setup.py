"""The experimental set-up: scale, protocol, prediction, statistics, limits, scorer."""

from __future__ import annotations

from papers.evidence import Stage
from papers.paper import Block, Paragraph, Section
from papers.prose import tables
from papers.prose.front import predicted
from papers.prose.material import Material, capital, listed, stop
from sandboxes.job import Level


def setup(material: Material) -> Section:
    """Say how the trials were run, scored and compared."""
    blocks = (*_scale(material), _protocol(material), _prediction(material), _statistics(material), *_scoring(material))
    return Section(title="Experimental set-up", blocks=blocks)


def _scale(material: Material) -> tuple[Block, ...]:
    what = stop(material.said("template.scale"))
    told = (
        f"All trials that count ran at the template's scale `{material.study.scale}`. The template describes it so: "
        f"{what}"
    )
    limits = (
        "Each trial was held to [[limit.wall_seconds]] s of wall time, [[limit.cpu_seconds]] s of CPU time, "
        "[[limit.memory_mib:.0f]] MiB of memory and [[limit.processes:.0f]] processes, the same for both arms, and "
        f"{_place(material)}."
    )
    if not material.scale().settings:
        return (Paragraph(text=f"{told} {limits}", heading="Scale"),)
    text = f"{told} [#tab:settings] lists the settings that it fixes. {limits}"
    return (Paragraph(text=text, heading="Scale"), tables.settings(material))


def _place(material: Material) -> str:
    """Say where the trials ran; a plain process is no sandbox, and a paper may not call it one."""
    if isolated(material):
        return f"ran in a sandbox, {material.said('sandbox')}"
    return "ran as a plain process on the host, without isolation, so that nothing but its code kept it to its task"


def isolated(material: Material) -> bool:
    return all(trial.level is not Level.process for trial in material.study.trials)


def _protocol(material: Material) -> Paragraph:
    planned = (
        "The design is paired: both arms ran with the same seeds, and a seed draws the same task for both. The "
        "template plans [[seeds.pilot:.0f]] seeds for a pilot that ends futile ideas early, [[seeds.full:.0f]] for "
        "the full stage, and [[seeds.confirm:.0f]] for the confirmation."
    )
    return Paragraph(text=f"{planned} {_reached(material)}", heading="Protocol")


def _reached(material: Material) -> str:
    """Say which stages were reached, and that the confirmation's seeds were fresh if they were."""
    stages = material.stages()
    if not stages:
        return "No stage gave a comparison."
    if Stage.confirm not in stages:
        last, reason = tables.STAGES[list(stages)[-1]], capital(stop(material.said("reason")))
        return f"The {last} stage is the last that gave a comparison, so nothing here is a confirmed result. {reason}"
    if not material.fresh():
        return "Some of the confirmation's seeds had been used by an earlier stage, which weakens it as a test."
    return (
        "No seed of the confirmation had been used by an earlier stage, so its result is free of the selection that "
        "the earlier stages made; it is the headline of this paper."
    )


def _prediction(material: Material) -> Paragraph:
    text = (
        f"The prediction on record before the first trial was a {material.metric()} {predicted(material)}. The same "
        "size serves as the margin below which a difference counts as negligible."
    )
    return Paragraph(text=text, heading="Prediction")


def _statistics(material: Material) -> Paragraph:
    compared = material.count("campaign.compared", "idea that has", "ideas that have")
    text = (
        "The effect is the mean over seeds of the difference, change minus baseline. Its [[level:.0f]] % interval "
        "is Student's t interval of the paired differences; the $p$ is that of a two-sided permutation test over "
        f"their signs. The headline $p$ is corrected by Holm's procedure over the {compared} reached a comparison in "
        "the campaign, and tested at [[alpha:.2f]]. A prediction counts as supported only if the interval excludes "
        "zero on the predicted side, the corrected $p$ passes, and the mean reaches the smallest effect of "
        "interest. It counts as refuted if the interval lies on the other side and the corrected $p$ passes. The "
        "effect counts as negligible if the whole interval lies within the smallest effect of interest. All else is "
        "inconclusive. Seeds that gave no pair are counted and named, not replaced."
    )
    return Paragraph(text=text, heading="Statistics")


def _scoring(material: Material) -> tuple[Block, ...]:
    template = material.study.template
    files = listed([f"`{name}`" for name in template.editable])
    job = f"A trial leaves artefacts, and `{template.score}` scores them afterwards as a separate job"
    if not isolated(material):
        text = (
            f"The change edited {files} only. {job}; without isolation, nothing kept a trial from that scorer's files."
        )
    else:
        frozen = "" if template.score in template.editable else " The change could not touch the scorer."
        text = f"Only {files} could be edited by the change. {job} in a fresh sandbox.{frozen}"
    told = material.outside.readme.under("How it is scored", "How the score is verified", "The scorer", "Scoring")
    return (Paragraph(text=text, heading="Scoring"), *told)
