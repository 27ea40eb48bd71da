"""What was tried and not shown: the campaign's ideas, the failed trials, the missing seeds."""

from __future__ import annotations

from papers.evidence import Comparison, Conclusion
from papers.paper import Block, Listing, Paragraph, Section
from papers.prose import tables
from papers.prose.material import Material, listed
from templates.trial import TrialEnding

LONGEST_MESSAGE = 12
"""Lines of a failed trial's message that are shown."""


def attempts(material: Material) -> Section:
    """Account for all that stands behind the headline without being in it."""
    blocks = (*_ideas(material), *_trials(material), *_missing(material))
    return Section(title="What was tried and not shown", blocks=blocks)


def _ideas(material: Material) -> tuple[Block, ...]:
    tried = material.study.tried
    if len(tried) <= 1:
        text = (
            "This was the first idea that its campaign tried ([#tab:ideas]), so no other result was set aside for "
            "it, and the correction for several tests changes nothing yet."
        )
        return (Paragraph(text=text), tables.ideas(material))
    text = (
        "The campaign tried [[campaign.ideas:.0f]] ideas so far, and this paper shows one ([#tab:ideas]). "
        f"{_outcomes(material)} A reader who meets only one of these papers should know of the others: the more "
        "ideas are tried, the likelier it is that one looks good by chance, and the corrected $p$ takes this into "
        "account."
    )
    return (Paragraph(text=text), tables.ideas(material))


def _outcomes(material: Material) -> str:
    words = {
        Conclusion.supported: "supported",
        Conclusion.refuted: "refuted",
        Conclusion.negligible: "negligible in effect",
        Conclusion.inconclusive: "inconclusive",
        Conclusion.failed: "not measured",
    }
    counts = [
        f"[[campaign.{conclusion}:.0f]] as {word}"
        for conclusion, word in words.items()
        if material.value(f"campaign.{conclusion}") > 0
    ]
    return f"They ended thus: {listed(counts)}."


def _trials(material: Material) -> tuple[Block, ...]:
    if not material.value("trials.failed"):
        text = (
            f"The study ran {material.count('trials.total', 'trial', 'trials')}, the baseline's and rehearsals "
            "included; every one of them finished and was scored."
        )
        return (Paragraph(text=text, heading="Trials"),)
    text = (
        "Of [[trials.total:.0f]] trials, the baseline's and rehearsals included, [[trials.failed:.0f]] ended "
        "without a measurement ([#tab:endings]). Nothing of them was deleted, and they stay in these counts."
    )
    return (Paragraph(text=text, heading="Trials"), tables.endings(material), *_message(material))


def _message(material: Material) -> tuple[Block, ...]:
    """Show the last lines of the first failure, which may tell why."""
    failed = [trial for trial in material.study.trials if trial.ending is not TrialEnding.finished and trial.message]
    if not failed:
        return ()
    lines = failed[0].message.strip().splitlines()[-LONGEST_MESSAGE:]
    ending = failed[0].ending.replace("_", " ")
    text = (
        f"[#lst:failure] shows what the first of them, a trial of `{failed[0].variant}`, said when it ended ({ending})."
    )
    caption = f"Last lines of a trial that ended as {ending}."
    listing = Listing(label="lst:failure", caption=caption, code="\n".join(lines), language="text")
    return (Paragraph(text=text), listing)


def _missing(material: Material) -> tuple[Block, ...]:
    gaps = [_gap(found) for found in material.study.comparisons if found.missing]
    if not gaps:
        return ()
    text = f"Some seeds were tried and gave no pair. {' '.join(gaps)} The comparisons rest on the seeds that did."
    return (Paragraph(text=text, heading="Missing seeds"),)


def _gap(found: Comparison) -> str:
    stage = tables.STAGES.get(found.stage, "ablation")
    each = [f"seed `{gap.seed}` of `{gap.variant}` ({gap.ending.replace('_', ' ')})" for gap in found.missing]
    return f"In the {stage} stage these were {listed(each)}."
