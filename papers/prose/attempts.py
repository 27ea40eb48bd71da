"""What was tried and not shown: the campaign's ideas, the failed trials, the missing seeds."""

from __future__ import annotations

from papers.evidence import Comparison, Conclusion
from papers.facts import arm
from papers.paper import Block, Listing, Paragraph, Section
from papers.prose import tables
from papers.prose.idea import MOST_NAMED, parents, past_title
from papers.prose.material import Material, listed
from papers.study import PastStudy
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
        f"{_outcomes(material)} The more ideas are tried, the likelier it is that one looks good by chance. The "
        "corrected $p$ takes this into account, and a reader of this paper alone should too."
    )
    return (Paragraph(text=text), _relation(material), tables.ideas(material))


def _relation(material: Material) -> Paragraph:
    """Say how this idea stands to the earlier ones: beyond its parents or not, or beside the others."""
    first = material.headline()
    found = [past for past in parents(material) if past.difference is not None]
    own = f"This is idea number [[past.{material.study.number}:.0f]]. " if _listed(material) else ""
    told = _besides(material, arm(first), found) if first and found else _without(material)
    return Paragraph(text=own + told, heading="Relation to earlier ideas")


def _listed(material: Material) -> bool:
    return f"past.{material.study.number}" in material.facts


def _besides(material: Material, name: str, found: list[PastStudy]) -> str:
    """Set the headline beside the figures of the parents."""
    said = [f"Its mean difference to the baseline was {material.measured(name)}."]
    said += [f"{_figure(material, past)}; {_apart(material, name, past)}." for past in found]
    each = "The two were" if len(found) == 1 else "All of them were"
    return f"{' '.join(said)} {each} compared with the baseline, not with each other."


def _figure(material: Material, past: PastStudy) -> str:
    key = f"past.{past.number}"
    return (
        f"That of study [[{key}:.0f]], from which it descends, had been "
        f"{material.of(key, 'difference')}{material.unit()} ({material.interval(key)})"
    )


def _apart(material: Material, name: str, past: PastStudy) -> str:
    """Say whether the intervals of the headline and of a parent are apart, and which is on the better side."""
    better = -1 if material.study.template.metric.better == "lower" else 1
    (low, high), (parent_low, parent_high) = (
        sorted(better * material.value(f"{key}.{end}") for end in ("low", "high"))
        for key in (name, f"past.{past.number}")
    )
    if low > parent_high:
        return "the intervals are apart, and the new one is on the better side"
    if high < parent_low:
        return "the intervals are apart, and the new one is on the worse side"
    return "the intervals overlap, so nothing shows that the two differ"


def _without(material: Material) -> str:
    """Name the earlier ideas that were supported, where no figure of a parent can be set beside the headline."""
    if found := parents(material):
        numbers = listed([f"study [[past.{past.number}:.0f]]" for past in found])
        return f"It builds on {numbers}, and there is no pair of figures to set side by side."
    earlier = [past for past in material.study.tried if past.number < material.study.number]
    good = [f"“{past_title(material, past)}”" for past in earlier if past.conclusion is Conclusion.supported]
    if not good:
        return "It builds on none of the earlier ones, of which none was supported."
    some = listed([*good[:MOST_NAMED], "others"] if good[MOST_NAMED:] else good)
    return (
        f"It builds on none of the earlier ones. Of these, {some} {'was' if len(good) == 1 else 'were'} supported; "
        "whether the present change would add to that was not tested."
    )


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
    if len(counts) == 1:
        return f"All of them ended {counts[0].split(']] ', 1)[1]}."
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
    which = "that trial" if material.value("trials.failed") == 1 else "the first of them"
    text = f"[#lst:failure] shows what {which}, one of `{failed[0].variant}`, said when it ended ({ending})."
    caption = f"Last lines of a trial that ended as {ending}."
    listing = Listing(label="lst:failure", caption=caption, code="\n".join(lines), language="text")
    return (Paragraph(text=text), listing)


def _missing(material: Material) -> tuple[Block, ...]:
    gaps = [_gap(found) for found in material.study.comparisons if found.missing]
    if not gaps:
        return ()
    text = f"Not every seed gave a pair. {' '.join(gaps)} The comparisons rest on the seeds that did."
    return (Paragraph(text=text, heading="Missing seeds"),)


def _gap(found: Comparison) -> str:
    stage = tables.STAGES.get(found.stage, "ablation")
    each = [f"seed `{gap.seed}` of `{gap.variant}` ({gap.ending.replace('_', ' ')})" for gap in found.missing]
    return f"The {stage} stage lost {listed(each)}."
