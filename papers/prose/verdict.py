"""The finding and what it means, for each conclusion that a study can reach."""

from __future__ import annotations

from papers.evidence import Conclusion
from papers.prose.material import Material, Reading


def finding(material: Material) -> str:
    """State the headline: both means, the difference with its interval, p and n."""
    first = material.headline()
    if first is None:
        return f"No paired comparison could be made: {unfinished(material)}."
    name = Reading(material, first).arm
    fresh = "fresh paired" if material.fresh() else "paired"
    return (
        f"Over {material.count(f'{name}.n', f'{fresh} seed', f'{fresh} seeds')}, the mean was "
        f"{material.of(name, 'variant')}{material.unit()} with the change and "
        f"{material.of(name, 'reference')}{material.unit()} without it. The mean paired difference was "
        f"{material.measured(name)}, {corrected(material)}."
    )


def unfinished(material: Material) -> str:
    """Say how many trials gave nothing, where no comparison could be made."""
    total = material.count("trials.total", "trial", "trials")
    if material.value("trials.failed"):
        return f"of {total}, [[trials.failed:.0f]] ended without a measurement"
    return f"the {total} that ran left no two seeds with both arms"


def corrected(material: Material) -> str:
    """State the p of the headline: corrected where the campaign allows it, else as it is."""
    if "headline.p_holm" in material.facts:
        if material.value("campaign.compared") == 1:
            return f"with $p$ = {material.p('headline.p_holm')} for the only idea compared so far"
        tests = material.count("campaign.compared", "idea", "ideas")
        return f"with $p$ = {material.p('headline.p_holm')} after Holm's correction over {tests}"
    first = material.headline()
    return f"with uncorrected $p$ = {material.p(f'{Reading(material, first).arm}.p')}" if first else ""


def meaning(material: Material) -> str:
    """Say what the finding allows to claim, and no more."""
    first = material.headline()
    if first is None:
        return "Nothing can be said about the hypothesis; what is reported is where and how the trials ended."
    reading = Reading(material, first)
    match material.study.conclusion:
        case Conclusion.supported:
            return f"The prediction held: the mean difference is {reading.size()}, and the interval excludes zero."
        case Conclusion.refuted:
            return "The prediction is refuted at this scale: the whole interval lies on the side opposite to it."
        case Conclusion.negligible:
            return _null(reading)
        case Conclusion.inconclusive:
            return f"The evidence is inconclusive: {undecided(reading)}."
        case Conclusion.failed:
            return "Too few trials finished for a claim, and these figures are reported for completeness only."


def ruled(material: Material) -> str:
    """Apply the rule of the study to its headline, condition by condition."""
    first = material.headline()
    if first is None or material.study.conclusion is Conclusion.failed:
        return meaning(material)
    reading = Reading(material, first)
    because = {
        Conclusion.supported: (
            "the prediction counts as supported: the interval excludes zero on the predicted side, the corrected $p$ "
            f"is below [[alpha:.2f]], and the mean difference is {reading.size()}"
        ),
        Conclusion.refuted: (
            "the prediction counts as refuted: the interval excludes zero on the other side, and the corrected $p$ is "
            "below [[alpha:.2f]]"
        ),
        Conclusion.negligible: (
            "the effect counts as negligible: no seed shows any difference at all"
            if reading.identical
            else "the effect counts as negligible: neither end of the interval reaches the smallest effect of interest"
        ),
        Conclusion.inconclusive: f"the result counts as inconclusive: {undecided(reading)}",
    }[material.study.conclusion]
    small = material.study.conclusion is Conclusion.negligible and reading.settled
    side = "on the predicted side" if reading.as_predicted else "on the side opposite to the prediction"
    beside = f" That the interval excludes zero, {side}, does not change this." if small else ""
    return f"By the rule that was set in advance, {because}.{beside}"


def undecided(reading: Reading) -> str:
    """Say why a comparison settles nothing."""
    if not reading.settled and reading.wide:
        return (
            "the interval includes zero and reaches beyond the smallest effect of interest, so neither an effect "
            "that matters nor its absence can be claimed"
        )
    if not reading.settled:
        return "the interval includes zero but also values as large as the smallest effect of interest"
    if not reading.as_predicted:
        return "the estimate lies on the side opposite to the prediction, but it does not pass the corrected test"
    if not reading.significant:
        return "the interval excludes zero, but the test does not pass once it is corrected for the ideas tried"
    return "the effect is on the predicted side, but its mean does not reach the smallest effect of interest"


def _null(reading: Reading) -> str:
    if reading.identical:
        return (
            "Every seed gave the very same value in both arms: a null result, and at these settings the change does "
            "nothing to the metric at all."
        )
    bound = "The whole interval lies within the smallest effect declared of interest, on either side of zero"
    if reading.settled:
        side = "as predicted" if reading.as_predicted else "opposite to the prediction"
        return f"{bound}. There is an effect, {side} in sign, but it is too small to matter by the study's own measure."
    return f"{bound}. This is a well-measured null result: at this scale, an effect that matters is excluded."
